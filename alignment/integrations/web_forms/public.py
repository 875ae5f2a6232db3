"""The address that websites post their forms to: open to everybody, without cookies, and careful with all they send."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from alignment.integrations.web_forms.intake import refuse, submit
from alignment.integrations.web_forms.limits import admit, tally
from alignment.integrations.web_forms.models import ConsentText, FormKey, Outcome, WebForm
from alignment.integrations.web_forms.posting import Context, context_of
from alignment.integrations.web_forms.visitor import HONEYPOT, VisitorForm
from alignment.people.permissions import policy

MOST_BYTES = 64 * 1024
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
THANKS = "thanks"


@dataclass(eq=False)
class ProblemError(Exception):
    """Why a post is not received, in words for who sent it. With `outcome` it is counted with the form."""

    status: int
    title: str
    detail: str
    outcome: Outcome | None = None
    retry_after: int = 0


@policy("public")
@csrf_exempt
def form(request: HttpRequest, key: str) -> HttpResponse:
    """GET shows the form as a page of its own, POST receives it, OPTIONS answers the browser's question before a fetch.

    There is no token against forged requests by design: nobody is signed in here, and a website has none to give.
    """
    found = FormKey.objects.select_related("form__source", "form__campaign").filter(key=key).first()
    try:
        response = _answer(request, _open(request, found))
    except ProblemError as problem:
        response = _say(request, problem)
    return _open_to(response, request, found.form if found else None)


def _open(request: HttpRequest, found: FormKey | None) -> WebForm:
    if found is None:
        raise ProblemError(404, "There is no such form", "Check the address in the form's action.")
    if found.form.retired_at or found.replaced_at:
        if request.method == "POST":
            tally(form=found.form, outcome=Outcome.CLOSED)
        raise ProblemError(410, "This form is closed", "It takes no more submissions. Please reach us another way.")
    return found.form


def _answer(request: HttpRequest, web_form: WebForm) -> HttpResponse:
    match request.method:
        case "OPTIONS":
            return HttpResponse(status=204)
        case "GET" | "HEAD":
            if THANKS in request.GET:
                return render(request, "web_forms/thanks.html", {"form": web_form})
            return _page(request, VisitorForm(web_form, _texts(web_form)), {})
        case "POST":
            return _received(request, web_form)
    response = _say(request, ProblemError(405, "This does not work here", "Send the form with POST."))
    response["Allow"] = "GET, HEAD, OPTIONS, POST"
    return response


def _texts(web_form: WebForm) -> list[ConsentText]:
    return list(web_form.consent_texts.order_by("slot", "version"))


# Receiving ----------------------------------------------------------------------------------------------------


def _received(request: HttpRequest, web_form: WebForm) -> HttpResponse:
    try:
        data = _checked(request, web_form)
    except ProblemError as problem:
        if problem.outcome:
            tally(form=web_form, outcome=problem.outcome)
        raise
    context = context_of(
        data, referer=request.headers.get("Referer", ""), origin=request.headers.get("Origin", ""),
        own=settings.BASE_URL,
    )  # fmt: skip
    _check_origin(request, web_form, context)
    if data.get(HONEYPOT):
        # A robot learns nothing: it is thanked like anybody.
        tally(form=web_form, outcome=Outcome.ROBOT)
        return _thanks(request, web_form)
    filled = VisitorForm(web_form, _texts(web_form), data)
    if not filled.is_valid():
        refuse(form=web_form, outcome=Outcome.INVALID, problems=filled.problems, context=context)
        return _mistaken(request, filled, data)
    if _is_hasty(web_form, data):
        # Not thanked in silence like those in the trap: some people are fast, and send it again.
        tally(form=web_form, outcome=Outcome.ROBOT)
        filled.add_error(None, "This was very quick. Please look at it once more, and send it again.")
        return _mistaken(request, filled, data)
    submit(filled=filled, context=context)
    return _thanks(request, web_form)


def _is_hasty(web_form: WebForm, data: Mapping[str, Any]) -> bool:
    """Whether the page was open for too short a time. Without scripts nobody tells, and nobody is held up."""
    told = str(data.get("seconds_open", ""))
    return told.isascii() and told.isdecimal() and int(told[:9]) < web_form.least_seconds


def _checked(request: HttpRequest, web_form: WebForm) -> Mapping[str, Any]:
    """What was posted. Raises ProblemError for a post that is too often, too large or none of ours."""
    wait = admit(form=web_form, address=request.META.get("REMOTE_ADDR", ""))
    if wait:
        minutes = -(-wait // 60)
        again = f"Too many submissions came at once. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
        raise ProblemError(429, "Please wait a little", again, Outcome.LIMITED, retry_after=wait)
    if request.content_type not in (*FORM_TYPES, JSON_TYPE):
        said = f"Send {FORM_TYPES[0]}, {FORM_TYPES[1]} or {JSON_TYPE}."
        raise ProblemError(415, "This is not a form", said, Outcome.UNREADABLE)
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and int(length) > MOST_BYTES:
        said = f"A submission has at most {MOST_BYTES // 1024} KB. Please shorten your text."
        raise ProblemError(413, "This is too long", said, Outcome.UNREADABLE)
    return _json(request) if request.content_type == JSON_TYPE else _fields(request)


def _json(request: HttpRequest) -> Mapping[str, Any]:
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        said = 'The body is not a JSON object of fields, as {"email": "ana@company.com"}.'
        raise ProblemError(400, "This cannot be read", said, Outcome.UNREADABLE)
    return data


def _fields(request: HttpRequest) -> Mapping[str, Any]:
    try:
        return request.POST.dict()
    except (SuspiciousOperation, RequestDataTooBig, ValueError):
        raise ProblemError(400, "This cannot be read", "The form has too many fields.", Outcome.UNREADABLE) from None


def _check_origin(request: HttpRequest, web_form: WebForm, context: Context) -> None:
    """Browsers say which website a form is on, save where that website forbids it (`null`)."""
    origin = request.headers.get("Origin", "")
    if not web_form.allowed_origins or origin in ("", "null", _own_origin(), *web_form.allowed_origins):
        return
    said = "This form takes no submissions from this website."
    refuse(form=web_form, outcome=Outcome.ORIGIN, problems={"": [f"{context.origin} is not allowed."]}, context=context)
    raise ProblemError(403, "This website may not send this form", said)


def _own_origin() -> str:
    return origin_of(settings.BASE_URL)


def origin_of(url: str) -> str:
    """`https://www.company.com:8443` of any address there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


