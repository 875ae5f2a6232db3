"""Foreign keys that are checked a statement at a time, for tables that are written in sets.

PostgreSQL checks a foreign key row by row when the transaction ends, and locks the row that each names: of fifty
thousand leads from three sources it looks up fifty thousand sources. `KnownKeys` on the table that holds the keys looks
up each value once, when the statement ends; `NeverDeleted` on the table that they name keeps it true from then on.
"""

from collections.abc import Sequence
from typing import Any, cast

from django.db.migrations.operations.base import Operation
from django.db.models import PROTECT, BaseConstraint, ForeignKey, Model


def set_key(to: Any, *, db_index: bool = False, **options: Any) -> ForeignKey:  # type: ignore[type-arg]
    """A foreign key that `KnownKeys` checks instead of a constraint of PostgreSQL's own."""
    return ForeignKey(to, PROTECT, db_index=db_index, db_constraint=False, **options)


class TriggerConstraint(BaseConstraint):
    """A rule that triggers keep; the database names it in its errors as it does any constraint."""

    def constraint_sql(self, model: Any, schema_editor: Any) -> str:
        """Nothing of it stands in CREATE TABLE: it is added when all tables are there."""
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return ""

    def remove_sql(self, model: Any, schema_editor: Any) -> str:
        """The function takes its triggers along."""
        return f'DROP FUNCTION "{self.name}"() CASCADE'

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Left to the fields, which look their keys up, and to the database."""


class KnownKeys(TriggerConstraint):
    """The keys in these foreign-key `fields` name rows that exist."""

    def __init__(self, *, fields: Sequence[str], name: str) -> None:
        super().__init__(name=name)
        self.fields = tuple(fields)

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        """A function, and a trigger each for what was inserted and what was updated."""
        table = model._meta.db_table
        triggers = (_AFTER.format(name=self.name, event=event, table=table) for event in ("insert", "update"))
        return self.function_sql(model) + "".join(triggers)

    def function_sql(self, model: Any) -> str:
        """The function alone, which replaces the one that there is."""
        keys = [_columns(model, field) for field in self.fields]
        ends = ", ".join(_ENDS.format(**key) for key in keys)
        strays = " UNION ALL ".join(_STRAYS.format(**key) for key in keys)
        return _CHECK.format(name=self.name, by_index=BY_INDEX, ends=ends, strays=strays)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """What a migration writes down."""
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "fields": self.fields}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KnownKeys) and (self.name, self.fields) == (other.name, other.fields)

    __hash__ = None  # type: ignore[assignment]


class RenewKnownKeys(Operation):
    """Gives the `KnownKeys` of an app, as they stand in its migrations, the function that this module writes today."""

    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing of the models changes."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Replace the functions; their triggers stay."""
        for model in to_state.apps.get_app_config(app_label).get_models():
            for constraint in model._meta.constraints:
                if isinstance(constraint, KnownKeys):
                    schema_editor.execute(constraint.function_sql(model), params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """The rule is the same: there is nothing to take back."""


class NeverDeleted(TriggerConstraint):
    """Rows of this table stay, under the key that they got: others name them."""

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        """A function that refuses, and the trigger that calls it."""
        return _KEEP.format(name=self.name, table=model._meta.db_table, key=_key_of(model))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NeverDeleted) and self.name == other.name

    __hash__ = None  # type: ignore[assignment]


def _columns(model: type[Model], field: str) -> dict[str, str]:
    key = model._meta.get_field(field)
    assert isinstance(key, ForeignKey)
    named = cast(type[Model], key.related_model)
    return {"column": key.column, "table": named._meta.db_table, "key": _key_of(named)}


def _key_of(model: type[Model]) -> str:
    assert model._meta.pk is not None
    return model._meta.pk.column


_ENDS = 'min("{column}") AS "{column}_from", max("{column}") AS "{column}_to"'

# Where the keys lie close together, as those of new rows and of short lists do, and every key between the lowest and
# the highest exists, nothing is looked up: that many rows are counted. OFFSET 0 keeps the planner from joining: this
# plan is made once a session, and must do for one row and for many.
_STRAYS = """
        SELECT '{column}' AS named_in, '{table}' AS missing_from, given.key
        FROM seen, LATERAL (
            SELECT DISTINCT "{column}" AS key FROM written
            WHERE "{column}" BETWEEN seen."{column}_from" AND seen."{column}_to"
        ) given
        WHERE CASE WHEN seen."{column}_to" - seen."{column}_from" <= 2 * seen.total
            THEN seen."{column}_to" - seen."{column}_from" >= (
                SELECT count(*) FROM "{table}" known
                WHERE known."{key}" BETWEEN seen."{column}_from" AND seen."{column}_to"
            )
            ELSE seen."{column}_from" IS NOT NULL END
        AND NOT EXISTS (SELECT FROM "{table}" known WHERE known."{key}" = given.key OFFSET 0)
"""

# A session that planned this over an empty table would read the table through for each key of its first large set.
BY_INDEX = "SET enable_seqscan TO off"

_CHECK = """
CREATE OR REPLACE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql {by_index} AS $$
DECLARE stray record;
BEGIN
    WITH seen AS MATERIALIZED (SELECT count(*) AS total, {ends} FROM written)
    SELECT * INTO stray FROM ({strays}) strays LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'insert or update on table "%" violates "{name}"', TG_TABLE_NAME USING
            ERRCODE = 'foreign_key_violation', CONSTRAINT = '{name}', TABLE = TG_TABLE_NAME,
            DETAIL = format('Key (%s)=(%s) is not present in "%s".', stray.named_in, stray.key, stray.missing_from);
    END IF;
    RETURN NULL;
END $$;
"""

_AFTER = """
CREATE TRIGGER "{name}_{event}" AFTER {event} ON "{table}" REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION "{name}"();
"""

_KEEP = """
CREATE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are kept: others name them', TG_TABLE_NAME USING
        ERRCODE = 'restrict_violation', CONSTRAINT = '{name}', TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER "{name}" BEFORE DELETE OR UPDATE OF "{key}" ON "{table}"
    FOR EACH ROW EXECUTE FUNCTION "{name}"();
"""
