"""Adding and editing leads, handing them over, logging activities and correcting history, on pages."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from alignment.people.models import Role
from leads.milestones import Kind, QualifiedBy
from leads.models import Journey, Lead, LeadTransition, Opportunity, OpportunityChange, Segment, Source, Touchpoint
from leads.models.lead import Consent
from sla.models import Clock
from tests.factories import make_deal, make_lead, make_user
from tests.pages import text

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
FACTS = {
    "name": "Marina Alves",
    "email": "Marina@CasaFlora.example",
    "company_name": "Casa Flora",
    "consent": "granted",
}


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP, name="Júlia Rocha")
    client.force_login(rep)
    return rep


def add(client, **data):
    return client.post(reverse("lead_new"), FACTS | data)


# Adding -------------------------------------------------------------------------------------------------------------


def test_a_new_lead_is_marketings_until_it_asks_for_sales(client, rep):
    source = Source.objects.create(key="trade_fair", name="Trade fair")
    response = add(client, source=source.pk, owner=rep.pk)

    lead = Lead.objects.get()
    assert response.url == reverse("lead", args=[lead.pk])
    assert (lead.email, lead.email_key, lead.account.name) == (
        "Marina@CasaFlora.example", "marina@casaflora.example", "Casa Flora",
    )  # fmt: skip
    assert (lead.source, lead.consent, lead.owner, lead.stage.key) == (source, Consent.GRANTED, rep, "mgl")
    assert not Clock.objects.exists()


def test_who_asks_for_sales_goes_there_at_once_with_a_promise(client, rep):
    add(client, raised_hand="on", words="Asked for a demo")

    lead = Lead.objects.get()
    assert (lead.stage.key, Journey.objects.get().qualified_by) == ("mql", QualifiedBy.HAND_RAISE)
    assert Touchpoint.objects.get().title == "Asked for a demo"
    assert Clock.objects.filter(lead=lead).exists()


def test_a_known_address_says_whose_lead_it_is_and_keeps_what_was_typed(client, rep):
    known = make_lead(owner=make_user(name="Bruno Sá"), name="M. Alves", email="marina@casaflora.example")
    response = add(client, phone="+351 1234")

    assert response.status_code == 409
    assert "This address is M. Alves , marketing qualified, held by Bruno Sá." in text(response)
    assert 'value="+351 1234"' in response.content.decode()
    assert Lead.objects.get() == known


def test_joining_a_known_lead_fills_its_blanks(client, rep):
    known = make_lead(name="M. Alves", email="marina@casaflora.example")
    response = add(client, phone="+351 1234", join=known.pk)

    known.refresh_from_db()
    assert response.url == reverse("lead", args=[known.pk])
    assert (known.name, known.phone) == ("M. Alves", "+351 1234")


@pytest.mark.parametrize(("stage", "passes"), [("mgl", 1), ("mql", 1)])
def test_a_known_lead_that_asks_for_sales_is_qualified(client, rep, stage, passes):
    known = make_lead(stage, email="marina@casaflora.example")
    add(client, raised_hand="on", join=known.pk)

    known.refresh_from_db()
    assert (known.stage.key, known.pass_no) == ("mql", passes)


def test_a_recycled_lead_that_asks_for_sales_comes_back(client, rep):
    known = make_lead(owner=rep, email="marina@casaflora.example")
    client.post(reverse("lead_recycle", args=[known.pk]))
    add(client, raised_hand="on", join=known.pk)

    known.refresh_from_db()
    assert (known.outcome, known.pass_no) == ("", 2)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"email": "marina at home"}, "Enter a valid email address."),
        ({"name": "", "email": "", "company_name": ""}, "Give at least a name, an e-mail address or a company."),
    ],
)
def test_what_cannot_be_a_lead_is_not_stored(client, rep, data, said):
    response = add(client, **data)

    assert response.status_code == 422
    assert said in text(response)
    assert not Lead.objects.exists()


def test_a_rep_hands_a_new_lead_to_nobody_else(client, rep):
    other = make_user(Role.REP)

    assert add(client, owner=other.pk).status_code == 422
    client.force_login(make_user(Role.MANAGER))
    add(client, owner=other.pk)
    assert Lead.objects.get().owner == other


# Editing ------------------------------------------------------------------------------------------------------------


def edit(client, lead, **data):
    page = client.get(reverse("lead_edit", args=[lead.pk]))
    given = {name: value or "" for name, value in page.context["form"].initial.items() if value is not False}
    return client.post(reverse("lead_edit", args=[lead.pk]), given | data)


def test_facts_change_and_the_search_finds_them(client, rep):
    lead = make_lead(owner=rep, company_name="Casa Flora", email="marina@casaflora.example")
    segment = Segment.objects.create(key="home", name="Home decor")
    edit(client, lead, name="Marina Alves", email="Marina@Flora.example", company_name="Flora", segment=segment.pk)

    lead.refresh_from_db()
    assert (lead.name, lead.email_key, lead.email_domain) == ("Marina Alves", "marina@flora.example", "flora.example")
    assert (lead.account.name, lead.segment) == ("Flora", segment)
    assert lead.search.text == "Marina Alves Marina@Flora.example Flora"
    assert Journey.objects.get(lead=lead).segment is None


def test_an_address_of_somebody_else_is_refused_with_their_name(client, rep):
    make_lead(name="Diego Nunes", email="diego@nunes.example")
    lead = make_lead(owner=rep)
    response = edit(client, lead, email="DIEGO@nunes.example", title="Founder")

    assert response.status_code == 422
    assert "Diego Nunes has this e-mail address already." in text(response)
    assert 'value="Founder"' in response.content.decode()


def test_a_retired_segment_stays_where_it_was(client, rep):
    segment = Segment.objects.create(key="home", name="Home decor", retired_at=timezone.now())
    lead = make_lead(owner=rep)
    Lead.objects.filter(pk=lead.pk).update(segment=segment)

    assert edit(client, lead, title="Founder").status_code == 302
    assert Lead.objects.get(pk=lead.pk).segment == segment


def test_another_reps_lead_is_not_edited(client, rep):
    lead = make_lead(owner=make_user(Role.REP))

    assert client.get(reverse("lead_edit", args=[lead.pk])).status_code == 403


# Holders and activities ---------------------------------------------------------------------------------------------


def test_a_manager_hands_a_lead_over_and_the_clock_goes_on(client, rep):
    lead = make_lead(owner=rep)
    due_at = Clock.objects.get(lead=lead).due_at
    other = make_user(Role.REP)
    client.force_login(make_user(Role.MANAGER))
    client.post(reverse("lead_assign", args=[lead.pk]), {"owner": other.pk, "why": "Speaks Portuguese"})

    lead.refresh_from_db()
    assert (lead.owner, lead.holders.latest("pk").why) == (other, "Speaks Portuguese")
    assert Clock.objects.get(lead=lead).due_at == due_at


def test_nobody_can_be_given_a_lead_who_is_not_in_sales(client):
    client.force_login(make_user(Role.MANAGER))
    lead = make_lead()

    assert (
        client.post(reverse("lead_assign", args=[lead.pk]), {"owner": make_user(Role.MARKETER).pk}).status_code == 422
    )


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("activity", ["connected", "no_answer", "voicemail", "emailed"])
def test_one_press_logs_what_came_of_a_call(client, rep, activity, headers):
    lead = make_lead("sql", owner=rep)
    assert Journey.objects.get(lead=lead).worked_at is None
    url = reverse("lead_touch", args=[lead.pk])
    response = client.post(url, {"activity": activity, "note": "Call again on Monday"}, headers=headers)

    touch = Touchpoint.objects.get(lead=lead)
    assert response.status_code == (200 if headers else 302)
    assert (touch.direction, touch.is_human, touch.actor) == ("outbound", True, rep)
    assert touch.is_engaged == (activity == "connected")
    assert touch.title.endswith(": Call again on Monday")
    assert Journey.objects.get(lead=lead).worked_at == touch.at


def test_an_activity_without_a_button_keeps_the_note(client, rep):
    lead = make_lead("sql", owner=rep)
    response = client.post(reverse("lead_touch", args=[lead.pk]), {"note": "Monday"}, headers=HTMX)

    assert (response.status_code, response.headers["HX-Retarget"]) == (422, "#activity")
    assert 'value="Monday"' in response.content.decode()
    assert not Touchpoint.objects.exists()


def test_a_changed_deal_leaves_rows(client, rep):
    lead = make_lead("sql", owner=rep)
    make_deal(lead.pk)
    given = {"name": "Planner", "amount": "12000", "currency": "EUR", "expected_close_on": "2027-01-31"}
    client.post(reverse("deal_edit", args=[Opportunity.objects.get().pk]), given | {"kind": "new"})

    assert Opportunity.objects.get().amount == Decimal(12000)
    changed = OpportunityChange.objects.filter(actor=rep).values_list("field", flat=True)
    assert set(changed) == {"amount", "expected_close_on"}


# Correcting ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def accepted():
    return LeadTransition.objects.get(lead=make_lead("sql", owner=make_user()), to_stage__key="sql")


def correct(client, move, **data):
    return client.post(reverse("lead_correct", args=[move.lead_id, move.pk]), data)


def test_revops_gives_a_move_another_date(client, accepted):
    client.force_login(make_user(Role.REVOPS))
    yesterday = (timezone.now() - timedelta(days=1)).replace(second=0, microsecond=0)
    correct(client, accepted, at=yesterday.strftime("%Y-%m-%dT%H:%M"), note="The call was a day earlier.")

    assert Journey.objects.get(lead=accepted.lead).accepted_at == yesterday
    assert LeadTransition.objects.get(kind=Kind.CORRECT).note.text == "The call was a day earlier."


def test_or_says_that_nobody_knows_it(client, accepted):
    client.force_login(make_user(Role.REVOPS))
    correct(client, accepted, is_undated="on", note="Copied by mistake.")

    assert Journey.objects.get(lead=accepted.lead).sql_at is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"note": "Why not"}, "Say when it happened, or that nobody knows."),
        ({"at": "2026-01-01T10:00"}, "This field is required."),
        ({"at": "2099-01-01T10:00", "note": "Why not"}, "This is still to come."),
    ],
)
def test_a_correction_says_when_and_why(client, accepted, data, said):
    client.force_login(make_user(Role.REVOPS))
    response = correct(client, accepted, **data)

    assert response.status_code == 422
    assert said in text(response)
    assert not LeadTransition.objects.filter(kind=Kind.CORRECT).exists()


def test_only_revops_corrects(client, accepted):
    client.force_login(make_user(Role.MANAGER))

    assert correct(client, accepted, is_undated="on", note="x").status_code == 403
