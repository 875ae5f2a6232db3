"""Saving, changing and deleting views; the only writers of their tables."""

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from alignment.desk.models import DefaultView, SavedView, Sharing
from alignment.people.models import User


class NameTakenError(Exception):
    """Its owner has another view of that name."""


@transaction.atomic
def save(*, name: str, query: str, sharing: str, by: User, is_default: bool = False) -> SavedView:
    """Keep these filters under a name. Raises NameTakenError."""
    view = SavedView(name=name, query=query, owner=by, sharing=sharing, team_id=_team(sharing, by))
    _store(view)
    set_default(user=by, view=view if is_default else None, unless=view)
    return view


@transaction.atomic
def change(*, view: SavedView, name: str, sharing: str, by: User, is_default: bool = False) -> SavedView:
    """Rename it, and say who sees it; whether `by` begins with it is theirs alone. Raises NameTakenError."""
    view.name, view.sharing = name, sharing
    view.team_id = view.team_id if sharing == Sharing.TEAM and view.team_id else _team(sharing, view.owner)
    _store(view)
    set_default(user=by, view=view if is_default else None, unless=view)
    return view


@transaction.atomic
def replace(*, view: SavedView, query: str) -> SavedView:
    """Other filters under the same name."""
    view.query = query
    view.save(update_fields=["query"])
    return view


@transaction.atomic
def delete(*, view: SavedView) -> None:
    """Nobody sees it any more, and nobody's list begins with it."""
    view.retired_at = Now()
    view.save(update_fields=["retired_at"])
    DefaultView.objects.filter(view=view).delete()


def set_default(*, user: User, view: SavedView | None, unless: SavedView | None = None) -> None:
    """Begin with `view`; with None not with `unless` any more, if that was it."""
    if view:
        DefaultView.objects.update_or_create(user=user, defaults={"view": view})
    elif unless:
        DefaultView.objects.filter(user=user, view=unless).delete()


def _store(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        if "saved_view_name_unique" not in str(error):
            raise
        raise NameTakenError(f"{view.owner} has a view “{view.name}” already.") from error


def _team(sharing: str, owner: User) -> int | None:
    return owner.team_id if sharing == Sharing.TEAM else None
