"""The lead page: where a lead stands, what happened to it, what can be done, and by whom."""

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alignment.desk import timeline, usual
from alignment.desk.models import UsualStay
from alignment.desk.timeline import Place, Source
from alignment.people.models import Role
from leads import activities, holders, lifecycle, touches
from leads.activities import Activity
from leads.causes import Cause
from leads.drafts import Reference
from leads.merging import merging
from leads.milestones import CauseSource
from leads.models import Journey, LeadTransition, Opportunity, Reason
from leads.touches import Touch
from sla.sweep import sweep
from tests.factories import make_deal, make_lead, make_user
from tests.pages import text

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
HOUR = timedelta(hours=1)


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP, name="Júlia Rocha")
    client.force_login(rep)
    return rep


def see(client, lead, target="", **asked):
    headers = {**HTMX, "HX-Target": target} if target else {}
    return client.get(reverse("lead", args=[lead.pk]), asked, headers=headers)


def by(user, **more):
    return Cause(CauseSource.PAGE, actor_id=user.pk, **more)


def steps(response):
    return [(step.code, step.state, step.text) for step in response.context["page"].steps]


def told(response):
    """The lines of the timeline, each as its heading or its stages."""
    lines = [line for _, _, line in response.context["page"].lines]
    return [line.heading or " → ".join(label for label, _ in line.stages) for line in lines]


# Where it stands ----------------------------------------------------------------------------------------------------


def test_the_track_shows_what_was_reached_and_how_long_it_took(client, rep):
    lead = make_lead(owner=rep, left=24 * HOUR)
    Journey.objects.filter(lead=lead).update(mgl_at=timezone.now() - timedelta(days=13))
    response = see(client, lead)

    mgl, mql, *rest = steps(response)
    assert (mgl[1], mgl[2].split(", ")[1]) == ("done", "12 d")
    assert mql == ("MQL", "now", "Now, 1.0 d")
    assert [step[1] for step in rest] == ["next", "next", "next"]


def test_a_milestone_without_a_date_says_so(client, rep):
    lead = make_lead("sql", owner=rep)
    Journey.objects.filter(lead=lead).update(mql_at=None)

    assert steps(see(client, lead))[1] == ("MQL", "skipped", "Not dated")


@pytest.mark.parametrize(("left", "state"), [(-HOUR, "over"), (HOUR, "soon"), (9 * HOUR, "later")])
def test_the_gate_of_the_hand_off_has_the_state_of_the_clock(client, rep, left, state):
    page = see(client, make_lead(owner=rep, left=left)).content.decode()

    assert f'class="gate" data-state="{state}"' in page
    assert f'class="clock" data-state="{state}"' in page


def test_an_answer_shows_how_late_it_was(client, rep):
    lead = make_lead(owner=rep, left=-3 * HOUR)
    lifecycle.accept(lead_ids=[lead.pk], cause=by(rep))
    page = see(client, lead)

    assert 'class="gate" data-state="answered"' in page.content.decode()
    assert "Answered after 51 h 00 m, 3 h 00 m late" in text(page)


def test_consent_stands_beside_calling_and_writing(client, rep):
    asked = make_lead(owner=rep, phone="+351 12 34", consent="granted")
    silent = make_lead(owner=rep, phone="+351 12 35", do_not_contact=True)

    page = see(client, asked)
    assert 'href="tel:+3511234"' in page.content.decode()
    assert "Consent: agreed" in text(page)
    page = see(client, silent)
    assert "tel:" not in page.content.decode()
    assert "mailto:" not in page.content.decode()
    assert "Do not contact" in text(page)


def test_facts_deal_and_names_in_other_systems(client, rep):
    lead = make_lead(
        "sql", owner=rep, company_name="Casa Flora", segment="home_decor", references=(Reference("crm", "L-17"),)
    )
    make_deal(lead.pk)
    page = text(see(client, lead))

    for said in ("9,600.00 EUR", "Casa Flora", "Home decor", "crm L-17", "Júlia Rocha"):
        assert said in page


def test_an_earlier_pass_stays_as_it_was(client, rep):
    lead = make_lead(owner=rep)
    reason = Reason.objects.offered("reject").first()
    lifecycle.reject(lead_ids=[lead.pk], reason_id=reason.pk, cause=by(rep))
    lifecycle.requalify(lead_ids=[lead.pk], cause=by(rep))

    assert "Pass 1 Rejected" in text(see(client, lead))
    assert f"reached marketing qualified: {reason.label.lower()}" in text(see(client, lead))


