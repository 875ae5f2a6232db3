"""The pages of a draft of rules, alike for every kind of rules: begun, saved, published, discarded, restored.

An app makes one `DraftPages` for its model of versions. The addresses have the same names behind a prefix: `_begin`,
`_draft`, `_publish`, `_discard`, `_restore`. Templates extend `ops/draft.html`.
"""

from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, TypeVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from alignment.ops import versions
from alignment.ops.versions import StaleDraftError, Version
from alignment.people.requests import SignedInRequest

LONGEST_NOTE = 500

Rule = TypeVar("Rule")


@dataclass(frozen=True, slots=True)
class DraftPages(Generic[Version]):
    """`home` is the name of the page of what counts. With `kinds` the model holds a set of rules for each of them, its
    scope, and addresses name it as `kind`. `empty` is what the very first draft begins with.
    """

    model: type[Version]
    name: str
    home: str
    prefix: str
    kinds: Collection[str] = ()
    empty: Any = None

    # Whole views

    def begin(self, request: SignedInRequest, kind: str = "") -> HttpResponse:
        """A draft from what counts, or the one that stands."""
        draft = versions.begin(self.model, by=request.user, scope=self._scope(kind), empty=self.empty)
        return self.to_draft(draft)

    def discard(self, request: SignedInRequest, kind: str = "") -> HttpResponse:
        """Drop the draft as the page showed it; it never counted."""
        draft = self.model.draft(self._scope(kind))
        if draft is None:
            messages.error(request, "There is no draft any more.")
        elif versions.discard(as_seen(request, draft)):
            messages.success(request, "The draft is gone; what was published stands.")
        else:
            messages.error(request, "Meanwhile the draft was changed. Look at it again.")
            return self.to_draft(draft)
        return redirect(self.home)

    def restore(self, request: SignedInRequest, pk: int) -> HttpResponse:
        """A draft with the rules of an earlier version, unless one stands."""
        version = get_object_or_404(self.model, pk=pk, published_at__isnull=False)
        try:
            draft = versions.restore(version, by=request.user)
        except versions.DraftStandsError as refusal:
            messages.error(request, str(refusal))
            return self.to_draft(version)  # to the one that stands
        messages.success(request, f"The draft has the rules of version {version.number}.")
        return self.to_draft(draft)

    # What views of a draft are made of

    def with_draft(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """Hands the draft to the view; where somebody published or discarded it, the page of what counts says so."""

        @wraps(view)
        def found(request: SignedInRequest, kind: str = "", **kwargs: Any) -> HttpResponseBase:
            draft = self.model.draft(self._scope(kind))
            if draft is None:
                messages.error(request, "There is no draft any more.")
                return redirect(self.home)
            return view(request, draft=draft, **kwargs)

        return found

    def wrote(
        self, request: SignedInRequest, draft: Version, verb: Callable[[Version], Any], done: str = "Saved."
    ) -> bool:
        """Whether the verb took the draft as the page showed it. A refusal is told, and nothing is overwritten."""
        try:
            verb(as_seen(request, draft))
        except StaleDraftError as stale:
            messages.error(request, str(stale))
        except ValidationError as refusal:
            for sentence in refusal.messages:
                messages.error(request, sentence)
        else:
            messages.success(request, done)
            return True
        return False

    def saved(self, request: SignedInRequest, draft: Version, body: Any, done: str = "Saved.") -> bool:
        """Whether this body is the draft's now; else somebody was first, and it was told."""
        return self.wrote(request, draft, lambda seen: versions.change(seen, body=body, by=request.user), done)

    def published(
        self, request: SignedInRequest, draft: Version, publish: Callable[[Version, str], Any]
    ) -> HttpResponse:
        """Lets the draft count by the app's verb, which gets the draft and the note."""
        note = request.POST.get("note", "").strip()[:LONGEST_NOTE]
        if self.wrote(request, draft, lambda seen: publish(seen, note), f"{draft} counts from now on."):
            return redirect(self.home)
        return self.to_draft(draft)

    def page(
        self,
        request: SignedInRequest,
        draft: Version,
        template: str,
        context: Mapping[str, Any],
        *,
        is_refused: bool = False,
        status: int | None = None,
    ) -> HttpResponse:
        """A page about the draft; `is_refused` where what was sent stands in it with what is wrong."""
        about = {
            "draft": draft,
            "rules_name": self.name,
            "home": reverse(self.home),
            "discard": self._address("discard", draft),
            "counts": self.model.published(draft.scope),
            "is_refused": is_refused or status == 422,
        }
        return render(request, template, about | dict(context), status=status or (422 if is_refused else 200))

    def to_draft(self, draft: Version) -> HttpResponse:
        """To the page of the draft."""
        return redirect(self._address("draft", draft))

    def _address(self, name: str, draft: Version) -> str:
        return reverse(f"{self.prefix}_{name}", kwargs={"kind": draft.scope} if self.kinds else {})

    def _scope(self, kind: str) -> str:
        if kind not in (self.kinds or ("",)):
            raise Http404("There are no such rules.")
        return kind


def as_seen(request: SignedInRequest, draft: Version) -> Version:
    """The draft at the revision that the form was made from. A form of an earlier draft, or of no revision, was made
    from nothing that stands.
    """
    revision, shown = request.POST.get("revision", ""), copy(draft)
    is_of_this = request.POST.get("version", str(draft.pk)) == str(draft.pk)
    is_number = revision.isascii() and revision.isdecimal() and len(revision) < 9
    shown.revision = int(revision) if is_of_this and is_number else 0
    return shown


def moved(rules: list[Rule], at: int, to: str | None) -> list[Rule]:
    """The rules with one of them a place further `up` or down, or `out`. Raises Http404 where none has that place."""
    if at >= len(rules):
        raise Http404("There is no such rule.")
    rest = [*rules[:at], *rules[at + 1 :]]
    if to == "out":
        return rest
    place = max(0, at - 1) if to == "up" else at + 1
    return [*rest[:place], rules[at], *rest[place:]]


def placed(rules: list[Rule], at: int | None, rule: Rule) -> list[Rule]:
    """The rules with this one at its place; at the end where it has none yet."""
    return [*rules, rule] if at is None else [*rules[:at], rule, *rules[at + 1 :]]


def at_place(rules: list[Rule], at: int | None, new: Rule) -> Rule:
    """The rule at a place; without a place the new one. Raises Http404 where none has that place."""
    if at is not None and at >= len(rules):
        raise Http404("There is no such rule.")
    return new if at is None else rules[at]


def out_or_saved(name: str, to: str | None) -> str:
    """What is said of a rule that was moved."""
    return f"“{name}” is out." if to == "out" else "Saved."
