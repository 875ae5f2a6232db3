"""The addresses that write leads; `alignment.desk.urls` has those that show them."""

from django.urls import path

from leads.views import moves, records, scoring

urlpatterns = [
    path("leads/new/", records.new, name="lead_new"),
    path("leads/<int:pk>/edit/", records.edit, name="lead_edit"),
    path("leads/<int:pk>/deal/", records.deal, name="lead_deal"),
    path("leads/<int:pk>/assign/", records.assign, name="lead_assign"),
    path("leads/<int:pk>/touch/", records.touch, name="lead_touch"),
    path("leads/<int:pk>/decide/", moves.decide, name="lead_decide"),
    *(
        path(f"leads/<int:pk>/{move.route.removeprefix('lead_').replace('_', '-')}/", move.as_view(), name=move.route)
        for move in moves.MOVES
    ),
    path("leads/<int:pk>/moves/<int:move>/undo/", records.undo, name="lead_undo"),
    path("leads/<int:pk>/moves/<int:move>/correct/", records.correct, name="lead_correct"),
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
]