# Answering ----------------------------------------------------------------------------------------------------


def _wants_json(request: HttpRequest) -> bool:
    return request.content_type == JSON_TYPE or request.get_preferred_type(["text/html", JSON_TYPE]) == JSON_TYPE


def _thanks(request: HttpRequest, web_form: WebForm) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"status": "received", "thank_you_url": web_form.thank_you_url}, status=201)
    response = HttpResponseRedirect(web_form.thank_you_url or f"{request.path}?{THANKS}")
    response.status_code = 303
    return response


def _mistaken(request: HttpRequest, filled: VisitorForm, data: Mapping[str, Any]) -> HttpResponse:
    if _wants_json(request):
        problem = {"title": "Some fields need another look", "status": 422, "errors": filled.problems}
        return JsonResponse(problem, status=422, content_type=PROBLEM_TYPE)
    return _page(request, filled, data, status=422)


def _page(request: HttpRequest, filled: VisitorForm, data: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """The form on a page of ours. What the website sent along is sent again."""
    context = context_of(
        data or request.GET.dict(), referer=request.headers.get("Referer", ""), origin="", own=settings.BASE_URL
    )
    along = {"page_url": context.page_url, "referrer": context.referrer, **context.tags}
    web_form = filled.web_form
    page = render(
        request, "web_forms/page.html",
        {"form": web_form, "filled": filled, "along": along.items(), "honeypot": HONEYPOT}, status=status,
    )  # fmt: skip
    if web_form.thank_you_url:
        # Browsers hold the policy against where a form is sent on to, too.
        page._csp_update = {"form-action": [origin_of(web_form.thank_you_url)]}  # type: ignore[attr-defined]
    return page


def _say(request: HttpRequest, problem: ProblemError) -> HttpResponse:
    if _wants_json(request):
        body = {"title": problem.title, "status": problem.status, "detail": problem.detail}
        response: HttpResponse = JsonResponse(body, status=problem.status, content_type=PROBLEM_TYPE)
    else:
        response = render(request, "web_forms/problem.html", {"problem": problem}, status=problem.status)
    if problem.retry_after:
        response["Retry-After"] = str(problem.retry_after)
    return response


def _open_to(response: HttpResponse, request: HttpRequest, web_form: WebForm | None) -> HttpResponse:
    """Let scripts of the allowed websites read the answer; cookies are never asked for."""
    patch_vary_headers(response, ["Origin", "Accept"])
    response["Cache-Control"] = "no-store"
    origin = request.headers.get("Origin", "")
    if web_form and origin in web_form.allowed_origins:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Methods"] = "POST"
        response["Access-Control-Allow-Headers"] = "Content-Type"
        response["Access-Control-Expose-Headers"] = "Retry-After"
        response["Access-Control-Max-Age"] = "600"
    return response
