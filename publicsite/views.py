"""The public page and its fragments. Anyone may read; nothing can be sent, and no cookie is set."""

import hashlib

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from analytics.public import Banner, read_banner
from milkbot.database import check_database
from milkbot.logger import logger
from publicsite.regions import REGIONS, Reading, render_region
from publicsite.times import read_times

_SHARED_FOR_S = 1
_ROBOTS = "User-agent: *\nDisallow: /fragments/\nDisallow: /healthz\n"


@require_safe
def page(request: HttpRequest) -> HttpResponseBase:
    """The whole page, complete without JavaScript. Answers 304 to a client that holds these very bytes."""
    reading = Reading(read_times())
    pieces = {name: render_region(name, reading).html for name in REGIONS}
    response = render(request, "publicsite/page.html", {"banner": _banner(), "pieces": pieces})
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    return _shareable(get_conditional_response(request, etag=etag, response=response) or response)


@require_safe
def fragment(request: HttpRequest, name: str) -> HttpResponseBase:
    """One region; 204 when the version shown (`v`) is still the current one, so that the page is not touched."""
    if name not in REGIONS:
        raise Http404(f"no region {name}")
    piece = render_region(name, Reading(read_times()))
    unchanged = request.GET.get("v") == piece.version
    return _shareable(HttpResponse(status=204) if unchanged else HttpResponse(piece.html))


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when this process reaches its database, else 503: for the supervisor, a proxy, an outside monitor."""
    healthy = check_database()
    response = JsonResponse({"status": "ok" if healthy else "unavailable"}, status=200 if healthy else 503)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for this name without being told to."""
    return redirect(static("publicsite/favicon.svg"), permanent=False)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_ROBOTS, content_type="text/plain; charset=utf-8")


def _banner() -> Banner | None:
    try:
        return read_banner()
    except Error:
        logger.exception("the banner could not be read")
        return None


def _shareable(response: HttpResponseBase) -> HttpResponseBase:
    """Every visitor gets the same bytes: a proxy may answer many polls with one of ours."""
    patch_cache_control(response, public=True, max_age=_SHARED_FOR_S)
    return response
