"""The addresses that write leads; `alignment.desk.urls` has those that show them."""

from django.urls import path

from leads.views import accounts, deals, feedback, following, handing, merging, moves, records

urlpatterns = [
    path("leads/new/", records.new, name="lead_new"),
    path("leads/merge/", merging.merge, name="lead_merge"),
    path("merges/<int:pk>/", merging.merged, name="merge"),
    path("merges/<int:pk>/undo/", merging.undo, name="merge_undo"),
    path("leads/<int:pk>/edit/", records.edit, name="lead_edit"),
    path("leads/<int:pk>/assign/", records.assign, name="lead_assign"),
    path("leads/<int:pk>/step/", following.step, name="lead_step"),
    path("leads/<int:pk>/snooze/", following.snooze, name="lead_snooze"),
    path("leads/<int:pk>/routing/", handing.lead_routing, name="lead_routing"),
    path("leads/<int:pk>/touch/", records.touch, name="lead_touch"),
    path("leads/<int:pk>/feedback/", feedback.give, name="lead_feedback"),
    path("leads/<int:pk>/feedback/<int:feedback_id>/", feedback.reword, name="lead_feedback_edit"),
    path("leads/<int:pk>/decide/", moves.decide, name="lead_decide"),
    *(
        path(f"leads/<int:pk>/{move.route.removeprefix('lead_').replace('_', '-')}/", move.as_view(), name=move.route)
        for move in moves.MOVES
    ),
    path("deals/new/", deals.new, name="deal_new"),
    path("deals/<int:pk>/edit/", deals.edit, name="deal_edit"),
    path("deals/<int:pk>/win/", deals.Win.as_view(), name="deal_win"),
    path("deals/<int:pk>/lose/", deals.Lose.as_view(), name="deal_lose"),
    path("deals/<int:pk>/reopen/", deals.Reopen.as_view(), name="deal_reopen"),
    path("deals/<int:pk>/withdraw/", deals.withdraw, name="deal_withdraw"),
    path("deals/<int:pk>/contact/", deals.contact, name="deal_contact"),
    path("deals/<int:pk>/contact/<int:lead>/remove/", deals.contact_remove, name="deal_contact_remove"),
    path("deals/<int:pk>/contact/<int:lead>/carry/", deals.carrier, name="deal_carrier"),
    path("deals/<int:pk>/sourced-by/", deals.sourced_by, name="deal_sourced_by"),
    path("deals/<int:pk>/distinct/<int:other>/", deals.distinct, name="deal_distinct"),
    path("accounts/<int:pk>/edit/", accounts.edit, name="account_edit"),
    path("accounts/<int:pk>/customer/", accounts.customer, name="account_customer"),
    path("setup/deals/", accounts.rules, name="setup_deals"),
    path("leads/<int:pk>/moves/<int:move>/undo/", records.undo, name="lead_undo"),
    path("leads/<int:pk>/moves/<int:move>/correct/", records.correct, name="lead_correct"),
]
