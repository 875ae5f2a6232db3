"""The set-up pages of channels, the log of what left or could not, and everybody's own mail."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from alignment.lib.form_pages import form_page, form_view
from alignment.ops import channels as verbs
from alignment.ops import mailing, outbox
from alignment.ops.channel_forms import ChannelForm, MailHoursForm
from alignment.ops.models import Destination, MailHours, MailPreference, OutboxMessage
from alignment.ops.occasions import occasion
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest

PAGE_ROWS = 50
STATES = {"waiting": "Waiting", "dead": "Given up", "sent": "Sent"}


# Channels --------------------------------------------------------------------------------------------------------


@policy("channels.manage")
@require_GET
def channels(request: SignedInRequest) -> HttpResponse:
    waiting = Q(messages__sent_at=None, messages__dead_at=None, messages__id__isnull=False)
    rows = Destination.objects.standing().annotate(
        waiting=Count("messages", filter=waiting),
        dead=Count("messages", filter=Q(messages__dead_at__isnull=False)),
        last_sent_at=Max("messages__sent_at"),
    )
    return render(request, "ops/channels.html", {"channels": rows})


@policy("channels.manage")
@form_view
@sensitive_post_parameters("url")
def channel_new(request: SignedInRequest) -> HttpResponse:
    form = ChannelForm(request.POST or None)
    if not form.is_valid():
        return _channel_page(request, form)
    made = verbs.add(**form.cleaned_data, by=request.user)
    messages.success(request, f"“{made}” is set up. Send it a test.")
    return redirect("setup_channel", made.pk)


@policy("channels.manage")
@form_view
@never_cache
@sensitive_post_parameters("url")
def channel(request: SignedInRequest, pk: int) -> HttpResponse:
    """The channel, with the secret of a program: whoever manages channels sets up the other side as well."""
    standing = _standing(pk)
    form = ChannelForm(request.POST or None, instance=_standing(pk))
    if not form.is_valid():
        return _channel_page(request, form, channel=standing)
    verbs.change(channel=standing, **form.cleaned_data, by=request.user)
    messages.success(request, "Saved.")
    return redirect("setup_channel", pk)


@policy("channels.manage")
@require_POST
def channel_test(request: SignedInRequest, pk: int) -> HttpResponse:
    standing = _standing(pk)
    try:
        verbs.test(channel=standing, by=request.user)
    except verbs.ChannelError as error:
        messages.error(request, f"The test did not arrive. {error}")
    else:
        messages.success(request, f"The test arrived at “{standing}”.")
    return redirect("setup_channel", pk)


@policy("channels.manage")
@require_POST
def channel_switch(request: SignedInRequest, pk: int) -> HttpResponse:
    """Stop a channel that runs, start one that does not."""
    standing = _standing(pk)
    if standing.stopped_at:
        verbs.start(channel=standing, by=request.user)
    else:
        verbs.stop(channel=standing, why=f"{request.user.name} stopped it.", by=request.user)
    return redirect("setup_channel", pk)


@policy("channels.manage")
@require_POST
def channel_secret(request: SignedInRequest, pk: int) -> HttpResponse:
    signed = get_object_or_404(Destination.objects.standing().exclude(secret=""), pk=pk)
    verbs.renew_secret(channel=signed, by=request.user)
    messages.success(request, "The new secret counts from now on.")
    return redirect("setup_channel", pk)


@policy("channels.manage")
@require_POST
def channel_remove(request: SignedInRequest, pk: int) -> HttpResponse:
    standing = _standing(pk)
    verbs.retire(channel=standing, by=request.user)
    messages.success(request, f"“{standing}” is removed.")
    return redirect("setup_channels")


def _standing(pk: int) -> Destination:
    return get_object_or_404(Destination.objects.standing(), pk=pk)


def _channel_page(request: SignedInRequest, form: ChannelForm, **context: Any) -> HttpResponse:
    return form_page(request, "ops/channel.html", {"form": form, **context})


# What left, and what could not -----------------------------------------------------------------------------------


@policy("channels.manage")
@require_GET
def outgoing(request: SignedInRequest) -> HttpResponse:
    """The newest first; `state` is one of STATES, `before` a message's id."""
    state = request.GET.get("state", "")
    rows = _in_state(state)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    shown = list(rows[: PAGE_ROWS + 1])
    context = {
        "rows": shown[:PAGE_ROWS], "has_older": len(shown) > PAGE_ROWS, "state": state if state in STATES else "",
        "states": STATES, "before": before, "dead": OutboxMessage.objects.dead().count(),
    }  # fmt: skip
    return render(request, "ops/outgoing.html", context)


@policy("channels.manage")
@require_POST
def outgoing_again(request: SignedInRequest) -> HttpResponse:
    """Send what was given up again: the message that `message` names, or all."""
    given = request.POST.get("message", "")
    again = outbox.replay(message_ids=[int(given)] if given.isdecimal() and len(given) < 19 else None)
    messages.success(request, f"{again} to be sent again." if again else "There was nothing to send again.")
    return redirect("setup_outgoing")


def _in_state(state: str) -> QuerySet[OutboxMessage]:
    rows = OutboxMessage.objects.select_related("recipient", "destination").order_by("-id")
    found = {
        "waiting": Q(sent_at=None, dead_at=None),
        "dead": Q(dead_at__isnull=False),
        "sent": Q(sent_at__isnull=False),
    }
    return rows.filter(found.get(state, Q()))


# One's own mail --------------------------------------------------------------------------------------------------


@policy("account.self")
@form_view
def preferences(request: SignedInRequest) -> HttpResponse:
    hours = MailHours.objects.filter(user=request.user).first() or MailHours(user=request.user)
    modes = dict(MailPreference.objects.filter(user=request.user).values_list("occasion", "mode"))
    form = MailHoursForm(request.POST or None, instance=hours, modes=modes)
    if not form.is_valid():
        return form_page(request, "ops/preferences.html", {"form": form})
    form.save()
    _remember(request.user.pk, form.modes)
    messages.success(request, "Saved.")
    return redirect("account_notifications")


def _remember(user_id: int, modes: dict[str, str]) -> None:
    """Only what differs from the occasion's default is kept, so that a better default reaches everybody else."""
    MailPreference.objects.filter(user_id=user_id).delete()
    MailPreference.objects.bulk_create(
        MailPreference(user_id=user_id, occasion=kind, mode=mode)
        for kind, mode in modes.items()
        if mode != occasion(kind).mail
    )


@policy("account.self")
@require_POST
def mail_test(request: SignedInRequest) -> HttpResponse:
    """Mail to oneself, to see whether it arrives."""
    if not request.user.email:
        messages.error(request, "There is no address to send it to.")
        return redirect("account_notifications")
    outbox.post(messages=[mailing.test_mail(request.user)])
    messages.success(request, f"A test is on its way to {request.user.email}.")
    return redirect("account_notifications")
