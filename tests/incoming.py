"""Plain functions that make what leads come in by: files and forms."""

from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from alignment.integrations import imports, uploads
from alignment.integrations.models import Import
from alignment.integrations.web_forms import setup
from alignment.integrations.web_forms.asking import OF_LEAD
from alignment.integrations.web_forms.models import FormKey, WebForm
from alignment.integrations.web_forms.setup import Wording
from alignment.ops import jobs
from alignment.people.models import Role, User
from leads.models import Source
from tests.factories import make_user

_numbers = count(1)

CONTACTS = """Name,Email,Company,Stage,Handed over,Notes
Ana Costa,ana{n}@acme.example,Acme,MQL,2026-05-20,
Ben Okafor,ben{n}@globex.example,Globex,Won,2026-05-21,"Two lines,
one cell"
,not an address,Initech,Lost,2026-05-22,
"""

CONTACTS_MAPPING: dict[str, Any] = {
    "name": "Contacts",
    "key": {"email": "Email"},
    "fields": {"name": "Name", "company_name": "Company"},
    "attributes": ["Notes"],
    "moves": [{"to": "MQL", "at": "Handed over"}],
}


def make_import(actor: User | None = None, *, text: str = CONTACTS, mapping: dict[str, Any] | None = None) -> Import:
    """A file that was uploaded and explained, and not run."""
    actor = actor or make_user(Role.MARKETER)
    with NamedTemporaryFile(suffix=".csv") as file:
        source = Path(file.name)
        source.write_text(text.replace("{n}", str(next(_numbers))), encoding="utf-8")
        with uploads.staged(source) as (stored_as, table):
            return uploads.record(
                stored_as, table, name="contacts.csv", size=source.stat().st_size, actor=actor,
                mapping=CONTACTS_MAPPING if mapping is None else mapping,
            )  # fmt: skip


def make_run_import(actor: User | None = None, **given: Any) -> Import:
    """A file that was imported: two leads, and one row that was rejected."""
    batch = make_import(actor, **given)
    batch = imports.run(batch_id=batch.pk, actor=actor or batch.created_by)
    jobs.run(batch.job_id)
    return Import.objects.select_related("job", "created_by").get(pk=batch.pk)


def make_web_form(**facts: Any) -> WebForm:
    """A form that asks for e-mail (required), name and company, with a key of its own."""
    number = next(_numbers)
    wordings = facts.pop("wordings", [Wording(1, "You may write to me about your products.")])
    by = facts.pop("by", None) or make_user(Role.MARKETER)
    source, _ = Source.objects.get_or_create(key="website", defaults={"name": "Website"})
    asked = [field.stored() for field in OF_LEAD if field.name in ("name", "email", "company_name")]
    given = {"name": f"Form {number}", "source": source, "fields": asked, "limit_per_address": 1000}
    return setup.make(facts=given | facts, wordings=wordings, by=by)


def key_of(form: WebForm) -> str:
    return FormKey.objects.get(form=form, replaced_at=None).key
