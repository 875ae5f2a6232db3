"""Whose journey a clock's is counts in its figures: where that changes, the days of its clocks are told."""

from django.db import migrations

from alignment.lib.changed_days import told
from alignment.lib.set_keys import BY_INDEX

WHOSE = "lead_id, pass_no, owner_id, team_id, source_id, campaign_id, segment_id, territory_id"
BEFORE, AFTER = (f"SELECT {WHOSE} FROM {rows}" for rows in ("before_rows", "after_rows"))

# Plans stand for the whole session, whether one row was written first or many: sets are compared without a join, and
# clocks are found lead by lead: OFFSET keeps the planner from joining, and no other index fits what is asked of them.
CLOCKS = """
    SELECT {{columns}} FROM ({passes}) passes CROSS JOIN LATERAL (
        SELECT {{columns}} FROM sla_clock WHERE lead_id = passes.lead_id AND pass_no + 0 = passes.pass_no
            AND subject_kind || '' IN ('disposition', 'first_touch', 'worked') OFFSET 0
    ) clocks
"""
UPDATED = CLOCKS.format(passes=f"({BEFORE} EXCEPT {AFTER}) UNION ALL ({AFTER} EXCEPT {BEFORE})")
DELETED = CLOCKS.format(passes=BEFORE)

TELL = f"""
CREATE FUNCTION leads_journey_changed_clocks() RETURNS trigger LANGUAGE plpgsql {BY_INDEX} AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN {told(["due_at"], UPDATED)}
    ELSE {told(["due_at"], DELETED)}
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER leads_journey_changed_whose AFTER UPDATE ON leads_journey
    REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION leads_journey_changed_clocks();
CREATE TRIGGER leads_journey_changed_gone AFTER DELETE ON leads_journey REFERENCING OLD TABLE AS before_rows
    FOR EACH STATEMENT EXECUTE FUNCTION leads_journey_changed_clocks();
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0034_changed_days"), ("sla", "0018_clocks_of_passes")]

    operations = [migrations.RunSQL(TELL, "DROP FUNCTION leads_journey_changed_clocks() CASCADE")]