def test_the_address_of_a_merged_lead_leads_to_the_one_it_went_into_which_tells_its_part(client, rep):
    survivor, merged = make_lead(owner=rep, name="Marina Alves"), make_lead(owner=rep, name="M. Alves")
    activities.log(lead_id=merged.pk, activity=Activity.VOICEMAIL, cause=by(rep))
    merging.merge(survivor_id=survivor.pk, loser_ids=[merged.pk], cause=by(rep))

    page = client.get(reverse("lead", args=[merged.pk]), follow=True)
    assert page.redirect_chain == [(reverse("lead", args=[survivor.pk]), 302)]
    assert f"M. Alves, lead {merged.pk}, was merged into this lead." in text(page)
    assert "Left a voicemail" in told(page)
    assert f"(lead {merged.pk}, merged into this one)" in text(page)
    moves = LeadTransition.objects.filter(lead=merged).values_list("pk", flat=True)
    assert not [pk for pk in moves if reverse("lead_correct", args=[survivor.pk, pk]) in page.content.decode()]
    assert client.get(reverse("queue"), {"lead": merged.pk}).context["page"].lead == survivor


def test_an_unknown_lead_is_not_found(client, rep):
    assert client.get(reverse("lead", args=[999999])).status_code == 404


# What can be done ---------------------------------------------------------------------------------------------------


def offered(client, lead):
    return [option.label for option in see(client, lead).context["decision"]["options"]]


def test_each_stage_offers_its_next_steps(client, rep):
    assert offered(client, make_lead("mgl", owner=rep)) == ["Accept"]
    assert offered(client, make_lead(owner=rep)) == ["Accept", "Reject", "Recycle"]
    assert offered(client, make_lead("sql", owner=rep)) == ["Qualify", "Reject", "Recycle"]
    assert offered(client, make_lead("sqo", owner=rep)) == ["Move to Proposal", "Won", "Lost"]
    assert offered(client, make_lead("proposal", owner=rep)) == ["Won", "Lost"]
    assert offered(client, make_lead("won", owner=rep)) == ["Bring back as MQL", "Reopen"]


def test_marketing_is_offered_the_hand_over_and_told_who_answers(client):
    client.force_login(make_user(Role.MARKETER))
    lead = make_lead(owner=make_user(Role.REP, name="Ana Costa"))

    assert offered(client, make_lead("mgl")) == ["Hand to sales"]
    assert offered(client, lead) == []
    assert "Only Ana Costa (the holder), a manager of sales or a RevOps admin may accept" in text(see(client, lead))


def test_an_executive_reads_all_and_changes_nothing(client, rep):
    lead = make_lead("sqo", owner=rep)
    client.force_login(make_user(Role.EXECUTIVE))
    page = see(client, lead).content.decode()

    assert f'action="/leads/{lead.pk}/' not in page
    assert reverse("lead_edit", args=[lead.pk]) not in page


def test_the_newest_move_is_undone_from_the_timeline_for_a_day(client, rep):
    lead = make_lead(owner=rep)
    lifecycle.accept(lead_ids=[lead.pk], cause=by(rep))
    move = LeadTransition.objects.filter(lead=lead).latest("seq")
    undo = reverse("lead_undo", args=[lead.pk, move.pk])

    assert undo in see(client, lead).content.decode()
    client.force_login(make_user(Role.REP))
    assert undo not in see(client, lead).content.decode()


def test_a_move_of_the_day_before_yesterday_is_not_undone(client, rep):
    lead = make_lead("sql", owner=rep, left=0 * HOUR)

    assert "/undo/" not in see(client, lead, kind="move").content.decode()


def test_revops_corrects_every_move_that_counts(client, rep):
    lead = make_lead(owner=rep)
    lifecycle.accept(lead_ids=[lead.pk], cause=by(rep))
    lifecycle.undo(lead_id=lead.pk, cause=by(rep))
    assert "/correct/" not in see(client, lead).content.decode()

    client.force_login(make_user(Role.REVOPS))
    assert see(client, lead).content.decode().count("/correct/") == 2


# What happened ------------------------------------------------------------------------------------------------------


def test_the_timeline_tells_moves_touches_holders_and_the_promise(client, rep):
    lead = make_lead(owner=rep, left=-HOUR)
    sweep()
    activities.log(lead_id=lead.pk, activity=Activity.NO_ANSWER, cause=by(rep))
    reason = Reason.objects.offered("reject").first()
    lifecycle.reject(lead_ids=[lead.pk], reason_id=reason.pk, note="Closed in May.", cause=by(rep))
    page = see(client, lead)

    assert told(page)[0] == f"Rejected: {reason.label.lower()}"
    assert told(page)[1:4] == ["Answered after 49 h 00 m", "Called, no answer", "No answer within 48 hours"]
    assert set(told(page)[4:]) == {"MGL → MQL", "MGL", "A clock of 48 hours started", "Held by Júlia Rocha"}
    assert "Closed in May." in text(page)
    assert "8 events, 1 by sales" in text(page)


