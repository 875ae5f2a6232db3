"""The saved views with which the demo company works, and what its sides tell each other about leads."""

from alignment.desk.models import Sharing
from alignment.desk.saved import verbs
from alignment.people.models import User
from leads import feedback
from leads.models import Lead

SAID = (
    ("rep", "Runs two sites and plans in a spreadsheet. Could we have the case of a company of that size?"),
    ("rep", "Nobody there had asked for us: the form was sent for a colleague. The campaign's text promises a trial."),
    ("marketer", "The benchmark report was read twice this week, by two people of the same company."),
)


def tell(people: dict[str, User]) -> None:
    """Views and feedback of the rep, the manager, the marketer and RevOps; `people` by the name of their login."""
    rep = people["rep"]
    told = (
        ("rep", "Mine, accepted", f"stage=sql&state=open&owner={rep.pk}&columns=stage,account,campaign,moved", "me"),
        ("manager", "Overdue", "state=overdue&columns=owner,due,source,campaign", Sharing.ALL),
        ("manager", "Accepted, by rep", "stage=sql&state=open&columns=owner,stage,account,moved", Sharing.TEAM),
        ("marketer", "Rejected", "state=rejected&columns=campaign,source,owner,moved", Sharing.ALL),
        ("revops", "Held by nobody", "stage=mql&state=open&owner=-", Sharing.ME),
    )
    for login, name, query, sharing in told:
        verbs.save(name=name, query=query.replace(",", "%2C"), sharing=sharing, by=people[login])
    held = Lead.objects.standing().filter(owner=rep, campaign__isnull=False).newest_first()[: len(SAID)]
    for lead, (login, text) in zip(held, SAID, strict=False):
        feedback.give(lead_id=lead.pk, text=text, by=people[login])
