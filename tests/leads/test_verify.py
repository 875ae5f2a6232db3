"""`manage.py verify` finds what is wrong with scores, routing, deals, merges and calendars."""

import pytest
from django.db import connection

from alignment.lib.invariants import count_broken
from alignment.management.commands.verify import INVARIANTS
from alignment.people import invariants as calendars
from leads.deals import closing
from leads.deals import invariants as deals
from leads.drafts import Draft, TouchDraft
from leads.hygiene import invariants as hygiene
from leads.hygiene import scanning
from leads.intake import receive
from leads.merging.merging import merge
from leads.routing import invariants as routing
from leads.scoring import invariants as scoring
from tests.factories import make_calendar, make_deal, make_free_deal, make_lead, make_pair, make_pool, make_routing
from tests.leads import scoring_stories
from tests.leads.stories import arrived, by, reason

pytestmark = pytest.mark.django_db

DATA = {
    **scoring.INVARIANTS, **routing.INVARIANTS, **deals.INVARIANTS, **hygiene.INVARIANTS, **calendars.INVARIANTS,
}  # fmt: skip


@pytest.fixture
def company():
    """Something of everything: a lead that crossed, routed ones, a deal with two people and a won one, a merge, a pair
    to decide, and a calendar.
    """
    make_calendar()
    make_routing(make_pool())
    raised = (TouchDraft("Asked for a demo", is_hand_raise=True),)
    receive(drafts=[Draft(name=f"Ada {n}", email=f"a{n}@gmail.com", touches=raised) for n in range(3)], cause=by())
    scoring_stories.publish()
    ready = scoring_stories.lead()
    for kind in ("webinar", "visit"):
        scoring_stories.touch(ready, kind)
    lead = make_lead("sql", company_name="Acme")
    make_deal(lead.pk)
    make_free_deal(account=None)
    closing.win(opportunity_id=make_free_deal().pk, reason_id=reason("win"), cause=by())
    keep, gone = arrived(), arrived()
    merge(survivor_id=keep, loser_ids=[gone], cause=by())
    make_pair()
    scanning.catch_up()


BREAKS = {
    "A score is of a version that counts or did, with a sum for each of its groups": (
        "UPDATE leads_score SET sums = sums || 1"
    ),
    "A lead that crossed the threshold was made an MQL for its score in that pass": (
        "UPDATE leads_thresholdcrossing SET pass_no = 7"
    ),
    "A lead crosses the threshold once in a pass, unless that was undone": (
        "INSERT INTO leads_thresholdcrossing (lead_id, pass_no, version_id, by, points, fit_points, grade, at) "
        "SELECT lead_id, pass_no, version_id, by, points, fit_points, grade, at FROM leads_thresholdcrossing"
    ),
    "A routing decision was made by a version that counted, and names one of its rules or none": (
        "UPDATE leads_routingdecision SET rule = 3"
    ),
    "Who got a lead from a pool was in it, and is the one whom the explanation names": (
        "UPDATE leads_routingdecision SET candidates = '[]' WHERE how = 'pool'"
    ),
    "A place in a pool has got as many leads as were decided": "UPDATE leads_poolmember SET given = given + 1",
    "A lead that goes to an open deal goes to a deal of an account": (
        "UPDATE leads_routingdecision SET how = 'deal', opportunity_id = "
        "(SELECT min(id) FROM leads_opportunity WHERE account_id IS NULL)"
    ),
    "The changes of a deal end at its amount": "UPDATE leads_opportunity SET amount = 1",
    "A journey that carries a deal, or joined it, belongs to its buying group": "DELETE FROM leads_opportunitycontact",
    "One lead carries a deal": (
        "UPDATE leads_journey SET is_primary = true, opportunity_id = (SELECT min(id) FROM leads_opportunity)"
    ),
    "A deal is closed when it was won or lost, and a won one stands with the customers": (
        "UPDATE leads_opportunity SET stage_id = (SELECT id FROM leads_stage WHERE key = 'won') WHERE state = 'open'"
    ),
    "A customer by a deal is the account of that deal": "UPDATE leads_opportunity SET account_id = NULL",
    "A lead has keys as long as it stands": "DELETE FROM leads_leadkeys",
    "Keys that are up to date are those of the lead's address and account": "UPDATE leads_leadkeys SET mailbox = ''",
    "Nobody is asked about a pair of which one lead does not stand": (
        "UPDATE leads_lead SET withdrawn_at = now() WHERE id IN (SELECT first_id FROM leads_duplicatepair)"
    ),
    "The move that a merge remembers is a merge of that lead": (
        "UPDATE leads_mergedlead SET move_id = (SELECT min(id) FROM leads_leadtransition)"
    ),
    "A merge says of whom it made one, and nobody goes into themselves": "DELETE FROM leads_mergedlead",
    "Spans of a working calendar never overlap, and lie within the time that was compiled": (
        "UPDATE people_workingspan SET closes_at = closes_at + interval '2 hours'"
    ),
    "A span says how long was worked before it": "UPDATE people_workingspan SET worked_before = worked_before + 1",
    "A calendar with working hours has spans": "DELETE FROM people_workingspan",
}


def test_nothing_is_wrong_with_what_the_verbs_write(company):
    assert not {sentence: rows for sentence, rows in count_broken(DATA).items() if rows}
    assert DATA.items() <= INVARIANTS.items()


@pytest.mark.parametrize("sentence", DATA)
def test_an_invariant_finds_what_breaks_it(sentence, company):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")  # as a hand on the database would, past triggers
        cursor.execute(BREAKS[sentence])
        assert cursor.rowcount > 0
    assert count_broken(DATA)[sentence] > 0
