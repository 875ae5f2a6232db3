"""The addresses below /api/v1/ that belong to no resource. The last one answers all others."""

from django.urls import path

from alignment.api import about, calendars, jobs, people, views

urlpatterns = [
    path("docs/", about.docs, name="api_docs"),
    path("schema/", about.Schema.as_view(), name="api_schema"),
    path("me/", about.Me.as_view(), name="api_me"),
    path("calendars/", calendars.Calendars.as_view(), name="api_calendars"),
    path("absences/", calendars.Absences.as_view(), name="api_absences"),
    path("people/", people.People.as_view(), name="api_people"),
    path("jobs/", jobs.Jobs.as_view(), name="api_jobs"),
    path("jobs/<int:pk>/", jobs.JobDetail.as_view(), name="api_job"),
    path("", views.Unknown.as_view(), {"rest": ""}, name="api_root"),
    path("<path:rest>", views.Unknown.as_view(), name="api_unknown"),
]
