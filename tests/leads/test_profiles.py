"""Ideal customer profiles and target accounts: who meets what, who is on the list, and the pages of both."""

import csv
import io
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.ops.models import AuditEntry
from alignment.people.models import Role
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Account, AccountProfile, ProfileVersion, Score, TargetAccount
from leads.profiles import coverage, matching, targets
from leads.profiles.form import ProfilesForm
from tests.factories import RETAIL, make_deal, make_lead, make_profiles, make_user
from tests.leads.condition_strategies import NOW, all_of, asks
from tests.leads.scoring_stories import BODY, lead, publish
from tests.leads.stories import by

pytestmark = pytest.mark.django_db

TIER_1 = all_of(asks("tier", "is", "1"))


def account(name, **facts):
    return Account.objects.create(name=name, name_key=name.lower(), created_at=NOW, **facts)


def on_list():
    return set(TargetAccount.objects.filter(removed_at=None).values_list("account__name", flat=True))


def tiers():
    return dict(AccountProfile.objects.values_list("account__name", "tier"))


@pytest.fixture
def manager(client):
    user = make_user(Role.MANAGER)
    client.force_login(user)
    return user


def text(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


# Matching -----------------------------------------------------------------------------------------------------------


def test_every_account_has_the_best_profile_that_it_meets_and_follows_its_facts():
    shop, _ = account("Shop", industry="Retail"), account("Farm", industry="Food")
    make_profiles()
    assert tiers() == {"Shop": 1}

    Account.objects.filter(pk=shop.pk).update(industry="Food")
    Account.objects.filter(name="Farm").update(industry="retail")
    matching.refresh(cause=by())

    assert tiers() == {"Farm": 1}
    assert matching.refresh(cause=by()) == ()


def test_of_several_profiles_the_best_tier_counts():
    account("Shop", industry="Retail")
    body = make_profiles().body
    one = body["profiles"][0]
    draft = ProfileVersion.objects.create(number=2, body={
        "profiles": [one | {"tier": 3}, one | {"key": "other", "name": "Other", "tier": 2}], "targets": None,
    })  # fmt: skip

    matching.publish(draft=draft, by=make_user(Role.REVOPS))

    found = AccountProfile.objects.get()
    assert (found.profile, found.tier) == ("other", 2)


def test_a_tier_feeds_the_fit_of_the_score():
    publish(BODY | {"fit": [{"if": TIER_1, "points": 50}]})
    shop = account("Shop", industry="Retail", domain="shop.example")
    make_profiles()

    person = lead(email="ada@shop.example")

    assert shop.leads.get().pk == person
    score = Score.objects.get(pk=person)
    assert (score.fit_points, score.grade) == (50, "A")


def test_any_number_of_accounts_is_matched_by_the_same_statements():
    make_profiles(TIER_1)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            matching.refresh(cause=by())
        return len(captured)

    account("Shop", industry="Retail")
    one = queries()
    for number in range(5):
        account(f"Shop {number}", industry="Retail")
    assert queries() == one
    assert len(on_list()) == 6


# Target accounts ------------------------------------------------------------------------------------------------------


def test_the_rule_brings_accounts_and_takes_its_own_off_again():
    shop = account("Shop", industry="Retail")
    account("Farm", industry="Food")
    make_profiles(TIER_1)
    assert on_list() == {"Shop"}

    targets.add(account_ids=Account.objects.filter(name="Farm").values_list("pk", flat=True), cause=by(make_user().pk))
    Account.objects.filter(pk=shop.pk).update(industry="Food")
    matching.refresh(cause=by())

    assert on_list() == {"Farm"}


def test_whom_somebody_took_off_the_rule_does_not_bring_back():
    shop = account("Shop", industry="Retail")
    make_profiles(TIER_1)

    assert targets.remove(account_ids=[shop.pk], cause=by(make_user().pk)) == 1
    matching.refresh(cause=by())

    assert on_list() == set()
    targets.add(account_ids=[shop.pk], cause=by(make_user().pk))
    assert on_list() == {"Shop"}


def test_lines_of_a_sheet_name_accounts_by_domain_or_name():
    user = make_user(Role.MARKETER)
    account("Shop", domain="shop.example")
    Account.objects.create(name="Müller & Söhne GmbH", name_key="muller sohne", created_at=NOW)

    added = targets.bring(
        lines=["https://www.shop.example/en", "Muller Sohne", "", "nobody.example", "shop.example"], cause=by(user.pk)
    )

    assert on_list() == {"Shop", "Müller & Söhne GmbH"}
    assert (len(added.account_ids), added.unknown) == (2, ("nobody.example",))
    assert targets.bring(lines=["shop.example"], cause=by(user.pk)).known == 1
    assert AuditEntry.objects.filter(action="targets_added", actor=user).count() == 2


def test_coverage_says_who_is_known_there_and_what_is_open():
    known = make_lead("sql", company_name="Known", email="a@known.example")
    make_lead(company_name="Known", email="b@known.example")
    make_deal(known.pk)
    known.contact_roles.get().opportunity.__class__.objects.update(account=known.account)
    unknown = account("Unknown")
    targets.add(account_ids=[known.account_id, unknown.pk], cause=by(make_user().pk))

    rows = {row.name: row for row in coverage.page()}

    assert (rows["Known"].people, rows["Known"].open_deals, rows["Known"].open_amount) == (2, 1, 9600)
    assert (rows["Unknown"].people, rows["Unknown"].touched_at) == (0, None)
    assert [row.name for row in coverage.page(uncovered=True)] == ["Unknown"]
    assert coverage.figures() == {"total": 2, "known": 1, "with_deal": 1}


# Pages ----------------------------------------------------------------------------------------------------------------


def test_the_list_page_costs_few_queries_however_long(client, manager):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("target_accounts")).status_code == 200
        return len(captured)

    targets.add(account_ids=[account("Shop").pk], cause=by(manager.pk))
    one = queries()
    targets.add(account_ids=[account(f"Shop {number}").pk for number in range(60)], cause=by(manager.pk))
    assert queries() == one <= 12

    first = client.get(reverse("target_accounts"))
    second = client.get(reverse("target_accounts"), {"after": first.context["next"]})
    assert len(first.context["rows"]) + len(second.context["rows"]) == 61


