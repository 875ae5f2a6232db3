"""The agreement by the API: what is in force for a fiscal quarter, its plan by week, and what was kept of it."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404
from django.utils.timezone import localdate, now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.problems import invalid_parameter
from alignment.api.reading import asked
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, Shape
from alignment.api.views import ApiView
from alignment.lib.periods import Period, this_quarter
from alignment.people.models import Company
from alignment.people.permissions import policy
from leads.api.shapes import SignatureSerializer
from sla.models import Agreement
from sla.promises import in_force, so_far
from sla.quarters import FiscalCalendar
from sla.terms import Terms


class QuarterQuery(Body):
    quarter = serializers.DateField(
        required=False, help_text="First day of a fiscal quarter. Without it: the quarter that runs."
    )


class RateSerializer(Shape):
    value = serializers.DecimalField(max_digits=16, decimal_places=6, normalize_output=True)
    is_by_hand = serializers.BooleanField(help_text="Set by hand, else from history.")
    reason = serializers.CharField(help_text="Why it was set by hand; blank for history.")
    n = serializers.IntegerField(allow_null=True, help_text="From how many cases of history.")
    first = serializers.DateField(allow_null=True)
    last = serializers.DateField(allow_null=True)


class RatesSerializer(Shape):
    deal = RateSerializer(help_text="Average won deal, in the company's currency.")
    won = RateSerializer(help_text="Deals won of those closed, 0 to 1.")
    opportunity = RateSerializer(help_text="SQL to SQO, 0 to 1.")
    accepted = RateSerializer(help_text="MQL to SQL, 0 to 1.")
    lag = RateSerializer(help_text="Days from MQL to won.")


class TextsSerializer(Shape):
    purpose = serializers.CharField()
    penalties = serializers.CharField()
    consequences = serializers.CharField()


class TermsSerializer(Shape):
    target = serializers.DecimalField(max_digits=14, decimal_places=2, help_text="Bookings, company's currency.")
    next_target = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    share = serializers.DecimalField(max_digits=8, decimal_places=6, help_text="Marketing's part, 0 to 1.")
    quality = serializers.DecimalField(max_digits=8, decimal_places=6, help_text="Promised acceptance rate, 0 to 1.")
    rates = RatesSerializer()
    per_rep = serializers.IntegerField(
        allow_null=True, help_text="Leads for each rep and working day that sales answers for. Null: no limit."
    )
    texts = TextsSerializer()
    review_on = serializers.DateField()
    stages = serializers.ListField(child=serializers.IntegerField(), help_text="Versions of the stages agreed on.")
    policies = serializers.ListField(child=serializers.IntegerField(), help_text="Versions of the rules agreed on.")


class AgreementSerializer(Shape):
    id = serializers.IntegerField(source="pk")
    number = serializers.IntegerField(help_text="Counts the versions of the quarter.")
    first = serializers.DateField(help_text="First day of the fiscal quarter.")
    last = serializers.DateField()
    name = serializers.CharField(help_text="As people say it: “Q4 2026”.")
    in_force_at = serializers.DateTimeField(help_text="When the second head had signed.")
    signatures = SignatureSerializer(many=True)
    terms = TermsSerializer()


@policy("agreement.view", by_token=True)
class InForce(ApiView):
    @extend_schema(operation_id="agreement_retrieve", parameters=[QuarterQuery], responses=AgreementSerializer)
    def get(self, request: TokenRequest) -> Response:
        """The agreement that is in force for a fiscal quarter; 404 where both heads signed none."""
        company = Company.get()
        quarter = _quarter(request, company)
        version = in_force(quarter)
        if version is None:
            raise Http404("No agreement is in force for this quarter.")
        return Response(AgreementSerializer(_told(version, quarter, company)).data)


def _told(version: Agreement, quarter: Period, company: Company) -> dict[str, Any]:
    return {
        "pk": version.pk, "number": version.number, "first": quarter.first, "last": quarter.last,
        "name": FiscalCalendar.of(company).name(quarter), "terms": Terms.read(version.body),
        "in_force_at": version.in_force_at,  # type: ignore[attr-defined]  # annotated by `signed`
        "signatures": list(version.signatures.order_by("side")),
    }  # fmt: skip


def _quarter(request: TokenRequest, company: Company) -> Period:
    """Raises Problem for a day that begins no fiscal quarter."""
    calendar = FiscalCalendar.of(company)
    day: date | None = asked(request, QuarterQuery).get("quarter")
    if day is None:
        return calendar.quarter(localdate(now(), ZoneInfo(company.time_zone)))
    try:
        quarter = this_quarter(day, fiscal_start=calendar.year_starts_in)
    except ValueError as error:
        raise invalid_parameter("quarter", str(error)) from error
    if quarter.first != day:
        raise invalid_parameter("quarter", f"The quarter of that day begins on {quarter.first}.")
    return quarter


class PlanWeekSerializer(Shape):
    first = serializers.DateField(source="week.first")
    last = serializers.DateField(source="week.last")
    planned = serializers.IntegerField(allow_null=True, help_text="MQLs promised. Null: no agreement is in force.")
    delivered = serializers.IntegerField(source="came", help_text="First-pass MQLs, by the day they became MQLs.")
    elapsed = serializers.FloatField(help_text="Part of its working time that has passed, 0 to 1.")
    version = serializers.IntegerField(allow_null=True, help_text="The agreement that the week goes by.")


class PaceSerializer(Shape):
    delivered = serializers.IntegerField(source="came")
    planned = serializers.IntegerField()
    planned_to_date = serializers.FloatField(source="to_date")
    forecast = serializers.FloatField(allow_null=True, help_text="At the pace so far. Null: nothing was due yet.")
    low = serializers.FloatField(allow_null=True, help_text="Eight of ten lie above it.")
    high = serializers.FloatField(allow_null=True)


class QualitySerializer(Shape):
    accepted = serializers.IntegerField()
    missed = serializers.IntegerField(help_text="Rejected for a reason that counts as marketing's miss.")
    share = serializers.FloatField(allow_null=True, help_text="Accepted ÷ (accepted + missed), 0 to 1.")
    promised = serializers.DecimalField(max_digits=8, decimal_places=6, allow_null=True)


class PlanSerializer(Shape):
    first = serializers.DateField(help_text="First day of the fiscal quarter.")
    last = serializers.DateField()
    weeks = PlanWeekSerializer(many=True)
    pace = PaceSerializer()
    quality = QualitySerializer()
    above_capacity = serializers.IntegerField(help_text="Leads that came above capacity: charged to neither side.")


@policy("agreement.view", by_token=True)
class Plan(ApiView):
    @extend_schema(operation_id="agreement_plan_retrieve", parameters=[QuarterQuery], responses=PlanSerializer)
    def get(self, request: TokenRequest) -> Response:
        """Marketing's plan of a fiscal quarter by week, and what was delivered and accepted so far."""
        quarter = _quarter(request, Company.get())
        kept = so_far(quarter, now())
        quality = {
            "accepted": kept.quality.accepted, "missed": kept.quality.missed, "share": kept.quality.share,
            "promised": kept.promised,
        }  # fmt: skip
        told = {"first": quarter.first, "last": quarter.last, "weeks": kept.weeks, "pace": kept.pace}
        return Response(PlanSerializer({**told, "quality": quality, "above_capacity": kept.above_capacity}).data)
