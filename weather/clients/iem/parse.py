"""From the archive's texts to typed rows. Pure. A body that is not what the service promises raises Malformed as a whole;
a row that cannot be used is counted by reason, the others are used.

Shapes: the service's own descriptions of mos.py, cli.py, asos.py and afos/retrieve.py (nws-and-settlement.md 4).
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from milkbot.core.errors import Malformed
from milkbot.core.money import parse_decimal
from weather.clients.iem.transport import SOURCE
from weather.domain.cli_report import parse_cli
from weather.domain.types import (
    COLDEST_PLAUSIBLE_C,
    COLDEST_PLAUSIBLE_F,
    HOTTEST_PLAUSIBLE_C,
    HOTTEST_PLAUSIBLE_F,
    CliProduct,
)

NO_PRODUCTS: Final = "ERROR: Could not Find"
_MISSING: Final = frozenset({"", "M", "null", "nan", "None"})
_TENTHS = re.compile(r"(?:^|\s)T([01])(\d{3})([01]\d{3})?(?=\s|$|=)")
_WHOLE_C = re.compile(r"(?:^|\s)(M?\d{2})/(?:M?\d{2}|//|XX)?(?=\s|$|=)")
_ISSUED_IN_ID = re.compile(r"(\d{12})-")
_FIVE_MINUTE: Final = "MADISHF"
"""Marks a report made from a five-minute record: its T-group repeats whole °C and is no finer."""


class GuidanceRow(NamedTuple):
    """One valid time of one model run: °F, None where the row has none. `max_f` is the daytime maximum that ends then."""

    runtime: datetime
    valid_at: datetime
    temp_f: Decimal | None
    max_f: Decimal | None


class Reading(NamedTuple):
    """A station's report. `is_exact` where tenths of a degree were told; otherwise whole °C."""

    observed_at: datetime
    temp_c: Decimal
    is_exact: bool
    metar: str


class DayValue(NamedTuple):
    """The archive's reading of a climate report: the day's high in whole °F, None where it says M."""

    day: date
    high_f: int | None
    issued_at: datetime | None


def parse_guidance(
    text: str, station: str, models: Sequence[str], refused: Counter[str]
) -> list[GuidanceRow]:
    """Rows of mos.py?format=csv, in order of run and valid time, each once.

    Columns without any value are left out by the service, and the maximum goes by `txn` (NBS, NBE) or `n_x` (others).
    """
    rows = _csv_rows(text, ("runtime", "ftime", "model", "station"), "guidance", refused)
    found: dict[tuple[datetime, datetime], GuidanceRow] = {}
    for row in rows:
        try:
            if row["station"] != station or row["model"] not in models:
                refused["guidance_of_another_station_or_model"] += 1
                continue
            runtime, valid_at = _utc(row["runtime"]), _utc(row["ftime"])
            parsed = GuidanceRow(
                runtime, valid_at, _degrees_f(row.get("tmp")), _degrees_f(row.get("txn") or row.get("n_x"))
            )
        except ValueError:
            refused["guidance_unreadable"] += 1
            continue
        if valid_at < runtime:
            refused["guidance_of_the_past"] += 1
        elif found.setdefault((runtime, valid_at), parsed) != parsed:
            refused["guidance_twice"] += 1
    return [found[key] for key in sorted(found)]


def parse_readings(text: str, station: str, refused: Counter[str]) -> list[Reading]:
    """Rows of asos.py?data=tmpf&data=metar&tz=UTC&format=onlycomma, in order of time, each instant and kind once.

    The temperature is read from the report's own text: tenths where its T-group gives them, else whole °C.
    """
    found: dict[tuple[datetime, bool], Reading] = {}
    for row in _csv_rows(text, ("station", "valid", "metar"), "readings", refused):
        if row["station"] != station.removeprefix("K"):
            refused["reading_of_another_station"] += 1
            continue
        try:
            observed_at, metar = _utc(row["valid"]), row["metar"]
            told = _told_c(metar)
        except ValueError:
            refused["reading_unreadable"] += 1
            continue
        if told is None:
            refused["reading_without_temperature"] += 1
            continue
        reading = Reading(observed_at, *told, " ".join(metar.split()))
        # A corrected report comes later in the list and takes the place of the first.
        found[observed_at, reading.is_exact] = reading
    return [found[key] for key in sorted(found)]


