"""The weather service as one ASGI application, mounted at `/nws`."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.cities import City
from sandbox.clock import parse_instant
from sandbox.feeds import ClimateProduct, StationRecord
from sandbox.nws.caching import cached_response
from sandbox.nws.climate_report import product_entry, product_id
from sandbox.nws.fault_kinds import lag_of
from sandbox.nws.forecasts import Edition, Json, grid_body, hourly_body, periods_body
from sandbox.nws.observations import newest_arrival, observation_body, observation_list
from sandbox.nws.places import (
    canonical_point,
    is_in_cell,
    known_since,
    point_body,
    station_body,
    station_collection,
)
from sandbox.nws.problems import forbidden, not_found, problem_response
from sandbox.stage import Stage

ROOT = "/nws"
LINKED_JSON = "application/ld+json"
GRID = "/gridpoints/{office}/{x:int},{y:int}"
UNITS = ("us", "si")
OBSERVATIONS_KEPT: Final = timedelta(days=7)
MOST_OBSERVATIONS: Final = 500


class WeatherService:
    """The handlers; each answers for the stage's world time."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def routes(self) -> list[Route]:
        """Paths below the service's root."""
        return [
            Route("/points/{latitude},{longitude}", self.point),
            Route(GRID, self._forecast(grid_body)),
            Route(f"{GRID}/forecast", self._forecast(periods_body)),
            Route(f"{GRID}/forecast/hourly", self._forecast(hourly_body)),
            Route(f"{GRID}/stations", self.grid_stations),
            Route("/stations", self.stations),
            Route("/stations/{station}", self.station),
            Route("/stations/{station}/observations", self.observations),
            Route("/stations/{station}/observations/latest", self.latest_observation),
            Route("/products", self.products),
            Route("/products/types/{code}/locations/{location}", self.products),
            Route("/products/{identifier}", self.product),
        ]

    async def point(self, request: Request) -> Response:
        """The grid cell of a point; another spelling of the point is redirected."""
        given = request.path_params["latitude"], request.path_params["longitude"]
        canonical = canonical_point(*given)
        if canonical is None:
            return problem_response(
                400, "BadRequest", "Bad Request", f"'{','.join(given)}' is not a valid point."
            )
        if canonical != given:
            location = {"Location": f"{request.scope['root_path']}/points/{','.join(canonical)}"}
            detail = "The precision of latitude/longitude points is limited to 4 decimal digits."
            return problem_response(
                301, "AdjustPointPrecision", "Adjusting Precision Of Point Coordinate", detail, location
            )
        for city in self._stage.weather.cities():
            if is_in_cell(city, *canonical):
                return self._place(request, point_body(city, *canonical, self._root(request)))
        detail = f"Unable to provide data for requested point {','.join(canonical)}"
        return problem_response(404, "InvalidPoint", "Data Unavailable For Requested Point", detail)

    def _forecast(self, render: Callable[[Edition], Json]) -> Callable[[Request], Awaitable[Response]]:
        """A handler that renders the issuance in force at world time."""

        async def answer(request: Request) -> Response:
            city, now = self._grid_city(request), self._known_until(request)
            issuance = self._stage.weather.issuance(city, now) if city else None
            if city is None or issuance is None:
                return not_found("No forecast is available for this grid.")
            units = request.query_params.get("units", "us")
            if units not in UNITS:
                return problem_response(400, "BadRequest", "Bad Request", "units must be us or si.")
            body = render(Edition(city, issuance, now, self._root(request), units))
            return cached_response(request, body, issuance.issued_at, self._stage.clock.speed)

        return answer

    async def grid_stations(self, request: Request) -> Response:
        """The stations near a grid cell: the settlement station."""
        city = self._grid_city(request)
        if city is None:
            return not_found("No such grid.")
        return self._place(request, station_collection([city], self._root(request)))

    async def stations(self, request: Request) -> Response:
        """All stations of this world."""
        wanted = [word for text in request.query_params.getlist("id") for word in text.split(",")]
        cities = [city for city in self._stage.weather.cities() if not wanted or city.station_id in wanted]
        return self._place(request, station_collection(cities, self._root(request)))

    async def station(self, request: Request) -> Response:
        """One station."""
        city = self._station_city(request)
        return self._place(request, station_body(city, self._root(request))) if city else _no_station()

    async def observations(self, request: Request) -> Response:
        """The station's records of the last week, newest first, within `start`, `end` and `limit`."""
        city, now = self._station_city(request), self._known_until(request)
        if city is None:
            return _no_station()
        try:
            start, end, limit = _window(request, now)
        except ValueError as error:
            return problem_response(400, "BadRequest", "Bad Request", str(error))
        records = list(self._stage.weather.observations(city, start, end, now, limit))
        return self._observed(request, observation_list(city, records, self._root(request)), records)

    async def latest_observation(self, request: Request) -> Response:
        """The newest record, METAR or not."""
        city, now = self._station_city(request), self._known_until(request)
        if city is None:
            return _no_station()
        records = list(self._stage.weather.observations(city, now - OBSERVATIONS_KEPT, now, now, 1))
        if not records:
            return not_found("No observations are available.")
        return self._observed(request, observation_body(city, records[0], self._root(request)), records)

    async def products(self, request: Request) -> Response:
        """Climate reports published so far, newest first; there are no other products."""
        code = request.path_params.get("code", request.query_params.get("type", "CLI"))
        location = request.path_params.get("location", request.query_params.get("location"))
        root = self._root(request)
        reports = self._reports(location) if code == "CLI" else []
        entries = [product_entry(city, report, root) for city, report in reports]
        body = {
            "@context": {"@version": "1.1", "@vocab": "https://api.weather.gov/ontology#"},
            "@graph": entries,
        }
        newest = max((report.issued_at for _, report in reports), default=known_since(self._stage.now()))
        return cached_response(request, body, newest, self._stage.clock.speed, LINKED_JSON)

    async def product(self, request: Request) -> Response:
        """One climate report with its text."""
        for city, report in self._reports(None):
            if product_id(city, report) == request.path_params["identifier"]:
                entry = product_entry(city, report, self._root(request))
                body = entry | {"productText": report.text}
                return cached_response(request, body, report.issued_at, self._stage.clock.speed, LINKED_JSON)
        return not_found("No such product.")

    def _reports(self, location: str | None) -> list[tuple[City, ClimateProduct]]:
        """Climate reports of one location, or of all."""
        weather, now = self._stage.weather, self._stage.now()
        return [
            (city, report)
            for city in weather.cities()
            if location in (None, city.cli_location)
            for report in weather.climate_products(city, now)
        ]

    def _observed(self, request: Request, body: Json, records: list[StationRecord]) -> Response:
        arrived = newest_arrival(records, known_since(self._known_until(request)))
        return cached_response(request, body, arrived, self._stage.clock.speed)

    def _known_until(self, request: Request) -> datetime:
        """World time, or the last time at which a lagging edge heard from the service."""
        return self._stage.now() - lag_of(request.scope)

    def _place(self, request: Request, body: Json) -> Response:
        return cached_response(request, body, known_since(self._stage.now()), self._stage.clock.speed)

    def _grid_city(self, request: Request) -> City | None:
        wanted = request.path_params["office"], request.path_params["x"], request.path_params["y"]
        for city in self._stage.weather.cities():
            if (city.office, city.grid_x, city.grid_y) == wanted:
                return city
        return None

    def _station_city(self, request: Request) -> City | None:
        for city in self._stage.weather.cities():
            if city.station_id == request.path_params["station"]:
                return city
        return None

    @staticmethod
    def _root(request: Request) -> str:
        return str(request.base_url).rstrip("/") + ROOT


def weather_app(stage: Stage) -> Starlette:
    """Points, grids, stations and climate reports over the stage's world."""

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem_response(
            error.status_code, "NotFound", error.detail, "Not found.", dict(error.headers or {})
        )

    app = Starlette(routes=WeatherService(stage).routes(), exception_handlers={HTTPException: refused})
    app.add_middleware(_UserAgentRequired)
    return app


class _UserAgentRequired:
    """The service turns away callers that do not say who they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not Request(scope).headers.get("user-agent", "").strip():
            await forbidden()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _window(request: Request, now: datetime) -> tuple[datetime, datetime, int]:
    """`start`, `end` and `limit` of a list of observations. Raises ValueError with the reason for the caller."""
    given = request.query_params
    start = parse_instant(given["start"]) if "start" in given else now - OBSERVATIONS_KEPT
    end = parse_instant(given["end"]) if "end" in given else now
    limit = int(given["limit"]) if "limit" in given else MOST_OBSERVATIONS
    if not 1 <= limit <= MOST_OBSERVATIONS:
        raise ValueError(f"limit must be 1 to {MOST_OBSERVATIONS}")
    return max(start, now - OBSERVATIONS_KEPT), min(end, now), limit


def _no_station() -> Response:
    return not_found("No such station.")
