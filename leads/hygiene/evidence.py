"""Are these two leads one person? Pure: from what is the same and alike to a score, a verdict, and why.

As somebody would decide who looks after data every day: a name and something else must agree. A common name alone, the
same company alone, or a switchboard's number alone are no evidence.
"""

from dataclasses import dataclass

from alignment.lib.person_names import INITIALS, SAME, SHARED, SHORTENED

LIKELY = 30
"""Points from which a pair is worth a look, of the 100 of leads that have everything in common."""

COMPANIES_ALIKE = 0.6
"""Share of trigrams from which two names of companies say something."""

MAILBOX, PHONE, ACCOUNT = 35, 20, 20
NAME, NAME_ALIKE, NAME_BY_INITIALS = 25, 20, 10
COMPANY, COMPANY_ALIKE = 10, 5


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that two leads have in common, and its points."""

    text: str
    points: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What two leads have in common. `names_alike` (as `person_names` says it) and `companies_alike` (as
    `company_names` does) go from 0 to 1, None where one of the two has none.
    """

    same_mailbox: bool = False
    same_phone: bool = False
    same_account: bool = False
    names_alike: float | None = None
    companies_alike: float | None = None

    @property
    def is_exact(self) -> bool:
        """A key is the same, and nothing speaks against it: such pairs are merged in bulk."""
        names = self.names_alike
        if self.same_mailbox:
            return names is None or names >= INITIALS
        return self.same_phone and names == SAME

    @property
    def is_likely(self) -> bool:
        """Worth a look, exact ones included: enough points, and names that may be one person's. With a mailbox in
        common one part of the name is enough (who marries keeps the mailbox), or none to compare.
        """
        names = self.names_alike
        fits = names is None or names >= SHARED if self.same_mailbox else names is not None and names >= INITIALS
        return fits and self.score >= LIKELY

    @property
    def score(self) -> int:
        """The points of all parts: 100 where everything is the same."""
        return sum(part.points for part in self.parts)

    @property
    def parts(self) -> list[Part]:
        """What speaks for it."""
        found = [
            Part("same mailbox", MAILBOX) if self.same_mailbox else None,
            Part("same phone number", PHONE) if self.same_phone else None,
            _name(self.names_alike),
            Part("same account", ACCOUNT) if self.same_account else _company(self.companies_alike),
        ]
        return [part for part in found if part]

    @property
    def sentence(self) -> str:
        """“Same phone number, same name, same account”"""
        text = ", ".join(part.text for part in self.parts)
        return f"{text[:1].upper()}{text[1:]}"


def _name(alike: float | None) -> Part | None:
    if alike is None or alike < INITIALS:
        return None
    if alike == SAME:
        return Part("same name", NAME)
    if alike == INITIALS:
        return Part("name by its initials", NAME_BY_INITIALS)
    return Part("name in its short form" if alike == SHORTENED else "name spelt otherwise", NAME_ALIKE)


def _company(alike: float | None) -> Part | None:
    if alike is None or alike < COMPANIES_ALIKE:
        return None
    return Part("same company name", COMPANY) if alike == 1 else Part(f"company {alike:.0%} alike", COMPANY_ALIKE)
