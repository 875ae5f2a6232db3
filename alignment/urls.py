"""Every address of Accord, app by app."""

from django.urls import include, path

handler500 = "alignment.desk.errors.server_error"
urlpatterns = [
    path("", include("alignment.health.urls")),
    path("api/v1/", include("leads.api.urls")),
    path("api/v1/", include("sla.api.urls")),
    path("api/v1/", include("dashboards.api.urls")),
    path("api/v1/", include("alignment.desk.saved.api_urls")),
    path("api/v1/", include("alignment.api.urls")),
    path("", include("alignment.people.urls")),
    path("", include("alignment.ops.urls")),
    path("", include("leads.urls")),
    path("", include("leads.setup_urls")),
    path("", include("sla.urls")),
    path("", include("leads.routing.urls")),
    path("", include("leads.scoring.urls")),
    path("", include("alignment.integrations.urls")),
    path("", include("alignment.integrations.web_forms.urls")),
    path("", include("alignment.integrations.mail_drop.urls")),
    path("", include("dashboards.urls")),
    path("", include("alignment.desk.urls")),
]
