"""Leads and touches as they arrive, before they are matched with what is known. Pure.

Those that come by the thousand are not frozen: each would take three times as long to make.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from leads.decisions import Step
from leads.models.opportunity import DealKind
from leads.models.touchpoint import Direction


class Reference(NamedTuple):
    """What another system calls the lead."""

    system: str
    external_id: str
    url: str = ""


@dataclass(slots=True)
class TouchDraft:
    """A touch of the lead that it arrives with; `at` None means now. Source and campaign default to the lead's."""

    title: str
    kind: str = "form"
    at: datetime | None = None
    direction: str = Direction.INBOUND
    is_human: bool = True
    is_engaged: bool = True
    is_hand_raise: bool = False
    actor_id: int | None = None
    system: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class DealDraft:
    """A deal as it is opened. `lead_id` is its primary lead (None: a deal without a lead). `amount` in `currency`;
    `rate` converts it to the company's currency. `opened_at` None means now, unless history does not say.
    """

    name: str
    currency: str
    lead_id: int | None = None
    account_id: int | None = None
    amount: Decimal | None = None
    rate: Decimal = Decimal(1)
    kind: str = DealKind.NEW
    product: str = ""
    expected_close_on: date | None = None
    stage_id: int | None = None
    probability: int | None = None
    owner_id: int | None = None
    opened_at: datetime | None = None
    is_undated: bool = False
    references: tuple[Reference, ...] = ()


class Verdict(NamedTuple):
    """What became of a deal: its state, since when (None: not known), and the key of the reason."""

    state: str
    at: datetime | None = None
    reason_id: int | None = None


@dataclass(slots=True)
class Draft:
    """A lead as it arrives. `source`, `campaign`, `segment`, `territory` are names (None: not given).

    `steps` are the moves it brings, in order, with `lead_id` 0; without any, a new lead enters as MGL, and as MQL
    where it raised a hand. A lead that stands is not moved by a draft without steps. `deal` is the opportunity that
    the lead carries from SQO on. `account_id` counts where it was looked for already (`matching.make_accounts`).
    """

    name: str = ""
    email: str = ""
    phone: str = ""
    title: str = ""
    seniority: str = ""
    company_name: str = ""
    product_interest: str = ""
    source: str | None = None
    campaign: str | None = None
    segment: str | None = None
    territory: str | None = None
    consent: str = ""
    do_not_contact: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    steps: tuple[Step, ...] = ()
    touches: tuple[TouchDraft, ...] = ()
    deal: DealDraft | None = None
    owner_id: int | None = None
    owned_at: datetime | None = None
    created_at: datetime | None = None
    account_id: int | None = None
    is_account_known: bool = False
