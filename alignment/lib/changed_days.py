"""Tables that write down on which days something of theirs changed: what was measured of other days still holds.

A row of the log names a column and the days (UTC) from the first to the last date that the written rows have in it,
before or after the write, and the transaction that wrote them: whoever measured knows by their snapshot which of them
they have not seen. No days stand for any day. The log is only added to, so that nobody waits for another.
"""

from collections.abc import Sequence

from django.db.migrations import RunSQL

LOG = "leads_changeddays"

# A range for each column, and not each day: of fifty thousand rows, days cost more than they tell.
_INTO = f"""
        INSERT INTO {LOG} (dated, first_on, last_on, written_by, recorded_at)
        SELECT dated.by, (earliest AT TIME ZONE 'UTC')::date, (latest AT TIME ZONE 'UTC')::date,
            pg_current_xact_id()::text::bigint, now()
        FROM (SELECT {{ends}} FROM ({{rows}}) written) ends
        CROSS JOIN LATERAL (VALUES {{pairs}}) AS dated(by, earliest, latest) WHERE earliest IS NOT NULL;
"""

_BEFORE, _AFTER = "SELECT {columns} FROM before_rows", "SELECT {columns} FROM after_rows"

_TELL = """
CREATE FUNCTION {table}_changed_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN {inserted}
    ELSIF TG_OP = 'UPDATE' THEN {updated}
    ELSIF TG_OP = 'DELETE' THEN {deleted}
    ELSE
        INSERT INTO {log} (dated, written_by, recorded_at)
        SELECT dated.by, pg_current_xact_id()::text::bigint, now() FROM unnest(ARRAY[{names}]) AS dated(by);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER {table}_changed_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_changed_days();
CREATE TRIGGER {table}_changed_update AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_changed_days();
CREATE TRIGGER {table}_changed_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS before_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_changed_days();
CREATE TRIGGER {table}_changed_truncate AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_changed_days();
"""


def tell_changed_days(table: str, columns: Sequence[str]) -> RunSQL:
    """A migration step after which writes to `table` are told by the days in these date `columns`."""
    create = _TELL.format(
        table=table,
        log=LOG,
        names=", ".join(f"'{column}'" for column in columns),
        inserted=told(columns, _AFTER),
        updated=told(columns, f"{_BEFORE} UNION ALL {_AFTER}"),
        deleted=told(columns, _BEFORE),
    )
    return RunSQL(create, f"DROP FUNCTION {table}_changed_days() CASCADE")


def told(columns: Sequence[str], rows: str) -> str:
    """The statement that tells the days of `rows`: a query, which may say `{columns}`."""
    return _INTO.format(
        ends=", ".join(f"min({column}) AS first_{column}, max({column}) AS last_{column}" for column in columns),
        rows=rows.format(columns=", ".join(columns)),
        pairs=", ".join(f"('{column}', first_{column}, last_{column})" for column in columns),
    )
