"""The list of leads: filters and search in the address, keyset pages, a capped count, and a file."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alignment.desk import lead_columns, lead_list
from alignment.ops.models import AuditEntry
from alignment.people import absences
from alignment.people.models import Role
from leads import lifecycle, searching
from leads.causes import Cause
from leads.finding import find_leads
from leads.milestones import CauseSource
from leads.models import Lead, Reason
from leads.routing.reassigning import route_again
from tests.factories import make_absence, make_lead, make_pool, make_routing, make_user, routing_rule
from tests.leads.test_routing import come_in, draft
from tests.pages import text

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
BY = Cause(CauseSource.API)


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP, name="Júlia Rocha")
    client.force_login(rep)
    return rep


def see(client, **asked):
    return client.get(reverse("leads"), asked)


def names(client, **asked):
    return {lead.name for lead in see(client, **asked).context["list"].page}


# Filters ------------------------------------------------------------------------------------------------------------


def test_an_account_filters_by_its_number_and_nonsense_by_nothing(client, rep):
    named = make_lead(name="Named", company_name="Brightwater")
    make_lead(name="Other", company_name="Northwind")

    assert names(client, account=named.account_id) == {"Named"}
    assert "Account: " in text(see(client, account=named.account_id))
    for nonsense in ("0", "-1", "x", "٣", "9" * 40, ""):
        assert names(client, account=nonsense) == {"Named", "Other"}


@pytest.mark.parametrize("facet", ["source", "campaign", "segment", "territory"])
def test_dimensions_filter_by_their_keys_and_by_having_none(client, rep, facet):
    make_lead(name="Named", **{facet: "home_decor"})
    make_lead(name="Unnamed")

    assert names(client, **{facet: "home_decor"}) == {"Named"}
    assert names(client, **{facet: "-"}) == {"Unnamed"}
    assert names(client, **{facet: "nonsense"}) == {"Named", "Unnamed"}


def test_holders_and_teams_filter(client, rep):
    make_lead(owner=rep, name="Mine")
    make_lead(name="Nobody's")

    assert names(client, owner=rep.pk) == {"Mine"}
    assert names(client, team=rep.team_id) == {"Mine"}
    assert names(client, owner="-") == {"Nobody's"}


def test_states_filter_by_what_became_of_a_lead(client, rep):
    over = make_lead(name="Over", left=-HOUR)
    make_lead(name="In time", left=HOUR)
    make_lead("mgl", name="With marketing")
    make_lead("sql", name="With sales")
    make_lead("won", name="Won")
    rejected, recycled = make_lead(name="Rejected"), make_lead(name="Recycled", left=-HOUR)
    lifecycle.reject(lead_ids=[rejected.pk], reason_id=Reason.objects.offered("reject").first().pk, cause=BY)
    lifecycle.recycle(lead_ids=[recycled.pk], cause=BY)

    assert names(client, state="overdue") == {over.name}
    assert names(client, state="waiting") == {"Over", "In time"}
    assert names(client, state="open") == {"Over", "In time", "With marketing", "With sales"}
    assert names(client, state="in_sales") == {"With sales"}
    assert names(client, state="won") == {"Won"}
    assert names(client, state="rejected") == {"Rejected"}
    assert names(client, state="recycled") == {"Recycled"}
    assert names(client, stage="mgl") == {"With marketing"}


def test_filters_add_up_and_stand_in_the_page(client, rep):
    make_lead(name="Both", source="social", segment="home_decor")
    make_lead(name="One", source="social")
    response = see(client, source="social", segment="home_decor", q="both")

    assert [lead.name for lead in response.context["list"].page] == ["Both"]
    for said in ('value="both"', '<option value="social" selected>', '<option value="home_decor" selected>'):
        assert said in response.content.decode()


def test_merged_leads_are_left_out(client, rep):
    survivor, merged = make_lead(name="Survivor"), make_lead(name="Merged")
    Lead.objects.filter(pk=merged.pk).update(merged_into=survivor)

    assert names(client) == {"Survivor"}


# Search -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["marina", "MARINA alves", "flora", "casaflora.example", "alves casa", "  marina  "])
def test_search_finds_every_word_in_name_address_and_company(client, rep, words):
    make_lead(name="Marina Alves", email="m@casaflora.example", company_name="Casa Flora Décor")
    make_lead(name="Diego Nunes")

    assert names(client, q=words) == {"Marina Alves"}


@pytest.mark.parametrize("words", ["nobody", "100%", "a_b", "\\\\\\", "'; drop", "%%%"])
def test_a_search_without_a_match_names_the_next_action(client, rep, words):
    make_lead(name="Marina Alves", email="m@x.example")
    response = see(client, q=words)

    assert "No lead fits" in text(response)
    assert reverse("leads") in response.content.decode()


def test_a_search_reads_so_many_matches_and_no_more(client, rep, monkeypatch):
    monkeypatch.setattr(searching, "CANDIDATES", 3)
    for _ in range(5):
        make_lead(company_name="Flora")

    assert len(names(client, q="flora")) == 3


def test_an_install_without_leads_says_how_to_begin(client, rep):
    assert "No leads yet" in text(see(client))
    assert reverse("lead_new") in see(client).content.decode()


# Pages --------------------------------------------------------------------------------------------------------------


def test_pages_follow_each_other_without_gap_or_repetition(client, rep, monkeypatch):
    monkeypatch.setattr(lead_list, "PAGE", 2)
    made = [make_lead().pk for _ in range(5)]
    Lead.objects.filter(pk__in=made[1:4]).update(moved_at=timezone.now())
    expected = [lead.pk for lead in Lead.objects.newest_first()]
    read, after = [], ""
    while True:
        page = see(client, after=after).context["list"]
        read += [lead.pk for lead in page.page]
        if not page.next:
            break
        after = page.next

    assert read == expected


@pytest.mark.parametrize("after", ["x", "2026-01-01~1", "2026-13-01T00:00:00+00:00~1", "~"])
def test_a_place_that_makes_no_sense_is_the_first_page(client, rep, after):
    make_lead(name="Marina")

    assert names(client, after=after) == {"Marina"}


def test_the_list_shows_and_filters_how_leads_were_routed(client, rep):
    away, free = make_user(Role.REP), make_user(Role.REP)
    absence = make_absence(away)
    field, south = make_pool(free, name="Field"), make_pool(away, name="South", fallback=rep)
    make_routing(field, routing_rule("Chiefs", "title", "chief", operator="contains", pool=south))
    by_turn, fell_back = come_in(draft(1), draft(2, title="Chief of staff"))
    alone = make_lead("mgl", name="Alone")

    def shown(**asked):
        rows = see(client, columns="routed", **asked).context["list"].rows
        return {lead.pk: cells[0][1] for lead, cells in rows}

    assert shown() == {by_turn.pk: "Pool Field", fell_back.pk: "Chiefs: fallback of South", alone.pk: ""}
    assert set(shown(routed=f"pool:{field.pk}")) == {by_turn.pk}
    assert set(shown(routed="fallback")) == {fell_back.pk}
    assert set(shown(routed="none")) == {alone.pk}
    assert set(shown(routed="pool:x")) == {by_turn.pk, fell_back.pk, alone.pk}
    # What counts is the newest routing.
    absences.cancel(absence_id=absence.pk, by=None)
    route_again(lead_ids=[fell_back.pk], cause=BY, why="Back at work")
    assert shown(routed=f"pool:{south.pk}") == {fell_back.pk: "Chiefs: pool South"}
    assert not shown(routed="fallback")


def test_the_count_is_capped(client, rep, monkeypatch):
    monkeypatch.setattr(lead_list, "COUNT_CAP", 2)
    make_lead()
    assert "1 lead, newest move first" in text(see(client))
    make_lead()
    make_lead()

    assert "2+ leads, newest move first" in text(see(client))


def test_fifty_rows_cost_what_one_costs(client, rep):
    def queries(**asked):
        with CaptureQueriesContext(connection) as captured:
            see(client, **asked)
        return len(captured)

    make_lead(owner=rep, company_name="Flora", source="social", left=-HOUR)
    asked = {"q": "flora", "source": "social", "state": "overdue", "columns": "routed,account,score", "routed": "none"}
    one = queries(), queries(**asked)
    for _ in range(49):
        make_lead(owner=make_user(Role.REP), company_name="Flora", source="social", left=-HOUR)

    assert (queries(), queries(**asked)) == one
    assert max(one) <= 12


# The file -----------------------------------------------------------------------------------------------------------


def read(response):
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_the_file_holds_what_the_filters_found(client, rep):
    make_lead("sql", owner=rep, name="Marina Alves", source="social", company_name="=cmd()|'/c calc'!A1")
    make_lead(name="Diego Nunes")
    response = see(client, source="social", format="csv")
    [row] = read(response)

    assert response["Content-Disposition"] == 'attachment; filename="leads.csv"'
    assert (row["Name"], row["Company"], row["Owner"]) == ("Marina Alves", "'=cmd()|'/c calc'!A1", "Júlia Rocha")
    assert (row["Milestone"], row["Source"], row["Outcome"]) == ("SQL", "Social", "")


def test_the_file_has_every_column_of_the_list_those_that_are_shown_first(client, rep):
    make_routing(make_pool(name="Field"))
    [lead] = come_in(draft(1, product_interest="Planner"))

    response = see(client, format="csv", columns="routed,due")
    [row] = read(response)

    assert list(row)[:7] == ["Id", "Name", "Job title", "Company", "Routed by", "Answer due", "Stage"]
    assert {column.label for column in lead_columns.COLUMNS.values()} <= row.keys()
    assert (row["Interested in"], row["Pass"], row["Stage"]) == ("Planner", "1", str(lead.stage))
    assert (row["Routed by"], row["Score"]) == ("Pool Field", str(lead.score))


def test_the_file_is_not_cut_into_pages(client, rep, monkeypatch):
    monkeypatch.setattr(lead_list, "PAGE", 2)
    for _ in range(5):
        make_lead()

    assert len(read(see(client, format="csv"))) == 5


def test_an_export_is_in_the_audit_log(client, rep):
    see(client, format="csv", source="social")

    entry = AuditEntry.objects.get(action="exported")
    assert (entry.actor, entry.detail["query"]) == (rep, {"format": "csv", "source": "social"})


# Search: the box of the list finds what the palette finds -----------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["brightwater", "ana bright", "ana@brightwater.example", "ouz", "brihgtwater", "Ana Suoza", "xyzzyqwert"]
)
def test_the_box_and_the_palette_agree(client, rep, words):
    make_lead(name="Ana Souza", email="ana@brightwater.example", company_name="Brightwater")
    make_lead(name="Ana Lima", email="lima@northwind.example", company_name="Northwind")
    assert {lead.pk for lead in see(client, q=words).context["list"].page} == {
        one.pk for one in find_leads(words, limit=10)
    }


def test_a_number_finds_its_lead(client, rep):
    lead = make_lead(name="Ana")
    make_lead(name="Ben")
    assert names(client, q=f"#{lead.pk}") == names(client, q=str(lead.pk)) == {"Ana"}


def test_what_is_only_spelled_alike_says_so(client, rep):
    make_lead(name="Ana Souza", company_name="Brightwater")
    assert "Nobody has “brihgtwater”. These are spelled alike." in text(see(client, q="brihgtwater"))
    assert "spelled alike" not in text(see(client, q="brightwater"))


def test_two_letters_are_not_looked_for(client, rep):
    make_lead(name="Ana")
    assert "Too short to look for" in text(see(client, q="an"))
