"""The list of reasons, which both sides own: a change takes effect once both have signed it.

The head of each side signs; for a side without a head a RevOps admin does. Who proposes has signed for their side.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.urls import reverse
from django.utils.text import slugify

from alignment.ops import audit
from alignment.ops.notifications import Notice, notify
from alignment.people.models import Company, Role, Side, User
from leads.lifecycle import database_now
from leads.models import Reason, ReasonProposal
from leads.models.reason_proposal import Change, Verdict
from leads.models.stage import ReasonKind

FIELDS = ("label", "counts_as_miss", "proposes_recycle", "means_duplicate")
"""What a proposal may change."""


@transaction.atomic
def propose(
    *,
    kind: str,
    change: Change,
    why: str,
    by: User,
    reason_id: int | None = None,
    wanted: Mapping[str, Any] | None = None,
) -> ReasonProposal:
    """Propose a change, signed for the side that `by` signs for, and ask the other one.

    `wanted` are values of `FIELDS`, for `ADD` and `EDIT`. Raises ValidationError, by field where one is to blame.
    """
    reason = Reason.objects.select_for_update(no_key=True).get(pk=reason_id, kind=kind) if reason_id else None
    given = {name: value for name, value in (wanted or {}).items() if name in FIELDS}
    _check(kind, change, reason, given)
    proposal = ReasonProposal.objects.create(
        kind=kind, change=change, reason=reason, why=why, proposed_by=by, proposed_at=database_now(),
        wanted=given or {"label": reason.label if reason else ""},
        before={name: getattr(reason, name) for name, value in given.items() if getattr(reason, name) != value}
        if reason
        else {},
    )  # fmt: skip
    _told("reason_proposed", proposal, by)
    _sign(proposal, by)
    if not proposal.verdict:
        _ask(proposal, by)
    return proposal


@transaction.atomic
def sign(*, proposal_id: int, by: User) -> ReasonProposal:
    """Sign for the sides that `by` signs for; the second signature changes the list. Raises ValidationError where
    the proposal is closed or there is nothing left for them to sign.
    """
    proposal = _open(proposal_id)
    if not _sign(proposal, by):
        raise ValidationError("You have signed this already; it waits for the other side.")
    return proposal


@transaction.atomic
def decline(*, proposal_id: int, by: User, why: str) -> None:
    """Say no: the list stays as it is. Raises ValidationError where the proposal is closed or it is not theirs."""
    proposal = _open(proposal_id)
    if not sides_signed_by(by, Company.get()):
        raise ValidationError("Only who signs for a side may decline.")
    _close(proposal, Verdict.DECLINED, by, why)


@transaction.atomic
def withdraw(*, proposal_id: int, by: User) -> None:
    """Take a proposal back. Raises ValidationError where it is closed."""
    _close(_open(proposal_id), Verdict.WITHDRAWN, by, "")


@transaction.atomic
def move(*, reason_id: int, down: bool, by: User) -> None:
    """Exchange a reason's place with the one before or after it; at the end of the list it stays."""
    moved = Reason.objects.get(pk=reason_id)
    offered = list(Reason.objects.offered(moved.kind).select_for_update(no_key=True))
    place = next((index for index, reason in enumerate(offered) if reason.pk == reason_id), None)
    other = None if place is None else place + (1 if down else -1)
    if place is None or other is None or not 0 <= other < len(offered):
        return
    offered[place], offered[other] = offered[other], offered[place]
    for position, reason in enumerate(offered):
        reason.position = position
    Reason.objects.bulk_update(offered, ["position"])
    audit.record(
        action="reasons_reordered", actor=by, subject_kind="reason", subject_ids=[reason_id],
        detail={"order": [reason.key for reason in offered]},
    )  # fmt: skip


def sides_signed_by(user: User, company: Company) -> list[Side]:
    """The sides that `user` signs for today: a RevOps admin stands in where the company has named no head."""
    own, stands_in = company.sides_headed_by(user), user.role == Role.REVOPS
    return [side for side in Side if side in own or (stands_in and side not in company.heads)]


def _check(kind: str, change: Change, reason: Reason | None, wanted: Mapping[str, Any]) -> None:
    label = wanted.get("label", "")
    namesakes = Reason.objects.filter(kind=kind, label__iexact=label).values_list("pk", flat=True)
    if label and set(namesakes) - {reason and reason.pk}:
        raise ValidationError({"label": "The list has a reason of this name."})
    if wanted.get("proposes_recycle") and wanted.get("means_duplicate"):
        raise ValidationError({"means_duplicate": "A reason proposes recycling or merging, not both."})
    if reason is None:
        return
    if reason.proposals.open().exists():
        raise ValidationError("A proposal about this reason waits for its signatures. Close that one first.")
    if change == Change.EDIT and all(getattr(reason, name) == value for name, value in wanted.items()):
        raise ValidationError("This is how the reason stands already.")
    if change == Change.RETIRE:
        _check_one_is_left(reason)


