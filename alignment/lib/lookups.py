"""A lookup for sets of keys: one array parameter, where `__in` writes (and prepares) one for each key."""

from typing import Any

from django.db.models import Field, ForeignObject, Lookup

from alignment.lib import arrays


class AnyOf(Lookup):  # type: ignore[type-arg]
    """`pk__any_of={…}`: the column is one of the values of the array. For fifty thousand keys as for one.

    Many keys come as a set: into lists Django looks one by one, for expressions.
    """

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """The SQL and its one parameter.

        The array gets the column's own type: PostgreSQL hashes it only then, and otherwise compares every row with
        every key.
        """
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s::{self.lhs.output_field.db_type(connection)}[])", [*params, arrays.literal(self.rhs)]


def register() -> None:
    """Teach all fields the lookup, foreign keys (which inherit none) too; once, when the apps are ready."""
    Field.register_lookup(AnyOf)
    ForeignObject.register_lookup(AnyOf)
