"""Are these two leads one person? Pure: from what is the same and alike to a verdict, and a sentence that says why."""

from dataclasses import dataclass

NAMES_ALIKE = 0.6
"""Trigram similarity from which two names of one company are taken for one person's."""

NAMES_DIFFER = 0.5
"""Below it two names are those of two people, whatever else is the same: colleagues share a switchboard."""

SAME_NAME = 0.9
COMPANIES_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What two leads have in common. `names_alike` and `companies_alike` are trigram similarities (0 to 1), None where
    one of the two has none.
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
            return names is None or names >= NAMES_ALIKE
        return self.same_phone and names is not None and names >= SAME_NAME

    @property
    def is_likely(self) -> bool:
        """Worth a look, exact ones included."""
        names = self.names_alike
        if self.same_mailbox or self.same_phone:
            return names is None or names >= NAMES_DIFFER
        if names is None:
            return False
        if self.same_account:
            return names >= NAMES_ALIKE
        return names >= SAME_NAME and (self.companies_alike or 0) >= COMPANIES_ALIKE

    @property
    def sentence(self) -> str:
        """“Same phone number, names 92 % alike, same account.”"""
        parts = [
            "same mailbox" if self.same_mailbox else "",
            "same phone number" if self.same_phone else "",
            _alike("name", self.names_alike),
            "same account" if self.same_account else _alike("company", self.companies_alike),
        ]
        text = ", ".join(filter(None, parts))
        return f"{text[:1].upper()}{text[1:]}"


def _alike(what: str, share: float | None) -> str:
    if share is None or share < COMPANIES_ALIKE:
        return ""
    return f"same {what}" if share >= 1 else f"{what} {share:.0%} alike"
