"""Pages as tests read them."""

import csv
import io
import re

from django.http import HttpResponse, HttpResponseBase


def text(response: HttpResponse) -> str:
    """What stands on a page, without its marks; each stretch of white space is one space."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())).strip()


def rows_of(response: HttpResponseBase) -> list[list[str]]:
    """The lines of a CSV file, its header first."""
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
