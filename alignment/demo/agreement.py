"""How the demo company came to agree on its stages: signatures, a second version, a draft."""

from alignment.ops import versions
from alignment.people.models import Company, User
from leads.models import Stage, StageVersion
from leads.stages import setup as stage_setup

WORKED = (
    "Sales has accepted the lead and works it: a first human touch within a day, and a next step with a date. A lead "
    "that nobody could reach in ten working days goes back to nurture."
)


def tell(people: dict[str, User]) -> None:
    """Tell it, after the heads are known. `people` are the demo's logins by role."""
    company = Company.objects.select_related("marketing_head", "sales_head").get()
    heads = [head for head in (company.marketing_head, company.sales_head) if head]
    _publish(Stage.objects.get(key="sql"), people["revops"], "Both teams asked what “accepted” obliges to")
    for key in ("mgl", "mql", "sql", "sqo"):
        _sign(key, heads)
    _sign("proposal", heads[1:])
    _draft(Stage.objects.get(key="sqo"), people["revops"])


def _publish(stage: Stage, by: User, note: str) -> None:
    draft = stage_setup.begin(stage=stage, by=by)
    draft = versions.change(draft, body=draft.body | {"definition": WORKED}, by=by)
    stage_setup.publish(draft=draft, by=by, note=note)


def _sign(key: str, heads: list[User]) -> None:
    version = StageVersion.published(key)
    for head in heads:
        if version:
            stage_setup.sign(version_id=version.pk, by=head)


def _draft(stage: Stage, by: User) -> None:
    """RevOps thinks about asking for more: nothing changes until it is published."""
    draft = stage_setup.begin(stage=stage, by=by)
    criteria = draft.body["criteria"]
    asked = criteria | {
        "fields": ["phone", "title"],
        "confirmations": [*criteria.get("confirmations", []), "Decision process"],
        "deal": [*criteria.get("deal", []), "probability"],
    }
    versions.change(draft, body=draft.body | {"criteria": asked}, by=by)
