"""Handing a nurture track to the marketing system: its leads go to a channel, a program that takes signed posts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from alignment.ops import audit, outbox
from alignment.ops.models import Destination
from alignment.people.models import User
from leads import lifecycle
from leads.models import Journey, NurtureTrack
from leads.models.lead import Consent

EVENT = "nurture.handed_over"
LEADS_A_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class HandedOver:
    """How many leads were handed over, and how many were left out because they must not be contacted."""

    leads: int
    left_out: int


@transaction.atomic
def hand_over(*, track: NurtureTrack | None, lead_ids: Iterable[int], channel: Destination, by: User) -> HandedOver:
    """Post these leads, as far as they are on the track, to `channel` when the caller commits; in messages of 500.

    Who said that they do not want to be contacted, or withdrew their consent, is left out.
    """
    waiting = Journey.objects.in_nurture().filter(track=track, lead__any_of=set(lead_ids)).order_by("lead")
    passes = list(waiting.select_related("lead", "reason", "campaign", "source"))
    wanted = [one for one in passes if not one.lead.do_not_contact and one.lead.consent != Consent.WITHDRAWN]
    now, call = lifecycle.database_now(), uuid4()
    name = track.name if track else "Without a track"
    messages = [
        outbox.Hook(
            destination=channel,
            subject=f"{len(part)} leads of {name}",
            body=orjson.dumps(
                {
                    "type": EVENT,
                    "timestamp": now,
                    "data": {
                        "track": {"key": track.key if track else None, "name": name},
                        "leads": [_told(one) for one in part],
                    },
                }
            ).decode(),
            dedupe_key=f"{EVENT}:{call}:{number}",
        )
        for number, part in enumerate(_parts(wanted))
    ]
    outbox.post(messages=messages)
    handed = HandedOver(len(wanted), len(passes) - len(wanted))
    detail = {"channel": channel.name, "leads": handed.leads, "left_out": handed.left_out}
    subject = [track.pk if track else None]
    audit.record(action="track_handed_over", actor=by, subject_kind="nurture_track", subject_ids=subject, detail=detail)
    return handed


def _parts(passes: list[Journey]) -> list[list[Journey]]:
    return [passes[start : start + LEADS_A_MESSAGE] for start in range(0, len(passes), LEADS_A_MESSAGE)]


def _told(one: Journey) -> dict[str, Any]:
    lead = one.lead
    return {
        "id": lead.pk, "url": settings.BASE_URL + reverse("lead", args=[lead.pk]), "name": lead.name,
        "email": lead.email, "company": lead.company_name, "title": lead.title, "consent": lead.consent,
        "campaign": one.campaign.key if one.campaign else None, "source": one.source.key if one.source else None,
        "reason": one.reason.key if one.reason else None, "recycled_at": one.closed_at, "revisit_on": one.revisit_on,
    }  # fmt: skip
