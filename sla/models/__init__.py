"""The tables of the promises, one concept a module."""

from sla.models.agreement import Agreement, AgreementSignature
from sla.models.capacity import AboveCapacity
from sla.models.clock import CancelReason, Clock, ClockEvent, ClockPause, EventKind
from sla.models.dispute import Dispute, DisputeKind
from sla.models.ladder import LadderSignature
from sla.models.policy import PauseReason, Policy, PolicySet, SubjectKind, TargetUnit
from sla.models.promise import Promise

__all__ = [
    "AboveCapacity",
    "Agreement",
    "AgreementSignature",
    "CancelReason",
    "Clock",
    "ClockEvent",
    "ClockPause",
    "Dispute",
    "DisputeKind",
    "EventKind",
    "LadderSignature",
    "PauseReason",
    "Policy",
    "PolicySet",
    "Promise",
    "SubjectKind",
    "TargetUnit",
]
