"""Background work by the API: how far it is, and what came of it."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.reading import FieldsQuery, PageQuery, asked, page, page_of, shown, wanted
from alignment.api.requests import TokenRequest
from alignment.api.shapes import ChoiceField, Shape
from alignment.api.views import ApiView
from alignment.ops.job_kinds import about
from alignment.ops.models import Job, JobState
from alignment.people.permissions import policy, require

NEWEST = ("-id",)


class JobQuery(PageQuery):
    state = ChoiceField(choices=JobState.choices, required=False)


class JobSerializer(Shape):
    id = serializers.IntegerField()
    title = serializers.SerializerMethodField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(choices=JobState.choices)
    done = serializers.IntegerField(help_text="In the unit of `noun`.")
    total = serializers.IntegerField(allow_null=True, help_text="Null while it is not known.")
    noun = serializers.SerializerMethodField()
    figures = serializers.SerializerMethodField(help_text="What came of it so far: names and counts.")
    error = serializers.CharField(help_text="Why it failed; blank unless it did.")
    created_by = serializers.IntegerField(source="created_by_id", allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_title(self, job: Job) -> str:
        return about(job).title(job)

    def get_noun(self, job: Job) -> str:
        return about(job).noun

    def get_figures(self, job: Job) -> dict[str, int]:
        return dict(about(job).figures(job))


@policy("job.view", by_token=True)
class Jobs(ApiView):
    @extend_schema(operation_id="jobs_list", parameters=[JobQuery], responses=page_of(JobSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Background work that the token's user started (a RevOps admin's: everybody's), the newest first."""
        query = asked(request, JobQuery)
        found = Job.objects.seen_by(request.user)
        if "state" in query:
            found = found.filter(state=query["state"])
        return page(request, found, order=NEWEST, form=JobSerializer, query=query)


@policy("job.view", by_token=True)
class JobDetail(ApiView):
    @extend_schema(operation_id="jobs_read", parameters=[FieldsQuery], responses=JobSerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """One piece of background work: how far it is, then what came of it."""
        only: Any = wanted(JobSerializer, asked(request, FieldsQuery))
        found = Job.objects.filter(pk=pk).first()
        if found is None:
            raise Http404(f"There is no background work {pk}.")
        require(request.user, "job.view", found)
        return Response(shown(JobSerializer, found, only))
