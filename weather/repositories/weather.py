"""Stored weather. Domain types go in and come out; rows stay inside."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

from django.db import models, transaction

from weather.domain.types import (
    CityWeather,
    CliProduct,
    CliReport,
    Observation,
    Outlook,
    ReportedHigh,
    WeatherSnapshot,
)
from weather.models import ClimateReportRow, ForecastRow, ObservationRow, WeatherSnapshotRow

_Row = TypeVar("_Row", bound=models.Model)
_MEASURED = ("temp_c", "six_hour_max_c", "day_max_c")
_SNAPSHOT_JSON = frozenset({"highs", "hourly", "so_far", "reported", "earlier_highs"})


class WeatherRepository:
    """Snapshots, observations, outlooks and climate reports. Every method costs a fixed number of statements."""

    def save_snapshot(self, snapshot: WeatherSnapshot, raw: Mapping[str, object] | None = None) -> bool:
        """Store one snapshot; True when it brought something new."""
        return self.save_snapshots([CityWeather(snapshot=snapshot, raw=dict(raw or {}))]) == 1

    def save_snapshots(self, weathers: Iterable[CityWeather]) -> int:
        """Add a row for every city whose weather changed, move `last_seen_at` of the others; the number added."""
        by_city = {weather.snapshot.city_code: weather for weather in weathers}
        latest = _latest_snapshot_rows(by_city)
        added, seen_again = [], []
        for code, weather in by_city.items():
            row = latest.get(code)
            if row is not None and _says_the_same(row, weather.snapshot):
                row.last_seen_at = max(row.last_seen_at, weather.snapshot.captured_at)
                seen_again.append(row)
            else:
                added.append(_snapshot_row(weather, previous=row))
        with transaction.atomic():
            WeatherSnapshotRow.objects.bulk_create(added)
            WeatherSnapshotRow.objects.bulk_update(seen_again, ["last_seen_at"])
        return len(added)

    def get_latest(self, city_code: str) -> WeatherSnapshot | None:
        """The newest snapshot of a city, `captured_at` the time it was last seen unchanged."""
        return self.get_latest_many([city_code]).get(city_code)

    def get_latest_many(
        self, city_codes: Iterable[str], at: datetime | None = None
    ) -> dict[str, WeatherSnapshot]:
        """The newest snapshot of each city that has one, or the newest of those captured by `at`.

        `captured_at` is the time it was last seen unchanged, at most `at`.
        """
        found = {code: _snapshot(row) for code, row in _latest_snapshot_rows(city_codes, at).items()}
        if at is None:
            return found
        return {
            code: snapshot.model_copy(update={"captured_at": min(snapshot.captured_at, at)})
            for code, snapshot in found.items()
        }

    def save_observations(
        self, observations: Mapping[str, Sequence[Observation]], received_at: datetime
    ) -> int:
        """Store readings by city code, each (station, instant, kind) once, the last value winning; how many changed."""
        read = {
            (reading.station, reading.observed_at, reading.is_metar): (code, reading)
            for code, readings in observations.items()
            for reading in readings
        }
        if not read:
            return 0
        known = ObservationRow.objects.filter(
            station__in={station for station, _, _ in read},
            observed_at__gte=min(observed_at for _, observed_at, _ in read),
        ).values_list("station", "observed_at", "is_metar", *_MEASURED)
        values = {(station, at, is_metar): rest for station, at, is_metar, *rest in known}
        changed = [
            _observation_row(code, reading, received_at)
            for key, (code, reading) in read.items()
            if values.get(key) != [getattr(reading, name) for name in _MEASURED]
        ]
        ObservationRow.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["station", "observed_at", "is_metar"],
            update_fields=[*_MEASURED, "received_at"],
        )
        return len(changed)

    def get_observations(self, city_code: str, start: datetime, end: datetime) -> tuple[Observation, ...]:
        """The stored readings of a city with `start` <= observed_at < `end`, oldest first."""
        rows = ObservationRow.objects.filter(
            city_code=city_code, observed_at__gte=start, observed_at__lt=end
        ).order_by("observed_at", "is_metar")
        return tuple(
            Observation.model_validate({name: getattr(row, name) for name in Observation.model_fields})
            for row in rows
        )

    def save_outlooks(self, outlooks: Iterable[Outlook]) -> int:
        """Add the outlooks that say something else than the newest stored one of their (city, day); how many."""
        by_day = {(outlook.city_code, outlook.event_date): outlook for outlook in outlooks}
        stored = {key: _statement(outlook) for key, outlook in self.get_outlooks(by_day).items()}
        changed = [outlook for key, outlook in by_day.items() if stored.get(key) != _statement(outlook)]
        ForecastRow.objects.bulk_create([_forecast_row(outlook) for outlook in changed])
        return len(changed)

    def get_outlook(self, city_code: str, event_date: date) -> Outlook | None:
        """The newest stored outlook of a city's climate day."""
        return self.get_outlooks([(city_code, event_date)]).get((city_code, event_date))

    def get_outlooks(self, days: Iterable[tuple[str, date]]) -> dict[tuple[str, date], Outlook]:
        """The newest stored outlook of each (city, climate day) that has one."""
        rows = _newest_of_each(
            ForecastRow.objects.filter(city_code=code, event_date=day).order_by("-made_at", "-id")
            for code, day in dict.fromkeys(days)
        )
        return {(row.city_code, row.event_date): _outlook(row) for row in rows}

    def save_climate_report(self, city_code: str, product: CliProduct, received_at: datetime) -> bool:
        """Store one version of a climate report; True when it was not known."""
        return self.save_climate_reports({city_code: [product]}, received_at) == 1

    def save_climate_reports(
        self, products: Mapping[str, Sequence[CliProduct]], received_at: datetime
    ) -> int:
        """Store the versions, by city code, that are not known yet; how many. All versions are kept."""
        rows = {
            (row.cli_code, row.text_sha256): row
            for code, versions in products.items()
            for row in (_climate_report_row(code, version, received_at) for version in versions)
        }
        known = set(
            ClimateReportRow.objects.filter(text_sha256__in=[sha for _, sha in rows]).values_list(
                "cli_code", "text_sha256"
            )
        )
        added = [row for key, row in rows.items() if key not in known]
        ClimateReportRow.objects.bulk_create(added, ignore_conflicts=True)
        return len(added)

    def get_final_report(self, city_code: str, climate_date: date) -> CliReport | None:
        """The newest final report of a city's climate day; None while only preliminary ones are known."""
        rows = ClimateReportRow.objects.filter(city_code=city_code, climate_date=climate_date, is_final=True)
        row = rows.order_by("-issued_at", "-id").first()
        return None if row is None else _climate_report(row)

    def get_final_reports(
        self, days: Iterable[tuple[str, date]]
    ) -> dict[tuple[str, date], tuple[CliReport, ...]]:
        """Every final report of each (city, climate day) that has one, oldest first."""
        wanted = set(days)
        rows = ClimateReportRow.objects.filter(
            city_code__in={code for code, _ in wanted},
            climate_date__in={day for _, day in wanted},
            is_final=True,
        )
        found: dict[tuple[str, date], tuple[CliReport, ...]] = {}
        for row in rows.defer("text").order_by("issued_at", "id"):
            key = (row.city_code, row.climate_date)
            if key in wanted:
                found[key] = (*found.get(key, ()), _climate_report(row))
        return found

    def forecasts_issued(
        self, city_codes: Iterable[str], first: datetime, until: datetime
    ) -> dict[str, list[datetime]]:
        """When the forecasts that we have seen were issued, `first` <= t < `until`, by city code."""
        rows = WeatherSnapshotRow.objects.filter(
            city_code__in=list(city_codes), captured_at__gte=first, issued_at__gte=first, issued_at__lt=until
        )
        return _by_city(rows.order_by("issued_at").values_list("city_code", "issued_at").distinct())

    def reports_issued(
        self, city_codes: Iterable[str], first: datetime, until: datetime
    ) -> dict[str, list[datetime]]:
        """When preliminary climate reports were issued, `first` <= t < `until`, by city code."""
        rows = ClimateReportRow.objects.filter(
            city_code__in=list(city_codes), is_final=False, issued_at__gte=first, issued_at__lt=until
        )
        return _by_city(rows.order_by("issued_at").values_list("city_code", "issued_at").distinct())

    def get_reported_highs(self, days: Iterable[tuple[str, date]]) -> dict[str, ReportedHigh]:
        """The newest report with a maximum, preliminary or final, of each city's given climate day, by city code."""
        wanted = dict(days)
        rows = ClimateReportRow.objects.filter(
            city_code__in=wanted, climate_date__in=set(wanted.values()), high_f__isnull=False
        )
        found = {}
        for row in rows.defer("text").order_by("is_final", "issued_at", "id"):
            if row.climate_date == wanted[row.city_code] and row.high_f is not None:
                found[row.city_code] = ReportedHigh(
                    day=row.climate_date, high_f=row.high_f, is_final=row.is_final, issued_at=row.issued_at
                )
        return found


