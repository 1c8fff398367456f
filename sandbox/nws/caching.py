"""Validators and lifetimes of the weather service's answers, and the 304 that follows from them."""

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from sandbox.clock import wall_now

GEO_JSON: Final = "application/geo+json"
FRESH_FOR_S: Final = 300
RENDERING_TIME: Final = "generatedAt"


def cached_response(
    request: Request, body: dict[str, Any], modified_at: datetime, speed: float, media_type: str = GEO_JSON
) -> Response:
    """The body, or 304 when the caller's validator still holds.

    `speed`: a cache counts the machine's seconds while forecasts age in the world's, so the lifetime shrinks with it.
    """
    etag = _etag(body)
    identifier = str(uuid.uuid4())
    fresh_for_s = max(1, round(FRESH_FOR_S / speed))
    headers = {
        "Cache-Control": f"public, max-age={fresh_for_s}, s-maxage={FRESH_FOR_S}",
        "Expires": _http_date(wall_now() + timedelta(seconds=fresh_for_s)),
        "ETag": etag,
        "Last-Modified": _http_date(modified_at),
        "Vary": "Accept,Feature-Flags,Accept-Language",
        "X-Correlation-Id": identifier,
        "X-Request-ID": identifier,
        "X-Server-ID": "sandbox",
    }
    if _unchanged(request, etag, modified_at):
        return Response(status_code=304, headers=headers)
    content = json.dumps(body, ensure_ascii=False).encode()
    return Response(content, media_type=media_type, headers=headers)


def _http_date(instant: datetime) -> str:
    return format_datetime(instant.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _etag(body: dict[str, Any]) -> str:
    """A weak validator over everything but the moment of rendering, which changes at every request."""
    properties = {name: value for name, value in body.get("properties", {}).items() if name != RENDERING_TIME}
    encoded = json.dumps(body | {"properties": properties}, sort_keys=True).encode()
    return f'W/"{hashlib.sha256(encoded).hexdigest()[:32]}"'


def _unchanged(request: Request, etag: str, modified_at: datetime) -> bool:
    held = request.headers.get("if-none-match")
    if held is not None:
        return held.strip() == "*" or etag in [candidate.strip() for candidate in held.split(",")]
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return modified_at.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False
