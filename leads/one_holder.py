"""Nobody holds a lead while somebody else does: what the tables of holders cannot say in an index."""

from typing import Any

from alignment.lib.set_keys import BY_INDEX, TriggerConstraint


class HeldByOne(TriggerConstraint):
    """No interval that ended overlaps one that goes on.

    Of those that ended an exclusion keeps any two apart, and of those that go on a unique index allows one a lead. An
    exclusion of all of them says the same, and its index costs more than anything else that is stored of a new lead.
    """

    def create_sql(self, model: Any, schema_editor: Any) -> str:
        """A function, and a trigger each for what was inserted and what was updated."""
        table = model._meta.db_table
        triggers = (_AFTER.format(name=self.name, event=event, table=table) for event in ("insert", "update"))
        return _CHECK.format(name=self.name, by_index=BY_INDEX, table=table) + "".join(triggers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HeldByOne) and self.name == other.name

    __hash__ = None  # type: ignore[assignment]


# The plan of the first call stands for the whole session, be it made for one lead or for many: nothing is joined here
# but an index with each key.
# Who writes intervals of a lead waits for whoever wrote some before, and then sees them: each statement of a function
# has a snapshot of its own, as long as the transaction does not keep one.
_CHECK = """
CREATE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql {by_index} AS $$
DECLARE two record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'holders are written in transactions that read what is committed' USING
            ERRCODE = 'invalid_transaction_state', CONSTRAINT = '{name}', TABLE = TG_TABLE_NAME;
    END IF;
    PERFORM FROM leads_lead lead WHERE lead.id = ANY(ARRAY(SELECT lead_id FROM written)) ORDER BY lead.id
        FOR NO KEY UPDATE;
    SELECT given.lead_id, given.held, other.held AS beside INTO two
    FROM written given, LATERAL (
        SELECT one.held FROM "{table}" one
        WHERE one.lead_id = given.lead_id AND upper_inf(one.held) <> upper_inf(given.held) AND one.held && given.held
        OFFSET 0
    ) other LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'two holders of a lead at once violate "{name}"' USING
            ERRCODE = 'exclusion_violation', CONSTRAINT = '{name}', TABLE = TG_TABLE_NAME,
            DETAIL = format('Lead %s is held in %s and in %s.', two.lead_id, two.held, two.beside);
    END IF;
    RETURN NULL;
END $$;
"""

_AFTER = """
CREATE TRIGGER "{name}_{event}" AFTER {event} ON "{table}" REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION "{name}"();
"""
