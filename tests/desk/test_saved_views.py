"""Saved views of the list of leads, the view that it begins with, and the choice of columns."""

import re

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.desk import lead_columns
from alignment.desk.models import DefaultView, SavedView, Sharing
from alignment.people.models import Role
from tests.factories import make_lead, make_team, make_user, make_view
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP, name="Júlia Rocha")
    client.force_login(rep)
    return rep


def tabs(client, **asked):
    return [tab.view.name for tab in client.get(reverse("leads"), {"view": "all", **asked}).context["tabs"]]


def save(client, query="stage=mql", **data):
    given = {"name": "My MQLs", "sharing": "me"}
    return client.post(f"{reverse('view_new')}?{query}", given | data)


# Views --------------------------------------------------------------------------------------------------------------


def test_filters_and_columns_are_kept_under_a_name(client, rep):
    make_lead("mgl", name="Early")
    make_lead("mql", name="Ready")
    response = save(client, "stage=mql&q=&after=x&columns=owner,email&format=csv")
    view = SavedView.objects.get()
    assert view.query == "stage=mql&columns=owner%2Cemail"
    assert response.headers["Location"] == f"/leads/?stage=mql&columns=owner%2Cemail&view={view.pk}"
    shown = client.get(response.headers["Location"])
    assert [lead.name for lead in shown.context["list"].page] == ["Ready"]
    assert [column.key for column in shown.context["list"].columns] == ["owner", "email"]
    assert "Stage: Marketing qualified" in text(client.get(f"{reverse('view_new')}?stage=mql"))


def test_the_address_of_a_view_shows_the_same_to_who_does_not_see_the_view(client, rep):
    make_lead("mgl", name="Early")
    make_lead("mql", name="Ready")
    url = make_view(rep, sharing=Sharing.ME).get_absolute_url()
    client.force_login(make_user())
    response = client.get(url)
    assert [lead.name for lead in response.context["list"].page] == ["Ready"]
    assert response.context["view"] is None


def test_one_sees_ones_own_the_teams_and_everybodys(client):
    team = make_team()
    me, colleague, stranger = make_user(team=team), make_user(team=team), make_user()
    make_view(me, name="A mine", sharing=Sharing.ME)
    make_view(colleague, name="B of the team", sharing=Sharing.TEAM)
    make_view(colleague, name="C of a colleague", sharing=Sharing.ME)
    make_view(stranger, name="D of another team", sharing=Sharing.TEAM)
    make_view(stranger, name="E for all", sharing=Sharing.ALL)
    client.force_login(me)
    assert tabs(client) == ["A mine", "B of the team", "E for all"]


def test_two_views_of_one_owner_have_two_names(client, rep):
    assert save(client).status_code == 302
    again = save(client)
    assert again.status_code == 422
    assert "Júlia Rocha has a view “My MQLs” already." in text(again)
    client.force_login(make_user())
    assert save(client).status_code == 302


def test_a_view_is_renamed_shared_and_changed_by_who_saved_it(client, rep):
    view = make_view(rep, name="Old", sharing=Sharing.ME)
    client.post(reverse("view_edit", args=[view.pk]), {"name": "New", "sharing": "team"})
    view.refresh_from_db()
    assert (view.name, view.sharing, view.team_id) == ("New", "team", rep.team_id)

    client.post(f"{reverse('view_replace', args=[view.pk])}?stage=sql&columns=team")
    view.refresh_from_db()
    assert view.query == "stage=sql&columns=team"

    client.force_login(make_user(team=rep.team))
    assert client.post(reverse("view_edit", args=[view.pk]), {"name": "Mine"}).status_code == 403
    assert client.post(reverse("view_delete", args=[view.pk])).status_code == 403


def test_what_one_does_not_see_is_not_there(client, rep):
    view = make_view(sharing=Sharing.ME)
    assert client.get(reverse("view_edit", args=[view.pk])).status_code == 404
    assert client.post(reverse("view_begin", args=[view.pk])).status_code == 404


def test_other_filters_than_saved_are_said_and_can_be_kept(client, rep):
    view = make_view(rep, query="stage=mql")
    changed = text(client.get(reverse("leads"), {"stage": "sql", "view": view.pk}))
    assert f"“{view}” was saved with other filters or columns." in changed
    assert "Save it like this" in changed
    assert "was saved with other" not in text(client.get(view.get_absolute_url()))


def test_a_view_without_team_is_not_shared_with_one(client):
    client.force_login(make_user(Role.REVOPS))
    assert "My team" not in text(client.get(reverse("view_new")))
    assert save(client, sharing="team").status_code == 422
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedView.objects.create(name="x", owner=make_user(), sharing=Sharing.TEAM)


# What the list begins with ------------------------------------------------------------------------------------------


def test_the_list_begins_with_ones_own_view_until_it_does_not(client, rep):
    view = make_view(make_user(), sharing=Sharing.ALL)
    assert client.get(reverse("leads")).status_code == 200
    client.post(reverse("view_begin", args=[view.pk]))
    assert client.get(reverse("leads")).headers["Location"] == view.get_absolute_url()
    assert client.get(reverse("leads"), {"view": "all"}).status_code == 200
    client.post(reverse("view_begin", args=[view.pk]))
    assert client.get(reverse("leads")).status_code == 200


