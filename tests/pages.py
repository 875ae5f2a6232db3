"""Pages as tests read them."""

import re

from django.http import HttpResponse


def text(response: HttpResponse) -> str:
    """What stands on a page, without its marks; each stretch of white space is one space."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())).strip()
