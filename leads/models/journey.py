"""One pass of one lead through the funnel: the row that every funnel figure reads."""

from functools import reduce
from itertools import combinations
from operator import or_

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from alignment.lib.set_keys import KnownKeys, set_key
from leads.milestones import Milestone, Outcome, QualifiedBy
from leads.querysets import IN_NURTURE, JourneyQuerySet

MILESTONE_DATES = ["mgl_at", "mql_at", "sql_at", "sqo_at", "won_at"]
"""The dates of the five milestones, in order."""

FACETS = ["source", "campaign", "segment", "territory", "owner", "team"]
"""What figures can be filtered and grouped by."""


CONTRADICTS = reduce(or_, (Q(**{f"{later}__lt": F(earlier)}) for earlier, later in combinations(MILESTONE_DATES, 2)))
"""A later milestone is dated before an earlier one: both cannot be true."""

UNDATED = (
    Q(mgl_at=None)
    | Q(sql_at=None, reached__gte=Milestone.SQL)
    | Q(sqo_at=None, reached__gte=Milestone.SQO)
    | Q(won_at=None, reached__gte=Milestone.WON)
    | Q(closed_at=None) & ~Q(outcome__in=["", Outcome.WON])
)
"""Something happened at a time that nobody knows; of MQLs and of the accepted an index of its own tells."""


