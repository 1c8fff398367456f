"""The exchange's weekly maintenance keeps New York's wall clock, in summer and in winter."""

from datetime import UTC, datetime

import pytest

from markets.domain.trading_hours import maintenance_until
from sandbox.world.market_pauses import weekly_pauses


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-09-17T06:59:59", None),  # 02:59:59 daylight time
        ("2026-09-17T07:00:00", "2026-09-17T09:00:00"),
        ("2026-09-17T08:59:59", "2026-09-17T09:00:00"),
        ("2026-09-17T09:00:00", None),
        (
            "2026-11-19T07:30:00",
            None,
        ),  # 02:30 standard time: the same hour of UTC as in summer, and no pause yet
        ("2026-11-19T08:00:00", "2026-11-19T10:00:00"),
        ("2026-11-19T10:00:00", None),
        ("2026-09-16T07:30:00", None),  # Wednesday
        ("2026-09-18T07:30:00", None),  # Friday
        ("2026-12-31T08:30:00", "2026-12-31T10:00:00"),  # the last Thursday of the year rests like any other
    ],
)
def test_maintenance_at_a_moment_ends_at_five_in_new_york_or_is_not(now: str, until: str | None) -> None:
    ends_at = maintenance_until(datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert ends_at == (datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None)


def test_maintenance_over_a_year_is_the_simulated_exchanges_own() -> None:
    pauses = weekly_pauses(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))

    assert len(pauses) == 52
    assert [maintenance_until(pause.starts_at) for pause in pauses] == [pause.ends_at for pause in pauses]
