"""Problem documents, the weather service's error bodies."""

import uuid

from starlette.responses import HTMLResponse, JSONResponse, Response

MEDIA_TYPE = "application/problem+json"


def problem_response(
    status: int, kind: str, title: str, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """A problem document; its correlation id is also in the header, as support asks for it."""
    correlation = str(uuid.uuid4())
    urn = f"urn:noaa:nws:api:request:{correlation}"
    return JSONResponse(
        {
            "correlationId": correlation,
            "title": title,
            "type": f"https://api.weather.gov/problems/{kind}",
            "status": status,
            "detail": detail,
            "instance": urn,
        },
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"X-Correlation-Id": correlation} | (headers or {}),
    )


def not_found(detail: str) -> Response:
    """Nothing is at this address."""
    return problem_response(404, "NotFound", "Not Found", detail)


def forbidden() -> Response:
    """The edge's page for a caller that does not say who it is."""
    page = "<html><head><title>Access Denied</title></head><body><h1>Access Denied</h1></body></html>"
    return HTMLResponse(page, status_code=403)
