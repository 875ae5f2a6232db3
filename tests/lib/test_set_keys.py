"""Keys that are checked a statement at a time: however it is tried, no row names one that is not there."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from alignment.lib import batch
from alignment.lib.set_keys import KnownKeys
from leads.drafts import Reference, TouchDraft
from leads.models import ExternalReference, HolderInterval, Journey, Lead, LeadSearch, Source, Touchpoint
from sla.models import Clock
from tests.factories import make_user
from tests.leads.stories import arrive, arrived, by, day, to

pytestmark = pytest.mark.django_db

NOBODY = 2_000_000_000
HOLDING = [Lead, LeadSearch, Journey, HolderInterval, Touchpoint, ExternalReference, Clock]
KEYS = [
    (model, rule.name, field)
    for model in HOLDING
    for rule in model._meta.constraints
    if isinstance(rule, KnownKeys)
    for field in rule.fields
]


def told(**facts):
    return arrived(
        to("mql", day(2)), cause=by(), touches=(TouchDraft("Asked for a demo"),), owner_id=make_user().pk,
        references=(Reference("crm", "1"),), **facts,
    )  # fmt: skip


@pytest.mark.parametrize(("model", "name", "field"), KEYS)
def test_no_update_makes_a_stray(model, name, field):
    told()
    given = {"subject_id": NOBODY} if (model, field) == (Clock, "lead") else {}
    if model is ExternalReference and field != "lead":
        given = {"lead": None}

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        model.objects.update(**{field: NOBODY}, **given)

    assert refusal.value.__cause__.diag.constraint_name == name


def test_a_gap_between_keys_that_exist_is_a_stray():
    first, gone, last = arrive(leads=3)
    touch = {
        "at": day(3), "kind": "form", "title": "Asked", "direction": "inbound", "channel_id": None,
        "campaign_id": None, "is_human": True, "is_engaged": True, "is_hand_raise": False, "actor_id": None,
        "system": "", "external_id": "",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('leads_lead', 'id'))")
        [skipped] = cursor.fetchone()
    [newest] = arrive(leads=1)

    batch.insert(Touchpoint, [{**touch, "lead_id": pk} for pk in (first, gone, last, newest)])
    with pytest.raises(IntegrityError, match=rf"\(lead_id\)=\({skipped}\) is not present in"), transaction.atomic():
        batch.insert(Touchpoint, [{**touch, "lead_id": pk} for pk in (first, gone, last, skipped, newest)])


def test_one_stray_among_many_stops_the_whole_statement():
    leads = arrive(leads=5)
    touches = [
        {
            "lead_id": lead_id, "at": day(3), "kind": "form", "title": "Asked", "direction": "inbound",
            "channel_id": None, "campaign_id": None, "is_human": True, "is_engaged": True, "is_hand_raise": False,
            "actor_id": None, "system": "", "external_id": "",
        }
        for lead_id in [*leads, NOBODY]
    ]  # fmt: skip

    with pytest.raises(IntegrityError, match=rf"\(lead_id\)=\({NOBODY}\) is not present in"), transaction.atomic():
        batch.insert(Touchpoint, touches)
    assert not Touchpoint.objects.exists()

    batch.insert(Touchpoint, touches[:-1])
    assert Touchpoint.objects.count() == 5


def test_a_row_that_an_insert_finds_and_changes_is_checked_too():
    lead_id = arrived()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO leads_leadsearch (lead_id, text) VALUES (%s, 'Ada') "
            "ON CONFLICT (lead_id) DO UPDATE SET lead_id = %s",
            [lead_id, NOBODY],
        )


def test_what_was_made_in_the_same_transaction_is_known():
    lead_id = arrived()
    with transaction.atomic():
        Lead.objects.filter(pk=lead_id).update(source=Source.objects.create(key="fair", name="Fair"))
    assert Lead.objects.get(pk=lead_id).source.key == "fair"


def test_what_is_named_can_be_neither_deleted_nor_numbered_anew():
    told(source="Fair")
    for attempt in (lambda: Source.objects.all()._raw_delete("default"), lambda: Source.objects.update(id=F("id") + 9)):
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            attempt()
        assert refusal.value.__cause__.diag.constraint_name == "source_never_deleted"

    Source.objects.update(name="Trade fair")
