"""The kinds of subject that Accord comes with. Importing this module registers them."""

from alignment.people.models import Side
from leads.milestones import Milestone
from leads.models import Stage
from leads.stages.stages import Stages
from sla.models import SubjectKind
from sla.subjects import deals, disputes
from sla.subjects.registry import Subject, register
from sla.wording import WORDS


def _hand_off(stages: Stages) -> Stage:
    return stages.first(Milestone.MQL)


def _opportunity(stages: Stages) -> Stage:
    return stages.first(Milestone.SQO)


PASSES = {
    SubjectKind.DISPOSITION: ("a lead becomes an MQL", _hand_off),
    SubjectKind.FIRST_TOUCH: ("a lead becomes an MQL", _hand_off),
    SubjectKind.WORKED: ("sales accepts a lead", Stages.acceptance),
}
for kind, (begins, starts_at) in PASSES.items():
    register(
        Subject(kind.value, kind.label, "lead", (Side.SALES,), WORDS[kind], begins=begins, starts_at=starts_at)
    )  # fmt: skip
register(
    Subject(
        deals.KIND, "Updates of an open deal", "deal", (Side.SALES,), WORDS[deals.KIND], deals.Deals(), "deals",
        begins="a deal is opened, and anew with each update", starts_at=_opportunity,
    )
)  # fmt: skip
register(
    Subject(
        disputes.KIND, "Answers to disputes", "dispute", (Side.MARKETING, Side.SALES), WORDS[disputes.KIND],
        disputes.Disputes(), "disputes", begins="the other side disputes something",
    )
)  # fmt: skip
