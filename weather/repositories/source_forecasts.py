"""Forecast highs of other sources than the grid, as they were had."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection

from milkbot.core.constants import ISSUANCE_BLOCK_AFTER
from weather.domain.combining import SourceHigh
from weather.domain.pairing import REVISION_OVER_H
from weather.domain.types import DayHigh
from weather.models import SourceForecastRow

_SAID: Final = """
    SELECT wanted.city_code, wanted.day, wanted.at, said.source, said.high_f, said.issued_at
    FROM unnest(%s::text[], %s::date[], %s::timestamptz[]) AS wanted(city_code, day, at)
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (source) source, high_f, issued_at
        FROM ops.source_forecasts
        WHERE city_code = wanted.city_code AND event_date = wanted.day AND received_at <= wanted.at
        ORDER BY source, issued_at DESC
    ) AS said
    WHERE said.issued_at > wanted.at - make_interval(secs => %s)
    ORDER BY wanted.city_code, wanted.day, said.source
"""

Asked = tuple[str, date, datetime]
"""City, climate day, and the moment by which a forecast must have been there."""


class SourceForecastRepository:
    """Rows are added, never changed; each run of a source once."""

    def newest_run(self, source: str) -> datetime | None:
        """When the newest stored run of `source` was issued."""
        rows = SourceForecastRow.objects.filter(source=source).order_by("-pk")
        return rows.values_list("issued_at", flat=True).first()

    def save(self, source: str, highs: Sequence[tuple[str, DayHigh, datetime]], received_at: datetime) -> int:
        """Store highs by city with the time of their issue; how many were given."""
        SourceForecastRow.objects.bulk_create(
            [
                SourceForecastRow(
                    source=source,
                    city_code=city_code,
                    event_date=high.day,
                    high_f=high.high_f,
                    issued_at=issued_at,
                    received_at=received_at,
                )
                for city_code, high, issued_at in highs
            ],
            ignore_conflicts=True,
        )
        return len(highs)

    def said_at(self, asked: Iterable[Asked]) -> dict[Asked, list[SourceHigh]]:
        """What each source had said last by each moment, not too old to be traded on, by name of the source."""
        wanted = list(dict.fromkeys(asked))
        if not wanted:
            return {}
        columns = [list(column) for column in zip(*wanted, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(_SAID, [*columns, ISSUANCE_BLOCK_AFTER.total_seconds()])
            rows = cursor.fetchall()
        found: dict[Asked, list[SourceHigh]] = {}
        for city_code, day, at, source, high_f, issued_at in rows:
            found.setdefault((city_code, day, at), []).append(SourceHigh(source, float(high_f), issued_at))
        return found

    def said_by(
        self, days: Iterable[tuple[str, date]], now: datetime
    ) -> dict[tuple[str, date], list[SourceHigh]]:
        """What each source says of each (city, day), with how far it has moved in twelve hours."""
        before_at = now - timedelta(hours=REVISION_OVER_H)
        wanted = [(city_code, day, at) for city_code, day in days for at in (now, before_at)]
        found = self.said_at(wanted)
        before = {
            (city_code, day, high.source): high.high_f
            for (city_code, day, at), highs in found.items()
            if at == before_at
            for high in highs
        }
        return {
            (city_code, day): [_revised(high, before.get((city_code, day, high.source))) for high in highs]
            for (city_code, day, at), highs in found.items()
            if at == now
        }


def _revised(high: SourceHigh, before_f: float | None) -> SourceHigh:
    return high if before_f is None else high._replace(revision_f=high.high_f - before_f)
