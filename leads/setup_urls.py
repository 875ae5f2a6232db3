"""The addresses at which reasons and nurture tracks are worked and set up."""

from django.urls import path

from leads.views import nurture, reasons, stages

urlpatterns = [
    path("setup/stages/", stages.setup_stages, name="setup_stages"),
    path("setup/stages/new/", stages.setup_stage_new, name="setup_stage_new"),
    path("setup/stages/<slug:key>/", stages.setup_stage, name="setup_stage"),
    path("setup/stages/<slug:key>/edit/", stages.setup_stage_edit, name="setup_stage_edit"),
    path("setup/stages/<slug:key>/publish/", stages.setup_stage_publish, name="setup_stage_publish"),
    path("setup/stages/<slug:key>/discard/", stages.setup_stage_discard, name="setup_stage_discard"),
    path("setup/stages/<slug:key>/move/", stages.setup_stage_move, name="setup_stage_move"),
    path("setup/stages/<slug:key>/retire/", stages.setup_stage_retire, name="setup_stage_retire"),
    path("setup/stages/<slug:key>/<int:number>/sign/", stages.setup_stage_sign, name="setup_stage_sign"),
    path("setup/stages/<slug:key>/<int:number>/restore/", stages.setup_stage_restore, name="setup_stage_restore"),
    path("nurture/", nurture.tracks, name="nurture"),
    path("nurture/new/", nurture.track_new, name="nurture_track_new"),
    path("nurture/<slug:key>/", nurture.track, name="nurture_track"),
    path("nurture/<slug:key>/edit/", nurture.track_edit, name="nurture_track_edit"),
    path("nurture/<slug:key>/retire/", nurture.track_retire, name="nurture_track_retire"),
    path("setup/reasons/", reasons.setup_reasons, name="setup_reasons"),
    path("setup/reasons/new/", reasons.setup_reason_new, name="setup_reason_new"),
    path("setup/reasons/<int:pk>/", reasons.setup_reason, name="setup_reason"),
    path("setup/reasons/<int:pk>/retire/", reasons.setup_reason_retire, name="setup_reason_retire"),
    path("setup/reasons/<int:pk>/move/", reasons.setup_reason_move, name="setup_reason_move"),
    path("setup/reasons/proposals/<int:pk>/sign/", reasons.setup_reason_sign, name="setup_reason_sign"),
    path("setup/reasons/proposals/<int:pk>/decline/", reasons.setup_reason_decline, name="setup_reason_decline"),
    path("setup/reasons/proposals/<int:pk>/withdraw/", reasons.setup_reason_withdraw, name="setup_reason_withdraw"),
]