def test_what_was_undone_is_struck_through_and_said(client, rep):
    lead = make_lead(owner=rep)
    lifecycle.accept(lead_ids=[lead.pk], cause=by(rep))
    lifecycle.undo(lead_id=lead.pk, cause=by(rep))
    page = see(client, lead, kind="move")

    assert told(page)[:2] == ["Undone: accepted", "MQL → SQL"]
    assert page.content.decode().count('class="is-undone"') == 1


def test_a_recycled_and_a_handed_over_lead_say_where_to_and_why(client, rep):
    manager = make_user(Role.MANAGER, name="Grace Adeyemi")
    lead = make_lead(owner=rep)
    holders.hold(assignments=[holders.Assignment(lead.pk, manager.pk)], cause=by(manager), why="While Júlia is away")
    lifecycle.recycle(lead_ids=[lead.pk], cause=by(manager), revisit_on=date(2030, 3, 4))
    page = see(client, lead)

    assert told(page)[0].startswith("Recycled, look again on 4 March 2030")
    assert "Held by Grace Adeyemi While Júlia is away" in text(page)


def test_history_without_a_date_comes_last(client, rep):
    lead = make_lead("sql", owner=rep)
    move = LeadTransition.objects.get(lead=lead, to_stage__key="sql")
    lifecycle.correct(lead_id=lead.pk, transition_id=move.pk, at=None, note="Nobody knows.", cause=by(rep))
    page = see(client, lead, kind="move")

    assert told(page)[-1] == "Corrected: advanced"
    assert "Without a date" in text(page)


