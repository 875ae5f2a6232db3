"""Migrations from nothing, without the thousands of model classes that Django makes anew though they did not change."""

from collections.abc import Callable
from functools import cache, partial, wraps
from typing import Any

from django.db.migrations.state import ProjectState
from django.db.migrations.utils import field_is_referenced  # type: ignore[attr-defined]


@cache
def keep_classes() -> None:
    """Let a change of one model make a class of that model alone anew, and keep those of all related to it. Once.

    Django renders what is related to it again, too, and what is related to that: with users in the middle nearly
    everything, which is most of a first start. What changes a table asks nothing of other models but their tables and
    keys; where these change, Django's way it is. For code in migrations Django renders all of them before it runs.
    """
    for name in ("add_model", "remove_field", "add_index", "remove_index", "add_constraint", "remove_constraint"):
        setattr(ProjectState, name, _alone(getattr(ProjectState, name)))
    for name in ("add_field", "alter_field"):
        setattr(ProjectState, name, _alone_unless_referenced(getattr(ProjectState, name)))


def _alone(change: Callable[..., None]) -> Callable[..., None]:
    @wraps(change)
    def quick(state: ProjectState, *arguments: Any) -> None:
        vars(state)["_find_reload_model"] = partial(_itself, state)
        try:
            change(state, *arguments)
        finally:
            del vars(state)["_find_reload_model"]

    return quick


def _alone_unless_referenced(change: Callable[..., None]) -> Callable[..., None]:
    quick = _alone(change)

    @wraps(change)
    def either(state: ProjectState, app_label: str, model_name: str, name: str, field: Any, *rest: Any) -> None:
        referenced = field_is_referenced(state, (app_label, model_name), (name, field))
        (change if referenced else quick)(state, app_label, model_name, name, field, *rest)

    return either


def _itself(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> set[tuple[str, str]]:
    """The model alone, in place of all that are related to it; the state knows that those are not up to date."""
    state.is_delayed = True
    return {(app_label, model_name)}
