"""What the tables refuse to store: every constraint has its attempt, and events stay as they were written."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from psycopg2.extras import DateTimeTZRange

from leads import holders, lifecycle
from leads.deals import deals
from leads.drafts import DealDraft, Reference
from leads.holders import Assignment
from leads.merging import merging
from leads.milestones import Kind
from leads.models import (
    Account,
    AccountProfile,
    Campaign,
    CustomerPeriod,
    DealRules,
    DistinctDeals,
    DuplicatePair,
    ExternalReference,
    HolderInterval,
    Lead,
    LeadKeys,
    LeadSearch,
    LeadTransition,
    Merge,
    MergedLead,
    NurtureTrack,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    ProfileVersion,
    Reason,
    Score,
    ScoringVersion,
    Segment,
    Source,
    Sourcing,
    TargetAccount,
    Territory,
    ThresholdCrossing,
    Touchpoint,
    WeeklyCount,
    WithdrawnTouch,
)
from tests.factories import make_user
from tests.leads import attempts
from tests.leads.stories import arrived, by, day, journey, rows, stage, step, to

pytestmark = pytest.mark.django_db

NOBODY = 2_000_000_000
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def copy(row, **changes):
    """Store the same row once more, with these changes."""
    row.pk = None
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def swap(pair):
    copy(pair, first=pair.second, second=pair.first)


def customer(**dates):
    return CustomerPeriod.objects.create(account=account(), recorded_at=NOON, **dates)


def two_deals():
    first, second = deal(), deal()
    return DistinctDeals.objects.create(first=first, second=second, said_at=NOON)


def sourced():
    return Sourcing.objects.get(opportunity=deal())


def set_(row, **wrong):
    type(row).objects.filter(pk=row.pk).update(**wrong)


def delete(row):
    """As a statement by hand would; Django refuses on its own."""
    type(row).objects.filter(pk=row.pk)._raw_delete("default")


def lead(**facts):
    return Lead.objects.get(pk=arrived(**facts))


def move():
    return rows(arrived(to("mgl", day(1)), to("mql", day(2))))[-1]


def undone():
    lead_id = arrived(to("mgl", day(1)), to("mql", day(2)))
    lifecycle.undo(lead_id=lead_id, cause=by())
    return rows(lead_id)[-1]


def merged():
    survivor_id = arrived()
    found = merging.merge(survivor_id=survivor_id, loser_ids=[arrived()], cause=by())
    return Merge.objects.get(pk=found.keys[survivor_id])


def pair(**fields):
    given = {"first": lead(), "second": lead(), "names_alike": 1, "companies_alike": 1, "is_exact": False}
    told = {"same_mailbox": False, "same_phone": False, "same_account": True}
    return DuplicatePair.objects.create(**given | told | fields)


def deal(**fields):
    draft = DealDraft(**{"name": "Deal", "currency": "EUR", "amount": Decimal(5)} | fields)
    return Opportunity.objects.get(pk=deals.open_deals(drafts=[draft], cause=by())[0])


def account(**fields):
    return Account.objects.create(**{"name": "Acme", "name_key": "acme", "created_at": NOON} | fields)


def held():
    holder = make_user()
    lead_id = arrived()
    holders.hold(assignments=[Assignment(lead_id, holder.pk, day(3))], cause=by())
    return HolderInterval.objects.get(lead_id=lead_id)


def ended():
    first = held()
    holders.hold(assignments=[Assignment(first.lead_id, make_user().pk, day(9))], cause=by())
    return HolderInterval.objects.get(pk=first.pk)


def reference(**subject):
    return ExternalReference.objects.create(system="crm", external_id="1", **subject)


def touch(**fields):
    given = {"at": NOON, "kind": "form", "title": "Asked for a demo", "direction": "inbound", "lead": lead()}
    return Touchpoint.objects.create(**given | fields)


def recycled_twice():
    lead_id = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(3)), step(Kind.REQUALIFY, day(4)))
    return journey(lead_id, 1)


def with_contact():
    return OpportunityContact.objects.get(opportunity=deal(lead_id=arrived()))


def score(**fields):
    person = lead()
    Score.objects.filter(lead=person).delete()  # it was scored when it came in
    given = {"lead": person, "points": 10, "fit_points": 5, "grade": "C", "sums": [], "scored_at": NOON}
    return Score.objects.create(**given | {"version": scoring_version()} | fields)


def scoring_version(**fields):
    given = {"scope": "test", "number": 1, "body": {}, "state": "published", "published_at": NOON}
    return ScoringVersion.objects.create(**given | fields)


def profiles(**fields):
    given = {"scope": "test", "number": 1, "body": {}, "state": "published", "published_at": NOON}
    return ProfileVersion.objects.create(**given | fields)


def crossing(**fields):
    given = {"lead": lead(), "pass_no": 1, "by": "touch", "points": 90, "fit_points": 30, "grade": "A", "at": NOON}
    return ThresholdCrossing.objects.create(**given | {"version": scoring_version()} | fields)


def target(**fields):
    return TargetAccount.objects.create(**{"account": account(), "origin": "manual", "added_at": NOON} | fields)


WRONG = {
    "lead_keys_known": lambda: set_(lead(), source=NOBODY),
    "lead_search_keys_known": lambda: LeadSearch.objects.create(lead_id=NOBODY, text="Ada"),
    "keys_known": lambda: LeadKeys.objects.create(lead_id=NOBODY),
    "transition_keys_known": lambda: copy(move(), seq=9, actor_id=NOBODY),
    "touch_keys_known": lambda: touch(actor_id=NOBODY),
    "withdrawn_touch_keys_known": lambda: WithdrawnTouch.objects.create(
        lead_id=NOBODY, touch={"title": "Visit"}, withdrawn_at=NOON
    ),
    "holder_keys_known": lambda: set_(held(), user=NOBODY),
    "reference_keys_known": lambda: reference(account_id=NOBODY),
    "score_keys_known": lambda: set_(score(), lead=NOBODY),
    "journey_keys_known": lambda: set_(journey(arrived()), opportunity=NOBODY),
    "lead_never_deleted": lambda: delete(lead()),
    "account_never_deleted": lambda: delete(account()),
    "deal_never_deleted": lambda: delete(deal()),
    "source_never_deleted": lambda: delete(Source.objects.create(key="fair", name="Fair")),
    "campaign_never_deleted": lambda: delete(Campaign.objects.create(key="fair", name="Fair")),
    "segment_never_deleted": lambda: delete(Segment.objects.create(key="home", name="Home")),
    "territory_never_deleted": lambda: delete(Territory.objects.create(key="north", name="North")),
    "stage_never_deleted": lambda: delete(stage("mql")),
    "reason_never_deleted": lambda: delete(Reason.objects.first()),
    "track_never_deleted": lambda: delete(NurtureTrack.objects.first()),
    "account_domain_unique": lambda: copy(account(domain="acme.example"), name_key="other"),
    "account_name_unique": lambda: copy(account()),
    "account_has_name_key": lambda: account(name_key=""),
    "campaign_cost_has_currency": lambda: Campaign.objects.create(key="fair", name="Fair", cost=5, currency=""),
    "holder_never_two": lambda: copy(ended(), held=DateTimeTZRange(day(5), day(6))),
    "holder_one_now": lambda: copy(held()),
    "holder_never_beside": lambda: copy(held(), held=DateTimeTZRange(day(20), day(21))),
    "holder_not_empty": lambda: set_(held(), held=DateTimeTZRange(empty=True)),
    "journey_pass_unique": lambda: copy(journey(arrived()), outcome="recycled", ended_at=NOON),
    "journey_one_open_pass": lambda: set_(recycled_twice(), outcome="", closed_at=None, ended_at=None),
    "journey_reached_known": lambda: set_(journey(arrived()), reached=6),
    "journey_outcome_known": lambda: set_(journey(arrived()), outcome="bored", ended_at=NOON),
    "journey_won_reached_won": lambda: set_(journey(arrived()), outcome="won", ended_at=NOON),
    "journey_open_has_no_close_date": lambda: set_(journey(arrived()), closed_at=NOON),
    "journey_end_is_recorded": lambda: set_(journey(arrived()), outcome="recycled"),
    "journey_has_reason": lambda: set_(journey(arrived()), outcome="rejected", ended_at=NOON),
    "lead_email_unique": lambda: set_(lead(), email_key=lead().email_key),
    "lead_milestone_known": lambda: set_(lead(), milestone=0),
    "lead_outcome_known": lambda: set_(lead(), outcome="bored"),
    "lead_consent_known": lambda: set_(lead(), consent="maybe"),
    "lead_not_merged_into_itself": lambda: set_(one := lead(), merged_into=one.pk),
    "lead_merged_or_withdrawn": lambda: set_(lead(), merged_into=lead().pk, withdrawn_at=NOON),
    "merge_source_known": lambda: set_(merged(), source="dream"),
    "merge_undone_by": lambda: set_(merged(), undone_by=make_user()),
    "merged_lead_once": lambda: copy(MergedLead.objects.get(merge=merged())),
    "pair_once": lambda: copy(pair()),
    "pair_in_order": lambda: pair(first=(one := lead()), second=one),
    "pair_alike_is_a_share": lambda: set_(pair(), names_alike=1.1),
    "pair_decided": lambda: set_(pair(), dismissed_by=make_user()),
    "weekly_count_once": lambda: copy(
        WeeklyCount.objects.create(begins_on=NOON.date(), finding="stale", count=1, counted_at=NOON)
    ),
    "deal_kind_known": lambda: set_(deal(), kind="gift"),
    "deal_state_known": lambda: set_(deal(), state="ajar"),
    "deal_sourced_by_known": lambda: set_(deal(), sourced_by="luck"),
    "deal_amount_not_negative": lambda: set_(deal(), amount=-1),
    "deal_rate_positive": lambda: set_(deal(), rate=0),
    "deal_open_has_no_close_date": lambda: set_(deal(), closed_at=NOON),
    "deal_open_has_no_reason": lambda: set_(deal(), reason=Reason.objects.first()),
    "deal_probability_percent": lambda: set_(deal(), probability=101),
    "distinct_deals_once": lambda: copy(two_deals()),
    "distinct_deals_in_order": lambda: swap(two_deals()),
    "customer_ends_after_beginning": lambda: customer(began_on=date(2026, 3, 2), ended_on=date(2026, 3, 1)),
    "customer_once_at_a_time": lambda: copy(customer(began_on=None), began_on=date(2026, 3, 1)),
    "customer_periods_apart": lambda: copy(
        customer(began_on=date(2026, 3, 1), ended_on=date(2026, 3, 9)), began_on=date(2026, 3, 9), ended_on=None
    ),
    "deal_rules_single_row": lambda: copy(DealRules.objects.get(), pk=2),
    "deal_rules_lookback": lambda: set_(DealRules.objects.get(), lookback_days=0),
    "deal_rules_closing_day": lambda: set_(DealRules.objects.get(), closing_day=31),
    "sourcing_side_known": lambda: copy(sourced(), sourced_by="luck"),
    "sourcing_rule_known": lambda: copy(sourced(), rule="whim"),
    "sourcing_correction_says_why": lambda: copy(sourced(), rule="correction"),
    "sourcing_touch_is_named": lambda: copy(sourced(), rule="touch"),
    "contact_role_unique": lambda: copy(with_contact(), is_primary=False),
    "contact_one_primary": lambda: copy(with_contact(), lead=lead()),
    "reference_names_one_thing": lambda: reference(lead=lead(), account=account()),
    "reference_not_blank": lambda: set_(reference(lead=lead()), external_id=""),
    "reference_lead_unique": lambda: copy(reference(lead=lead()), lead=lead()),
    "reference_account_unique": lambda: copy(reference(account=account()), account=account(name_key="other")),
    "reference_opportunity_unique": lambda: copy(reference(opportunity=deal()), opportunity=deal()),
    "stage_milestone_known": lambda: set_(stage("mql"), milestone=9),
    "stage_side_known": lambda: set_(stage("mql"), owning_side="finance"),
    "stage_position_unique": lambda: set_(stage("mql"), position=stage("sql").position),
    "reason_key_unique": lambda: copy(Reason.objects.first()),
    "reason_kind_known": lambda: set_(Reason.objects.first(), kind="draw"),
    "touch_direction_known": lambda: touch(direction="sideways"),
    "touch_external_unique": lambda: copy(touch(system="web", external_id="1")),
    "transition_seq_unique": lambda: copy(move()),
    "transition_reverted_once": lambda: copy(undone(), seq=9),
    "transition_kind_known": lambda: copy(move(), seq=9, kind="jump"),
    "transition_source_known": lambda: copy(move(), seq=9, source="dream"),
    "transition_has_reason": lambda: copy(move(), seq=9, kind="reject"),
    "transition_undated_only_in_history": lambda: copy(move(), seq=9, source="page", at=None),
    "transition_undo_reverts": lambda: copy(undone(), seq=9, reverts=None),
    "transition_correct_corrects": lambda: copy(move(), seq=9, kind="correct"),
    "scoringversion_number_unique": lambda: copy(scoring_version(), state="retired", retired_at=NOON),
    "scoringversion_one_published": lambda: copy(scoring_version(), number=2),
    "scoringversion_one_draft": lambda: copy(scoring_version(state="draft", published_at=None), number=2),
    "scoringversion_state_dated": lambda: scoring_version(published_at=None),
    "scoringversion_release_known": lambda: scoring_version(release="never"),
    "scoringversion_daily_has_number": lambda: scoring_version(release="daily"),
    "scoringversion_pilot_has_team": lambda: scoring_version(audience="team:1"),
    "profileversion_number_unique": lambda: copy(profiles(), state="retired", retired_at=NOON),
    "profileversion_one_published": lambda: copy(profiles(), number=2),
    "profileversion_one_draft": lambda: copy(profiles(state="draft", published_at=None), number=2),
    "profileversion_state_dated": lambda: profiles(published_at=None),
    "account_profile_tier_known": lambda: AccountProfile.objects.create(
        account=account(), profile="retail", tier=4, found_at=NOON
    ),
    "score_grade_known": lambda: score(grade="E"),
    "score_not_negative": lambda: score(points=-1),
    "score_suppression_known": lambda: score(suppressed_as="tired"),
    "crossing_by_known": lambda: crossing(by="luck"),
    "target_account_once": lambda: copy(target()),
    "target_origin_known": lambda: target(origin="luck"),
    "transition_has_target": lambda: copy(move(), seq=9, to_stage=None),
    **attempts.WRONG,
}


@pytest.mark.parametrize("constraint", WRONG)
def test_the_tables_refuse(constraint):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        WRONG[constraint]()
    assert refusal.value.__cause__.diag.constraint_name == constraint


def test_every_constraint_has_its_attempt():
    named = {each.name for model in apps.get_app_config("leads").get_models() for each in model._meta.constraints}
    assert named == set(WRONG)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE leads_leadtransition SET at = now()", "DELETE FROM leads_leadtransition"],
)
def test_moves_are_append_only(statement):
    move()
    refused_by_trigger(statement)
    assert LeadTransition.objects.count() == 2


@pytest.mark.parametrize(
    "statement",
    ["UPDATE leads_opportunitychange SET new = '0'", "DELETE FROM leads_opportunitychange"],
)
def test_changes_of_deals_are_append_only(statement):
    deal()
    stored = OpportunityChange.objects.count()
    refused_by_trigger(statement)
    assert OpportunityChange.objects.count() == stored > 0


@pytest.mark.parametrize(
    "statement",
    ["UPDATE leads_thresholdcrossing SET points = 0", "DELETE FROM leads_thresholdcrossing"],
)
def test_crossings_are_append_only(statement):
    crossing()
    refused_by_trigger(statement)
    assert ThresholdCrossing.objects.count() == 1


def refused_by_trigger(statement):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_leads_without_an_address_are_legal_and_so_is_the_address_of_a_tombstone():
    first, second = lead(email=""), lead(email="")
    set_(first, merged_into=second.pk, email_key="ada@buyer.example")
    set_(second, email_key="ada@buyer.example")


def test_a_journey_is_anchored_at_its_first_dated_milestone():
    found = journey(arrived(to("mgl"), to("sql", day(5)), to("sqo", day(2))))
    assert found.entered_at == day(5)
    assert journey(arrived(to("mql"))).entered_at is None


def test_a_reference_finds_the_lead_again_under_the_name_that_another_system_gave_it():
    one = arrived(email="", references=(Reference("crm", "17"),))
    assert arrived(email="", references=(Reference("crm", "17"),)) == one
