"""Tables whose rows are events, and tables of versions: triggers refuse to change what counts."""

from django.db import migrations

CREATE_FUNCTION = """
CREATE OR REPLACE FUNCTION accord_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: add a row instead of changing one', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""


def append_only(table: str) -> migrations.RunSQL:
    """A migration step that makes `table` append-only."""
    return migrations.RunSQL(
        CREATE_FUNCTION
        + f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        + "FOR EACH ROW EXECUTE FUNCTION accord_append_only();",
        f"DROP TRIGGER {table}_append_only ON {table};",
    )


CREATE_FILLED_IN = """
CREATE OR REPLACE FUNCTION accord_filled_in() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - TG_ARGV = to_jsonb(NEW) - TG_ARGV AND NOT EXISTS (
        SELECT FROM unnest(TG_ARGV) AS given (name) WHERE to_jsonb(OLD) -> name <> 'null'
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only, but for what is filled in once: %', TG_TABLE_NAME, array_to_string(TG_ARGV, ', ')
        USING ERRCODE = 'restrict_violation';
END $$;
"""


def filled_in(table: str, *columns: str) -> migrations.RunSQL:
    """A migration step after which the rows of `table` stay as they are, but that `columns` are filled in once."""
    names = ", ".join(f"'{each}'" for each in columns)
    return migrations.RunSQL(
        CREATE_FILLED_IN
        + f"CREATE TRIGGER {table}_filled_in BEFORE UPDATE OR DELETE ON {table} "
        + f"FOR EACH ROW EXECUTE FUNCTION accord_filled_in({names});",
        f"DROP TRIGGER {table}_filled_in ON {table};",
    )


CREATE_STANDS = """
CREATE OR REPLACE FUNCTION accord_published_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'draft' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'published' AND NEW.state = 'retired'
        AND to_jsonb(OLD) - 'state' - 'retired_at' = to_jsonb(NEW) - 'state' - 'retired_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a version that was published stands as it is: publish another one'
        USING ERRCODE = 'restrict_violation';
END $$;
"""


def published_stands(table: str) -> migrations.RunSQL:
    """A migration step after which the rows of `table` (of a `RuleSetVersion`) change while they are drafts alone."""
    return migrations.RunSQL(
        CREATE_STANDS
        + f"CREATE TRIGGER {table}_published_stands BEFORE UPDATE OR DELETE ON {table} "
        + "FOR EACH ROW EXECUTE FUNCTION accord_published_stands();",
        f"DROP TRIGGER {table}_published_stands ON {table};",
    )
