"""The tables of the promises, one concept a module."""

from sla.models.clock import CancelReason, Clock, ClockEvent, EventKind
from sla.models.policy import Policy, SubjectKind
from sla.models.promise import Promise

__all__ = ["CancelReason", "Clock", "ClockEvent", "EventKind", "Policy", "Promise", "SubjectKind"]
