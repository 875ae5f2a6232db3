"""Posts to web forms, as websites send them."""

import json
from typing import Any

from django.urls import reverse

from alignment.integrations.web_forms.models import Tally, WebForm
from tests.incoming import key_of

ANA = {"name": "Ana Souza", "email": "ana@brightwater.example", "company_name": "Brightwater"}


def address(form: WebForm) -> str:
    return reverse("web_form", args=[key_of(form)])


def send(client: Any, form: WebForm, data: Any = ANA, **headers: str) -> Any:
    """A plain form, with Django's test client."""
    return client.post(address(form), data, headers=headers)


def send_json(client: Any, form: WebForm, data: Any = ANA, **headers: str) -> Any:
    body = data if isinstance(data, str | bytes) else json.dumps(data)
    return client.post(address(form), body, content_type="application/json", headers=headers)


def counted(form: WebForm) -> dict[str, int]:
    """How many posts ended how."""
    return dict(Tally.objects.filter(form=form).values_list("outcome", "posts"))
