"""The addresses of promises: their set-up, one clock, and disputes."""

from django.urls import path

from sla import dispute_views
from sla.views import agreement, clocks, pauses, policies, territories, what_if

AGREEMENT = "agreement/<slug:quarter>/"
DRAFT = "setup/slas/<slug:kind>/draft/"

urlpatterns = [
    path("setup/slas/", policies.setup_slas, name="setup_slas"),
    path("setup/slas/held/", policies.setup_sla_held, name="setup_sla_held"),
    path("setup/slas/territories/", territories.setup_territories, name="setup_territories"),
    path("setup/slas/pauses/new/", pauses.setup_pause_new, name="setup_pause_new"),
    path("setup/slas/pauses/<int:pk>/", pauses.setup_pause, name="setup_pause"),
    path("setup/slas/pauses/<int:pk>/retire/", pauses.setup_pause_retire, name="setup_pause_retire"),
    path("setup/slas/versions/<int:pk>/restore/", policies.setup_sla_restore, name="setup_sla_restore"),
    path("setup/slas/versions/<int:pk>/sign/", policies.setup_sla_sign, name="setup_sla_sign"),
    path("setup/slas/<slug:kind>/begin/", policies.setup_sla_begin, name="setup_sla_begin"),
    path(DRAFT, policies.setup_sla_draft, name="setup_sla_draft"),
    path(f"{DRAFT}rules/new/", policies.setup_sla_rule_new, name="setup_sla_rule_new"),
    path(f"{DRAFT}rules/<int:at>/", policies.setup_sla_rule, name="setup_sla_rule"),
    path(f"{DRAFT}rules/<int:at>/move/", policies.setup_sla_rule_move, name="setup_sla_rule_move"),
    path(f"{DRAFT}preview/", policies.setup_sla_preview, name="setup_sla_preview"),
    path(f"{DRAFT}preview/all/", policies.setup_sla_preview_all, name="setup_sla_preview_all"),
    path("setup/slas/previews/<int:pk>/", policies.setup_sla_preview_job, name="setup_sla_preview_job"),
    path(f"{DRAFT}publish/", policies.setup_sla_publish, name="setup_sla_publish"),
    path(f"{DRAFT}discard/", policies.setup_sla_discard, name="setup_sla_discard"),
    path("agreement/", agreement.agreement, name="agreement"),
    path("agreement/what-if/", what_if.what_if, name="agreement_what_if"),
    path(AGREEMENT, agreement.agreement_of_quarter, name="agreement_of_quarter"),
    path(f"{AGREEMENT}begin/", agreement.agreement_begin, name="agreement_begin"),
    path(f"{AGREEMENT}draft/", agreement.agreement_draft, name="agreement_draft"),
    path(f"{AGREEMENT}draft/rates/", agreement.agreement_rates, name="agreement_rates"),
    path(f"{AGREEMENT}publish/", agreement.agreement_publish, name="agreement_publish"),
    path(f"{AGREEMENT}discard/", agreement.agreement_discard, name="agreement_discard"),
    path(f"{AGREEMENT}<int:number>/", agreement.agreement_version, name="agreement_version"),
    path(f"{AGREEMENT}<int:number>/sign/", agreement.agreement_sign, name="agreement_sign"),
    path(f"{AGREEMENT}<int:number>/restore/", agreement.agreement_restore, name="agreement_restore"),
    path("clocks/<int:pk>/", clocks.clock, name="clock"),
    path("clocks/<int:pk>/pause/", clocks.clock_pause, name="clock_pause"),
    path("clocks/<int:pk>/resume/", clocks.clock_resume, name="clock_resume"),
    path("clocks/<int:pk>/hand-over/", clocks.clock_hand_over, name="clock_hand_over"),
    path("clocks/<int:pk>/contest/", clocks.clock_contest, name="clock_contest"),
    path("leads/<int:pk>/dispute/", dispute_views.contest, name="lead_dispute"),
    path("deals/<int:pk>/dispute/", dispute_views.contest_sourcing, name="deal_dispute"),
    path("disputes/", dispute_views.dispute_list, name="disputes"),
    path("disputes/<int:pk>/", dispute_views.dispute, name="dispute"),
    path("disputes/<int:pk>/answer/", dispute_views.dispute_answer, name="dispute_answer"),
    path("disputes/<int:pk>/decide/", dispute_views.dispute_decide, name="dispute_decide"),
]
