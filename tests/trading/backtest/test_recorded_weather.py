"""What a recording tells of a day under way: exactly what could be known, and bad rows refused by name."""

import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from sandbox.cities import city_of_series
from sandbox.export import Export, export
from sandbox.world.feed_weather import SimulatedWeatherFeed
from sandbox.world.weather import WorldWeather
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_types import Fault
from trading.backtest.recorded_weather import DayWeather, read_day_weather
from trading.backtest.replay_sources import ReplaySources
from weather.domain.outlook import make_outlook
from weather.domain.types import WeatherSnapshot

NEW_YORK = city_of_series("KXHIGHNY")
FIRST, LAST = date(2026, 10, 30), date(2026, 10, 31)
UNTIL = datetime(2026, 10, 31, 22, 30, tzinfo=UTC)
STEP = timedelta(minutes=47)
OBSERVATIONS = f"observations_NYC_{FIRST}_{LAST}.csv.gz"
HOURLY = f"hourly_forecasts_NYC_{FIRST}_{LAST}.csv.gz"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("readings") / "world"
    export(Export(7, FIRST, LAST, (NEW_YORK,), until=UNTIL, with_readings=True), out)
    return out


def read(folder: Path) -> DayWeather:
    recording = read_recorded(folder, UNTIL, cities=("NYC",))
    return read_day_weather(folder, recording, ("NYC",), UNTIL)


def test_every_moment_knows_what_the_station_and_the_office_had_sent_by_then(folder: Path) -> None:
    known, feed = read(folder), SimulatedWeatherFeed(WorldWeather(7, (NEW_YORK,)))
    assert known.report.refused == {}
    assert known.report.flagged == {}
    start, _ = climate_day_bounds(LAST, load_cities()["NYC"].std_offset_hours)
    turns = (UNTIL - start) // STEP
    assert turns > 20
    for now in (start + turn * STEP for turn in range(1, turns + 1)):
        found = known.amend(WeatherSnapshot(city_code="NYC", captured_at=now), now)
        taken = [
            each for each in feed.observations(NEW_YORK, start, now, now, 500) if each.temp_c is not None
        ]
        issued = feed.issuance(NEW_YORK, now)
        assert issued is not None
        assert (found.so_far is None) == (not taken)
        if found.observation is not None:
            assert found.observation.observed_at == max(each.observed_at for each in taken)
        if found.hourly is not None and issued.issued_at >= start:
            hours = dict(issued.hourly_f)
            assert found.hourly.temps_f == tuple(
                hours[found.hourly.starts_at + timedelta(hours=hour)]
                for hour in range(len(found.hourly.temps_f))
            )


def test_replay_with_readings_tells_what_the_rest_of_the_day_may_bring(folder: Path) -> None:
    recording = read_recorded(folder, UNTIL, cities=("NYC",))
    bare, full = ReplaySources(recording), ReplaySources(recording, day_weather=read(folder))

    outlooks = [
        make_outlook(load_cities()["NYC"], sources.weather(["NYC"], UNTIL).snapshots["NYC"], LAST, UNTIL)
        for sources in (bare, full)
    ]

    assert outlooks[0] is not None
    assert outlooks[0].nowcast is None
    assert outlooks[1] is not None
    assert outlooks[1].nowcast is not None


def test_recording_without_such_files_tells_nothing_of_the_day(folder: Path, tmp_path: Path) -> None:
    recording = read_recorded(folder, UNTIL, cities=("NYC",))
    known = read_day_weather(tmp_path, recording, ("NYC",), UNTIL)

    amended = known.amend(WeatherSnapshot(city_code="NYC", captured_at=UNTIL), UNTIL)

    assert (amended.observation, amended.so_far, amended.hourly) == (None, None, None)
    assert known.report.rows == 0


@pytest.mark.parametrize(
    ("file", "row", "fault"),
    [
        (OBSERVATIONS, "KSFO,2026-10-31T12:51:00Z,,metar,8.3,", Fault.UNKNOWN_CITY),
        (OBSERVATIONS, "KNYC,2026-10-31 12:51:00,,metar,8.3,", Fault.NOT_UTC),
        (OBSERVATIONS, "KNYC,2026-11-01T12:51:00Z,,metar,8.3,", Fault.FUTURE_STAMPED),
        (OBSERVATIONS, "KNYC,2026-10-31T12:59:00Z,2026-10-31T12:58:00Z,metar,8.3,", Fault.IMPLAUSIBLE),
        (OBSERVATIONS, "KNYC,2026-10-31T12:59:00Z,,guess,8.3,", Fault.UNREADABLE),
        (OBSERVATIONS, "KNYC,2026-10-31T12:59:00Z,,metar,83,", Fault.IMPLAUSIBLE),
        (OBSERVATIONS, "KNYC,2026-10-31T12:51:00Z,,metar,8.3,", Fault.DUPLICATE),
        (OBSERVATIONS, "KNYC,2026-10-31T12:59:00Z,,metar", Fault.FIELD_COUNT),
        (HOURLY, "2026-10-31T23:00:00Z,2026-11-01T01:00:00Z,nws_simulated,50", Fault.FUTURE_STAMPED),
        (HOURLY, "2026-10-31T23:00:00Z,2026-10-31T01:00:00Z,nws_simulated,500", Fault.IMPLAUSIBLE),
        (HOURLY, "2026-10-31T23:00:00Z,2026-10-31T01:00:00Z,nws_simulated,warm", Fault.UNREADABLE),
    ],
)
def test_bad_row_is_refused_by_name_and_the_others_are_used(
    folder: Path, tmp_path: Path, file: str, row: str, fault: Fault
) -> None:
    (tmp_path / "weather").mkdir()
    with gzip.open(folder / "weather" / file, "rt", encoding="utf-8") as text:
        rows = list(csv.reader(text))
    with gzip.open(tmp_path / "weather" / file, "wt", encoding="utf-8", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows([*rows, row.split(",")])
    recording = read_recorded(folder, UNTIL, cities=("NYC",))

    report = read_day_weather(tmp_path, recording, ("NYC",), UNTIL).report

    assert report.refused == {fault: 1}
    assert report.files[file].used + report.files[file].outside == len(rows) - 1
    assert report.notes[0].line == len(rows) + 1
