"""Tables whose rows are events: a trigger refuses to change or delete them."""

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
