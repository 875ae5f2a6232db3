"""One panel beside a lead's timeline: what it reads, and the template that shows it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models.expressions import BaseExpression

from leads.models import Lead

if TYPE_CHECKING:
    from alignment.desk.lead_page import LeadPage

Told = Mapping[str, Any]
Asked = Mapping[str, BaseExpression]


def _nothing(page: "LeadPage") -> Asked:
    return {}


@dataclass(frozen=True, slots=True)
class Panel:
    """`read` says what `template` shows as `panel`, beside `page`, `lead` and `journey`; None: nothing to show.

    `asks` names expressions about the lead's row, such as an `ArraySubquery` of `JSONObject` or an `Exists`: one query
    reads those of all panels, and `read` finds the values in `page.beside`. So a panel costs the page no query of its
    own; one that needs its own asks here first whether there is anything to read.
    """

    template: str
    read: Callable[["LeadPage"], Told | None]
    asks: Callable[["LeadPage"], Asked] = _nothing


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel that has something to show."""

    template: str
    told: Told


def beside(panels: Sequence[Panel], page: "LeadPage") -> Told:
    """What all panels ask, by name; one query."""
    asked = {name: expression for panel in panels for name, expression in panel.asks(page).items()}
    return Lead.objects.values(**asked).get(pk=page.pk)


def shown(panels: Sequence[Panel], page: "LeadPage") -> list[Shown]:
    """Those of the panels that have something to show of this lead to this visitor."""
    read = [(panel.template, panel.read(page)) for panel in panels]
    return [Shown(template, told) for template, told in read if told is not None]
