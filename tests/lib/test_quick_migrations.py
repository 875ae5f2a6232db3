"""Constraints and indexes leave the classes of a migration's state as they are, and stand in them."""

import pytest
from django.db import migrations, models
from django.db.migrations.state import ProjectState

from alignment.lib.quick_migrations import keep_classes


@pytest.fixture
def state():
    keep_classes()
    found = ProjectState()
    number = models.AutoField(primary_key=True)
    for operation in (
        migrations.CreateModel("Team", [("id", number)]),
        migrations.CreateModel("Person", [("id", number), ("team", models.ForeignKey("shop.Team", models.PROTECT))]),
    ):
        operation.state_forwards("shop", found)
    return found


def test_a_rendered_class_is_kept_and_has_them(state):
    person, team = (state.apps.get_model("shop", name) for name in ("person", "team"))
    for operation in (
        migrations.AddIndex("person", models.Index(fields=["team"], name="person_team")),
        migrations.AddConstraint("person", models.UniqueConstraint(fields=["team"], name="person_alone")),
        migrations.AddConstraint("person", models.UniqueConstraint(fields=["id", "team"], name="person_twice")),
        migrations.RemoveConstraint("person", "person_alone"),
    ):
        operation.state_forwards("shop", state)
    assert state.apps.get_model("shop", "person") is person
    assert [each.name for each in person._meta.indexes] == ["person_team"]
    assert [each.name for each in person._meta.constraints] == ["person_twice"]
    migrations.AddField("person", "name", models.TextField(null=True)).state_forwards("shop", state)
    anew = state.apps.get_model("shop", "person")
    assert anew is not person
    assert anew._meta.get_field("team").related_model is not team
    assert [each.name for each in anew._meta.constraints] == ["person_twice"]


def test_what_was_not_rendered_stays_so(state):
    migrations.AddIndex("person", models.Index(fields=["team"], name="person_team")).state_forwards("shop", state)
    assert "apps" not in vars(state)
    assert [each.name for each in state.apps.get_model("shop", "person")._meta.indexes] == ["person_team"]
