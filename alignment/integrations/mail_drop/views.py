"""The address to which a mail server posts what it received."""

import time

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from alignment.integrations.mail_drop.reading import MOST_BYTES
from alignment.integrations.mail_drop.receiving import Outcome, receive
from alignment.lib.webhook_signatures import BadSignatureError, verify
from alignment.people.permissions import policy

REFUSED = {Outcome.UNREADABLE: 422, Outcome.NO_USER: 422, Outcome.UNPROVEN: 422}


@policy("public")
@csrf_exempt
@require_POST
def inbound_mail(request: HttpRequest) -> JsonResponse:
    """A mail as it came (`message/rfc822`), signed as Standard Webhooks has it. Sent again, it changes nothing.

    401 for what nobody who knows the secret has sent within five minutes, 422 for a mail that is not recorded and would
    not be the next time either.
    """
    if not settings.MAIL_SECRET:
        return _said(422, "off", "No mail is received here: ACCORD_MAIL_SECRET is not set.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return _said(413, "too_long", f"A mail has at most {MOST_BYTES // 1_000_000} MB.")
    try:
        raw = request.read(MOST_BYTES + 1)
        verify(settings.MAIL_SECRET, headers=request.headers, body=raw, now=int(time.time()))
    except RequestDataTooBig:
        return _said(413, "too_long", f"A mail has at most {MOST_BYTES // 1_000_000} MB.")
    except (BadSignatureError, ValueError):
        return _said(401, "unsigned", "The signature is missing, old or wrong.")
    receipt = receive(raw)
    return _said(REFUSED.get(receipt.outcome, 200), receipt.outcome, receipt.said, leads=list(receipt.lead_ids))


def _said(status: int, outcome: str, detail: str, **more: object) -> JsonResponse:
    return JsonResponse({"outcome": outcome, "detail": detail, **more}, status=status)
