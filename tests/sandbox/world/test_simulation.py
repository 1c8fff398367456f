"""`--world simulated`: ten cities at the present, or in a past that catches up with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.__main__ import main
from sandbox.assembly import UnusableOptions
from sandbox.cities import CITIES, city_of_series
from sandbox.description import describe, write_description
from sandbox.kalshi.lifecycle import lifecycle
from sandbox.simulation import SimulatedOptions, prepare_simulated
from tests.sandbox.stages import Wall, client_of

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)


def options(state_dir: Path) -> SimulatedOptions:
    return SimulatedOptions(seed=7, speed=1.0, start=None, history_days=1, state_dir=state_dir)


def test_world_is_the_present_in_all_ten_cities(tmp_path: Path) -> None:
    setup = prepare_simulated(options(tmp_path), Wall(NOW))
    stage = setup.stage
    assert stage.now() == NOW
    assert list(stage.weather.cities()) == list(CITIES)
    assert len({ladder.series_ticker for ladder in stage.market.ladders(NOW)}) == 10
    assert setup.words == "simulated world, seed 7"
    described = describe(
        setup.identity, setup.words, 0, stage.clock, (), "http://127.0.0.1:8002", setup.inefficiency
    )
    assert (described.seed, described.world) == (7, "simulated world, seed 7")
    assert (described.inefficiency or "").startswith("On 15 % of events")
    assert (described.series, described.event_date, described.shift_days) == (None, None, 0)
    body = client_of(stage).get("/trade-api/v2/events?status=open").json()
    assert len(body["events"]) == 20


def test_nothing_is_determined_before_its_final_report_with_a_maximum(tmp_path: Path) -> None:
    stage = prepare_simulated(replace(options(tmp_path), history_days=50), Wall(NOW)).stage
    waited = 0
    for ladder in stage.market.ladders(NOW - timedelta(days=4)):
        life = lifecycle(ladder, has_outcome=True)
        assert life.determined_at is not None
        city = city_of_series(ladder.series_ticker)
        told = stage.weather.reports(city, life.determined_at)
        outcome = stage.market.outcome(ladder.event_ticker)
        assert outcome is not None
        assert outcome.high_f in {
            report.high_f for report in told if report.climate_date == ladder.event_date
        }
        waited += ladder.finalized_at is not None and ladder.finalized_at > ladder.closes_at + timedelta(
            hours=8
        )
    assert waited > 0


def test_faster_world_begins_a_day_ago_and_catches_up(tmp_path: Path) -> None:
    wall = Wall(NOW)
    setup = prepare_simulated(replace(options(tmp_path), speed=60.0), wall)
    assert setup.stage.now() == NOW - timedelta(days=1)
    wall.now = NOW + timedelta(minutes=10)
    assert setup.stage.now() == NOW - timedelta(hours=14)
    wall.now = NOW + timedelta(hours=1)
    assert setup.stage.now() == wall.now


def test_start_is_obeyed_and_history_counts_back_from_it(tmp_path: Path) -> None:
    start = datetime(2026, 11, 10, 12, tzinfo=UTC)
    setup = prepare_simulated(replace(options(tmp_path), start=start, history_days=3), Wall(NOW))
    assert setup.stage.now() == start
    assert setup.stage.market.ladders(start)[0].event_date == (start - timedelta(days=3)).date()


def test_resume_goes_on_with_the_clock_of_the_same_seed_only(tmp_path: Path) -> None:
    faster = replace(options(tmp_path), speed=60.0)
    first = prepare_simulated(faster, Wall(NOW))
    write_description(
        tmp_path, describe(first.identity, first.words, 0, first.stage.clock, (), "http://127.0.0.1:8002")
    )
    later = NOW + timedelta(minutes=5)
    resumed = prepare_simulated(replace(faster, resume=True), Wall(later))
    assert resumed.stage.clock == first.stage.clock
    other = prepare_simulated(replace(faster, seed=8, resume=True), Wall(later))
    assert other.stage.clock.wall_started_at == later


@pytest.mark.parametrize(("name", "words"), [("start", "--start"), ("wall_anchor", "--wall-anchor")])
def test_future_is_refused(tmp_path: Path, name: str, words: str) -> None:
    asked = replace(options(tmp_path), **{name: NOW + timedelta(hours=1)})  # type: ignore[arg-type]
    with pytest.raises(UnusableOptions, match=f"{words} .* lies in the future"):
        prepare_simulated(asked, Wall(NOW))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--world", "simulated", "--series", "KXHIGHNY"), "--series can only be given for a recorded world"),
        (("--world", "simulated", "--seed", "-1"), "--seed"),
        (("--world", "simulated", "--history-days", "401"), "--history-days"),
        (("--world", "simulated", "--start", "yesterday"), "--start"),
        (("--seed", "7"), "--seed can only be given for a simulated world"),
        (("--start", "2026-11-01T00:00:00Z", "--history-days", "2"), "--start and --history-days can only"),
    ],
)
def test_bad_argument_is_one_sentence_and_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    try:
        code = main(["--port", "0", "--state-dir", str(tmp_path), *arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    errors = capsys.readouterr().err
    assert (code, errors.count("\n")) == (2, 1)
    assert words in errors
