"""The saved views with which the demo company works."""

from alignment.desk.models import Sharing
from alignment.desk.saved import verbs
from alignment.people.models import User


def tell(people: dict[str, User]) -> None:
    """Views of the rep, the manager, the marketer and RevOps; `people` by the name of their login."""
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
