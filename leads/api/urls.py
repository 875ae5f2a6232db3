"""The addresses of leads and what belongs to them, below /api/v1/."""

from django.urls import path

from leads.api import (
    accounts,
    bulk,
    deal_parts,
    deals,
    feedback,
    following,
    history,
    leads,
    merges,
    moves,
    nurture,
    routing,
    scoring,
    touches,
)

MOVES = {
    "hand-over": moves.HandOver,
    "accept": moves.Accept,
    "reject": moves.Reject,
    "recycle": moves.Recycle,
    "nurture": nurture.Nurture,
    "qualify": moves.Qualify,
    "advance": moves.Advance,
    "win": moves.Win,
    "lose": moves.Lose,
    "attach": moves.Attach,
    "requalify": moves.Requalify,
    "reopen": moves.Reopen,
    "undo": history.Undo,
    "assign": history.Assign,
    "route": routing.Route,
}

OF_DEAL = {
    "win": deal_parts.Win,
    "lose": deal_parts.Lose,
    "reopen": deal_parts.Reopen,
    "changes": deal_parts.Changes,
    "contacts": deal_parts.Contacts,
    "sourced-by": deal_parts.SourcedBy,
    "duplicates": deal_parts.Duplicates,
}

urlpatterns = [
    path("leads/", leads.Leads.as_view(), name="api_leads"),
    path("leads/bulk/", leads.LeadBatch.as_view(), name="api_leads_bulk"),
    *(path(f"bulk-changes/{kind}/", view.as_view(), name=f"api_bulk_{kind}") for kind, view in bulk.KINDS.items()),
    path("bulk-changes/<int:pk>/", bulk.Change.as_view(), name="api_bulk_change"),
    path("bulk-changes/<int:pk>/leads/", bulk.ChangedLeads.as_view(), name="api_bulk_change_leads"),
    path("bulk-changes/<int:pk>/undo/", bulk.ChangeUndo.as_view(), name="api_bulk_change_undo"),
    path("leads/<int:pk>/", leads.LeadDetail.as_view(), name="api_lead"),
    path("leads/reassign/", routing.Reassign.as_view(), name="api_leads_reassign"),
    path("leads/<int:pk>/routing/", routing.LeadRouting.as_view(), name="api_lead_routing"),
    path("leads/<int:pk>/transitions/", history.LeadTransitions.as_view(), name="api_lead_transitions"),
    path("leads/<int:pk>/feedback/", feedback.LeadFeedback.as_view(), name="api_lead_feedback"),
    path("leads/<int:pk>/touchpoints/", touches.LeadTouchpoints.as_view(), name="api_lead_touchpoints"),
    *(
        path(f"leads/<int:pk>/{name}/", view.as_view(), name=f"api_lead_{name.replace('-', '_')}")
        for name, view in MOVES.items()
    ),
    path("leads/<int:pk>/transitions/<int:move>/correct/", history.Correct.as_view(), name="api_lead_correct"),
    path("leads/<int:pk>/step/", following.NextStep.as_view(), name="api_lead_step"),
    path("leads/<int:pk>/snooze/", following.Snooze.as_view(), name="api_lead_snooze"),
    path("leads/<int:pk>/merge/", merges.LeadMerge.as_view(), name="api_lead_merge"),
    path("merges/", merges.Merges.as_view(), name="api_merges"),
    path("merges/<int:pk>/undo/", merges.MergeUndo.as_view(), name="api_merge_undo"),
    path("duplicates/", merges.Duplicates.as_view(), name="api_duplicates"),
    path("duplicates/<int:pk>/dismiss/", merges.DuplicateDismiss.as_view(), name="api_duplicate_dismiss"),
    path("data-quality/", merges.DataQuality.as_view(), name="api_data_quality"),
    path("transitions/", history.Feed.as_view(), name="api_transitions"),
    path("touchpoints/", touches.Touchpoints.as_view(), name="api_touchpoints"),
    path("activities/", touches.Activities.as_view(), name="api_activities"),
    path("accounts/", accounts.Accounts.as_view(), name="api_accounts"),
    path("accounts/<int:pk>/", accounts.AccountDetail.as_view(), name="api_account"),
    path("accounts/<int:pk>/customer/", accounts.AccountCustomer.as_view(), name="api_account_customer"),
    path("opportunities/", deals.Opportunities.as_view(), name="api_opportunities"),
    path("opportunities/<int:pk>/", deals.OpportunityDetail.as_view(), name="api_opportunity"),
    path("routing/", routing.Routing.as_view(), name="api_routing"),
    path("leads/<int:pk>/score/", scoring.LeadScore.as_view(), name="api_lead_score"),
    path("scoring-rules/", scoring.ScoringRules.as_view(), name="api_scoring_rules"),
    path("profiles/", scoring.ProfileList.as_view(), name="api_profiles"),
    path("target-accounts/", scoring.TargetAccounts.as_view(), name="api_target_accounts"),
    *(
        path(f"opportunities/<int:pk>/{name}/", view.as_view(), name=f"api_opportunity_{name.replace('-', '_')}")
        for name, view in OF_DEAL.items()
    ),
    path(
        "opportunities/<int:pk>/contacts/<int:lead>/remove/",
        deal_parts.ContactRemove.as_view(),
        name="api_opportunity_contact_remove",
    ),
    path(
        "opportunities/<int:pk>/contacts/<int:lead>/carry/",
        deal_parts.ContactCarry.as_view(),
        name="api_opportunity_contact_carry",
    ),
    path("stages/", deals.StageList.as_view(), name="api_stages"),
    path("stages/<slug:key>/versions/", deals.StageVersions.as_view(), name="api_stage_versions"),
    path("nurture-tracks/", nurture.Tracks.as_view(), name="api_nurture_tracks"),
    path("reasons/", deals.ReasonList.as_view(), name="api_reasons"),
]
