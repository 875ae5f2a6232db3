"""Leads and touches as they arrive, before they are matched with what is known. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leads.decisions import Step
from leads.models.touchpoint import Direction


@dataclass(frozen=True, slots=True)
class Reference:
    """What another system calls the lead."""

    system: str
    external_id: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class TouchDraft:
    """A touch of the lead that it arrives with; `at` None means now. Source and campaign default to the lead's."""

    title: str
    kind: str = "form"
    at: datetime | None = None
    direction: str = Direction.INBOUND
    is_human: bool = True
    is_engaged: bool = True
    is_hand_raise: bool = False
    system: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A lead as it arrives. `source`, `campaign`, `segment`, `territory` are names (None: not given).

    `steps` are the moves it brings, in order, with `lead_id` 0; without any, a new lead enters as MGL, and as MQL
    where it raised a hand. A lead that stands is not moved by a draft without steps.
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
    owner_id: int | None = None
    owned_at: datetime | None = None
    created_at: datetime | None = None
