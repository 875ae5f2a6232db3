"""The tables of the lead lifecycle, one concept a module."""

from leads.models.account import Account
from leads.models.bulk import BulkChange, BulkRow
from leads.models.campaign import Campaign, Segment, Source, Territory
from leads.models.changed_days import ChangedDays
from leads.models.customer import CustomerPeriod
from leads.models.feedback import Feedback
from leads.models.follow_up import FollowUp
from leads.models.free_domain import FreeDomain
from leads.models.holder import HolderInterval
from leads.models.hygiene import DuplicatePair, LeadKeys, WeeklyCount
from leads.models.journey import Journey
from leads.models.lead import Lead, LeadSearch
from leads.models.merge import Merge, MergedLead
from leads.models.opportunity import DistinctDeals, Opportunity, OpportunityChange, OpportunityContact
from leads.models.profile import AccountProfile, ProfileVersion
from leads.models.reason_proposal import ReasonProposal
from leads.models.reference import ExternalReference
from leads.models.route import Pool, PoolMember, RoutingDecision, RoutingVersion
from leads.models.score import Score, ScoringVersion, ThresholdCrossing
from leads.models.sourcing import DealRules, Sourcing
from leads.models.stage import NurtureTrack, Reason, Stage
from leads.models.stage_version import StageSignature, StageVersion
from leads.models.target import TargetAccount
from leads.models.touchpoint import Touchpoint, WithdrawnTouch
from leads.models.transition import LeadTransition, TransitionNote

__all__ = [
    "Account",
    "AccountProfile",
    "BulkChange",
    "BulkRow",
    "Campaign",
    "ChangedDays",
    "CustomerPeriod",
    "DealRules",
    "DistinctDeals",
    "DuplicatePair",
    "ExternalReference",
    "Feedback",
    "FollowUp",
    "FreeDomain",
    "HolderInterval",
    "Journey",
    "Lead",
    "LeadKeys",
    "LeadSearch",
    "LeadTransition",
    "Merge",
    "MergedLead",
    "NurtureTrack",
    "Opportunity",
    "OpportunityChange",
    "OpportunityContact",
    "Pool",
    "PoolMember",
    "ProfileVersion",
    "Reason",
    "ReasonProposal",
    "RoutingDecision",
    "RoutingVersion",
    "Score",
    "ScoringVersion",
    "Segment",
    "Source",
    "Sourcing",
    "Stage",
    "StageSignature",
    "StageVersion",
    "TargetAccount",
    "Territory",
    "ThresholdCrossing",
    "Touchpoint",
    "TransitionNote",
    "WeeklyCount",
    "WithdrawnTouch",
]
