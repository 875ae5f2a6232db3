"""Finding leads, accounts, deals and campaigns by what somebody types: exact, then what contains it, then near misses.

Every question is one statement, whatever the number of rows. It reads trigram indexes. A near miss costs several times
as much, and is looked for only where nothing contains the words: of several words one may be
mistyped, or all of them a little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from alignment.lib.emails import email_key_or_blank

MOST_WORDS = 8
# More matches than these are not ranked: a word that fits so many is not yet a question.
CANDIDATES, NEAR_CANDIDATES = 300, 1000
# So alike (0 to 1) is a typo, less is another word: in a short word one wrong letter changes much of it.
ALIKE, ALIKE_SHORT, SHORT = 0.4, 0.5, 6
# Where the other words are there, one of several may be spelled worse.
ALIKE_OF_SEVERAL = 0.19
# Where several are mistyped, all of them together must be so alike: more than one frequent word makes it.
ALIKE_AS_A_WHOLE = 0.5
NEAR_FROM = 4
SHORTEST = 3
LARGEST_ID = 2**63 - 1

# The setting is local to the statement's transaction; both travel in one message.
_THRESHOLD = (
    "SET LOCAL pg_trgm.word_similarity_threshold = %(alike)s;"
    "SET LOCAL pg_trgm.strict_word_similarity_threshold = %(alike_as_a_whole)s;"
)
_LEADS = (
    _THRESHOLD
    + """
WITH contained AS MATERIALIZED (
    SELECT lead_id, text FROM leads_leadsearch WHERE {contains} LIMIT %(most)s
), near AS (
    SELECT lead_id, text FROM leads_leadsearch
    WHERE NOT EXISTS (SELECT FROM contained) AND ({nearly})
    LIMIT %(most_near)s
), alike AS (
    SELECT lead_id, text FROM leads_leadsearch
    WHERE %(is_several)s AND NOT EXISTS (SELECT FROM contained) AND NOT EXISTS (SELECT FROM near)
        AND upper(text) %%>> %(words)s
    LIMIT %(most_near)s
)
SELECT id, max(rank) FROM (
    SELECT coalesce(merged_into_id, id) AS id, 3 AS rank FROM leads_lead WHERE id = %(id)s
    UNION ALL
    SELECT id, 3 FROM leads_lead WHERE email_key = %(email)s AND NOT email_key = '' AND merged_into_id IS NULL
    UNION ALL
    SELECT merged_into_id, 3 FROM leads_lead WHERE email_key = %(email)s AND merged_into_id IS NOT NULL
    UNION ALL
    SELECT lead_id, 1 + word_similarity(%(words)s, upper(text)) FROM contained
    UNION ALL
    SELECT lead_id, word_similarity(%(words)s, upper(text)) FROM near
    UNION ALL
    SELECT lead_id, word_similarity(%(words)s, upper(text)) FROM alike
) found GROUP BY id ORDER BY max(rank) DESC, id DESC LIMIT %(limit)s
"""
)
_NAMED = (
    _THRESHOLD
    + """
WITH contained AS MATERIALIZED (
    SELECT id, name, domain FROM leads_account WHERE ({contains_name}) OR upper(domain) LIKE %(domain)s LIMIT %(most)s
), near AS (
    SELECT id, name, domain FROM leads_account
    WHERE NOT EXISTS (SELECT FROM contained) AND %(is_long)s AND upper(name) %%> %(words)s
    LIMIT %(most_near)s
)
(
    SELECT 'account', id::text, name, domain, max(rank) AS rank FROM (
        SELECT id, name, domain,
            CASE WHEN upper(domain) = %(whole_domain)s THEN 3 ELSE 1 + word_similarity(%(words)s, upper(name)) END rank
        FROM contained
        UNION ALL
        SELECT id, name, domain, word_similarity(%(words)s, upper(name)) FROM near
    ) account GROUP BY id, name, domain ORDER BY rank DESC, id DESC LIMIT %(limit)s
)
UNION ALL
(
    SELECT 'campaign', key, name, '',
        CASE WHEN {contains_name} THEN 1 ELSE 0 END + word_similarity(%(words)s, upper(name)) AS rank
    FROM leads_campaign WHERE ({contains_name}) OR (%(is_long)s AND upper(name) %%> %(words)s)
    ORDER BY rank DESC, id LIMIT %(limit)s
)
"""
)


_DEALS = """
    SELECT deal.id, deal.name, coalesce(account.name, ''), deal.state
    FROM leads_opportunity deal LEFT JOIN leads_account account ON account.id = deal.account_id
    WHERE deal.withdrawn_at IS NULL AND {contains}
    ORDER BY deal.state <> 'open', word_similarity(%(words)s, upper(deal.name)) DESC, deal.id DESC
    LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class FoundLead:
    """The key of a lead. `is_near`: it does not contain the words, but something like them."""

    pk: int
    is_near: bool


