"""Versions of what was learned of the forecasts' errors, and the pairs they are learned from."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from django.db import connection

from milkbot.core.cities import load_cities
from milkbot.core.constants import ISSUANCE_BLOCK_AFTER
from weather.domain.calibration_json import from_json, to_json
from weather.domain.combining import SourceHigh
from weather.domain.errors import PRIOR, Calibration
from weather.domain.outlook import SOURCE
from weather.domain.pairing import ASKED_AT_H, Lesson, SettledHigh, moment_of, paired
from weather.domain.promotion import Scores, Verdict
from weather.models import CalibrationRow, ClimateReportRow
from weather.repositories.source_forecasts import SourceForecastRepository

_SAID: Final = """
    SELECT wanted.city_code, wanted.day, wanted.lead_h, said.forecast_high_f, said.issued_at
    FROM unnest(%s::text[], %s::date[], %s::float8[], %s::timestamptz[]) AS wanted(city_code, day, lead_h, at)
    CROSS JOIN LATERAL (
        SELECT forecast_high_f, issued_at
        FROM ops.forecasts
        WHERE city_code = wanted.city_code AND event_date = wanted.day AND made_at <= wanted.at
        ORDER BY made_at DESC, id DESC
        LIMIT 1
    ) AS said
    WHERE said.issued_at > wanted.at - make_interval(secs => %s)
"""
"""The grid's high as stored last by each moment; not where it was too old by then to be traded on."""


class Standing(NamedTuple):
    """A calibration in use, and when the last outcome it learned from was known (None for the prior)."""

    calibration: Calibration
    known_until: datetime | None


class CalibrationRepository:
    """Versions are appended, never changed. The one promoted last is in use."""

    def promoted_version(self) -> str | None:
        """The version in use; None while the prior is."""
        rows = CalibrationRow.objects.filter(promoted_at__isnull=False).order_by("-pk")
        return rows.values_list("version", flat=True).first()

    def get(self, version: str) -> Calibration | None:
        """A stored version, or the prior by its own; None for one that was never stored.

        Raises ValueError for one whose content cannot be read.
        """
        if version == PRIOR.version:
            return PRIOR
        row = CalibrationRow.objects.filter(version=version).first()
        return None if row is None else from_json(row.version, row.content)

    def standing(self) -> Standing:
        """The calibration in use. Raises ValueError when its content cannot be read."""
        row = CalibrationRow.objects.filter(promoted_at__isnull=False).order_by("-pk").first()
        if row is None:
            return Standing(PRIOR, None)
        return Standing(from_json(row.version, row.content), row.known_until)

    def known_until(self) -> datetime | None:
        """When the last outcome that any version has learned from was known."""
        return CalibrationRow.objects.order_by("-pk").values_list("known_until", flat=True).first()

    def append(
        self, verdict: Verdict, incumbent: Calibration, lessons: Sequence[Lesson], now: datetime
    ) -> None:
        """Store what was learned of `lessons`. Raises IntegrityError for a version stored already."""
        days = [lesson.day for lesson in lessons]
        trial = verdict.trial
        CalibrationRow.objects.create(
            version=verdict.calibration.version,
            content=to_json(verdict.calibration),
            fitted_at=now,
            fitted_from=min(days),
            fitted_to=max(days),
            known_until=max(lesson.known_at for lesson in lessons),
            lessons=len(lessons),
            incumbent_version=incumbent.version,
            scored_days=trial.days if trial else 0,
            scored=trial.forecasts if trial else 0,
            promoted_at=now if verdict.promoted else None,
            reason=verdict.reason,
            **_columns("candidate", trial.candidate if trial else None),
            **_columns("incumbent", trial.incumbent if trial else None),
        )

    def lessons(self, first: date, last: date, known_by: datetime) -> list[Lesson]:
        """Stored forecasts against final reports of the climate days `first` to `last`, known by then, in their order."""
        finals = _settled_highs(first, last, known_by)
        return paired(_said(finals), finals) if finals else []

    def highs(self, known_by: datetime) -> dict[str, dict[date, int]]:
        """Every final high that was known by then, by city and day, °F."""
        highs: dict[str, dict[date, int]] = {}
        for (city_code, day), final in _settled_highs(date.min, date.max, known_by).items():
            highs.setdefault(city_code, {})[day] = final.high_f
        return highs


def _columns(whose: str, scores: Scores | None) -> dict[str, float | None]:
    values: Iterable[float | None] = scores or (None,) * len(Scores._fields)
    return {f"{whose}_{name}": value for name, value in zip(Scores._fields, values, strict=True)}


def _settled_highs(first: date, last: date, known_by: datetime) -> dict[tuple[str, date], SettledHigh]:
    """By city and day: the newest final report's maximum, known since the first of those that say the same."""
    rows = ClimateReportRow.objects.filter(
        is_final=True,
        high_f__isnull=False,
        climate_date__range=(first, last),
        received_at__lte=known_by,
        city_code__in=load_cities(),
    ).order_by("issued_at", "pk")
    found: dict[tuple[str, date], SettledHigh] = {}
    for city_code, day, high_f, received_at in rows.values_list(
        "city_code", "climate_date", "high_f", "received_at"
    ):
        before = found.get((city_code, day))
        if high_f is not None and (before is None or before.high_f != high_f):
            found[city_code, day] = SettledHigh(high_f, received_at)
    return found


def _said(days: Iterable[tuple[str, date]]) -> dict[tuple[str, date, float], list[SourceHigh]]:
    cities = load_cities()
    wanted = [
        (code, day, lead_h, moment_of(cities[code], day, lead_h))
        for code, day in days
        for lead_h in ASKED_AT_H
    ]
    columns = [list(column) for column in zip(*wanted, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_SAID, [*columns, ISSUANCE_BLOCK_AFTER.total_seconds()])
        rows = cursor.fetchall()
    at = {(code, day, lead_h): (code, day, moment) for code, day, lead_h, moment in wanted}
    others = SourceForecastRepository().said_at(at.values())
    return {
        (code, day, lead_h): [
            *others.get(at[code, day, lead_h], ()),
            SourceHigh(SOURCE, float(high_f), issued_at),
        ]
        for code, day, lead_h, high_f, issued_at in rows
    }
