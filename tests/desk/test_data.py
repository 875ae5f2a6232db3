"""Clean data on pages: findings and what they open, deciding about pairs, merging side by side, and the way back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.ops import jobs
from alignment.ops.models import AuditEntry
from alignment.people.accounts import change_company
from alignment.people.models import Role, Side
from leads.hygiene import duplicates, findings, scanning
from leads.merging import merging
from leads.models import DuplicatePair, Lead, Merge
from tests.factories import make_deal, make_lead, make_user
from tests.incoming import make_run_import
from tests.leads.stories import by
from tests.pages import rows_of

pytestmark = pytest.mark.django_db

ANA = {"name": "Ana Souza", "phone": "+49 30 1234567"}


@pytest.fixture
def revops(client):
    revops = make_user(Role.REVOPS)
    client.force_login(revops)
    return revops


def twins(**facts):
    """Two leads that are one person by name and phone number, the first further than the second."""
    pair = make_lead("sql", **ANA, **facts), make_lead(**ANA, **facts)
    scanning.catch_up()
    return pair


def text(response):
    return " ".join(response.content.decode().split())


def see(client, name, *args, **asked):
    return client.get(reverse(name, args=args), asked)


class TestFindings:
    def test_every_number_opens_what_it_counts(self, client, revops):
        twins()
        make_lead(name="", email="nobody at example", company_name="")
        scanning.catch_up()
        page = see(client, "data").context["page"]
        assert {row.key for row in page.rows} == {*findings.FINDINGS, *findings.PAIRS}
        for row in page.rows:
            opened = client.get(row.url)
            shown = opened.context["leads"] if row.key in findings.FINDINGS else opened.context["pairs"]
            assert len(shown) == row.count
        assert sum(row.count for row in page.rows) > 5

    def test_the_trend_ends_with_what_is_there_now(self, client, revops):
        make_lead(name="")
        scanning.catch_up()
        at = see(client, "data").context["page"].at
        findings.remember(counts={"no_name": 4}, at=at - timedelta(weeks=1))
        page = see(client, "data").context["page"]
        [row] = [row for row in page.leads if row.key == "no_name"]
        assert (row.count, row.change, row.weeks[-2:]) == (1, -3, [4, 1])
        assert ["4", "1"] in [told[-2:] for told in rows_of(see(client, "data", format="csv"))]

    def test_stewards_are_named_by_side(self, client, revops):
        steward = make_user(Role.MARKETER, name="Mira Lindqvist")
        change_company(changes={"marketing_steward": steward})
        stewards = see(client, "data").context["page"].stewards
        assert stewards == [(Side.MARKETING, steward), (Side.SALES, None)]
        assert "Mira Lindqvist" in text(see(client, "data"))

    def test_nothing_is_wrong(self, client, revops):
        assert "Nothing is wrong that Accord looks for" in text(see(client, "data"))
        assert "No lead any more" in text(see(client, "data_leads", "no_name"))
        assert "Nobody is known twice" in text(see(client, "data_pairs", "exact"))
        assert "Nothing was merged yet" in text(see(client, "data_merges"))

    def test_what_does_not_exist_is_not_found(self, client, revops):
        assert see(client, "data_leads", "boredom").status_code == 404
        assert see(client, "data_pairs", "vague").status_code == 404
        assert see(client, "data_leads", "no_name", after="nonsense").status_code == 404

    def test_lists_go_on_and_come_as_files(self, client, revops, monkeypatch):
        monkeypatch.setattr("alignment.desk.data.views.PAGE", 2)
        leads = [make_lead(name="").pk for _ in range(3)]
        scanning.catch_up()
        first = see(client, "data_leads", "no_name")
        second = see(client, "data_leads", "no_name", after=first.context["next"])
        assert [lead.pk for lead in [*first.context["leads"], *second.context["leads"]]] == leads[::-1]
        assert second.context["next"] == ""
        assert [row[0] for row in rows_of(see(client, "data_leads", "no_name", format="csv"))[1:]] == [
            str(pk) for pk in leads[::-1]
        ]
        assert AuditEntry.objects.filter(action="exported").exists()

    def test_queries_do_not_depend_on_the_number_of_rows(self, client, revops):
        def queries(address, *args):
            with CaptureQueriesContext(connection) as captured:
                assert see(client, address, *args).status_code == 200
            return len(captured)

        def all_of_them():
            return [queries("data"), queries("data_pairs", "exact"), queries("data_leads", "no_consent")]

        twins()
        few = all_of_them()
        for _ in range(4):
            twins()
        assert all_of_them() == few
        assert max(few) <= 24


class TestPairs:
    def test_the_evidence_stands_beside_them(self, client, revops):
        one, other = twins()
        page = text(see(client, "data_pairs", "exact"))
        assert "<b>45</b>" in page
        assert "same phone number 20 + same name 25" in page
        assert f"{reverse('lead_merge')}?lead={one.pk}&amp;lead={other.pk}" in page

    def test_two_people_are_remembered(self, client, revops):
        one, other = twins()
        client.post(reverse("data_dismiss"), {"lead": [one.pk, other.pk], "kind": "exact"})
        assert not duplicates.to_decide().exists()
        assert DuplicatePair.objects.get().dismissed_by == revops
        assert AuditEntry.objects.filter(action="duplicate_dismissed", subject_id=other.pk).exists()

    def test_who_was_faster_is_told(self, client, revops):
        one, other = twins()
        merging.merge(survivor_id=one.pk, loser_ids=[other.pk], cause=by())
        said = client.post(reverse("data_dismiss"), {"lead": [one.pk, other.pk]}, follow=True)
        assert "One of the two is no lead any more" in text(said)

    def test_a_rep_decides_about_their_own(self, client):
        rep = make_user(Role.REP)
        client.force_login(rep)
        one, other = twins(owner=rep)
        assert "Compare" in text(see(client, "data_pairs", "exact"))
        strangers = twins(owner=make_user(), company_name="Acme")
        assert client.post(reverse("data_dismiss"), {"lead": [lead.pk for lead in strangers]}).status_code == 403
        assert client.post(reverse("data_dismiss"), {"lead": [one.pk, other.pk]}).status_code == 302

    def test_a_steward_decides_about_all(self, client):
        steward = make_user(Role.REP)
        change_company(changes={"sales_steward": steward})
        client.force_login(steward)
        pair = twins(owner=make_user())
        assert client.post(reverse("data_dismiss"), {"lead": [lead.pk for lead in pair]}).status_code == 302

    def test_all_exact_ones_are_merged_at_once_but_for_those_that_somebody_must_decide(self, client, revops):
        kept, gone = twins()
        carries = [make_lead("sql", name="Bo Dahl", phone="+49 30 7654321") for _ in range(2)]
        for lead in carries:
            make_deal(lead.pk)
        scanning.catch_up()
        answer = client.post(reverse("data_merge_exact"))
        [job] = jobs.waiting()
        assert client.post(reverse("data_merge_exact")).url == answer.url
        jobs.run(job)
        assert Lead.objects.get(pk=gone.pk).merged_into == kept
        assert set(duplicates.to_decide().values_list("first", "second")) == {tuple(lead.pk for lead in carries)}
        assert "Left to decide" in text(client.get(answer.url))

    def test_only_stewards_and_revops_merge_all(self, client):
        client.force_login(make_user(Role.MANAGER, Side.SALES))
        assert client.post(reverse("data_merge_exact")).status_code == 403


class TestSideBySide:
    def test_each_field_that_differs_is_chosen(self, client, revops):
        one = make_lead(name="Ana Souza", phone="", title="CEO", left=timedelta(hours=1))
        other = make_lead(name="Ana de Souza", phone="1", title="CEO")
        page = see(client, "lead_merge", lead=[other.pk, one.pk])
        assert [lead.pk for lead in page.context["leads"]] == [one.pk, other.pk]
        assert [row.field for row in page.context["rows"] if row.can_choose] == ["name", "email"]
        answer = client.post(
            reverse("lead_merge"), {"lead": [one.pk, other.pk], "keep": one.pk, "choose_name": other.pk}
        )
        assert answer.url == reverse("lead", args=[one.pk])
        assert Lead.objects.values_list("name", "phone").get(pk=one.pk) == ("Ana de Souza", "1")
        assert Lead.objects.get(pk=other.pk).merged_into == one

    def test_a_refusal_keeps_what_was_chosen(self, client, revops):
        further, other = twins()
        answer = client.post(reverse("lead_merge"), {"lead": [further.pk, other.pk], "keep": other.pk})
        assert answer.status_code == 409
        assert "is further (sales accepted): keep that lead. Nothing was changed." in text(answer)
        assert answer.context["leads"][0] == other
        assert not Merge.objects.exists()

    def test_who_may_not_is_told_whom_to_ask(self, client):
        rep, holder = make_user(Role.REP), make_user(name="Kofi Mensah")
        client.force_login(rep)
        one, other = make_lead(owner=rep, left=timedelta(hours=1)), make_lead(owner=holder)
        assert "is held by Kofi Mensah" in text(see(client, "lead_merge", lead=[one.pk, other.pk]))
        answer = client.post(reverse("lead_merge"), {"lead": [one.pk, other.pk], "keep": one.pk})
        assert answer.status_code == 403

    def test_one_lead_alone_looks_for_the_other(self, client, revops):
        one, other = twins()
        stranger = make_lead(name="Xaver Quandt")
        page = see(client, "lead_merge", lead=[one.pk], q="quandt")
        assert [lead for lead, _ in page.context["suspects"]] == [other]
        assert page.context["found"] == [stranger]
        assert "Open one of the leads first" in text(see(client, "lead_merge"))

    def test_who_merges_what_somebody_has_merged_is_told_so(self, client, revops):
        one, other = make_lead(name="Ada"), make_lead(name="Bo")
        given = {"lead": [one.pk, other.pk], "keep": one.pk}
        client.post(reverse("lead_merge"), given)
        late = client.post(reverse("lead_merge"), given, follow=True)
        assert late.redirect_chain[0][0] == reverse("lead", args=[one.pk])
        assert "They are one lead already: Ada." in text(late)
        assert Merge.objects.count() == 1

    def test_a_merge_says_what_it_did_and_is_undone(self, client, revops):
        one, other = twins()
        key = merging.merge(survivor_id=one.pk, loser_ids=[other.pk], choices={"email": other.pk}, cause=by()).keys[
            one.pk
        ]
        page = text(see(client, "merge", key))
        assert other.email in page
        assert "Undo the merge" in page
        assert "The merge is undone" in text(client.post(reverse("merge_undo", args=[key]), follow=True))
        assert Lead.objects.get(pk=other.pk).merged_into is None
        again = client.post(reverse("merge_undo", args=[key]))
        assert again.status_code == 409
        assert "This merge was undone already." in text(again)


class TestElsewhere:
    def test_the_lead_page_says_who_may_be_the_same(self, client, revops):
        one, other = twins()
        page = text(see(client, "lead", one.pk))
        assert "May be known twice" in page
        assert f"?lead={one.pk}&amp;lead={other.pk}" in page
        assert "May be known twice" not in text(see(client, "lead", make_lead().pk))

    def test_who_adds_a_lead_is_asked_first(self, client, revops):
        twins()
        draft = {**ANA, "email": "new@acme.example", "company_name": "Acme", "consent": "unknown"}
        asked = client.post(reverse("lead_new"), draft)
        assert asked.status_code == 409
        assert "This may be somebody who is known already" in text(asked)
        assert Lead.objects.count() == 2
        assert client.post(reverse("lead_new"), draft | {"anyway": "1"}).status_code == 302
        assert Lead.objects.count() == 3

    def test_an_import_says_who_came_twice(self, client, revops):
        make_lead(name="Ana Costa", email="ana.costa@acme.example", company_name="Acme")
        scanning.catch_up()
        batch = make_run_import(revops)
        assert "still being compared" in text(see(client, "import", batch.pk))
        scanning.catch_up()
        page = text(see(client, "import", batch.pk))
        assert "still being compared" not in page
        assert f"{reverse('data_pairs', args=['likely'])}?import={batch.pk}" in page
        assert len(see(client, "data_pairs", "likely", **{"import": batch.pk}).context["pairs"]) == 1

    def test_who_must_not_be_contacted_is_marked_and_logging_warns(self, client, revops):
        lead = make_lead(do_not_contact=True, phone="1", owner=revops)
        withdrawn = make_lead(consent="withdrawn", phone="1")
        page = text(see(client, "leads"))
        assert "Do not contact" in page
        assert "Consent withdrawn" in page
        for one in (lead, withdrawn):
            assert "tel:" not in text(see(client, "lead", one.pk))
        said = client.post(reverse("lead_touch", args=[lead.pk]), {"activity": "no_answer"}, follow=True)
        assert "must not be contacted: it is logged" in text(said)
        header, *told = rows_of(see(client, "leads", format="csv"))
        asked = header.index("Consent"), header.index("Do not contact")
        assert [[row[place] for place in asked] for row in told] == [["Withdrawn", ""], ["Not asked", "yes"]]
