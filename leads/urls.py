"""The addresses that write leads; `alignment.desk.urls` has those that show them."""

from django.urls import path

from leads.views import handing, moves, records

urlpatterns = [
    path("leads/new/", records.new, name="lead_new"),
    path("leads/<int:pk>/edit/", records.edit, name="lead_edit"),
    path("leads/<int:pk>/deal/", records.deal, name="lead_deal"),
    path("leads/<int:pk>/assign/", records.assign, name="lead_assign"),
    path("leads/<int:pk>/routing/", handing.lead_routing, name="lead_routing"),
    path("leads/<int:pk>/touch/", records.touch, name="lead_touch"),
    path("leads/<int:pk>/decide/", moves.decide, name="lead_decide"),
    *(
        path(f"leads/<int:pk>/{move.route.removeprefix('lead_').replace('_', '-')}/", move.as_view(), name=move.route)
        for move in moves.MOVES
    ),
    path("leads/<int:pk>/moves/<int:move>/undo/", records.undo, name="lead_undo"),
    path("leads/<int:pk>/moves/<int:move>/correct/", records.correct, name="lead_correct"),
]
