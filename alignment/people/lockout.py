"""What somebody sees who guessed too often."""

from datetime import timedelta
from math import ceil
from typing import Any

from axes.conf import settings
from axes.helpers import get_client_ip_address, get_client_username
from axes.models import AccessAttempt
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any]) -> HttpResponse:
    """The page that says when to try again (429, with `Retry-After` in seconds)."""
    attempts = AccessAttempt.objects.filter(
        username=get_client_username(request, credentials), ip_address=get_client_ip_address(request)
    )
    last_at = attempts.aggregate(last_at=Max("attempt_time"))["last_at"] or timezone.now()
    wait = max(last_at + settings.AXES_COOLOFF_TIME - timezone.now(), timedelta(minutes=1))
    page = render(request, "account/locked.html", {"minutes": ceil(wait / timedelta(minutes=1))}, status=429)
    page["Retry-After"] = str(ceil(wait.total_seconds()))
    return page