def _check_one_is_left(reason: Reason) -> None:
    if not Reason.objects.offered(reason.kind).exclude(pk=reason.pk).exists():
        raise ValidationError("This is the last reason of its list: add another one first.")


def _open(proposal_id: int) -> ReasonProposal:
    proposals = ReasonProposal.objects.select_for_update(no_key=True, of=("self",)).select_related("reason")
    proposal = proposals.get(pk=proposal_id)
    if proposal.verdict:
        said = proposal.get_verdict_display().lower()
        raise ValidationError(f"{proposal.closed_by} was first: this proposal is {said}.")
    return proposal


def _sign(proposal: ReasonProposal, by: User) -> bool:
    """Whether there was anything for `by` to sign."""
    unsigned = [side for side in sides_signed_by(by, Company.get()) if not proposal.signed_at(side)]
    now = database_now()
    for side in unsigned:
        setattr(proposal, f"{side}_signed_by", by)
        setattr(proposal, f"{side}_signed_at", now)
    if unsigned:
        proposal.save()
        _told("reason_signed", proposal, by, sides=[str(side) for side in unsigned])
    if all(proposal.signed_at(side) for side in Side):
        _apply(proposal, by)
    return bool(unsigned)


def _apply(proposal: ReasonProposal, by: User) -> None:
    reason, now = proposal.reason, database_now()
    match proposal.change:
        case Change.ADD:
            reason = Reason(kind=proposal.kind, key=_free_key(proposal), position=_last_position(proposal.kind))
        case Change.RETIRE:
            assert reason is not None  # a constraint says so
            _check_one_is_left(reason)
            reason.retired_at = now
        case Change.TAKE_UP:
            assert reason is not None
            reason.retired_at = None
    assert reason is not None
    for name, value in proposal.wanted.items():
        setattr(reason, name, value)
    reason.save()
    proposal.reason = reason
    _close(proposal, Verdict.AGREED, by, "")


def _free_key(proposal: ReasonProposal) -> str:
    """A key that files and addresses can use: of the label, numbered where it is taken."""
    base = slugify(proposal.wanted["label"]).replace("-", "_")[:34] or proposal.kind
    taken = set(Reason.objects.filter(kind=proposal.kind, key__startswith=base).values_list("key", flat=True))
    return next(key for number in range(len(taken) + 1) if (key := f"{base}_{number}" if number else base) not in taken)


def _last_position(kind: str) -> int:
    last = Reason.objects.filter(kind=kind).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _close(proposal: ReasonProposal, verdict: Verdict, by: User, why: str) -> None:
    proposal.verdict, proposal.closed_by, proposal.closed_at, proposal.closed_why = verdict, by, database_now(), why
    proposal.save()
    _told(f"reason_proposal_{verdict}", proposal, by)
    if by != proposal.proposed_by:
        said = f"{verdict.label} by {by}: {proposal}"
        _notify([proposal.proposed_by_id], "reason_proposal_closed", said, proposal, why)


def _ask(proposal: ReasonProposal, by: User) -> None:
    heads = {head for side, head in Company.get().heads.items() if not proposal.signed_at(side)}
    said = f"{by} proposes to {proposal.get_change_display().lower()} a reason: {proposal.wanted['label']}"
    _notify(sorted(heads - {by.pk}), "reason_proposed", said, proposal, proposal.why)


def _notify(user_ids: list[int], kind: str, title: str, proposal: ReasonProposal, body: str) -> None:
    notify(
        notices=[
            Notice(
                user_id=pk, kind=kind, title=title, body=body, url=reverse("setup_reasons"),
                dedupe_key=f"{kind}:{proposal.pk}", subject_kind="reason_proposal", subject_id=proposal.pk,
            )
            for pk in user_ids
        ]
    )  # fmt: skip


def _told(action: str, proposal: ReasonProposal, by: User, **detail: Any) -> None:
    told = {"kind": ReasonKind(proposal.kind).value, "change": proposal.change, "wanted": proposal.wanted}
    audit.record(
        action=action, actor=by, subject_kind="reason_proposal", subject_ids=[proposal.pk],
        detail=told | {"before": proposal.before} | detail,
    )  # fmt: skip
