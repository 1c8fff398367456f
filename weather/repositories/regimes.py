"""The regimes that outlooks named, each where it began."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from weather.domain.types import Outlook, Regime
from weather.models import RegimeRow


class RegimeRepository:
    """Rows are added, never changed: a regime lasts until the next row of its (city, day)."""

    def newest(self, days: Iterable[tuple[str, date]]) -> dict[tuple[str, date], Regime]:
        """The regime written down last of each (city, climate day) that has one."""
        wanted = set(days)
        rows = RegimeRow.objects.filter(
            city_code__in={code for code, _ in wanted}, event_date__in={day for _, day in wanted}
        ).order_by("pk")
        return {
            (row.city_code, row.event_date): Regime(row.regime)
            for row in rows
            if (row.city_code, row.event_date) in wanted
        }

    def append(self, outlooks: Sequence[Outlook], now: datetime) -> None:
        """Write down what the outlooks say, with what it rests on. Raises IntegrityError for one written down already."""
        RegimeRow.objects.bulk_create(
            RegimeRow(
                city_code=outlook.city_code,
                event_date=outlook.event_date,
                regime=outlook.regime,
                since_at=outlook.made_at,
                noted_at=now,
                sigma=outlook.sigma,
                sources=[
                    use.model_dump(mode="json", include={"name", "high", "bias"}) for use in outlook.sources
                ],
            )
            for outlook in outlooks
        )
