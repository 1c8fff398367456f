"""A world is moved so that it settles about now, and a restart may go on where a killed run stood."""

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.assembly import Options, UnusableOptions, prepare
from sandbox.clock import WorldClock
from sandbox.description import describe, remove_description, world_in_words, write_description
from sandbox.kalshi.lifecycle import finalization_time
from tests.sandbox.stages import CHICAGO, SAMPLE, Wall

NOW = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)


def options(state_dir: Path, **changes: object) -> Options:
    usual = Options(SAMPLE, "KXHIGHCHI", date(2026, 5, 19), 60.0, Decimal(10), state_dir)
    return replace(usual, **changes)  # type: ignore[arg-type]


@settings(max_examples=25)
@given(wall=st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_event_settles_not_later_than_now_and_less_than_a_day_ago(wall: datetime) -> None:
    setup = prepare(options(Path("unused")), Wall(wall))
    (ladder,) = setup.stage.market.ladders(setup.stage.now())
    assert timedelta(0) <= wall - finalization_time(ladder) < timedelta(days=1)
    assert setup.stage.now() == ladder.opens_at
    assert ladder.event_date == date(2026, 5, 19) + timedelta(days=setup.shift_days)


def test_world_time_reaches_the_settlement_and_then_the_present(tmp_path: Path) -> None:
    wall = Wall(NOW)
    setup = prepare(options(tmp_path), wall)
    (ladder,) = setup.stage.market.ladders(setup.stage.now())
    wall.now = NOW + timedelta(minutes=46)
    assert setup.stage.now() >= finalization_time(ladder)
    wall.now = NOW + timedelta(hours=5)
    assert setup.stage.now() == wall.now


def test_anchor_takes_the_place_of_the_start(tmp_path: Path) -> None:
    anchor = NOW - timedelta(minutes=24)
    setup = prepare(options(tmp_path, wall_anchor=anchor), Wall(NOW))
    assert setup.stage.clock.wall_started_at == anchor
    assert setup.stage.now() - setup.stage.clock.world_started_at == timedelta(days=1)


def publish(state_dir: Path, clock: WorldClock, shift_days: int) -> None:
    """What a running sandbox of `options(state_dir)` leaves when it is killed."""
    identity = prepare(options(state_dir), Wall(NOW)).identity
    words = world_in_words(identity, CHICAGO, shift_days, invented=True)
    write_description(state_dir, describe(identity, words, shift_days, clock, (), "http://127.0.0.1:8002"))


def test_resume_goes_on_with_the_clock_and_the_shift_of_the_killed_run(tmp_path: Path) -> None:
    first = prepare(options(tmp_path), Wall(NOW))
    publish(tmp_path, first.stage.clock, first.shift_days)
    later = NOW + timedelta(days=2)
    resumed = prepare(options(tmp_path, resume=True), Wall(later))
    assert (resumed.stage.clock, resumed.shift_days) == (first.stage.clock, first.shift_days)
    assert resumed.stage.market.ladders(later) == first.stage.market.ladders(later)
    anew = prepare(options(tmp_path), Wall(later))
    assert (anew.stage.clock.wall_started_at, anew.shift_days) == (later, first.shift_days + 2)


@pytest.mark.parametrize("spoil", ["speed", "date", "future", "nonsense", "empty", "absent"])
def test_resume_begins_anew_when_there_is_nothing_to_go_on_with(tmp_path: Path, spoil: str) -> None:
    first = prepare(options(tmp_path), Wall(NOW))
    publish(tmp_path, first.stage.clock, first.shift_days)
    path = tmp_path / "sandbox.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    if spoil == "speed":
        found["clock"]["speed"] = 600.0
    elif spoil == "date":
        found["recorded_date"] = "2026-05-20"
    elif spoil == "future":
        found["clock"]["wall_started_at"] = "2027-01-01T00:00:00+00:00"
    elif spoil == "empty":
        found = []
    path.write_text("{" if spoil == "nonsense" else json.dumps(found), encoding="utf-8")
    if spoil == "absent":
        path.unlink()
    later = NOW + timedelta(hours=1)
    assert prepare(options(tmp_path, resume=True), Wall(later)).stage.clock.wall_started_at == later


def test_description_of_another_sandbox_is_left_alone(tmp_path: Path) -> None:
    first = prepare(options(tmp_path), Wall(NOW))
    publish(tmp_path, first.stage.clock, first.shift_days)
    remove_description(tmp_path, os.getpid() + 1)
    assert (tmp_path / "sandbox.json").exists()
    remove_description(tmp_path, os.getpid())
    assert [path.name for path in tmp_path.iterdir()] == []
    remove_description(tmp_path, os.getpid())


def test_date_is_asked_for_when_a_world_has_several(shared_data: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UnusableOptions, match=r"--date is needed; recorded dates of KXHIGHCHI: 2025-04-30, 2025-05-01"
    ):
        prepare(options(tmp_path, world=shared_data, event_date=None), Wall(NOW))


def test_recorded_day_is_moved_and_named(shared_data: Path, tmp_path: Path) -> None:
    setup = prepare(options(tmp_path, world=shared_data, event_date=date(2025, 5, 14)), Wall(NOW))
    (ladder,) = setup.stage.market.ladders(setup.stage.now())
    assert ladder.event_ticker == "KXHIGHCHI-26NOV19"
    assert not setup.invented