def _by_city(rows: Iterable[tuple[str, datetime | None]]) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for code, issued_at in rows:
        if issued_at is not None:
            found.setdefault(code, []).append(issued_at)
    return found


def _newest_of_each(querysets: Iterable[models.QuerySet[_Row]]) -> list[_Row]:
    """The first row of each ordered queryset, in one statement: each part is one step down an index."""
    parts = [queryset[:1] for queryset in querysets]
    if not parts:
        return []
    first, *rest = parts
    return list(first.union(*rest, all=True) if rest else first)


def _latest_snapshot_rows(
    city_codes: Iterable[str], at: datetime | None = None
) -> dict[str, WeatherSnapshotRow]:
    until = {} if at is None else {"captured_at__lte": at}
    rows = _newest_of_each(
        WeatherSnapshotRow.objects.filter(city_code=code, **until)
        .order_by("-captured_at", "-id")
        .defer("raw")
        for code in dict.fromkeys(city_codes)
    )
    return {row.city_code: row for row in rows}


def _says_the_same(row: WeatherSnapshotRow, snapshot: WeatherSnapshot) -> bool:
    return _snapshot(row).model_copy(update={"captured_at": snapshot.captured_at}) == snapshot


def _snapshot_row(weather: CityWeather, previous: WeatherSnapshotRow | None) -> WeatherSnapshotRow:
    snapshot, reading = weather.snapshot, weather.snapshot.observation
    # Between two issues only the observation moves: the grid behind them is stored once, with the first row.
    same_forecast = (
        previous is not None
        and previous.issued_at == snapshot.issued_at
        and previous.highs == [high.model_dump(mode="json") for high in snapshot.highs]
    )
    return WeatherSnapshotRow(
        city_code=snapshot.city_code,
        captured_at=snapshot.captured_at,
        last_seen_at=snapshot.captured_at,
        issued_at=snapshot.issued_at,
        **snapshot.model_dump(mode="json", include=set(_SNAPSHOT_JSON)),
        station=reading.station if reading else "",
        observed_at=reading.observed_at if reading else None,
        observed_temp_c=reading.temp_c if reading else None,
        observed_is_metar=reading.is_metar if reading else None,
        raw={} if same_forecast else weather.raw,
    )