@dataclass(frozen=True, slots=True)
class Named:
    """An account (`key` is its id, `domain` its own or blank) or a campaign (`key` as addresses say it)."""

    kind: str
    key: str
    name: str
    domain: str
    is_near: bool


@dataclass(frozen=True, slots=True)
class FoundDeal:
    """A deal, what its account is called (blank without one), and whether it is open, won or lost."""

    pk: int
    name: str
    account: str
    state: str


def is_enough(words: str) -> bool:
    """Whether these characters can be looked for; two letters of an alphabet fit almost everybody."""
    return len(words) >= SHORTEST or (bool(words) and not words.isascii())


def find_leads(words: str, *, limit: int) -> list[FoundLead]:
    """Leads, the best first: the number or the e-mail address itself, then name, e-mail or company.

    A lead that was merged is found as the one that it went into. Of fewer than three letters only numbers are found.
    """
    text = _plain(words)
    number = text.lstrip("#")
    is_number = number.isdecimal() and int(number) <= LARGEST_ID
    if not is_number and not is_enough(text):
        return []
    contains = _contains("text", text) if is_enough(text) else "false"
    # Of what is null the planner knows that nobody has it; for a blank address it would read all leads.
    exact = {"id": int(number) if is_number else None, "email": email_key_or_blank(text) or None}
    params = _params(text, limit) | _mistyped(text) | exact
    with connection.cursor() as cursor:
        cursor.execute(_LEADS.format(contains=contains, nearly=_nearly("text", text)), params)
        return [FoundLead(pk, is_near=rank < 1) for pk, rank in cursor.fetchall()]


def find_named(words: str, *, limit: int) -> Sequence[Named]:
    """Accounts by name or domain and campaigns by name, at most `limit` of each, the best first."""
    text = _plain(words)
    if not is_enough(text):
        return []
    # An address or a web page names the domain of a company.
    domain = text.rpartition("@")[2].removeprefix("https://").removeprefix("http://").removeprefix("www.").strip("/")
    params = _params(text, limit) | {"domain": f"{_escaped(domain.upper())}%", "whole_domain": domain.upper()}
    with connection.cursor() as cursor:
        cursor.execute(_NAMED.format(contains_name=_contains("name", text)), params)
        return [Named(kind, key, name, of, is_near=rank < 1) for kind, key, name, of, rank in cursor.fetchall()]


def find_deals(words: str, *, limit: int) -> list[FoundDeal]:
    """Deals whose name contains the words, open ones first."""
    text = _plain(words)
    if not is_enough(text):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_DEALS.format(contains=_contains("deal.name", text)), _params(text, limit))
        return [FoundDeal(*row) for row in cursor.fetchall()]


def _contains(column: str, text: str) -> str:
    """The condition that every word is in the column; `_params` has the words."""
    return " AND ".join(f"upper({column}) LIKE %(word{n})s" for n, _ in enumerate(text.split()[:MOST_WORDS]))


def _nearly(column: str, text: str) -> str:
    """The condition that all words but one are in the column, and something like that one.

    One index scan answers each part: the words that are there keep the rows few which are compared. A frequent word
    beside a mistyped one would else be most of the likeness of everybody who has it.
    """
    words = text.split()[:MOST_WORDS]
    likes = [f"upper({column}) LIKE %(word{n})s" for n, _ in enumerate(words)]
    parts = [
        " AND ".join([*likes[:n], *likes[n + 1 :], f"upper({column}) %%> %(mistyped{n})s"])
        for n, word in enumerate(words)
        if _may_be_mistyped(word, text)
    ]
    return " OR ".join(f"({part})" for part in parts) or "false"


def _may_be_mistyped(word: str, text: str) -> bool:
    # An address is copied rather than typed, and its domain is like that of every colleague.
    return len(word) >= NEAR_FROM and "@" not in text


def _mistyped(text: str) -> dict[str, Any]:
    """What `_nearly` compares with, and how alike it must be."""
    words = text.upper().split()[:MOST_WORDS]
    least = {"alike": ALIKE_OF_SEVERAL} if len(words) > 1 else {}
    return {**{f"mistyped{n}": word for n, word in enumerate(words)}, **least}


def _params(text: str, limit: int) -> dict[str, Any]:
    upper = text.upper()
    letters = len(text.replace(" ", ""))
    return {
        **{f"word{n}": f"%{_escaped(word)}%" for n, word in enumerate(upper.split()[:MOST_WORDS])},
        "words": upper,
        "most": CANDIDATES,
        "most_near": NEAR_CANDIDATES,
        "limit": limit,
        "alike": ALIKE if letters >= SHORT else ALIKE_SHORT,
        "alike_as_a_whole": ALIKE_AS_A_WHOLE,
        "is_several": " " in upper and "@" not in upper,
        # An address is copied rather than typed, and its domain is like that of every colleague.
        "is_long": letters >= NEAR_FROM and "@" not in upper,
    }


def _plain(words: str) -> str:
    return " ".join(words.replace("\0", " ").split())[:200]


def _escaped(text: str) -> str:
    """For LIKE: what somebody types has no wildcards."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
