"""Problem documents, the weather service's error bodies."""

import uuid

from starlette.responses import HTMLResponse, JSONResponse, Response

MEDIA_TYPE = "application/problem+json"
OLDER_TYPES = "https://api.weather.gov/problems/"
NEWER_TYPES = "urn:noaa:nws:api:"


def problem_response(
    status: int,
    kind: str,
    title: str,
    detail: str,
    headers: dict[str, str] | None = None,
    type_root: str = OLDER_TYPES,
) -> Response:
    """A problem document; its correlation id is also in the header, as support asks for it."""
    correlation = str(uuid.uuid4())
    identified = {"X-Correlation-Id": correlation, "X-Request-ID": correlation, "X-Server-ID": "sandbox"}
    return JSONResponse(
        {
            "correlationId": correlation,
            "title": title,
            "type": f"{type_root}{kind}",
            "status": status,
            "detail": detail,
            "instance": f"urn:noaa:nws:api:request:{correlation}",
        },
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=identified | (headers or {}),
    )


def not_found(detail: str) -> Response:
    """Nothing is at this address."""
    return problem_response(404, "NotFound", "Not Found", detail)


def forbidden() -> Response:
    """The edge's page for a caller that does not say who it is."""
    page = "<html><head><title>Access Denied</title></head><body><h1>Access Denied</h1></body></html>"
    return HTMLResponse(page, status_code=403)