def add_touches(lead, number):
    at = timezone.now() - timedelta(days=40)
    touches.record(
        touches=[Touch(lead.pk, at + timedelta(hours=each // 3), "visit", f"Visit {each}") for each in range(number)],
        cause=Cause(CauseSource.API),
    )


def test_show_more_goes_on_where_the_page_ended(client, rep):
    lead = make_lead("mgl")
    add_touches(lead, 75)
    everything = [event.place for event in timeline.read([lead.pk], down_to=Place(None, 0, 0)).events]
    read, place = [], ""
    while True:
        page = see(client, lead, "timeline-more", before=place).context["page"].events
        read += [event.place for event in page.events]
        if page.more is None:
            break
        place = str(page.more)

    assert len(everything) == 76
    assert read == everything


def test_a_refreshed_timeline_reaches_as_far_down_as_the_one_before(client, rep):
    lead = make_lead("mgl")
    add_touches(lead, 40)
    shown = see(client, lead).context["page"].events
    add_touches(lead, 3)
    fresh = see(client, lead, "lead-timeline", until=str(shown.last)).context["page"].events

    assert {event.place for event in shown.events} <= {event.place for event in fresh.events}


def test_filters_show_one_source(client, rep):
    lead = make_lead(owner=rep)
    add_touches(lead, 2)

    assert told(see(client, lead, kind="touch")) == ["Visit 1", "Visit 0"]
    assert told(see(client, lead, kind="holder")) == ["Held by Júlia Rocha"]
    assert {event.source for event in see(client, lead, kind="clock").context["page"].events.events} == {Source.CLOCK}


def test_the_track_says_how_long_leads_like_this_usually_stay(client, rep, monkeypatch):
    monkeypatch.setattr(usual, "LEAST", 3)
    now = timezone.now()
    for days, segment in ((2, "smb"), (4, "smb"), (9, "smb"), (30, "large")):
        lead = make_lead("mql", segment=segment, left=-timedelta(days=38))
        lifecycle.accept(lead_ids=[lead.pk], cause=by(rep, at=now - timedelta(days=40 - days)))
    usual.measure(now)

    def said(segment):
        return [step.usual for step in see(client, make_lead("mql", segment=segment)).context["page"].steps]

    _, mql, *later = said("smb")
    assert (round(mql.median / HOUR), mql.n, mql.is_alike) == (96, 3, True)
    assert later == [None, None, None]
    # One stay of large leads says nothing: all leads do.
    _, mql, *_ = said("large")
    assert (round(mql.median / HOUR), mql.n, mql.is_alike) == (96, 4, False)
    page = text(see(client, make_lead("mql", segment="smb")))
    assert re.search(r"MQL Now, 1\.0 d Usually 4\.0 d , smb, n 3", page, re.IGNORECASE)


def test_measuring_again_replaces_what_was_usual(rep, monkeypatch):
    monkeypatch.setattr(usual, "LEAST", 1)
    lifecycle.accept(lead_ids=[make_lead("mql").pk], cause=by(rep))
    assert usual.measure(timezone.now()) == usual.measure(timezone.now()) == UsualStay.objects.count() > 0
    assert usual.measure(timezone.now() + timedelta(days=800)) == UsualStay.objects.count() == 0


@pytest.mark.parametrize("asked", [{"kind": "x"}, {"before": "x~y~z"}, {"before": "2026-01-01~1~1"}, {"until": "~"}])
def test_an_address_that_makes_no_sense_shows_the_page(client, rep, asked):
    assert see(client, make_lead(owner=rep), **asked).status_code == 200


# What it costs ------------------------------------------------------------------------------------------------------


def test_a_long_history_costs_what_a_short_one_costs(client, rep):
    lead = make_lead("sqo", owner=rep, company_name="Casa Flora")
    make_lead("mgl", company_name="Casa Flora")
    add_touches(lead, 1)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            see(client, lead)
        return len(captured)

    short = queries()
    add_touches(lead, 300)
    for _ in range(5):
        lifecycle.win(lead_ids=[lead.pk], cause=by(rep))
        lifecycle.reopen(lead_ids=[lead.pk], cause=by(rep))

    assert queries() == short
    assert short <= 15


@pytest.mark.parametrize(
    ("target", "holds"),
    [("lead-track", 'id="lead-track"'), ("lead-timeline", 'id="lead-timeline"'), ("lead-aside", 'id="lead-aside"')],
)
def test_htmx_gets_the_part_that_it_asks_for(client, rep, target, holds):
    page = see(client, make_lead(owner=rep), target).content.decode()

    assert page.count('id="lead-') == 1
    assert holds in page


def test_a_clock_that_was_cancelled_and_runs_again_keeps_its_story(client, rep):
    """Accepted, undone, accepted again: the clock of the touch after it is the same one."""
    lead = make_lead(owner=rep)
    lifecycle.accept(lead_ids=[lead.pk], cause=by(rep))
    lifecycle.undo(lead_id=lead.pk, cause=by(rep))
    lifecycle.accept(lead_ids=[lead.pk], cause=by(rep))

    page = see(client, lead)

    assert page.status_code == 200
    assert "What began it was taken back" in text(page)


def test_what_the_stage_means_follows_the_track(client, rep):
    lead = make_lead(owner=rep)
    assert "What “Marketing qualified” means" in text(see(client, lead, "lead-track"))
    lifecycle.accept(lead_ids=[lead.pk], cause=by(rep))
    assert "What “Sales accepted” means" in text(see(client, lead, "lead-track"))


# Beside the timeline -------------------------------------------------------------------------------------------------


def test_colleagues_stand_beside_it_the_one_who_moved_last_first(client, rep):
    lead = make_lead(owner=rep, company_name="Acme", email="ana@acme.example")
    first = make_lead("mgl", name="Ben Buyer", company_name="Acme", email="ben@acme.example")
    second = make_lead("mql", name="Cleo Chief", company_name="Acme", email="cleo@acme.example", title="CFO")
    make_lead("mql", name="Dora Different", company_name="Globex", email="dora@globex.example")
    holders.hold(assignments=[holders.Assignment(second.pk, rep.pk)], cause=by(rep))
    lifecycle.recycle(lead_ids=[first.pk], cause=by(rep))

    shown = text(see(client, lead))
    assert "Also at Acme" in shown
    assert shown.index("Ben Buyer") < shown.index("Cleo Chief CFO, held by Júlia Rocha")
    assert "Dora Different" not in shown


def test_of_many_colleagues_a_few_are_shown_and_the_way_to_all(client, rep):
    lead = make_lead(owner=rep, company_name="Acme", email="ana@acme.example")
    for number in range(7):
        make_lead("mgl", company_name="Acme", email=f"buyer{number}@acme.example")
    response = see(client, lead)
    assert response.content.decode().count("buyer") == 0
    assert f"/leads/?account={lead.account_id}" in response.content.decode()
    assert len(re.findall(r"<li><span><a href=\"/leads/\d+/\">", response.content.decode())) == 5


def test_where_nothing_is_owed_and_nothing_to_do_no_empty_panel_stands(client, rep):
    other, lead = make_lead("sql"), make_lead("mgl")
    make_deal(other.pk)
    deal = Opportunity.objects.get(journeys__lead=other)
    lifecycle.attach(lead_ids=[lead.pk], opportunity_id=deal.pk, cause=by(rep))

    assert 'aria-label="Decision"' not in see(client, lead).content.decode()
    assert 'aria-label="Decision"' in see(client, make_lead("mql", owner=rep)).content.decode()


def test_a_lead_without_colleagues_has_no_panel_for_them(client, rep):
    assert "Also at" not in text(see(client, make_lead(owner=rep)))
