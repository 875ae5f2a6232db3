"""What a start does only where something changed since the last one."""

from contextlib import closing

import psycopg2
import pytest

from alignment.stack.commands import TABLES, Upkeep, bring_up_to_date
from alignment.stack.places import Places, StackError
from tests.databases import Database


@pytest.fixture
def database():
    database = Database("accord_upkeep")
    database.create()
    yield database
    database.drop()


@pytest.fixture
def places(tmp_path) -> Places:
    return Places(state=tmp_path, sockets=tmp_path)


def tell(database: Database, sql: str) -> None:
    with closing(psycopg2.connect(database.url)) as link, link, link.cursor() as cursor:
        cursor.execute(sql)


def test_tables_are_migrated_again_where_the_database_is_another_one_or_an_older_one(database):
    seen = [TABLES.digest(database.env)]
    tell(database, "CREATE TABLE django_migrations (app text, name text)")
    seen.append(TABLES.digest(database.env))
    tell(database, "INSERT INTO django_migrations VALUES ('leads', '0001_initial')")
    seen.append(TABLES.digest(database.env))

    assert len(set(seen)) == 3
    assert TABLES.digest(database.env) == seen[-1]


def test_what_was_done_is_not_done_again_until_something_changes(places, capsys):
    stands = ["one"]
    upkeep = Upkeep("checked", "Checking …", ("check", "--tag", "urls"), lambda env: stands[-1])

    def said() -> str:
        bring_up_to_date(places, {}, upkeep)
        return capsys.readouterr().out

    assert said() == "Checking …\n"
    assert said() == ""
    stands.append("two")
    assert said() == "Checking …\n"


def test_what_failed_is_done_again_and_what_ran_beside_it_too(places, capsys):
    good = Upkeep("good", "Checking …", ("check", "--tag", "urls"), lambda env: "same")
    bad = Upkeep("bad", "Failing …", ("no_such_command",), lambda env: "same")

    for _ in range(2):
        with pytest.raises(StackError, match="no_such_command"):
            bring_up_to_date(places, {}, good, bad)
        assert capsys.readouterr().out == "Checking …\nFailing …\n"
