"""What the National Weather Service knows of a place, as domain types."""

import re
from datetime import UTC, datetime
from typing import Final, Self

from milkbot.core.config import Config
from milkbot.core.errors import Malformed
from milkbot.logger import logger
from weather.clients.nws import parse
from weather.clients.nws.transport import NwsTransport, TransportPolicy
from weather.domain.cli_report import parse_cli
from weather.domain.types import (
    CliProduct,
    Forecast,
    Grid,
    GridPoint,
    Observation,
)

_OFFICE = re.compile(r"^[A-Z]{3}$")
_STATION = re.compile(r"^[A-Z0-9]{4,5}$")
_LOCATION = re.compile(r"^[A-Z0-9]{3}$")
_NEWEST_REPORTS: Final = 4
MOST_OBSERVATIONS: Final = 500
"""One answer's most: more than a day of five-minute and hourly readings."""
_LATEST_OBSERVATIONS: Final = 150


class NwsClient:
    """api.weather.gov. Every method raises Unreachable, Refused or Malformed (source "nws") and nothing else.

    A ValueError means that the caller asked for something that cannot exist, such as a lower-case office.
    """

    def __init__(self, transport: NwsTransport) -> None:
        self._transport = transport

    @classmethod
    def from_config(cls, config: Config, policy: TransportPolicy | None = None) -> Self:
        """A client for the service this installation is configured for."""
        return cls(NwsTransport(config.nws_base_url, config.nws_contact, policy))

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def get_points(self, latitude: float, longitude: float) -> GridPoint:
        """The forecast grid cell that holds a place, degrees north and east."""
        return parse.parse_points(
            self._transport.get_json(f"points/{_degrees(latitude)},{_degrees(longitude)}")
        )

    def get_grid(self, office: str, grid_x: int, grid_y: int) -> Grid:
        """The raw forecast of a cell: daytime maxima and hourly temperatures."""
        grid = parse.parse_grid(self._transport.get_json(_cell(office, grid_x, grid_y)))
        asked = GridPoint(office=office, x=grid_x, y=grid_y)
        if grid.point != asked:
            raise Malformed(parse.SOURCE, f"grid: asked for {asked}, answer is of {grid.point}")
        return grid

    def get_forecast(self, office: str, grid_x: int, grid_y: int) -> Forecast:
        """The twelve-hour periods of a cell, in time order."""
        return parse.parse_forecast(self._transport.get_json(f"{_cell(office, grid_x, grid_y)}/forecast"))

    def get_hourly(self, office: str, grid_x: int, grid_y: int) -> Forecast:
        """The one-hour periods of a cell, in time order."""
        return parse.parse_hourly(
            self._transport.get_json(f"{_cell(office, grid_x, grid_y)}/forecast/hourly")
        )

    def get_observations(
        self, station_id: str, limit: int = _LATEST_OBSERVATIONS, *, since: datetime | None = None
    ) -> tuple[Observation, ...]:
        """The newest usable readings of a station, at or after `since`, newest first.

        `limit` (1-500) counts the unusable ones too; the service keeps about a week.
        """
        if not _STATION.match(station_id) or not 1 <= limit <= MOST_OBSERVATIONS:
            raise ValueError(f"cannot ask for {limit} observations of {station_id!r}")
        params = {"limit": str(limit)} | ({} if since is None else {"start": _instant(since)})
        body = self._transport.get_json(f"stations/{station_id}/observations", params=params)
        parsed = parse.parse_observations(body)
        own = tuple(reading for reading in parsed.readings if reading.station == station_id)
        refused = [
            *parsed.refused,
            *(f"station {r.station}" for r in parsed.readings if r.station != station_id),
        ]
        if refused:
            logger.info("nws observations refused", extra={"station": station_id, "reasons": refused[:3]})
        return own

    def get_observation(self, station_id: str) -> Observation | None:
        """The latest usable reading of a station: its temperature, when and how it was taken. None without one."""
        return next(iter(self.get_observations(station_id)), None)

    def get_cli_reports(self, location: str) -> tuple[CliProduct, ...]:
        """The newest climate reports of a CLI location (NYC, MDW ...), newest first. Unreadable ones are logged."""
        if not _LOCATION.match(location):
            raise ValueError(f"not a CLI location: {location!r}")
        listed = parse.parse_product_list(
            self._transport.get_json(f"products/types/CLI/locations/{location}")
        )
        products = []
        for ref in listed[:_NEWEST_REPORTS]:
            text = parse.parse_product(
                self._transport.get_json(f"products/{ref.product_id}", is_immutable=True)
            )
            try:
                report = parse_cli(text)
            except Malformed as error:
                logger.warning(
                    "climate report unreadable",
                    extra={"location": location, "product_id": ref.product_id, "reason": str(error)},
                )
                continue
            if report.cli_code != f"CLI{location}":
                raise Malformed(parse.SOURCE, f"asked for CLI{location}, answer is {report.cli_code}")
            products.append(CliProduct(report=report, text=text))
        return tuple(products)


def _cell(office: str, grid_x: int, grid_y: int) -> str:
    if not _OFFICE.match(office):
        raise ValueError(f"not a forecast office: {office!r}")
    return f"gridpoints/{office}/{int(grid_x)},{int(grid_y)}"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _degrees(value: float) -> str:
    # More than four decimals or a trailing zero would be answered with a redirect to the canonical address.
    return f"{value:.4f}".rstrip("0").rstrip(".")
