"""A step of a migration renders its own model alone, and what comes of all of them is what Django makes of them."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from alignment.lib.quick_migrations import keep_classes
from alignment.stack.postgres import find_programs
from tests.databases import Database
from tests.runtime.stacks import ROOT

# Moments are other ones each time.
TABLES = """
    SELECT tablename, ARRAY(
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = tablename::regclass AND atttypid = 'timestamptz'::regtype
    ) FROM pg_tables WHERE schemaname = 'public'
"""
TYPE = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s"


class Shop:
    """An app that is migrated step by step, in the database of the test."""

    def __init__(self) -> None:
        self.state = ProjectState()

    def run(self, *operations) -> Callable[[], None]:
        """Returns what takes the steps back."""
        migration = migrations.Migration("0001_steps", "shop")
        migration.operations = operations
        before = self.state.clone()
        # As `migrate` does before each.
        _ = self.state.apps
        with connection.schema_editor() as editor:
            self.state = migration.apply(self.state, editor)

        def take_back() -> None:
            with connection.schema_editor() as editor:
                migration.unapply(before, editor)

        return take_back

    def model(self, name: str) -> type[models.Model]:
        return self.state.apps.get_model("shop", name)


def column_type(table: str, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(TYPE, [table, column])
        return cursor.fetchone()[0]


@pytest.fixture
def shop(db) -> Shop:
    """People who belong to teams, and a team that got a column since."""
    keep_classes()
    made, number = Shop(), models.AutoField(primary_key=True)
    made.run(
        migrations.CreateModel("Team", [("id", number)]),
        migrations.CreateModel("Person", [("id", number), ("team", models.ForeignKey("shop.Team", models.PROTECT))]),
    )
    made.person = made.model("person")
    made.run(migrations.AddField("team", "name", models.TextField(default="")))
    return made


def test_what_is_related_to_the_changed_model_is_not_rendered_again(shop):
    assert shop.model("person") is shop.person
    assert shop.model("team") is not shop.person._meta.get_field("team").related_model
    assert [field.name for field in shop.model("team")._meta.fields] == ["id", "name"]


def test_code_in_a_migration_finds_all_as_it_stands(shop):
    found = []

    def look(apps, editor):
        team = apps.get_model("shop", "team").objects.create(name="North")
        apps.get_model("shop", "person").objects.create(team=team)
        found.extend(apps.get_model("shop", "person").objects.values_list("team__name", flat=True))

    shop.run(migrations.RunPython(look))
    assert found == ["North"]


def test_who_refers_to_a_key_follows_it_there_and_back(shop):
    take_back = shop.run(
        migrations.AddField("team", "town", models.TextField(default="")),
        migrations.AlterField("team", "id", models.BigAutoField(primary_key=True)),
        migrations.AddField("person", "name", models.TextField(default="")),
    )
    assert column_type("shop_person", "team_id") == "bigint"
    take_back()
    assert column_type("shop_person", "team_id") == "integer"


def test_who_refers_to_a_model_follows_another_key(shop):
    shop.run(
        migrations.RemoveField("person", "team"),
        migrations.RemoveField("team", "id"),
        migrations.AddField("team", "code", models.CharField(max_length=8, primary_key=True, default="N")),
        migrations.AddField("person", "team", models.ForeignKey("shop.Team", models.PROTECT, default="N")),
    )
    assert column_type("shop_person", "team_id") == "character varying(8)"


def test_who_refers_to_a_model_knows_its_new_name(shop):
    shop.run(
        migrations.RenameModel("team", "crew"),
        migrations.AddField("crew", "town", models.TextField(default="")),
        migrations.AlterField("person", "team", models.ForeignKey("shop.Crew", models.PROTECT, db_constraint=False)),
        migrations.AlterField("person", "team", models.ForeignKey("shop.Crew", models.PROTECT)),
        migrations.AlterField("crew", "id", models.BigAutoField(primary_key=True)),
    )
    assert column_type("shop_person", "team_id") == "bigint"


DJANGOS_WAY = """
import django

django.setup()
from django.core.management import call_command
from django.core.management.commands.migrate import Command

call_command(Command(), verbosity=0)
"""


def outcome(name: str, *program: str) -> dict[str, Any]:
    """What a new database holds after this program: its schema, and the rows of each table."""
    database = Database(name)
    database.create()
    try:
        subprocess.run([sys.executable, *program], cwd=ROOT, env=os.environ | database.env, check=True)
        return {"schema": schema_of(database), **rows_of(database)}
    finally:
        database.drop()


def schema_of(database: Database) -> list[str]:
    dump = subprocess.check_output([find_programs() / "pg_dump", "--schema-only", database.url], text=True)
    # Two of its lines hold a random key.
    return [line for line in dump.splitlines() if "restrict " not in line]


def rows_of(database: Database) -> dict[str, list[str]]:
    with closing(psycopg2.connect(database.url)) as link, link.cursor() as cursor:
        cursor.execute(TABLES)
        found = {}
        for table, moments in cursor.fetchall():
            cursor.execute(f'SELECT (to_jsonb(row) - %s::text[])::text FROM "{table}" row ORDER BY 1', [moments])
            found[table] = [text for (text,) in cursor.fetchall()]
        return found


def test_all_migrations_leave_what_they_leave_in_django_s_way():
    quick = outcome("accord_quick", "manage.py", "migrate", "--verbosity=0")
    assert quick == outcome("accord_djangos_way", "-c", DJANGOS_WAY)
    assert "CREATE TABLE public.leads_lead (" in quick["schema"]
    assert len(quick["leads_nurturetrack"]) == 3
