"""Rules that are easily reckoned with, random ones, and leads that do something."""

from datetime import timedelta

from hypothesis import strategies as st

from alignment.ops import versions
from leads.causes import Cause
from leads.drafts import Draft
from leads.intake import receive
from leads.milestones import CauseSource, Milestone
from leads.models import Lead, Score, ScoringVersion
from leads.scoring import rules
from leads.touches import Touch, record
from tests.leads.condition_strategies import NOW, all_of, asks, groups

LIVE = Cause(CauseSource.API, at=NOW)

# A small set of rules that is easily reckoned with: fit up to 60, visits 20 each up to 50, webinars 30 each.
BODY = {
    "threshold": 80,
    "minimum_fit": "B",
    "grades": {"A": 50, "B": 30, "C": 10},
    "groups": [
        {"key": "visits", "name": "Visits", "cap": 50, "half_life_days": 10},
        {"key": "events", "name": "Events", "cap": 60, "half_life_days": 30},
    ],
    "fit": [
        {"if": all_of(asks("title", "has_word", "director")), "points": 40},
        {"if": all_of(asks("free_email", "no"), asks("email_domain", "known")), "points": 20},
    ],
    "engagement": [
        {"if": all_of(asks("touch_kind", "is", "visit")), "points": 20, "group": "visits"},
        {"if": all_of(asks("touch_kind", "is", "webinar")), "points": 30, "group": "events"},
    ],
    "suppress_customers": True,
    "competitors": ["rival.example"],
    "staff": ["ours.example"],
}


def publish(body=BODY, **options):
    draft = versions.begin(ScoringVersion, by=None)
    draft = versions.change(draft, body=body, by=None)
    return versions.publish(draft, by=None, check=rules.checked, **options)


def lead(title="Director", email="ada@buyer.example", cause=LIVE, touches=(), **facts):
    draft = Draft(name="Ada", title=title, email=email, touches=tuple(touches), **facts)
    [lead_id] = receive(drafts=[draft], cause=cause).lead_ids
    return lead_id


def touch(lead_id, kind="visit", at=NOW, **more):
    more = {"title": kind, "cause": Cause(CauseSource.API, at=at)} | more
    return record(touches=[Touch(lead_id=lead_id, at=at, kind=kind, title=more.pop("title"),
                                 **{name: more[name] for name in more if name != "cause"})],
                  cause=more["cause"])  # fmt: skip


def standing(lead_id):
    row = Lead.objects.get(pk=lead_id)
    return Milestone(row.milestone).name, row.outcome, row.pass_no


def points(lead_id):
    return Score.objects.get(pk=lead_id).points


touch_rows = st.fixed_dictionaries(
    {
        "touch_kind": st.sampled_from(["visit", "webinar", "form"]),
        "touch_title": st.sampled_from(["Pricing page", "100% of it", ""]),
        "direction": st.sampled_from(["inbound", "outbound", "intent"]),
        "hand_raise": st.booleans(),
        "is_engaged": st.sampled_from([True, True, False]),
        "at": st.integers(-400 * 24, 24).map(lambda hours: NOW + timedelta(hours=hours)),
    }
)
touch_conditions = st.sampled_from(
    [
        all_of(asks("touch_kind", "is", "visit", "form")),
        all_of(asks("touch_title", "contains", "100%")),
        all_of(asks("hand_raise", "no"), asks("direction", "is", "intent")),
        all_of(asks("touch_title", "blank")),
    ]
)
bodies = st.builds(
    lambda fit, engagement, half_lives, caps: BODY
    | {
        "fit": [{"if": condition, "points": gained} for condition, gained in fit],
        "engagement": [
            {"if": condition, "points": gained, "group": group} for condition, gained, group in engagement
        ],
        "groups": [
            {"key": key, "name": key, "cap": cap, "half_life_days": days}
            for key, cap, days in zip(("visits", "events"), caps, half_lives, strict=True)
        ],
    },
    st.lists(st.tuples(groups, st.sampled_from([-30, 5, 18, 60])), max_size=4),
    st.lists(
        st.tuples(touch_conditions, st.sampled_from([-7, 3, 20]), st.sampled_from(["visits", "events"])),
        min_size=1, max_size=4,
    ),
    st.tuples(st.sampled_from([1, 14, 365]), st.sampled_from([1, 30])),
    st.tuples(st.sampled_from([1, 25, 1000]), st.sampled_from([10, 60])),
)  # fmt: skip
