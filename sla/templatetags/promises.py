"""What pages of lower layers show of promises."""

from typing import Any

from django import template

from leads.models import Stage
from sla.starting import starting_at

register = template.Library()


@register.inclusion_tag("sla/_starting.html", takes_context=True)
def promises_starting_at(context: template.Context, stage: Stage) -> dict[str, Any]:
    """Which promises start when a lead comes into this stage."""
    return {"started": starting_at(stage), "user": context.get("user"), "stage": stage}
