"""Scores reckoned lead by lead and touch by touch in plain Python, written apart from the SQL."""

from math import floor

from tests.leads.condition_oracle import holds


def score(body, lead, touches, at, since=None):
    """(points, fit points, grade) of a lead with these facts and touches at a moment. `since`: engagement from then."""
    fit = sum(rule["points"] for rule in body["fit"] if holds(rule["if"], lead))
    engagement = 0.0
    for group in body["groups"]:
        gathered = 0.0
        for touch in touches:
            if not counts(touch, at, since):
                continue
            age_days = (at - touch["at"]).total_seconds() / 86_400
            for rule in body["engagement"]:
                if rule["group"] == group["key"] and holds(rule["if"], touch):
                    gathered += rule["points"] * 0.5 ** (age_days / group["half_life_days"])
        engagement += min(group["cap"], gathered)
    grade = next((name for name in "ABC" if fit >= body["grades"][name]), "D")
    return floor(max(0, fit + engagement) + 1e-6), fit, grade


def counts(touch, at, since):
    return (
        touch["is_engaged"]
        and touch["direction"] != "outbound"
        and touch["at"] <= at
        and (since is None or touch["at"] > since)
    )
