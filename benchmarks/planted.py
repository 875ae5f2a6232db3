"""People of some thousands of companies, of whom it is known who is who: in every ten leads, one is somebody once more,
and one only seems to be.
"""

from collections.abc import Iterator

from alignment.demo.names import COMPANY_TAILS, FIRST, LAST
from leads.drafts import Draft

COLLEAGUES = 20
"""So many leads are of one company."""
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va")
AGAIN = (
    "with a tag", "family name first", "by initials", "with a slip", "from a private mailbox", "of a branch",
)  # fmt: skip
SEEMS = ("a twin", "a namesake elsewhere", "a colleague", "behind the switchboard", "Paul and Paula")
COPY, SEEMING = 9, 8
"""The last digits of who comes again and of who seems to, in each case like the one with the last digit 0 or 1."""


def person(number: int) -> Draft:
    """The lead with this number."""
    if number % 10 == COPY:
        return again(number)
    return seems(number) if number % 10 == SEEMING else somebody(number)


def original(number: int) -> int:
    """Who the one with this number is, or seems to be."""
    return number - number % 10 + (number % 10 == SEEMING)


def is_one_person(one: int, other: int) -> bool:
    """Are the leads with these numbers the same person?"""
    return one != other and _self(one) == _self(other)


def _self(number: int) -> int:
    return original(number) if number % 10 == COPY else number


def copies(count: int) -> Iterator[tuple[str, list[int]]]:
    """The numbers of those who come again among so many leads, by the way in which they do."""
    for place, kind in enumerate(AGAIN):
        yield kind, [number for number in range(COPY, count, 10) if number // 10 % len(AGAIN) == place]


def seeming(one: int, other: int) -> str:
    """As what two people are alike."""
    for number in (one, other):
        if number % 10 == SEEMING and original(number) in (one, other):
            return SEEMS[number // 10 % len(SEEMS)]
    return "others"


def somebody(number: int) -> Draft:
    first, last, firm = _names(number)
    return _draft(number, f"{first} {last}", f"{first}.{last}@{_domain(firm)}", f"+49 30 {number:07}", firm)


def again(number: int) -> Draft:
    """The original of `number` once more."""
    who = original(number)
    first, last, firm = _names(who)
    match number // 10 % len(AGAIN):
        case 0:
            known = somebody(who)
            local, _, domain = known.email.partition("@")
            return Draft(name=known.name, email=f"{local}+{number}@{domain}", company_name=firm)
        case 1:
            return _draft(number, f"{last}, {first}", f"fair@{_domain(firm)}", f"030/{who:07}", firm)
        case 2:
            return _draft(number, f"{first[0]}. {last}", f"{first[0]}{last}@{_domain(firm)}", "", firm)
        case 3:
            slip = last[0] + last[2] + last[1] + last[3:] if last[1] != last[2] else f"{last}{last[-1]}"
            return _draft(number, f"{first} {slip}", f"{first}@{_domain(firm)}", "", firm)
        case 4:
            return _draft(number, f"{first} {last}", f"{first}{last}@gmail.com", "", f"{firm} GmbH")
        case _:
            return _draft(number, f"Dr. {first} {last}", f"{first}{last}@web.de", "", f"{firm} Deutschland")


def seems(number: int) -> Draft:
    """Somebody else, like the original of `number`."""
    who = original(number)
    first, last, firm = _names(who)
    elsewhere = firm_of(number // COLLEAGUES + 7)
    other = FIRST[(FIRST.index(first) + 11) % len(FIRST)]
    phone = f"030 {who:07}"
    match number // 10 % len(SEEMS):
        case 0:
            return _draft(number, f"{other} {last}", f"{other}.{last}@{_domain(firm)}", phone, firm)
        case 1:
            return _draft(number, f"{first} {last}", f"{first}.{last}@{_domain(elsewhere)}", "", elsewhere)
        case 2:
            return _draft(number, first, f"{first}@{_domain(firm)}", "", firm)
        case 3:
            return _draft(number, "Reception Desk", f"office@{_domain(firm)}", phone, firm)
        case _:
            return _draft(number, f"{first}ina {last}", f"{first}ina.{last}@{_domain(firm)}", "", firm)


def _names(number: int) -> tuple[str, str, str]:
    """First and last name, and company; no two of a company have one name."""
    firm = number // COLLEAGUES
    place = (firm * 41 + number % COLLEAGUES * 37) % (len(FIRST) * len(LAST))
    return FIRST[place % len(FIRST)], LAST[place // len(FIRST)], firm_of(firm)


def _draft(number: int, name: str, email: str, phone: str, firm: str) -> Draft:
    # The number goes first, so that the benchmark knows the lead again whatever was made of it.
    return Draft(name=name, email=f"n{number}.{email}".lower(), phone=phone, company_name=firm)


def number_of(email_key: str) -> int:
    """The number of the lead that came with this address."""
    local = email_key.partition("@")[0]
    tag = local.partition("+")[2]
    return int(tag or local.partition(".")[0][1:])


def _domain(firm: str) -> str:
    return f"{firm.replace(' ', '').lower()}.example"


def firm_of(number: int) -> str:
    """A name of its own for each of some thousands of companies: “Tivaro Labs”."""
    syllables = [SYLLABLES[number // len(SYLLABLES) ** place % len(SYLLABLES)] for place in range(4)]
    return f"{''.join(syllables).capitalize()} {COMPANY_TAILS[number % len(COMPANY_TAILS)]}"
