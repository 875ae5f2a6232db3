"""Clock events are never changed, and neither is a version of a policy, except to retire it."""

from django.db import migrations

from alignment.lib.append_only import append_only

POLICY = """
CREATE FUNCTION sla_policy_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - 'retired_at' <> to_jsonb(OLD) - 'retired_at' THEN
        RAISE EXCEPTION 'a version of a policy is never edited: publish a new one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER sla_policy_version BEFORE UPDATE OR DELETE ON sla_policy
    FOR EACH ROW EXECUTE FUNCTION sla_policy_version();
"""
UNDO = "DROP TRIGGER sla_policy_version ON sla_policy; DROP FUNCTION sla_policy_version();"


class Migration(migrations.Migration):
    dependencies = [("sla", "0001_clocks")]

    operations = [append_only("sla_clockevent"), migrations.RunSQL(POLICY, UNDO)]
