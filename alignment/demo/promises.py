"""What the demo company's teams promised each other: signed agreements for the last and the running quarter."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from alignment.lib.periods import DAY, Period, last_quarter, midnight
from alignment.ops import notifications
from alignment.ops.models import Notification
from alignment.people.models import Company, User
from sla import agreements, history
from sla.quarters import FiscalCalendar
from sla.terms import ACCEPTED, DEAL, LAG, OPPORTUNITY, WON, Rate, Terms

ASSUMED = {DEAL: "14000", WON: "0.4", OPPORTUNITY: "0.5", ACCEPTED: "0.6", LAG: "60"}
QUALITY = Decimal("0.75")
SHARE = Decimal("0.6")
PER_REP = 4
TEXTS = {
    "purpose": (
        "One revenue target, carried by both teams. Marketing hands over enough leads that sales wants; sales answers "
        "each of them while the buyer still remembers asking."
    ),
    "penalties": (
        "A missed month of volume or quality: marketing presents causes and a plan to catch up in the next weekly "
        "review. A broken answer: the rep and the manager explain it there, and the lead is answered the same day."
    ),
    "consequences": (
        "Two missed months in a row move a tenth of the next quarter’s campaign budget to what sales asks for. Below "
        "80 per cent of answers in time for a quarter, new leads go to the other pool until the backlog is gone."
    ),
}


def tell(people: dict[str, User], now: datetime) -> None:
    """Tell it, after the leads are known: the plans are what a planner could have hoped for; one week fell short."""
    company = Company.objects.select_related("marketing_head", "sales_head").get()
    calendar, zone = FiscalCalendar.of(company), ZoneInfo(company.time_zone)
    running = calendar.quarter(now.date())
    heads = [head for head in (company.marketing_head, company.sales_head) if head]
    rates = {key: _known(rate, key) for key, rate in history.rates(at=now, zone=zone).items()}
    for quarter in (last_quarter(running.first, fiscal_start=calendar.year_starts_in), running):
        weeks = calendar.weeks(quarter)
        season = _season(weeks, history.delivered(weeks, zone), now)
        terms = Terms(
            target=_target(season, rates), share=SHARE, rates=rates, quality=QUALITY, season=season,
            season_of="Set by hand", per_rep=PER_REP, texts=TEXTS, review_on=quarter.last - 6 * DAY,
        )  # fmt: skip
        _agree(quarter, terms, people["revops"], heads, midnight(quarter.first, zone) - timedelta(days=4, hours=-14))


def _known(rate: Rate, key: str) -> Rate:
    return rate if rate.value is not None else Rate(Decimal(ASSUMED[key]), reason="Our best guess until we know more")


def _season(weeks: Sequence[Period], came: Sequence[int], now: datetime) -> list[Decimal]:
    """What was planned for each week: a little less than came, but for one week, which fell short."""
    over = [at for at, week in enumerate(weeks) if week.last < now.date()]
    usual = sum(came[at] for at in over) / len(over) if over else 10.0
    short = over[-2] if len(over) > 1 else None
    plan = [came[at] * 0.9 if at in over else usual * 0.95 for at in range(len(weeks))]
    if short is not None:
        plan[short] = came[short] * 1.2 + 2
    return [Decimal(round(each + 0.5)) for each in plan]


def _target(season: Sequence[Decimal], rates: dict[str, Rate]) -> Decimal:
    """The revenue for which the arithmetic asks for as many MQLs, in whole thousands."""
    bring = Decimal(1)
    for key in (DEAL, WON, OPPORTUNITY, ACCEPTED):
        bring *= rates[key].value or 1
    return Decimal(1000 * max(1, round(sum(season) * bring / SHARE / 1000)))


def _agree(quarter: Period, terms: Terms, by: User, heads: Sequence[User], at: datetime) -> None:
    draft = agreements.begin(quarter=quarter, by=by)
    draft = agreements.change(draft=draft, terms=terms, by=by)
    version = agreements.publish(draft=draft, by=by, note="Agreed in the quarterly planning")
    for hours, head in enumerate(heads):
        agreements.sign(version_id=version.pk, by=head, at=at + timedelta(hours=hours))
        for notice in Notification.objects.filter(user=head, subject_kind="agreement", subject_id=version.pk):
            notifications.mark_read(user=head, notification_id=notice.pk)
