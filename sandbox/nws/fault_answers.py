"""Whole answers the weather service gave instead of data, in its own words.

Recorded: weather-gov/api issues 19, 29 and 160, and bodies that pages built from the service still carry. What its
title calls an invalid grid has a type of another name.
"""

from datetime import datetime, timedelta
from typing import Final

from starlette.responses import HTMLResponse, Response

from sandbox.nws.problems import NEWER_TYPES, not_found, problem_response
from sandbox.nws.units import start_of_hour, utc_text

EXPIRED_AGE: Final = timedelta(hours=30)
MISSING_AHEAD: Final = timedelta(days=6)
NGINX_PAGE: Final = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def fault_answer(kind: str, now: datetime) -> Response | None:
    """The answer of a fault that replaces data at world time `now`; None when `kind` is none of those."""
    match kind:
        case "503_grid_expired":
            issued = utc_text(now - EXPIRED_AGE)
            detail = f"The requested forecast grid was issued {issued} and has expired."
            return problem_response(503, "ForecastGridExpired", "Forecast Grid Expired", detail)
        case "503_grid_invalid":
            missing = utc_text(start_of_hour(now + MISSING_AHEAD))
            detail = f"The forecast grid is missing data for time {missing}."
            return problem_response(503, "ForecastMissingData", "Forecast Grid Invalid", detail)
        case "503_unavailable":
            detail = "The resource you requested is currently unavailable.  Please try again later."
            return problem_response(503, "UnavailableWebService", "Unavailable Resource", detail)
        case "404_no_grid":
            return not_found("No forecast is available for this grid.")
        case "429":
            return problem_response(429, "RateLimited", "Rate Limit Exceeded", "Retry after a few seconds.")
        case "5xx":
            detail = "An unexpected problem has occurred."
            return problem_response(
                500, "UnexpectedProblem", "Unexpected Problem", detail, type_root=NEWER_TYPES
            )
        case "html":
            return HTMLResponse(NGINX_PAGE, status_code=502)
    return None
