"""Clean data: merging leads and taking it back, who may be known twice, and how many there are of each finding."""

from typing import Any

from django.http import Http404
from django.utils.timezone import now
from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import Problem, invalid_field
from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, ChoiceField, IdField, Shape, read
from alignment.api.views import ApiView
from alignment.people.models import Company
from alignment.people.permissions import can, policy, require
from leads.api.asked import NoteBody
from leads.api.leads import api_cause, merged, one, standing_lead
from leads.api.shapes import LeadSerializer
from leads.hygiene import duplicates, findings
from leads.hygiene.findings import FINDINGS, PAIRS
from leads.merging import merging
from leads.merging.rules import Code, Refusal
from leads.merging.survivorship import FIELDS
from leads.merging.unmerging import NotUndoneError, unmerge
from leads.models import DuplicatePair, Lead, Merge

MOST_LOSERS = 50


class MergeChoicesBody(Body):
    """Field → the lead whose value counts."""

    def get_fields(self) -> dict[str, Any]:
        return {name: IdField(required=False) for name in FIELDS}


class MergeBody(NoteBody):
    leads = serializers.ListField(
        child=IdField(), min_length=1, max_length=MOST_LOSERS, help_text="The leads that go into this one."
    )
    choices = MergeChoicesBody(
        required=False, help_text="Without a choice a field stays the survivor's, filled in where it is blank."
    )


class MergeSerializer(Shape):
    note = serializers.CharField(help_text="What whoever merged had to say.")
    id = serializers.IntegerField()
    survivor = serializers.IntegerField(source="survivor_id", help_text="The lead that was kept.")
    leads = serializers.SerializerMethodField(help_text="The leads that went into it.")
    at = serializers.DateTimeField()
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)
    undone_by = serializers.IntegerField(source="undone_by_id", allow_null=True)

    def get_leads(self, row: Merge) -> list[int]:
        return sorted(part.lead_id for part in row.parts.all())


@policy("lead.merge", by_token=True)
class LeadMerge(ApiView):
    tag = "Clean data"

    @extend_schema(
        operation_id="leads_merge",
        request=MergeBody,
        responses=inline_serializer("MergeResult", {"merge": MergeSerializer(), "lead": LeadSerializer()}),
    )
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Merge leads into this one. No history moves, and for 24 hours it can be undone."""
        survivor = standing_lead(pk)
        require(request.user, "lead.merge", survivor)
        given = read(MergeBody, request)
        losers = list(Lead.objects.select_related("owner").filter(pk__in=given["leads"]))
        choices = given.get("choices", {})
        for loser in losers:
            require(request.user, "lead.merge", loser)
        if any(giver != pk for giver in choices.values()):
            require(request.user, "lead.edit", survivor)
        if choices.get("owner", pk) != pk:
            require(request.user, "lead.assign", survivor)
        done = merging.merge(
            survivor_id=pk, loser_ids=given["leads"], choices=choices, cause=api_cause(request), note=given["note"]
        )
        if done.refused:
            raise refused(done.refused[0])
        row = Merge.objects.prefetch_related("parts").get(pk=done.keys[pk])
        return Response({"merge": MergeSerializer(row).data, "lead": one(pk)})


def refused(refusal: Refusal) -> Problem:
    """Why leads were not merged: 422 for what the body says wrongly, 410 for merged ones, else 409."""
    if refusal.code == Code.MERGED and refusal.into_id:
        return merged(refusal.lead_id, refusal.into_id)
    if refusal.code in (Code.UNKNOWN, Code.ITSELF):
        return invalid_field("/leads", refusal.message)
    if refusal.code == Code.CHOICE:
        return invalid_field("/choices", refusal.message)
    title = "Somebody would get lost by this merge"
    return Problem(409, refusal.code.value, title, refusal.message, lead=refusal.lead_id)


@policy("data.view", by_token=True)
class Merges(ApiView):
    tag = "Clean data"

    @extend_schema(operation_id="merges_list", parameters=[PageQuery], responses=page_of(MergeSerializer))
    def get(self, request: TokenRequest) -> Response:
        """What was merged, the newest first."""
        query = asked(request, PageQuery)
        rows = Merge.objects.prefetch_related("parts")
        return page(request, rows, order=("-at", "-id"), form=MergeSerializer, query=query)


@policy("merge.undo", by_token=True)
class MergeUndo(ApiView):
    tag = "Clean data"

    @extend_schema(
        operation_id="merges_undo",
        request=None,
        responses=inline_serializer(
            "Unmerged",
            {
                "merge": MergeSerializer(),
                "kept": serializers.ListField(
                    child=serializers.CharField(), help_text="What somebody has changed since, and stays."
                ),
            },
        ),
    )
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Take a merge back, within 24 hours."""
        found = Merge.objects.select_related("actor").filter(pk=pk).first()
        if found is None:
            raise Http404(f"There is no merge {pk}.")
        require(request.user, "merge.undo", found)
        try:
            unmerged = unmerge(merge_id=pk, cause=api_cause(request))
        except NotUndoneError as error:
            more = {"lead": error.lead_id} if error.lead_id else {}
            raise Problem(409, "not_undone", "This merge cannot be undone", str(error), **more) from error
        row = Merge.objects.prefetch_related("parts").get(pk=pk)
        return Response({"merge": MergeSerializer(row).data, "kept": list(unmerged.kept)})