def test_saving_can_make_it_the_beginning(client, rep):
    save(client, is_default="on")
    view = SavedView.objects.get()
    assert DefaultView.objects.get(user=rep).view == view
    client.post(reverse("view_edit", args=[view.pk]), {"name": "Other", "sharing": "me"})
    assert not DefaultView.objects.exists()


def test_a_deleted_view_is_gone_for_everybody(client, rep):
    view = make_view(rep, name="Gone")
    other = make_user()
    DefaultView.objects.create(user=other, view=view)
    client.post(reverse("view_delete", args=[view.pk]))
    assert tabs(client) == []
    client.force_login(other)
    assert client.get(reverse("leads")).status_code == 200
    assert SavedView.objects.get().retired_at
    make_view(rep, name="Gone")


# How many there are -------------------------------------------------------------------------------------------------


def test_counts_come_by_themselves_and_by_one_query(client, rep):
    for stage in ("mgl", "mql", "mql"):
        make_lead(stage, owner=rep)
    for name, query in [("A", "stage=mql"), ("B", f"owner={rep.pk}"), ("C", "state=overdue"), ("D", "stage=won")]:
        make_view(rep, name=name, query=query)
    page = client.get(reverse("leads"), {"view": "all"})
    assert {tab.count for tab in page.context["tabs"]} == {""}
    assert 'hx-trigger="load"' in page.content.decode()

    def asked():
        return client.get(reverse("leads"), {"view": "all"}, headers={"HX-Request": "true", "HX-Target": "lead-views"})

    assert [tab.count for tab in asked().context["tabs"]] == ["2", "3", "0", "0"]
    with CaptureQueriesContext(connection) as few:
        asked()
    for number in range(5):
        make_view(rep, name=f"E{number}", query="stage=sql")
    with CaptureQueriesContext(connection) as many:
        asked()
    assert len(many) == len(few)


def test_once_they_are_counted_what_is_shown_can_still_be_saved(client, rep):
    make_view(rep, query="stage=sql")
    asked = {"stage": "mql", "columns": "owner,email"}
    part = client.get(reverse("leads"), asked, headers={"HX-Request": "true", "HX-Target": "lead-views"})
    shown = part.content.decode()
    assert f'href="{reverse("view_new")}?stage=mql&amp;columns=owner%2Cemail"' in shown
    assert f'href="{reverse("lead_columns")}?stage=mql&amp;columns=owner%2Cemail"' in shown
    assert '?view=all" aria-current="page"' not in shown


def test_the_list_with_views_keeps_its_budget(client, rep, django_assert_max_num_queries):
    view = make_view(rep, query="stage=mql&columns=owner,account,campaign,segment,territory,team,source")
    make_lead(owner=rep, company_name="Acme")
    with django_assert_max_num_queries(12):
        client.get(view.get_absolute_url())


# Columns ------------------------------------------------------------------------------------------------------------


def test_columns_stand_in_the_order_of_the_address(client, rep):
    make_lead(name="Ana", owner=rep, company_name="Acme", email="ana@acme.example")
    response = client.get(reverse("leads"), {"columns": "email,account,nonsense,email,owner"})
    heads = re.findall(r'<th scope="col">([^<]+)</th>', response.content.decode())
    assert heads == ["Lead", "E-mail", "Account", "Owner"]
    assert "ana@acme.example Acme Júlia Rocha" in text(response)


def test_nonsense_shows_the_usual_columns(client, rep):
    make_lead()
    response = client.get(reverse("leads"), {"columns": "nonsense"})
    assert [column.key for column in response.context["list"].columns] == list(lead_columns.DEFAULT)


def test_every_column_is_shown_without_a_query_of_its_own(client, rep):
    def queries(count):
        for _ in range(count):
            make_lead(owner=rep, company_name="Acme", email=f"a{count}{_}@acme.example")
        with CaptureQueriesContext(connection) as captured:
            response = client.get(reverse("leads"), {"columns": ",".join(lead_columns.COLUMNS)})
        assert response.status_code == 200
        return len(captured)

    one = queries(1)
    assert queries(9) == one
    assert one <= 12


def test_columns_are_chosen_and_moved_by_addresses(client, rep):
    page = client.get(reverse("lead_columns"), {"stage": "mql", "columns": "owner,due,team"})
    owner, due, team, *others = page.context["choices"]
    assert (owner.up, owner.down, owner.toggled) == ("", "due,owner,team", "due,team")
    assert (due.up, due.down) == ("due,owner,team", "owner,team,due")
    assert (team.down, others[0].toggled) == ("", "owner,due,team,stage")
    assert page.context["back"] == "/leads/?stage=mql&columns=owner%2Cdue%2Cteam"
    assert "The usual columns" in text(page)
    assert "The usual columns" not in text(client.get(reverse("lead_columns")))
