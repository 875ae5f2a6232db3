"""Leads beside each other, field by field, as the merge page shows them: what each says, and which value would stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leads.merging.survivorship import FIELDS
from leads.models import Lead
from leads.models.lead import Consent

LABELS: Mapping[str, str] = {
    "name": "Name", "email": "E-mail", "phone": "Phone", "title": "Job title", "seniority": "Seniority",
    "company": "Company", "product_interest": "Interested in", "source": "Source", "campaign": "Campaign",
    "segment": "Segment", "territory": "Territory", "owner": "Owner",
}  # fmt: skip
RELATED = ("stage", "account", "source", "campaign", "segment", "territory", "owner__team")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one lead says about a field. `is_chosen`: its value would stay."""

    lead_id: int
    text: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One field of all the leads; `can_choose`: they say different things about it."""

    field: str
    label: str
    cells: Sequence[Cell]
    can_choose: bool


def rows(leads: Sequence[Lead], chosen: Mapping[str, int], *, may_hand_over: bool) -> list[Row]:
    """The fields of these leads, the one to keep first; `chosen` is field → lead, as far as somebody has chosen.

    Only who may assign leads chooses who holds the survivor.
    """
    made = [_row(name, leads, chosen, can_choose=name != "owner" or may_hand_over) for name in FIELDS]
    return [row for row in made if any(cell.text for cell in row.cells)]


def _row(name: str, leads: Sequence[Lead], chosen: Mapping[str, int], *, can_choose: bool) -> Row:
    texts = {lead.pk: _text(name, lead) for lead in leads}
    first = next((pk for pk, text in texts.items() if text), leads[0].pk)
    stays = chosen.get(name) if chosen.get(name) in texts else first
    cells = [Cell(pk, text, pk == stays) for pk, text in texts.items()]
    return Row(name, LABELS[name], cells, can_choose and len({text for text in texts.values() if text}) > 1)


def _text(name: str, lead: Lead) -> str:
    value: Any = lead.company_name or lead.account if name == "company" else getattr(lead, name)
    return str(value) if value else ""


def consents(leads: Sequence[Lead]) -> list[tuple[int, str, bool]]:
    """(lead, what it says about contact, whether it is strict): the strictest of them counts, and is not chosen."""
    return [
        (
            lead.pk,
            "Do not contact" if lead.do_not_contact else Consent(lead.consent).label,
            lead.do_not_contact or lead.consent == Consent.WITHDRAWN,
        )
        for lead in leads
    ]