class Journey(models.Model):
    """A pass, derived from its moves (`manage.py rebuild_journeys` makes the same rows again).

    Each date is independently nullable, and no constraint orders them: real data is undated and out of order, and
    contradictions are reported. `entered_at`, the cohort anchor, is the date of the first dated milestone,
    `accepted_at` that of sales' acceptance, `worked_at` that of the first human outbound touch since. Source,
    campaign, segment and territory are frozen at entry; owner and team are those of the holder, of a closed pass of
    whoever held it when it closed, else when that was recorded (`ended_at`). `is_primary` is false for a journey that
    joined a deal which another one carries: from SQO on, figures count deals.
    """

    lead = set_key("leads.Lead", related_name="journeys")
    pass_no = models.PositiveIntegerField()
    reached = models.IntegerField(choices=Milestone.choices)
    stage = set_key("leads.Stage", related_name="+")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True)
    reason = set_key("leads.Reason", null=True, related_name="+")

    mgl_at = models.DateTimeField(null=True)
    mql_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True)
    sql_at = models.DateTimeField(null=True)
    sqo_at = models.DateTimeField(null=True)
    won_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True, help_text="When Accord learnt that the pass had ended.")
    entered_at = models.GeneratedField(
        expression=Coalesce(*MILESTONE_DATES), output_field=models.DateTimeField(null=True), db_persist=True
    )

    qualified_by = models.CharField(max_length=10, choices=QualifiedBy.choices, blank=True)
    track = set_key("leads.NurtureTrack", null=True, related_name="+")
    revisit_on = models.DateField(null=True)
    opportunity = set_key("leads.Opportunity", null=True, related_name="journeys")
    is_primary = models.BooleanField(default=True)

    source = set_key("leads.Source", null=True, related_name="+")
    campaign = set_key("leads.Campaign", null=True, related_name="+")
    segment = set_key("leads.Segment", null=True, related_name="+")
    territory = set_key("leads.Territory", null=True, related_name="+")
    owner = set_key(settings.AUTH_USER_MODEL, null=True, related_name="+")
    team = set_key("people.Team", null=True, related_name="+")

    objects = JourneyQuerySet.as_manager()

    class Meta:
        constraints = [
            KnownKeys(fields=["lead", "stage", "reason", "track", "opportunity", *FACETS], name="journey_keys_known"),
            models.UniqueConstraint(fields=["lead", "pass_no"], name="journey_pass_unique"),
            models.UniqueConstraint(fields=["lead"], condition=Q(outcome=""), name="journey_one_open_pass"),
            models.CheckConstraint(condition=Q(reached__in=Milestone.values), name="journey_reached_known"),
            models.CheckConstraint(condition=Q(outcome__in=["", *Outcome.values]), name="journey_outcome_known"),
            models.CheckConstraint(
                condition=(Q(outcome=Outcome.WON) & Q(reached=Milestone.WON))
                | (~Q(outcome=Outcome.WON) & ~Q(reached=Milestone.WON)),
                name="journey_won_reached_won",
            ),
            models.CheckConstraint(condition=~Q(outcome="") | Q(closed_at=None), name="journey_open_has_no_close_date"),
            models.CheckConstraint(
                condition=Q(outcome="", ended_at=None) | (~Q(outcome="") & Q(ended_at__isnull=False)),
                name="journey_end_is_recorded",
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=[Outcome.REJECTED, Outcome.LOST]) | Q(reason__isnull=False),
                name="journey_has_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["owner"], include=["lead", "pass_no"], name="journey_by_owner"),
            models.Index(
                fields=["entered_at"],
                include=[
                    "reached", "outcome", "is_primary", "pass_no", "mgl_at", "mql_at", "accepted_at", "worked_at",
                    "sql_at", "sqo_at", "won_at", "closed_at", "opportunity", "lead", "id", *FACETS,
                ],
                name="journey_cohort",
            ),
            models.Index(
                F("closed_at"),
                include=[
                    "reached", "outcome", "reason", "accepted_at", "pass_no", "is_primary", "opportunity", *FACETS,
                ],
                # Most journeys are open and carry no deal: those are in no index that they need not be in.
                condition=Q(closed_at__isnull=False),
                name="journey_closed",
            ),
            models.Index(F("opportunity"), condition=Q(opportunity__isnull=False), name="journey_by_opportunity"),
            # What a window of time asks of the promises: who was handed over in it, and who was accepted.
            models.Index(
                F("mql_at"),
                include=[
                    "reached", "outcome", "is_primary", "pass_no", "mgl_at", "accepted_at", "opportunity", "lead",
                    *FACETS,
                ],
                condition=Q(mql_at__isnull=False),
                name="journey_qualified",
            ),
            models.Index(
                F("accepted_at"),
                include=["reached", "outcome", "pass_no", "worked_at", "opportunity", *FACETS],
                condition=Q(accepted_at__isnull=False),
                name="journey_accepted",
            ),
            # What happened in a period, each by its own date, and how long it took to get there.
            *(
                models.Index(
                    F(f"{name}_at"),
                    include=["reached", "outcome", "is_primary", "pass_no", before, "opportunity", *FACETS],
                    condition=Q(**{f"{name}_at__isnull": False}),
                    name=f"journey_{name}",
                )
                for name, before in (("sql", "mql_at"), ("sqo", "sql_at"), ("won", "sqo_at"))
            ),
            models.Index(
                F("closed_at"),
                include=["lead", "pass_no", "revisit_on", "track", *FACETS],
                condition=Q(outcome=Outcome.RECYCLED),
                name="journey_recycled",
            ),
            models.Index(
                F("closed_at"),
                include=["reached", "reason", "accepted_at", "lead", "pass_no", "opportunity", *FACETS],
                condition=Q(outcome=Outcome.REJECTED),
                name="journey_rejected",
            ),
            # Few got there at a time that nobody knows: figures of all time count them, too.
            models.Index(
                fields=["reached"], condition=Q(mql_at=None, reached__gte=Milestone.MQL), name="journey_mql_undated"
            ),
            models.Index(
                fields=["reached"],
                condition=Q(accepted_at=None, reached__gte=Milestone.SQL),
                name="journey_accepted_undated",
            ),
            models.Index(fields=["reached"], condition=UNDATED, name="journey_undated"),
            models.Index(
                F("entered_at"), include=["lead", "pass_no"], condition=Q(pass_no__gt=1), name="journey_returned"
            ),
            models.Index(F("lead"), condition=CONTRADICTS, name="journey_contradicts"),
            models.Index(F("revisit_on"), condition=Q(revisit_on__isnull=False), name="journey_revisit"),
            models.Index(
                fields=["track", "revisit_on"],
                include=["lead", "pass_no", "outcome"],
                condition=IN_NURTURE,
                name="journey_in_nurture",
            ),
            # Who came in long ago, is no MQL and on no track.
            models.Index(
                F("entered_at"),
                condition=Q(outcome="", reached=Milestone.MGL, track=None, revisit_on=None),
                name="journey_unplaced",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"Pass {self.pass_no} of lead {self.lead_id}"
