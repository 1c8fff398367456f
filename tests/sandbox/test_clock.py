"""The world's clock: whole days, never past the wall, the same formula as the application's."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core import clock as application_clock
from sandbox.clock import WorldClock, parse_instant, whole_day_shift

INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
SPEEDS = st.floats(0.01, 100_000, allow_nan=False)
HOURS = st.timedeltas(timedelta(0), timedelta(days=400))


@given(started=INSTANTS, behind=HOURS, elapsed=HOURS, later=HOURS, speed=SPEEDS)
def test_world_time_never_passes_the_wall_and_never_goes_back(
    started: datetime, behind: timedelta, elapsed: timedelta, later: timedelta, speed: float
) -> None:
    clock = WorldClock(started, started - behind, speed)
    first, second = clock.at(started + elapsed), clock.at(started + elapsed + later)
    assert clock.world_started_at <= first <= started + elapsed
    assert first <= second


@given(started=INSTANTS, behind=HOURS, elapsed=HOURS, speed=SPEEDS)
def test_world_clock_agrees_with_the_application_that_follows_it(
    started: datetime, behind: timedelta, elapsed: timedelta, speed: float
) -> None:
    clock = WorldClock(started, started - behind, speed)
    follower = application_clock.WorldClock.model_validate(clock.as_json())
    assert follower.at(started + elapsed) == clock.at(started + elapsed)
    assert WorldClock.from_json(clock.as_json()) == clock


@given(settles_at=INSTANTS, wall=INSTANTS)
def test_whole_day_shift_is_the_largest_that_settles_by_now(settles_at: datetime, wall: datetime) -> None:
    days = whole_day_shift(settles_at, wall)
    assert settles_at + timedelta(days=days) <= wall < settles_at + timedelta(days=days + 1)


def test_speed_of_sixty_covers_a_day_in_twenty_four_minutes() -> None:
    started = datetime(2026, 11, 20, 12, tzinfo=UTC)
    clock = WorldClock(started, started - timedelta(days=3), 60.0)
    assert clock.at(started + timedelta(minutes=24)) == started - timedelta(days=2)


def test_restarted_clock_goes_on_from_where_it_stood() -> None:
    started = datetime(2026, 11, 20, 12, tzinfo=UTC)
    clock = WorldClock(started, started - timedelta(days=3), 60.0)
    wall = started + timedelta(minutes=1)
    faster = clock.restarted(wall, clock.at(wall), 600.0)
    assert faster.at(wall) == clock.at(wall)
    assert faster.at(wall + timedelta(minutes=1)) == clock.at(wall) + timedelta(hours=10)


@pytest.mark.parametrize(
    ("shift", "reason"), [(-timedelta(days=3), "back"), (timedelta(days=3), "pass the wall")]
)
def test_restarted_clock_refuses_to_rewind_or_to_pass_the_wall(shift: timedelta, reason: str) -> None:
    started = datetime(2026, 11, 20, 12, tzinfo=UTC)
    clock = WorldClock(started, started - timedelta(days=2), 60.0)
    with pytest.raises(ValueError, match=reason):
        clock.restarted(started, clock.at(started) + shift, 60.0)


def test_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        parse_instant("2026-11-20T12:00:00")
