"""The demo company holds to every rule that a real one must hold to, and so do the years that are put before it."""

from argparse import ArgumentTypeError
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, Max, Min

from alignment.demo.copies import BACK, go_back
from alignment.demo.seeding import seed
from alignment.lib.invariants import count_broken
from alignment.management.commands.seed_demo import size
from alignment.management.commands.verify import INVARIANTS
from leads.drafts import Draft
from leads.intake import receive
from leads.models import HolderInterval, Journey, Lead, LeadKeys, LeadSearch, LeadTransition, Opportunity, Touchpoint
from leads.rebuild import rebuild
from sla.models import Clock, ClockEvent
from sla.sweep import sweep
from tests.leads.stories import by

pytestmark = pytest.mark.django_db

TOLD = 400


@pytest.fixture(autouse=True)
def demo(settings):
    """The demo's logins exist only where this is set."""
    settings.DEMO = True


OF_LEADS = (LeadTransition, Journey, HolderInterval, Touchpoint, Clock, LeadKeys)
# The copies' deals are up to date by their own changes, and nobody contests them.
OF_DEALS_AND_DISPUTES = {"subject_kind__in": ("deal_update", "dispute_answer")}


def broken():
    return {sentence: n for sentence, n in count_broken(INVARIANTS).items() if n}


def outcomes(leads):
    return dict(leads.values_list("outcome").annotate(n=Count("*")))


def test_years_before_are_copies_of_what_is_settled():
    seed(leads=TOLD)
    sweep()
    assert broken() == {}
    told, highest = Lead.objects.count(), Lead.objects.aggregate(Max("pk"))["pk__max"]
    first_at = Lead.objects.aggregate(Min("created_at"))["created_at__min"]
    heard = []
    assert go_back(leads=3 * TOLD, tell=heard.append) == Lead.objects.count() == heard[-1] >= 3 * TOLD

    assert broken() == {}
    assert rebuild(dry_run=True).differing == 0
    copies = Lead.objects.filter(pk__gt=highest)
    assert copies.count() == heard[-1] - told
    assert Lead.objects.aggregate(Min("created_at"))["created_at__min"] <= first_at - len(heard) * BACK + timedelta(
        days=5
    )
    # Nothing in the past waits for anybody, and nothing of it is told to anybody.
    assert not copies.filter(outcome="", milestone__gt=1).exists()
    assert not Clock.objects.running().filter(lead__in=copies).exists()
    assert sweep().breached == 0


def test_a_copy_has_all_that_its_lead_has():
    seed(leads=TOLD)
    before = Lead.objects.aggregate(Max("pk"))["pk__max"]
    go_back(leads=Lead.objects.count() + 1)
    copies = Lead.objects.filter(pk__gt=before).order_by("pk")
    originals = Lead.objects.filter(pk__in=[pk - before for pk in copies.values_list("pk", flat=True)]).order_by("pk")

    assert outcomes(copies) == outcomes(originals)
    for model in OF_LEADS:
        told = model.objects.exclude(**OF_DEALS_AND_DISPUTES) if model is Clock else model.objects.all()
        assert told.filter(lead__in=copies).count() == told.filter(lead__in=originals).count() > 0, model
    events = ClockEvent.objects.exclude(clock__in=Clock.objects.filter(**OF_DEALS_AND_DISPUTES))
    assert events.filter(clock__lead__in=copies).count() == events.filter(clock__lead__in=originals).count() > 0
    assert Opportunity.objects.filter(contacts__lead__in=copies).exists()
    copy, original = copies.exclude(email="").first(), originals.exclude(email="").first()
    assert copy.email.startswith(original.email.partition("@")[0])
    assert LeadSearch.objects.get(lead=copy).text == f"{copy.name} {copy.email} {copy.company_name}"


def test_the_events_of_a_clock_are_copied_in_their_order():
    seed(leads=TOLD)
    told = ClockEvent.objects.aggregate(Max("pk"))["pk__max"]
    # Read the table backwards: no plan may decide about the order.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("CREATE TABLE turned AS SELECT * FROM sla_clockevent ORDER BY id DESC")
        cursor.execute("ALTER TABLE sla_clockevent DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM sla_clockevent")
        cursor.execute("INSERT INTO sla_clockevent SELECT * FROM turned")
    go_back(leads=Lead.objects.count() + 1)

    stories: dict[int, list[str]] = {}
    for clock, kind in ClockEvent.objects.filter(pk__gt=told).order_by("pk").values_list("clock", "kind"):
        stories.setdefault(clock, []).append(kind)
    assert stories
    assert {story[0] for story in stories.values()} == {"started"}


def test_leads_go_on_coming_in_after_the_copies():
    seed(leads=TOLD)
    go_back(leads=Lead.objects.count() + 1)
    newest = Lead.objects.aggregate(Max("pk"))["pk__max"]

    [lead] = receive(drafts=[Draft(name="Ada", email="ada@new.example", company_name="New")], cause=by()).lead_ids
    assert lead > newest
    assert broken().keys() <= {"Nothing has been due for more than five minutes, unless it was set aside"}


@pytest.mark.parametrize(("text", "leads"), [("4000", 4_000), ("100k", 100_000), ("1M", 1_000_000), ("4,000", 4_000)])
def test_sizes_as_people_write_them(text, leads):
    assert size(text) == leads


@pytest.mark.parametrize("text", ["", "0", "many", "1g", "-5", "k"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ArgumentTypeError, match="1m"):
        size(text)


def test_tables_that_are_not_there_yet_are_told():
    MigrationRecorder.Migration.objects.filter(app="leads").delete()
    with pytest.raises(CommandError, match="run the command migrate"):
        call_command("seed_demo")


def test_a_company_with_leads_is_left_alone():
    receive(drafts=[Draft(name="Ada")], cause=by())
    with pytest.raises(CommandError, match="has leads already"):
        call_command("seed_demo")
    assert Lead.objects.count() == 1
