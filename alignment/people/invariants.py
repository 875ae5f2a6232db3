"""What must be true of working calendars and their compiled spans at any moment."""

from alignment.lib.invariants import Invariants

INVARIANTS: Invariants = {
    "Spans of a working calendar never overlap, and lie within the time that was compiled": """
        SELECT span.id FROM (
            SELECT id, calendar_id, opens_at, closes_at,
                lead(opens_at) OVER (PARTITION BY calendar_id ORDER BY opens_at) AS next_opens_at
            FROM people_workingspan
        ) span
        JOIN people_workingcalendar calendar ON calendar.id = span.calendar_id
        WHERE span.closes_at > span.next_opens_at OR calendar.spans_since_at IS NULL
            OR span.opens_at < calendar.spans_since_at OR span.closes_at > calendar.spans_until
    """,
    "A span says how long was worked before it": """
        SELECT id FROM (
            SELECT id, worked_before, coalesce(sum(extract(epoch FROM closes_at - opens_at) * 1000000) OVER (
                PARTITION BY calendar_id ORDER BY opens_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS worked
            FROM people_workingspan
        ) span WHERE worked_before <> worked
    """,
    "A calendar with working hours has spans": """
        SELECT calendar.id FROM people_workingcalendar calendar
        WHERE EXISTS (SELECT FROM people_workinghours hours WHERE hours.calendar_id = calendar.id)
            AND calendar.spans_until IS NOT NULL
            AND NOT EXISTS (SELECT FROM people_workingspan span WHERE span.calendar_id = calendar.id)
    """,
}