# Who may be known twice -----------------------------------------------------------------------------------------


class DuplicateSerializer(Shape):
    id = serializers.IntegerField()
    leads = serializers.SerializerMethodField(help_text="The two leads that may be one person.")
    is_exact = serializers.BooleanField(help_text="A key is the same, and nothing speaks against it.")
    evidence = serializers.SerializerMethodField(help_text="A sentence.")
    score = serializers.SerializerMethodField(help_text="0 to 100: the sum of its parts.")
    parts = serializers.SerializerMethodField(help_text="What speaks for it.")
    names_alike = serializers.FloatField(help_text="0 to 1.")
    companies_alike = serializers.FloatField(help_text="0 to 1.")
    found_at = serializers.DateTimeField()

    def get_leads(self, row: DuplicatePair) -> list[int]:
        return [row.first_id, row.second_id]

    def get_evidence(self, row: DuplicatePair) -> str:
        return duplicates.evidence_of(row).sentence

    def get_score(self, row: DuplicatePair) -> int:
        return duplicates.evidence_of(row).score

    @extend_schema_field(
        inline_serializer(
            "EvidencePart", {"text": serializers.CharField(), "points": serializers.IntegerField()}, many=True
        )
    )
    def get_parts(self, row: DuplicatePair) -> list[dict[str, Any]]:
        return [{"text": part.text, "points": part.points} for part in duplicates.evidence_of(row).parts]


class DuplicateQuery(PageQuery):
    kind = ChoiceField(choices=list(PAIRS), required=False)


@policy("data.view", by_token=True)
class Duplicates(ApiView):
    tag = "Clean data"

    @extend_schema(operation_id="duplicates_list", parameters=[DuplicateQuery], responses=page_of(DuplicateSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Pairs of leads that may be one person and that nobody has decided, the newest first."""
        query = asked(request, DuplicateQuery)
        exact = query["kind"] == "exact" if "kind" in query else None
        return page(request, duplicates.to_decide(exact=exact), order=("-id",), form=DuplicateSerializer, query=query)


@policy("lead.merge", by_token=True)
class DuplicateDismiss(ApiView):
    tag = "Clean data"

    @extend_schema(operation_id="duplicates_dismiss", request=None, responses=DuplicateSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """They are two people: it is remembered, and not asked again."""
        found = duplicates.to_decide().select_related("first__owner", "second__owner").filter(pk=pk).first()
        if found is None:
            raise Http404(f"There is no pair {pk} to decide.")
        if not can(request.user, "lead.merge", found.second):
            require(request.user, "lead.merge", found.first)
        duplicates.dismiss(pairs=[(found.first_id, found.second_id)], by_id=request.user.pk)
        return Response(DuplicateSerializer(found).data)


# How many -------------------------------------------------------------------------------------------------------


@policy("data.view", by_token=True)
class DataQuality(ApiView):
    tag = "Clean data"

    @extend_schema(
        operation_id="data_quality",
        responses=inline_serializer(
            "DataQuality",
            {
                "findings": inline_serializer(
                    "Finding",
                    {
                        "key": serializers.CharField(),
                        "name": serializers.CharField(),
                        "count": serializers.IntegerField(help_text="Leads, or pairs of leads, as of now."),
                        "weeks": serializers.ListField(
                            child=serializers.IntegerField(allow_null=True), help_text="Null: not counted."
                        ),
                    },
                    many=True,
                ),
                "weeks": serializers.ListField(child=serializers.DateField(), help_text="Their first days."),
            },
        ),
    )
    def get(self, request: TokenRequest) -> Response:
        """How many leads are known twice, lack something, or are forgotten; now, and at the end of the last weeks."""
        at = now()
        counts = findings.count_all(at)
        weeks, by_week = findings.by_week(Company.get(), at)
        names = {key: name for key, (name, _) in PAIRS.items()} | {key: each.name for key, each in FINDINGS.items()}
        told: list[dict[str, Any]] = [
            {"key": key, "name": names[key], "count": count, "weeks": by_week[key]} for key, count in counts.items()
        ]
        return Response({"findings": told, "weeks": weeks})
