"""World time: never beyond the wall, never backwards, as fast as it says."""

import json
import os
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core import clock
from milkbot.core.clock import WorldClock
from milkbot.core.errors import ConfigError

WALL_START = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
zones = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=zones)
speeds = st.floats(0.001, 100_000, allow_nan=False)


@given(instants, instants, speeds, instants)
def test_world_time_is_never_beyond_the_wall(
    wall_start: datetime, world_start: datetime, speed: float, wall: datetime
) -> None:
    world = WorldClock(wall_started_at=wall_start, world_started_at=world_start, speed=speed).at(wall)
    assert world <= wall
    assert world.tzinfo is UTC


@given(instants, instants, speeds, instants, instants)
def test_world_time_never_runs_backwards(
    wall_start: datetime, world_start: datetime, speed: float, one: datetime, other: datetime
) -> None:
    world = WorldClock(wall_started_at=wall_start, world_started_at=world_start, speed=speed)
    earlier, later = sorted((one, other))
    assert world.at(earlier) <= world.at(later)


@given(st.integers(0, 3600), st.integers(1, 100))
def test_world_time_runs_at_its_speed_until_it_reaches_the_wall(elapsed_s: int, speed: int) -> None:
    long_ago = WALL_START - timedelta(days=10)
    world = WorldClock(wall_started_at=WALL_START, world_started_at=long_ago, speed=speed)
    assert world.at(WALL_START + timedelta(seconds=elapsed_s)) == long_ago + timedelta(
        seconds=elapsed_s * speed
    )


def test_world_time_after_catching_up_is_the_wall() -> None:
    world = WorldClock(wall_started_at=WALL_START, world_started_at=WALL_START - timedelta(days=1), speed=60)
    just_before = WALL_START + timedelta(minutes=24)
    assert world.at(just_before) < just_before
    much_later = WALL_START + timedelta(days=400)
    assert world.at(much_later) == much_later


def test_world_time_before_the_start_stands_still() -> None:
    began = WALL_START - timedelta(days=1)
    world = WorldClock(wall_started_at=WALL_START, world_started_at=began, speed=60)
    assert world.at(WALL_START - timedelta(minutes=5)) == began


@pytest.mark.parametrize("speed", [0, -1, 100_001, float("nan"), float("inf")])
def test_world_clock_with_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        WorldClock(wall_started_at=WALL_START, world_started_at=WALL_START, speed=speed)


def test_now_without_a_world_is_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(clock.WORLD_CLOCK_VARIABLE, raising=False)
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.wall_now().tzinfo is UTC


def _publish(path: Path, **values: object) -> None:
    path.write_text(json.dumps({"base_url": "http://127.0.0.1:8002", **values}), encoding="utf-8")


def test_now_follows_the_published_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = tmp_path / "sandbox.json"
    wall, world = datetime.now(UTC), datetime(2025, 5, 14, 5, 0, tzinfo=UTC)
    _publish(
        published,
        clock={"wall_started_at": wall.isoformat(), "world_started_at": world.isoformat(), "speed": 60},
    )
    monkeypatch.setenv(clock.WORLD_CLOCK_VARIABLE, str(published))
    assert world <= clock.now() < world + timedelta(hours=1)
    assert clock.wall_now() >= wall


def test_now_reads_a_world_that_was_published_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = tmp_path / "sandbox.json"
    monkeypatch.setenv(clock.WORLD_CLOCK_VARIABLE, str(published))
    for day, mtime_s in ((14, 1_000), (20, 2_000)):
        world = datetime(2025, 5, day, 5, 0, tzinfo=UTC).isoformat()
        started = datetime.now(UTC).isoformat()
        _publish(published, clock={"wall_started_at": started, "world_started_at": world, "speed": 1})
        os.utime(published, (mtime_s, mtime_s))
        assert clock.now().day == day


@pytest.mark.parametrize("published", [False, True])
def test_now_before_the_sandbox_tells_its_clock_is_the_wall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: bool
) -> None:
    path = tmp_path / "sandbox.json"
    if published:
        _publish(path)
    monkeypatch.setenv(clock.WORLD_CLOCK_VARIABLE, str(path))
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '"clock"', '{"clock": {"speed": 60}}', '{"clock": {"wall_started_at": "2025-05-14T00:00"}}'],
)
def test_now_with_an_unreadable_world_stops_rather_than_jump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    path = tmp_path / "sandbox.json"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv(clock.WORLD_CLOCK_VARIABLE, str(path))
    with pytest.raises(ConfigError, match="MILKBOT_WORLD_CLOCK"):
        clock.now()


def test_monotonic_counts_the_seconds_of_the_steady_clock() -> None:
    before = time.monotonic()
    assert before <= clock.monotonic() <= time.monotonic()
