"""The policy table in templates: a button is shown to those who may press it."""

from typing import Any

from django import template
from django.template.context import RequestContext

from alignment.people import permissions

register = template.Library()


@register.filter
def can(user: Any, action: str) -> bool:
    """`{% if user|can:"lead.create" %}`: whether the user may do it at all."""
    return permissions.can(user, action)


@register.simple_tag(name="can", takes_context=True)
def can_with(context: RequestContext, action: str, obj: Any = None) -> bool:
    """`{% can "lead.dispose" lead as allowed %}`: whether the visitor may do it to this object."""
    return permissions.can(context["user"], action, obj)
