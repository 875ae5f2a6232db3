"""The fixed vocabulary of the lifecycle: milestones, outcomes, kinds of move, and where a move came from."""

from django.db.models import IntegerChoices, TextChoices


class Milestone(IntegerChoices):
    """The five ordered milestones. They are fixed, so that figures stay comparable across companies and years."""

    MGL = 1, "Marketing generated"
    MQL = 2, "Marketing qualified"
    SQL = 3, "Sales accepted"
    SQO = 4, "Sales opportunity"
    WON = 5, "Customer"


class Outcome(TextChoices):
    """What ended a pass; an open pass has none (the empty string)."""

    WON = "won", "Won"
    LOST = "lost", "Lost"
    REJECTED = "rejected", "Rejected"
    RECYCLED = "recycled", "Recycled to nurture"
    MERGED = "merged", "Merged into another lead"
    ATTACHED = "attached", "Joined an open deal"


class Kind(TextChoices):
    """The kinds of move. The first row of a lead is an `advance` from no stage."""

    ADVANCE = "advance", "Advanced"
    ACCEPT = "accept", "Accepted"
    REJECT = "reject", "Rejected"
    RECYCLE = "recycle", "Recycled"
    NURTURE = "nurture", "Moved in nurture"
    REQUALIFY = "requalify", "Requalified"
    WIN = "win", "Won"
    LOSE = "lose", "Lost"
    REOPEN = "reopen", "Reopened"
    ATTACH = "attach", "Joined a deal"
    MERGE = "merge", "Merged"
    UNDO = "undo", "Undone"
    CORRECT = "correct", "Corrected"
    WITHDRAW = "withdraw", "Taken back"
    MAP = "map", "Moved with its stage"


class QualifiedBy(TextChoices):
    """How a lead became an MQL."""

    SCORE = "score", "Score"
    HAND_RAISE = "hand_raise", "Raised a hand"
    MANUAL = "manual", "By hand"
    IMPORT = "import", "Imported"


class CauseSource(TextChoices):
    """Which door a write came through."""

    PAGE = "page", "Page"
    API = "api", "API"
    FORM = "form", "Web form"
    IMPORT = "import", "Import"
    RULE = "rule", "Rule"
    DEMO = "demo", "Demo data"


CLOSES = {
    Kind.REJECT: Outcome.REJECTED,
    Kind.RECYCLE: Outcome.RECYCLED,
    Kind.WIN: Outcome.WON,
    Kind.LOSE: Outcome.LOST,
    Kind.ATTACH: Outcome.ATTACHED,
    Kind.MERGE: Outcome.MERGED,
}
"""The kinds that close a pass, and the outcome that each leaves."""