def test_the_list_is_a_file_too(client, manager):
    lead = make_lead(email="ada@acme.example", company_name="Acme", owner=manager)
    make_deal(make_lead("sql", email="bo@acme.example", company_name="Acme").pk)
    targets.add(account_ids=[lead.account_id, account("Shop").pk], cause=by(manager.pk), note="Both agreed")

    response = client.get(reverse("target_accounts"), {"format": "csv", "q": "acme"})

    [row] = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig")))
    assert (row["Account"], row["People known"], row["Open deals"], row["Open amount"]) == ("Acme", "2", "1", "9600.00")
    assert (row["On the list"], row["Why"], row["Tier"]) == ("Added by hand", "Both agreed", "")
    assert AuditEntry.objects.get(action="exported").actor == manager


def test_accounts_are_brought_and_taken_off_on_the_page(client, manager):
    shop = account("Shop", domain="shop.example")

    page = client.post(reverse("target_accounts"), {"lines": "shop.example\nnobody"}, follow=True)

    assert "1 added" in text(page)
    assert "Nobody here knows nobody." in text(page)
    client.post(reverse("target_remove", args=[shop.pk]))
    assert on_list() == set()


def test_a_rep_reads_the_list_and_changes_nothing(client):
    client.force_login(make_user(Role.REP))

    assert "Add accounts" not in text(client.get(reverse("target_accounts")))
    assert client.post(reverse("target_accounts"), {"lines": "shop.example"}).status_code == 403


def fields(body, revision):
    form = ProfilesForm(body)
    data = {"revision": revision, "profiles": len(form.parts), "note": "", "targets-match": "all", "targets-rows": 0,
            "targets-groups": 0}  # fmt: skip
    for part in form.parts:
        data |= {field.html_name: field.value() or "" for field in part.facts}
        data |= {f"{part.editor.prefix}-match": "all", f"{part.editor.prefix}-rows": len(part.editor.rows),
                 f"{part.editor.prefix}-groups": 0}  # fmt: skip
        for row in part.editor.rows:
            data |= {f"{row.name}-field": row.field.key, f"{row.name}-group": 0, f"{row.name}-operator": row.operator,
                     f"{row.name}-value": row.text}  # fmt: skip
    return data


def test_profiles_are_drafted_published_and_compared_with_what_is_won(client, manager):
    shop = account("Shop", industry="Retail", domain="shop.example")
    won = make_lead("won", email="ada@shop.example")
    lifecycle.recycle(lead_ids=[make_lead().pk], cause=Cause(CauseSource.API))
    draft = make_profiles(publish=False)

    client.post(reverse("setup_profiles_draft"), fields(draft.body, draft.revision) | {"profile-0-name": "Shops"})
    draft.refresh_from_db()
    assert draft.body["profiles"][0]["name"] == "Shops"
    client.post(reverse("setup_profiles_draft"), fields(draft.body, draft.revision) | {"do": "publish"})

    assert won.account_id == shop.pk
    page = text(client.get(reverse("setup_profiles")))
    assert "The industry is Retail." in page
    assert re.search(r"Shops Tier 1 1 1 .*1 of 1", page)
    assert "No profile – 1" in page

    file = client.get(reverse("setup_profiles"), {"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
    assert [(row["Profile"], row["Handed over"], row["Won"]) for row in rows] == [
        ("Shops", "1", "1"), ("No profile", "1", "0"),
    ]  # fmt: skip
    assert AuditEntry.objects.get(action="exported").actor == manager


def test_what_is_wrong_with_a_profile_is_said_there(client, manager):
    draft = make_profiles(publish=False)
    wrong = fields(draft.body, draft.revision) | {"profile-0-if-0-value": "", "profile-0-name": "Kept"}

    page = client.post(reverse("setup_profiles_draft"), wrong)

    assert "Industry: say what to look for." in text(page)
    assert 'value="Kept"' in page.content.decode()
    draft.refresh_from_db()
    assert draft.body["profiles"][0]["if"] == RETAIL


def test_a_profile_is_added_and_removed(client, manager):
    draft = make_profiles(publish=False)
    given = fields(draft.body, draft.revision)

    added = client.post(reverse("setup_profiles_draft"), given | {"edit": "profile:add"}).content.decode()
    removed = client.post(reverse("setup_profiles_draft"), given | {"edit": "profile:remove:0"}).content.decode()

    assert 'name="profile-1-name"' in added
    assert 'name="profile-0-name"' not in removed


def test_a_restored_version_can_be_published_again(client, manager):
    first = make_profiles()
    make_profiles(TIER_1)

    client.post(reverse("setup_profiles_restore", args=[first.pk]))

    draft = ProfileVersion.draft()
    assert draft.body == {name: value for name, value in first.body.items() if name != "says"}
