"""What pages that wait for signatures say of the heads who sign."""

from collections.abc import Iterable
from typing import Any

from django import template

from alignment.people.models import Company, User

register = template.Library()


@register.inclusion_tag("people/_heads_without_login.html", takes_context=True)
def heads_without_login(context: template.Context, signed: Iterable[Any]) -> dict[str, Any]:
    """The heads whose signature is missing and who cannot sign in to give it. `signed` are rows with `side` and `name`;
    a blank name is a missing signature. Two queries at most, none where all have signed.
    """
    missing = [row.side for row in signed if not row.name]
    heads = Company.get().heads if missing else {}
    wanted = {heads[side]: side for side in missing if side in heads}
    able = User.objects.active().with_login().values("pk")
    unable = User.objects.filter(pk__in=wanted).exclude(pk__in=able) if wanted else ()
    return {"heads": [(wanted[head.pk], head) for head in unable], "user": context["user"]}
