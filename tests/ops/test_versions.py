"""Rule sets in versions: one draft, one that counts, and none that changes after it counted."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from alignment.ops import versions
from alignment.ops.models import AuditEntry
from alignment.ops.versions import StaleDraftError, VersionState
from alignment.people.models import Role
from leads.models import ScoringVersion
from tests.factories import make_team, make_user

pytestmark = pytest.mark.django_db
SCOPE = "test"
DEFAULT = {"threshold": 80}


def checked(body):
    if not isinstance(body["threshold"], int):
        raise ValidationError("Give a number.")
    return body


def begun(**body):
    return versions.begin(ScoringVersion, by=make_user(Role.REVOPS), scope=SCOPE, body=DEFAULT | body)


def publish(draft, **given):
    return versions.publish(draft, check=checked, **given)


def counts(audience=""):
    return ScoringVersion.published(SCOPE, audience)


def test_a_draft_becomes_the_version_that_counts():
    by = make_user(Role.REVOPS)
    first = publish(begun(), by=by, note="To begin with")
    second = begun()

    assert (first.number, second.number, counts()) == (1, 2, first)
    assert second.body == first.body

    publish(versions.change(second, body=DEFAULT | {"threshold": 60}, by=by), by=by)

    first.refresh_from_db()
    assert (first.state, counts().body["threshold"]) == (VersionState.RETIRED, 60)
    assert [entry.action for entry in AuditEntry.objects.filter(subject_kind="scoringversion", actor=by)] == [
        "rules_published", "rules_published",
    ]  # fmt: skip


def test_who_begins_a_draft_that_stands_gets_that_one():
    assert begun() == begun()


def test_two_people_do_not_overwrite_each_other():
    one, other = begun(), begun()
    versions.change(one, body=DEFAULT, by=make_user(name="Ada Okafor"))

    with pytest.raises(StaleDraftError, match="changed by Ada Okafor"):
        versions.change(other, body=DEFAULT, by=make_user())
    with pytest.raises(StaleDraftError):
        publish(other, by=make_user())
    assert counts() is None


def test_rules_that_cannot_count_are_not_published():
    draft = begun(threshold="many")

    with pytest.raises(ValidationError):
        publish(draft, by=make_user())
    draft.refresh_from_db()
    assert draft.is_draft


def test_an_earlier_version_comes_back_as_a_draft():
    by = make_user()
    first = publish(begun(threshold=55), by=by)
    publish(versions.change(begun(), body=DEFAULT, by=by), by=by)

    restored = versions.restore(first, by=by)

    assert (restored.number, restored.body["threshold"], restored.restored_from) == (3, 55, first)
    assert restored.is_draft


def test_what_was_restored_says_whether_it_was_changed_since():
    by = make_user()
    first = publish(begun(threshold=55), by=by)
    publish(versions.change(begun(), body=DEFAULT, by=by), by=by)
    second = versions.restore(first, by=by)
    assert second.note == "As version 1"

    changed = versions.change(second, body={**DEFAULT, "threshold": 60}, by=by)
    assert changed.note == "From version 1, changed"
    assert versions.change(changed, body=DEFAULT | {"threshold": 55}, by=by).note == "As version 1"
    assert versions.change(changed, body=DEFAULT, by=by, note="Agreed").note == "Agreed"
    assert versions.change(changed, body={**DEFAULT, "threshold": 61}, by=by).note == "Agreed"
    assert versions.discard(ScoringVersion.draft(SCOPE))
    assert versions.restore(ScoringVersion.objects.get(number=2), by=by).note == "As version 2"


def test_restoring_replaces_no_draft_that_stands():
    first = publish(begun(threshold=55), by=make_user())
    draft = versions.change(begun(), body=DEFAULT, by=make_user(name="Ana"))

    with pytest.raises(versions.DraftStandsError, match="A draft by Ana stands already"):
        versions.restore(first, by=make_user())

    assert ScoringVersion.draft(SCOPE) == draft
    assert versions.discard(draft), "it is as its author left it"


def test_a_pilot_counts_beside_the_version_of_the_rest():
    team = make_team()
    rest = publish(begun(), by=make_user())
    pilot = publish(
        begun(), by=make_user(), audience=f"team:{team.pk}", choices={"team": team}
    )  # fmt: skip

    assert (counts(), counts(f"team:{team.pk}")) == (rest, pilot)
    assert versions.retire(pilot, by=make_user())
    assert not versions.retire(pilot, by=make_user())
    assert counts(f"team:{team.pk}") is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leads_scoringversion SET body = '{}' WHERE id = %s",
        "UPDATE leads_scoringversion SET note = 'other', state = 'retired', retired_at = now() WHERE id = %s",
        "UPDATE leads_scoringversion SET state = 'draft', published_at = NULL WHERE id = %s",
        "DELETE FROM leads_scoringversion WHERE id = %s",
    ],
)
def test_what_was_published_stands(statement):
    version = publish(begun(), by=make_user())

    with pytest.raises(IntegrityError, match="stands as it is"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [version.pk])
