"""A page with one form: which requests it takes, whether the verb behind it took what was filled in, and its answer."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

form_view = require_http_methods(["GET", "HEAD", "POST"])


def accepted(form: BaseForm, verb: Callable[[], Any]) -> bool:
    """Whether the form is valid and the verb took it. Where the verb refuses (ValidationError), the form says why."""
    if not form.is_valid():
        return False
    try:
        verb()
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return False
    return True


def form_page(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """The page with its `form`, 422 where what was sent could not be taken."""
    return render(request, template, dict(context), status=422 if context["form"].is_bound else 200)