def _snapshot(row: WeatherSnapshotRow) -> WeatherSnapshot:
    reading = None
    if row.observed_at is not None:
        reading = {
            "station": row.station,
            "observed_at": row.observed_at,
            "temp_c": row.observed_temp_c,
            "is_metar": row.observed_is_metar,
        }
    return WeatherSnapshot.model_validate(
        {
            "city_code": row.city_code,
            "captured_at": row.last_seen_at,
            "issued_at": row.issued_at,
            "observation": reading,
            **{name: getattr(row, name) for name in _SNAPSHOT_JSON},
        }
    )


def _observation_row(city_code: str, reading: Observation, received_at: datetime) -> ObservationRow:
    return ObservationRow(city_code=city_code, received_at=received_at, **reading.model_dump())


_OF_THE_MOMENT = frozenset({"made_at", "lead_hours"})
_AS_JSON = frozenset({"distribution", "nowcast", "climatology", "sources"})


def _statement(outlook: Outlook) -> object:
    """What an outlook says, to the hundredth: time passing alone does not make a new one."""
    return _to_the_hundredth(outlook.model_dump(mode="json", exclude=set(_OF_THE_MOMENT)))


def _to_the_hundredth(value: object) -> object:
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {key: _to_the_hundredth(part) for key, part in value.items()}
    return [_to_the_hundredth(part) for part in value] if isinstance(value, list) else value


def _forecast_row(outlook: Outlook) -> ForecastRow:
    plain = outlook.model_dump(exclude=set(_AS_JSON))
    return ForecastRow(**plain, **outlook.model_dump(mode="json", include=set(_AS_JSON)))


def _outlook(row: ForecastRow) -> Outlook:
    stated = {name: getattr(row, name) for name in Outlook.model_fields}
    if row.distribution is None:
        del stated["distribution"]
    return Outlook.model_validate(stated)


def _climate_report_row(city_code: str, product: CliProduct, received_at: datetime) -> ClimateReportRow:
    return ClimateReportRow(
        city_code=city_code,
        text=product.text,
        text_sha256=hashlib.sha256(product.text.encode()).hexdigest(),
        received_at=received_at,
        **product.report.model_dump(),
    )


def _climate_report(row: ClimateReportRow) -> CliReport:
    return CliReport(
        cli_code=row.cli_code,
        climate_date=row.climate_date,
        issued_at=row.issued_at,
        is_final=row.is_final,
        correction=row.correction,
        high_f=row.high_f,
    )
