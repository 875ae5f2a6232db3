"""The addresses at which routing is set up and looked at."""

from django.urls import path

from leads.views import handing, routing

urlpatterns = [
    path("setup/routing/", routing.setup_routing, name="setup_routing"),
    path("setup/routing/begin/", routing.setup_routing_begin, name="setup_routing_begin"),
    path("setup/routing/draft/", routing.setup_routing_draft, name="setup_routing_draft"),
    path("setup/routing/draft/dry-run/", routing.setup_routing_dry_run, name="setup_routing_dry_run"),
    path("setup/routing/draft/publish/", routing.setup_routing_publish, name="setup_routing_publish"),
    path("setup/routing/draft/discard/", routing.setup_routing_discard, name="setup_routing_discard"),
    path("setup/routing/draft/rules/new/", routing.setup_routing_rule_new, name="setup_routing_rule_new"),
    path("setup/routing/draft/rules/<int:at>/", routing.setup_routing_rule, name="setup_routing_rule"),
    path("setup/routing/draft/rules/<int:at>/move/", routing.setup_routing_rule_move, name="setup_routing_rule_move"),
    path("setup/routing/versions/<int:pk>/restore/", routing.setup_routing_restore, name="setup_routing_restore"),
    path("setup/routing/pools/new/", routing.setup_pool_new, name="setup_pool_new"),
    path("setup/routing/pools/<int:pk>/", routing.setup_pool, name="setup_pool"),
    path("setup/routing/pools/<int:pk>/retire/", routing.setup_pool_retire, name="setup_pool_retire"),
    path("setup/people/<int:pk>/leave/", handing.setup_person_leave, name="setup_person_leave"),
    path("routing/", handing.routing_ledger, name="routing_ledger"),
]
