"""The policy table: the one place that says who may do what. Pages, their buttons and the middleware all ask it.

Both teams read every lead and every figure. Who may change something goes by role and, where it says so, by the
object: its `owner`, for an undo the `actor` of the move, for an import whoever ran it (`created_by`), for a proposal
who made it; where a side signs, the object is the company, which knows its heads. Objects are read by these names
alone, since the apps that own them lie above this one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from alignment.people.models import Role, Side, User

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Grant:
    """People of some roles (of one side, if it names one), for some objects.

    `person` names the object's field that must be the user, `where` says which objects the grant is about, `holds`
    which people of these roles it means.
    """

    who: str
    roles: frozenset[Role]
    side: Side | None = None
    person: str = ""
    where: Callable[[Any], bool] | None = None
    holds: Callable[[User], bool] | None = None

    def covers(self, user: User, obj: Any) -> bool:
        """Without an object: whether there can be one that the grant covers."""
        if user.role not in self.roles or self.side not in (None, user.side):
            return False
        if self.holds is not None and not self.holds(user):
            return False
        return obj is None or (self._is_about(obj) and self._means(user, obj))

    def named(self, obj: Any) -> str | None:
        """Whom a refusal names, “Ada Okafor (the holder)”; None where the grant means nobody."""
        if obj is None:
            return self.who
        if not self.person:
            return self.who if self._is_about(obj) else None
        person = getattr(obj, self.person)
        return f"{person} ({self.who})" if person else None

    def _is_about(self, obj: Any) -> bool:
        return self.where is None or self.where(obj)

    def _means(self, user: User, obj: Any) -> bool:
        return not self.person or bool(getattr(obj, f"{self.person}_id") == user.pk)


@dataclass(frozen=True, slots=True)
class Action:
    """Something people do, as the end of “… may …”, and who may. An `open` action needs no login."""

    does: str
    grants: tuple[Grant, ...] = ()
    open: bool = False


WORKING = frozenset(Role) - {Role.EXECUTIVE}

EVERYONE = Grant("everyone", frozenset(Role))
TEAMS = Grant("everyone but executives", WORKING)
MARKETER = Grant("a marketer", frozenset({Role.MARKETER}))
REP = Grant("a rep", frozenset({Role.REP}))
MANAGER = Grant("a manager", frozenset({Role.MANAGER}))
SALES_MANAGER = Grant("a manager of sales", frozenset({Role.MANAGER}), Side.SALES)
REVOPS = Grant("a RevOps admin", frozenset({Role.REVOPS}))
REP_OF_NOBODYS = Grant(
    "a sales rep while nobody holds it", frozenset({Role.REP}), Side.SALES, where=lambda obj: obj.owner_id is None
)
HOLDER = Grant("the holder", WORKING, person="owner")
OWN_REP = Grant("the rep themselves", frozenset({Role.REP}), person="rep")
STEWARD = Grant("a data steward", WORKING, holds=lambda user: user.is_steward)
MERGER = Grant("who merged them", WORKING, person="actor")
MOVER = Grant("who made the move", WORKING, person="actor")
THEMSELVES = Grant("they themselves", WORKING, person="user")
HEAD_OF_MARKETING = Grant("the head of marketing", frozenset(Role), person="marketing_head")
HEAD_OF_SALES = Grant("the head of sales", frozenset(Role), person="sales_head")
FOR_NO_HEAD = Grant(
    "a RevOps admin for a side without a head",
    frozenset({Role.REVOPS}),
    where=lambda company: not (company.marketing_head_id and company.sales_head_id),
)
PROPOSER = Grant("who proposed it", WORKING, person="proposed_by")
ASKED = Grant("who is asked", frozenset(Role), person="asked")
SALES_ANSWERS = Grant(
    "a manager of sales", frozenset({Role.MANAGER}), Side.SALES, where=lambda dispute: dispute.side == Side.SALES
)
MARKETING_ANSWERS = Grant(
    "a manager of marketing",
    frozenset({Role.MANAGER}),
    Side.MARKETING,
    where=lambda dispute: dispute.side == Side.MARKETING,
)
TIE_BREAKER = Grant("an executive", frozenset({Role.EXECUTIVE}))
IMPORTER = Grant("who ran it", WORKING, person="created_by")
AUTHOR = Grant("who wrote it", WORKING, person="author")
OWNER = Grant("who saved it", frozenset(Role), person="owner")
STARTER = Grant("who started it", frozenset(Role), person="created_by")

POLICY: dict[str, Action] = {
    "public": Action("open this page", open=True),
    "account.sign_in": Action("sign in", open=True),
    "account.self": Action("change their own account", (EVERYONE,)),
    "lead.view": Action("read leads", (EVERYONE,)),
    "queue.view": Action("see the queue", (EVERYONE,)),
    "funnel.view": Action("see the funnel", (EVERYONE,)),
    "promises.view": Action("see how promises are kept", (EVERYONE,)),
    "funnel.of_rep": Action("see the figures of one rep", (OWN_REP, MANAGER, REVOPS)),
    "funnel.of_reps": Action("compare reps", (MANAGER, REVOPS)),
    "job.view": Action("see this work", (STARTER, REVOPS)),
    "job.steer": Action("stop this work or let it go on", (STARTER, REVOPS)),
    "bulk.view": Action("see this change of many leads", (STARTER, REVOPS)),
    "bulk.undo": Action("take this change of many leads back", (STARTER, REVOPS)),
    "view.save": Action("save views of the list of leads", (EVERYONE,)),
    "view.edit": Action("change this view", (OWNER, REVOPS)),
    "notification.view": Action("read their notifications", (EVERYONE,)),
    "export": Action("export what they see", (EVERYONE,)),
    "lead.create": Action("add leads", (MARKETER, REP, MANAGER, REVOPS)),
    "lead.follow_up": Action("plan what is next with this lead", (HOLDER, REP_OF_NOBODYS, SALES_MANAGER, REVOPS)),
    "lead.touch": Action("log an activity", (TEAMS,)),
    "lead.feedback": Action("give feedback on leads", (TEAMS,)),
    "lead.feedback_edit": Action("change this feedback", (AUTHOR,)),
    "lead.edit": Action("edit this lead", (MARKETER, HOLDER, REP_OF_NOBODYS, MANAGER, REVOPS, STEWARD)),
    "lead.merge": Action("merge this lead into another one", (MARKETER, HOLDER, MANAGER, REVOPS, STEWARD)),
    "merge.undo": Action("undo this merge", (MERGER, MANAGER, REVOPS, STEWARD)),
    "data.view": Action("see how clean the data is", (EVERYONE,)),
    "data.merge_all": Action("merge all exact duplicates at once", (REVOPS, STEWARD)),
    "promise.view": Action("see what is promised", (EVERYONE,)),
    "promise.manage": Action("set up promises", (REVOPS,)),
    "agreement.view": Action("read the agreement", (EVERYONE,)),
    "agreement.draft": Action("draft the agreement", (REVOPS,)),
    "agreement.sign": Action("sign the agreement", (HEAD_OF_MARKETING, HEAD_OF_SALES)),
    "what_if.view": Action("try promises on history", (MANAGER, REVOPS, TIE_BREAKER)),
    "promise.sign": Action("sign that leads are handed over by themselves", (HEAD_OF_MARKETING, HEAD_OF_SALES)),
    "clock.pause": Action("pause this clock", (HOLDER, MANAGER, REVOPS)),
    "clock.contest": Action("contest a breach", (TEAMS,)),
    "import.run": Action("import files", (MARKETER, MANAGER, REVOPS)),
    "import.undo": Action("undo this import", (IMPORTER, REVOPS)),
    "lead.qualify": Action("qualify leads", (MARKETER, MANAGER, REVOPS)),
    "lead.requalify": Action("bring this lead back", (MARKETER, HOLDER, MANAGER, REVOPS)),
    "lead.dispose": Action("accept, reject or recycle this lead", (HOLDER, REP_OF_NOBODYS, SALES_MANAGER, REVOPS)),
    "lead.advance": Action("move this lead on", (HOLDER, SALES_MANAGER, REVOPS)),
    "lead.undo": Action("undo this move", (MOVER, MANAGER, REVOPS)),
    "lead.assign": Action("assign leads", (MANAGER, REVOPS)),
    "routing.view": Action("see how leads are routed", (EVERYONE,)),
    "routing.manage": Action("set up routing", (REVOPS,)),
    "routing.ledger": Action("see who was routed how many leads", (REP, MANAGER, REVOPS)),
    "lead.override": Action("move a lead past its entry criteria", (MANAGER, REVOPS)),
    "lead.correct": Action("correct history", (REVOPS,)),
    "wall.view": Action("see the wall", open=True),
    "wall.manage": Action("make links to the wall", (MANAGER, REVOPS)),
    "calendar.manage": Action("set up working calendars", (REVOPS,)),
    "absence.view": Action("see who is away", (EVERYONE,)),
    "absence.plan": Action("plan this absence", (THEMSELVES, MANAGER, REVOPS)),
    "people.manage": Action("manage people and teams", (REVOPS,)),
    "tokens.manage": Action("see and revoke everybody's API tokens", (REVOPS,)),
    "forms.manage": Action("set up web forms", (MARKETER, REVOPS)),
    "scoring.view": Action("see the scoring rules", (EVERYONE,)),
    "scoring.manage": Action("change the scoring rules", (REVOPS,)),
    "profiles.view": Action("see the ideal customer profiles", (EVERYONE,)),
    "profiles.manage": Action("change the ideal customer profiles", (MANAGER, REVOPS)),
    "targets.view": Action("see the target accounts", (EVERYONE,)),
    "targets.manage": Action("change the list of target accounts", (MARKETER, MANAGER, REVOPS)),
    "campaigns.view": Action("see what became of campaigns", (EVERYONE,)),
    "dispute.view": Action("see disputes", (EVERYONE,)),
    "dispute.raise": Action("contest something", (TEAMS,)),
    "dispute.answer": Action("answer this dispute", (ASKED, SALES_ANSWERS, MARKETING_ANSWERS)),
    "dispute.decide": Action("decide this dispute", (REVOPS, TIE_BREAKER)),
    "nurture.view": Action("see the nurture tracks", (EVERYONE,)),
    "nurture.work": Action("move leads in nurture", (MARKETER, MANAGER, REVOPS)),
    "nurture.manage": Action("set up nurture tracks", (MARKETER, REVOPS)),
    "reasons.view": Action("see the list of reasons", (EVERYONE,)),
    "reasons.propose": Action("propose a change of the reasons", (TEAMS,)),
    "reasons.sign": Action("sign a change of the reasons", (HEAD_OF_MARKETING, HEAD_OF_SALES, FOR_NO_HEAD)),
    "reasons.withdraw": Action("withdraw this proposal", (PROPOSER, REVOPS)),
    "reasons.order": Action("change the order of the reasons", (REVOPS,)),
    "company.manage": Action("change the company's settings", (REVOPS,)),
    "channels.manage": Action("set up channels and see what was sent", (REVOPS,)),
    "health.view": Action("see how Accord itself is", (REVOPS,)),
    "api.read": Action("read about the API", (EVERYONE,)),
    "stages.view": Action("read what the stages mean", (EVERYONE,)),
    "stages.manage": Action("change the stages", (REVOPS,)),
    "stages.sign": Action("sign a stage", (HEAD_OF_MARKETING, HEAD_OF_SALES, FOR_NO_HEAD)),
    "deal.open": Action("open deals", (REP, SALES_MANAGER, REVOPS)),
    "deal.edit": Action("change this deal", (HOLDER, SALES_MANAGER, REVOPS)),
    "deal.close": Action("win, lose or reopen this deal", (HOLDER, SALES_MANAGER, REVOPS)),
    "deal.source": Action("correct who sourced a deal", (MANAGER, REVOPS)),
    "deal.withdraw": Action("take back a deal", (SALES_MANAGER, REVOPS)),
    "deal.rules": Action("change the rules for deals", (REVOPS,)),
    "account.edit": Action("change this account", (MARKETER, REP, MANAGER, REVOPS)),
    "account.customer": Action("say since when an account is a customer", (REP, MANAGER, REVOPS)),
}

# The views of other packages carry no policy of their own: their actions, by URL name.
ROUTES: dict[str, str] = {
    "account_login": "account.sign_in",
    "account_logout": "account.sign_in",
    "account_inactive": "account.sign_in",
    "account_change_password": "account.self",
}


def can(user: User | AnonymousUser, action: str, obj: Any = None) -> bool:
    """Whether `user` may do `action` to `obj`; without an object, to at least some. Raises KeyError if unknown."""
    rule = POLICY[action]
    if rule.open:
        return True
    return isinstance(user, User) and user.is_active and any(grant.covers(user, obj) for grant in rule.grants)


def why_not(user: User | AnonymousUser, action: str, obj: Any = None) -> str:
    """The sentence of a refusal: who may."""
    rule = POLICY[action]
    if not user.is_authenticated:
        return f"Sign in first: not everyone may {rule.does}."
    named = [who for grant in rule.grants if (who := grant.named(obj))]
    if not named:
        return f"Nobody may {rule.does} yet: nobody is named for it."
    *others, last = named
    return f"Only {', '.join(others)} or {last} may {rule.does}." if others else f"Only {last} may {rule.does}."


def require(user: User | AnonymousUser, action: str, obj: Any = None) -> None:
    """Raises PermissionDenied with the sentence of `why_not` where `can` says no."""
    if not can(user, action, obj):
        raise PermissionDenied(why_not(user, action, obj))


@dataclass(frozen=True, slots=True)
class Policy:
    """The action that a view stands for, by method. A view `by_token` asks the table itself, for the token's user."""

    default: str
    methods: dict[str, str]
    by_token: bool = False

    def action(self, method: str) -> str:
        return self.methods.get(method, self.default)


def policy(default: str, *, by_token: bool = False, **methods: str) -> Callable[[View], View]:
    """Marks a view, or a view class, with its actions: `@policy("lead.view", POST="lead.edit")`.

    The middleware checks them by role; what also hangs on the object, the view checks with `require`. A view `by_token`
    knows its user only after the middleware, and no session counts for it.
    """
    unknown = {default, *methods.values()} - POLICY.keys()
    if unknown:
        raise LookupError(f"The policy table knows no action {', '.join(sorted(unknown))}.")

    def mark(view: View) -> View:
        view.policy = Policy(default, methods, by_token)  # type: ignore[attr-defined]
        return view

    return mark


def action_of(view: Callable[..., Any], route: str | None, method: str) -> str | None:
    """The action of a request to `view` under the URL name `route`; None if the table does not know the view."""
    marked = policy_of(view)
    return marked.action(method) if marked else ROUTES.get(route or "")


def policy_of(view: Callable[..., Any]) -> Policy | None:
    """What `policy` marked the view, or its class, with; None for the views of other packages."""
    marked = getattr(view, "policy", None) or getattr(getattr(view, "view_class", None), "policy", None)
    return marked if isinstance(marked, Policy) else None
