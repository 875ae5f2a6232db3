"""Scoring after an edit of the rules:
`python3 run.py manage shell --no-imports -c "from benchmarks.scoring import main; main()"`, of a million with
`main(1_000_000)`.

Makes so many leads with three touches each in a scratch database of its own, publishes rules with another threshold,
and scores all leads by one statement; then, in the same run and database, some of them one by one, as a loop over rows
would: reading the lead and its touches, reckoning in Python, saving. Its rate is carried over to all of them. Prints
both and their ratio; nothing passes or fails by time.
"""

import time
from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.utils import timezone

from alignment.ops import versions
from benchmarks.scratch import scratch_database
from leads.conditions.reading import met_by
from leads.models import Lead, Score, ScoringVersion
from leads.scoring import applying, rules
from leads.scoring.compiling import Piece
from leads.scoring.rules import RuleSet, TouchRule

SAMPLE = 300
"""So many are scored one by one: of a million they would take hours."""
LEADS = """
WITH stage AS (SELECT id FROM leads_stage WHERE key = 'mgl'),
accounts AS (
    INSERT INTO leads_account (name, name_key, domain, industry, employees, country, created_at)
    SELECT 'Company ' || n, 'company ' || n, 'company' || n || '.example',
        (ARRAY['Retail', 'Logistics', 'Software', 'Healthcare'])[1 + n %% 4], 10 + (n * 37) %% 4000, 'Germany', now()
    FROM generate_series(1, %(accounts)s) n RETURNING id
), numbered AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS at FROM accounts),
made AS (
    INSERT INTO leads_lead (name, email, email_key, email_domain, phone, title, seniority, company_name, account_id,
        product_interest, consent, do_not_contact, attributes, stage_id, milestone, outcome, pass_no, last_seq,
        created_at, moved_at)
    SELECT 'Person ' || n, 'p' || n || '@company.example', 'p' || n || '@company.example',
        CASE WHEN n %% 9 = 0 THEN 'gmail.com' ELSE 'company.example' END, '',
        (ARRAY['Head of Operations', 'IT manager', 'Business analyst', 'Student', 'Managing director'])[1 + n %% 5],
        '', '', numbered.id, '', 'unknown', FALSE, '{}',
        (SELECT id FROM stage), 1, '', 1, 1, now(), now()
    FROM generate_series(1, %(leads)s) n JOIN numbered ON numbered.at = n %% %(accounts)s RETURNING id
), passes AS (
    INSERT INTO leads_journey (lead_id, pass_no, reached, stage_id, outcome, mgl_at, qualified_by, is_primary)
    SELECT id, 1, 1, (SELECT id FROM stage), '', now(), '', TRUE FROM made
)
INSERT INTO leads_touchpoint (lead_id, at, kind, title, direction, is_human, is_engaged, is_hand_raise, system,
    external_id)
SELECT id, now() - make_interval(days => (id * 7 + each * 13)::int %% 90),
    (ARRAY['visit', 'download', 'webinar', 'e-mail', 'form'])[1 + (id + each) %% 5],
    (ARRAY['Visited the pricing page', 'Downloaded the benchmark report', 'Compared the plans'])[1 + (id * each) %% 3],
    'inbound', TRUE, TRUE, FALSE, '', ''
FROM made CROSS JOIN generate_series(1, 3) each
"""


def main(leads: int = 100_000) -> None:
    """Make a scratch database with so many leads, measure, and drop it."""
    with scratch_database():
        with connection.cursor() as cursor:
            cursor.execute(LEADS, {"leads": leads, "accounts": max(leads // 20, 1)})
            cursor.execute("ANALYZE")
        _score_all()  # as they stand before the edit
        _edit()
        at_once = _score_all()
        sample = min(SAMPLE, leads)
        looped = _loop(sample)
        alone = looped * leads / sample
        print(f"{leads:,} leads by one statement: {at_once:,.1f} s, {leads / at_once:,.0f} leads a second")
        print(f"{sample:,} of them one by one: {looped:,.1f} s, {sample / looped:,.0f} leads a second")
        print(f"{leads:,} one by one, extrapolated from the {sample:,}: {alone:,.0f} s")
        print(f"Ratio: {alone / at_once:,.0f}")


def _edit() -> None:
    draft = versions.begin(ScoringVersion, by=None)
    draft = versions.change(draft, body={**rules.default_body(), "threshold": 70}, by=None)
    versions.publish(draft, by=None, check=rules.checked)


def _score_all() -> float:
    """Seconds that the statement takes."""
    [standard] = applying.standards()
    started_at = time.perf_counter()
    applying.store(standard, Piece("TRUE"), standard.read_at, lock=False)
    return time.perf_counter() - started_at


def _loop(count: int) -> float:
    """Seconds that so many, spread over all leads, take one after the other; stops where a score differs."""
    [standard] = applying.standards()
    apart = Score.objects.count() // count
    chosen = Score.objects.annotate(at=F("pk") % apart).filter(at=0).order_by("pk")[:count]
    known = {score.pk: score for score in chosen}
    started_at = time.perf_counter()
    for pk, score in known.items():
        lead = Lead.objects.select_related("account").get(pk=pk)
        fit, points = _reckon(lead, standard.rules, score.scored_at)
        mine = Score.objects.get(pk=pk)
        if (mine.fit_points, mine.points) != (fit, points):
            raise AssertionError(f"Lead {pk}: {points} one by one, {mine.points} in the set.")
        mine.scored_at = timezone.now()
        mine.save()
    return time.perf_counter() - started_at


def _reckon(lead: Lead, ruleset: RuleSet, at: object) -> tuple[int, int]:
    met = met_by([rule.condition for rule in ruleset.fit], [lead.pk])[lead.pk]
    fit = sum(ruleset.fit[index].points for index in met)
    gathered = dict.fromkeys((group.key for group in ruleset.groups), 0.0)
    days = {group.key: group.half_life_days for group in ruleset.groups}
    for touch in lead.touchpoints.filter(is_engaged=True, at__lte=at).exclude(direction="outbound"):
        age = (at - touch.at) / timedelta(days=1)  # type: ignore[operator]
        for rule in ruleset.engagement:
            if _meets(rule, touch):
                gathered[rule.group] += rule.points * 0.5 ** (age / days[rule.group])
    engagement = sum(min(group.cap, gathered[group.key]) for group in ruleset.groups)
    return fit, int(max(0, fit + engagement) + 1e-6)


def _meets(rule: TouchRule, touch: object) -> bool:
    """The default rules ask the kind of a touch, what happened, and whether it raised a hand."""
    for test in rule.condition.tests():
        if test.field.key == "touch_kind":
            return touch.kind in test.values  # type: ignore[attr-defined]
        if test.field.key == "touch_title":
            return any(value in touch.title.lower() for value in test.values)  # type: ignore[attr-defined]
        return bool(touch.is_hand_raise)  # type: ignore[attr-defined]
    return False
