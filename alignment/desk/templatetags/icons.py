"""`{% lucide %}` of the templates: each icon is drawn once, where the package draws it anew some fifty times a page."""

from functools import cache

from django import template
from lucide.templatetags.lucide import lucide

register = template.Library()
# Templates ask for a few hundred: their names and attributes stand there or in the code, none comes from data.
register.simple_tag(cache(lucide), name="lucide")
