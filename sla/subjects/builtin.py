"""The kinds of subject that Accord comes with. Importing this module registers them."""

from alignment.people.models import Side
from sla.models import SubjectKind
from sla.subjects import deals, disputes
from sla.subjects.registry import Subject, register
from sla.wording import WORDS

for each in SubjectKind:
    register(Subject(each.value, each.label, "lead", Side.SALES, WORDS[each]))
register(Subject(deals.KIND, "Updates of an open deal", "deal", Side.SALES, WORDS[deals.KIND], deals.Deals(), "deals"))
register(
    Subject(
        disputes.KIND,
        "Answers to disputes",
        "dispute",
        Side.SALES,
        WORDS[disputes.KIND],
        disputes.Disputes(),
        "disputes",
    )
)
