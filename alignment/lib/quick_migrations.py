"""Migrations from nothing in a third of the time: Django makes hundreds of model classes anew that did not change."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.db.migrations.state import ProjectState


@cache
def keep_classes() -> None:
    """Let constraints and indexes change no model class: no relation, table or column is another with them. Once.

    Django renders the model and all that is related to it again for each of them, which is most of a first start.
    """
    for name in ("add_index", "remove_index", "add_constraint", "remove_constraint"):
        setattr(ProjectState, name, _in_place(getattr(ProjectState, name)))


def _in_place(change: Callable[..., None]) -> Callable[..., None]:
    @wraps(change)
    def quick(state: ProjectState, app_label: str, model_name: str, *rest: Any) -> None:
        # A state whose classes were not asked for has none, and renders none.
        classes = vars(state).pop("apps", None)
        change(state, app_label, model_name, *rest)
        if classes is not None:
            vars(state)["apps"] = classes
            options = state.models[app_label, model_name].options
            meta = classes.get_model(app_label, model_name)._meta
            meta.indexes, meta.constraints = list(options["indexes"]), list(options["constraints"])

    return quick
