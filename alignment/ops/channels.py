"""Channels: Slack and other programs hear of what concerns a team, once each, through the outbox."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.timezone import now

from alignment.lib import safe_http, webhook_signatures
from alignment.ops import audit, outbox
from alignment.ops.models import Destination, OutboxMessage, Transport
from alignment.ops.occasions import occasion
from alignment.ops.telling import Notice
from alignment.ops.transports import http
from alignment.people.models import Role, User

# Slack cuts a longer section itself, and refuses the message.
MOST_CHARACTERS = 2900


class ChannelError(Exception):
    """Why a test message did not arrive, as a sentence."""


@transaction.atomic
def add(*, transport: str, name: str, url: str, occasions: Collection[str], by: User) -> Destination:
    """A new channel; a program gets a secret that its messages are signed with.

    Raises UnsafeAddressError for an address that Accord does not talk to.
    """
    safe_http.check(url)
    secret = webhook_signatures.new_secret() if transport == Transport.WEBHOOK else ""
    made = Destination.objects.create(
        transport=transport, name=name, url=url, secret=secret, occasions=sorted(occasions), created_by=by
    )
    _audit(made, "channel_added", by, occasions=made.occasions)
    return made


@transaction.atomic
def change(*, channel: Destination, name: str, url: str, occasions: Collection[str], by: User) -> Destination:
    """Change a channel. A stopped one whose address changes is started. Raises UnsafeAddressError."""
    safe_http.check(url)
    moved = url != channel.url
    channel.name, channel.url, channel.occasions = name, url, sorted(occasions)
    if moved:
        channel.stopped_at, channel.stopped_why = None, ""
    channel.save(update_fields=["name", "url", "occasions", "stopped_at", "stopped_why"])
    _audit(channel, "channel_changed", by, occasions=channel.occasions, address_changed=moved)
    return channel


@transaction.atomic
def renew_secret(*, channel: Destination, by: User) -> str:
    """Sign with a new secret from now on; the old one counts no longer."""
    channel.secret = webhook_signatures.new_secret()
    channel.save(update_fields=["secret"])
    _audit(channel, "channel_secret_renewed", by)
    return channel.secret


@transaction.atomic
def stop(*, channel: Destination, why: str, by: User | None = None) -> None:
    """Send nothing more until somebody starts it again; what it would have heard of waits."""
    channel.stopped_why = " ".join(why.split())[:500]
    Destination.objects.filter(pk=channel.pk).update(stopped_at=Now(), stopped_why=channel.stopped_why)
    _audit(channel, "channel_stopped", by, why=channel.stopped_why)


@transaction.atomic
def start(*, channel: Destination, by: User) -> None:
    """Send again, what has waited too."""
    Destination.objects.filter(pk=channel.pk).update(stopped_at=None, stopped_why="")
    _audit(channel, "channel_started", by)


@transaction.atomic
def retire(*, channel: Destination, by: User) -> None:
    """Remove a channel: it hears of nothing any more, and what waits for it is given up."""
    outbox.discard(OutboxMessage.objects.filter(destination=channel))
    Destination.objects.filter(pk=channel.pk).update(retired_at=Now())
    _audit(channel, "channel_removed", by)


def test(*, channel: Destination, by: User) -> None:
    """Post a message at once, past the outbox. Raises ChannelError with what went wrong."""
    notice = Notice(
        user_id=by.pk, kind="test", title="This is a test from Accord", dedupe_key="test",
        body=f"{by.name} wanted to know whether “{channel.name}” works. It does.", url="/",
    )  # fmt: skip
    try:
        http.deliver(channel, _body(channel, "test", notice), message_id=f"msg_test_{channel.pk}_{by.pk}")
    except Exception as error:
        raise ChannelError(str(error) or type(error).__name__) from error


def gone_notices(channel: Destination, why: str) -> list[Notice]:
    """What RevOps is told of a channel that is gone. One query."""
    return [
        Notice(
            user_id=user_id,
            kind="channel_stopped",
            title=f"The channel “{channel.name}” is gone",
            body=f"{why}\nWhat it should hear of waits until you start it again.",
            url=channel.get_absolute_url(),
            action="Look at the channel",
            dedupe_key=f"channel-gone:{channel.pk}:{now():%Y%m%d%H%M%S%f}",
            subject_kind="channel",
            subject_id=channel.pk,
        )
        for user_id in User.objects.active().filter(role=Role.REVOPS).values_list("pk", flat=True)
    ]


def tell(notices: Iterable[Notice]) -> list[outbox.Hook]:
    """What channels hear of these notices: each occasion once, however many people were told. One query at most."""
    told: dict[str, Notice] = {}
    for notice in notices:
        if occasion(notice.kind).is_shared:
            told.setdefault(notice.dedupe_key, notice)
    if not told:
        return []
    channels = Destination.objects.hearing({notice.kind for notice in told.values()})
    return [
        outbox.Hook(
            destination=channel,
            subject=notice.title,
            body=_body(channel, occasion(notice.kind).event, notice).decode(),
            dedupe_key=f"channel:{channel.pk}:{key}",
        )
        for channel in channels
        for key, notice in told.items()
        if notice.kind in channel.occasions
    ]


# What is posted --------------------------------------------------------------------------------------------------


def _body(channel: Destination, event: str, notice: Notice) -> bytes:
    if channel.transport == Transport.SLACK:
        return orjson.dumps({"text": _escaped(notice.title), "blocks": _blocks(notice)})
    data = {
        "title": notice.title,
        "text": notice.body,
        "url": settings.BASE_URL + notice.url if notice.url else None,
        "subject": {"kind": notice.subject_kind, "id": notice.subject_id} if notice.subject_kind else None,
    }
    return orjson.dumps({"type": event, "timestamp": now().isoformat(), "data": data})


def _blocks(notice: Notice) -> Sequence[Mapping[str, Any]]:
    """Block Kit: what happened, and a button that leads to the page where something can be done about it."""
    text = f"*{_escaped(notice.title)}*" + (f"\n{_escaped(notice.body)}" if notice.body else "")
    section = {"type": "section", "text": {"type": "mrkdwn", "text": text[:MOST_CHARACTERS]}}
    if not notice.url:
        return [section]
    button = {
        "type": "button", "text": {"type": "plain_text", "text": notice.action or "Open in Accord"},
        "url": settings.BASE_URL + notice.url,
    }  # fmt: skip
    return [section, {"type": "actions", "elements": [button]}]


def _escaped(text: str) -> str:
    """Slack's three characters of control, so that nobody's name mentions a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _audit(channel: Destination, action: str, by: User | None, **detail: Any) -> None:
    # Never the address: it is a secret.
    audit.record(
        action=action, actor=by, subject_kind="channel", subject_ids=[channel.pk],
        detail={"name": channel.name, "transport": channel.transport, **detail},
    )  # fmt: skip
