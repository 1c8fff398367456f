"""The Iowa Environmental Mesonet's archives: forecasts as they were issued, readings, climate reports.

No key is needed. Terms: free of charge, at most a request a second, no parallel bulk requests (docs/ARCHIVES.md).
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Final

from weather.clients.iem import parse
from weather.clients.iem.transport import IemTransport
from weather.domain.types import CliProduct

MODELS: Final = {"NBS": ("NBS",), "GFS": ("GFS", "AVN"), "NAM": ("NAM", "ETA")}
"""Guidance that tells a daytime maximum, and the names under which the archive keeps it."""
MOST_PRODUCTS: Final = 9999


class IemClient:
    """Each method asks once and counts in `refused`, by reason, the rows it could not use.

    Raises Unreachable, Refused or Malformed with source "iem".
    """

    def __init__(self, transport: IemTransport) -> None:
        self._transport = transport

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def get_guidance(
        self, station: str, model: str, since: datetime, until: datetime, refused: Counter[str]
    ) -> list[parse.GuidanceRow]:
        """The runs of `model` from `since` to `until`, both included. `station` with its K: without it nothing comes."""
        query = [
            *(("station", station), ("model", model), ("format", "csv")),
            *(("sts", _instant(since)), ("ets", _instant(until))),
        ]
        text = self._transport.get_text("/cgi-bin/request/mos.py", query)
        return parse.parse_guidance(text, station, MODELS[model], refused)

    def get_readings(
        self, station: str, since: datetime, until: datetime, refused: Counter[str]
    ) -> list[parse.Reading]:
        """METAR, specials and five-minute reports with since <= time < until."""
        query = [
            *(("station", station.removeprefix("K")), ("data", "tmpf"), ("data", "metar"), ("tz", "UTC")),
            *(("format", "onlycomma"), ("missing", "M"), ("report_type", "1,3,4")),
            *(("sts", _instant(since)), ("ets", _instant(until))),
        ]
        text = self._transport.get_text("/cgi-bin/request/asos.py", query)
        found = parse.parse_readings(text, station, refused)
        inside = [reading for reading in found if since <= reading.observed_at < until]
        refused["reading_not_asked_for"] += len(found) - len(inside)
        return inside

    def get_day_values(self, station: str, year: int, refused: Counter[str]) -> list[parse.DayValue]:
        """The highs of a year as the archive read them from the climate reports."""
        text = self._transport.get_text("/json/cli.py", [("station", station), ("year", str(year))])
        found = parse.parse_day_values(text, station, refused)
        inside = [value for value in found if value.day.year == year]
        refused["climate_value_not_asked_for"] += len(found) - len(inside)
        return inside

    def get_reports(self, cli_code: str, first: date, last: date, refused: Counter[str]) -> list[CliProduct]:
        """Every climate report of the days `first` to `last`, corrections included, in order of issue."""
        query = [
            *(("pil", cli_code), ("fmt", "text"), ("limit", str(MOST_PRODUCTS)), ("order", "asc")),
            *(("sdate", f"{first}T00:00Z"), ("edate", f"{last + timedelta(days=4)}T00:00Z")),
        ]
        text = self._transport.get_text("/cgi-bin/afos/retrieve.py", query)
        found = parse.parse_products(text, cli_code, refused)
        return [product for product in found if first <= product.report.climate_date <= last]


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