def parse_day_values(text: str, station: str, refused: Counter[str]) -> list[DayValue]:
    """Results of json/cli.py, by day, each once."""
    try:
        body: Any = json.loads(text)
        results = body["results"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed(SOURCE, f"climate values are not the archive's JSON, start {text[:40]!r}") from None
    if not isinstance(results, list):
        raise Malformed(SOURCE, "climate values are no list")
    found: dict[date, DayValue] = {}
    for raw in results:
        try:
            value = _day_value(raw, station)
        except (ValueError, KeyError, TypeError, AttributeError):
            refused["climate_value_unreadable"] += 1
            continue
        if value.day in found:
            refused["climate_value_twice"] += 1
        else:
            found[value.day] = value
    return [found[day] for day in sorted(found)]


def parse_products(text: str, cli_code: str, refused: Counter[str]) -> list[CliProduct]:
    """Climate reports of afos/retrieve.py?fmt=text: texts between control characters, in the order they came, each once."""
    if text.lstrip().startswith(NO_PRODUCTS):
        return []
    if "\001" not in text:
        raise Malformed(SOURCE, f"products are not the archive's text, start {text[:40]!r}")
    found: dict[str, CliProduct] = {}
    for piece in text.split("\001")[1:]:
        product, ended, _ = piece.partition("\003")
        try:
            if not ended:
                raise Malformed(SOURCE, "a report without its end")
            report = parse_cli(product)
        except Malformed:
            refused["report_unreadable"] += 1
            continue
        if report.cli_code != cli_code:
            refused["report_of_another_station"] += 1
        elif product in found:
            refused["report_twice"] += 1
        else:
            found[product] = CliProduct(report=report, text=product)
    return list(found.values())


def _csv_rows(
    text: str, needed: Sequence[str], what: str, refused: Counter[str]
) -> Iterator[Mapping[str, str]]:
    """Rows by column name. Raises Malformed without the needed columns, or when the text breaks off inside a row."""
    if text and not text.endswith("\n"):
        raise Malformed(SOURCE, f"{what}: the text breaks off")
    try:
        reader = csv.reader(io.StringIO(text), strict=True)
        header = next(reader, [])
        if not set(needed) <= set(header):
            raise Malformed(SOURCE, f"{what}: columns {','.join(needed)} expected, text starts {text[:40]!r}")
        for fields in reader:
            if len(fields) != len(header):
                refused[f"{what}_row_of_other_width"] += 1
            else:
                yield dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise Malformed(SOURCE, f"{what}: {error}") from None


def _utc(text: str) -> datetime:
    """`2025-05-14 12:00` or with seconds, in UTC without saying so. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError("a zone where none is promised")
    return at.replace(tzinfo=UTC)


def _degrees_f(text: str | None) -> Decimal | None:
    """Raises ValueError for what is no temperature in °F."""
    if text is None or text in _MISSING:
        return None
    value = parse_decimal(text)
    if not COLDEST_PLAUSIBLE_F <= value <= HOTTEST_PLAUSIBLE_F:
        raise ValueError(f"{value} °F")
    return value


def _told_c(metar: str) -> tuple[Decimal, bool] | None:
    """The temperature a report tells, °C, and whether in tenths; None where it tells none. Raises ValueError."""
    body, _, remarks = metar.partition(" RMK ")
    if (tenths := _TENTHS.search(remarks)) and _FIVE_MINUTE not in remarks:
        sign, digits = tenths[1], tenths[2]
        value = Decimal(digits) / 10
        return _plausible_c(-value if sign == "1" else value), True
    if whole := _WHOLE_C.search(body):
        return _plausible_c(Decimal(whole[1].replace("M", "-"))), False
    return None


def _plausible_c(value: Decimal) -> Decimal:
    if not COLDEST_PLAUSIBLE_C <= value <= HOTTEST_PLAUSIBLE_C:
        raise ValueError(f"{value} °C")
    return value


def _day_value(raw: Any, station: str) -> DayValue:
    if raw["station"] != station:
        raise ValueError("another station")
    told = raw["high"]
    high_f = None if told in (None, "M") else told
    if high_f is not None and (
        type(high_f) is not int or not COLDEST_PLAUSIBLE_F <= high_f <= HOTTEST_PLAUSIBLE_F
    ):
        raise ValueError(f"high {told!r}")
    issued = _ISSUED_IN_ID.match(raw.get("product") or "")
    issued_at = datetime.strptime(issued[1], "%Y%m%d%H%M").replace(tzinfo=UTC) if issued else None
    return DayValue(date.fromisoformat(raw["valid"]), high_f, issued_at)


def newest_final(products: Iterable[CliProduct]) -> dict[date, CliProduct]:
    """The newest final report of each climate day."""
    found: dict[date, CliProduct] = {}
    for product in sorted(products, key=lambda product: product.report.issued_at):
        if product.report.is_final:
            found[product.report.climate_date] = product
    return found
