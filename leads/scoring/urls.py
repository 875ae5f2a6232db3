"""The addresses of the set-up of scoring and profiles, and of the target accounts."""

from django.urls import path

from leads.views import profiles, scoring

urlpatterns = [
    path("setup/scoring/", scoring.scoring, name="setup_scoring"),
    path("setup/scoring/begin/", scoring.begin, name="setup_scoring_begin"),
    path("setup/scoring/draft/", scoring.draft, name="setup_scoring_draft"),
    path("setup/scoring/draft/discard/", scoring.discard, name="setup_scoring_discard"),
    path("setup/scoring/draft/preview/", scoring.start_preview, name="setup_scoring_start_preview"),
    path("setup/scoring/draft/publish/", scoring.publish, name="setup_scoring_publish"),
    path("setup/scoring/previews/<int:pk>/", scoring.preview, name="setup_scoring_preview"),
    path("setup/scoring/review/", scoring.review, name="setup_scoring_review"),
    path("setup/scoring/<int:pk>/", scoring.version, name="setup_scoring_version"),
    path("setup/scoring/<int:pk>/restore/", scoring.restore, name="setup_scoring_restore"),
    path("setup/scoring/<int:pk>/end/", scoring.end_pilot, name="setup_scoring_end_pilot"),
    path("setup/profiles/", profiles.profiles, name="setup_profiles"),
    path("setup/profiles/begin/", profiles.begin, name="setup_profiles_begin"),
    path("setup/profiles/draft/", profiles.draft, name="setup_profiles_draft"),
    path("setup/profiles/draft/discard/", profiles.discard, name="setup_profiles_discard"),
    path("setup/profiles/<int:pk>/restore/", profiles.restore, name="setup_profiles_restore"),
    path("target-accounts/", profiles.target_accounts, name="target_accounts"),
    path("target-accounts/<int:pk>/add/", profiles.target_add, name="target_add"),
    path("target-accounts/<int:pk>/remove/", profiles.target_remove, name="target_remove"),
]
