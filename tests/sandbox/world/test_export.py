"""An exported world is read back by the reader of recorded worlds, and says the same."""

import csv
import filecmp
import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.assembly import Options, prepare
from sandbox.cities import CITIES, city_of_series
from sandbox.export import Export, export, main, minute_closings
from sandbox.feeds import Quote
from sandbox.recorded import read_recorded_day, recorded_dates
from sandbox.world.feed_weather import SimulatedWeatherFeed
from sandbox.world.market import SimulatedMarketFeed
from sandbox.world.weather import WorldWeather
from tests.sandbox.stages import Wall, client_of
from trading.backtest.recorded import read_recorded

FIRST, LAST = date(2026, 10, 30), date(2026, 11, 2)
CHOSEN = (city_of_series("KXHIGHNY"), city_of_series("KXHIGHTSFO"))
TICK = timedelta(milliseconds=1)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cities over the end of daylight time."""
    out = tmp_path_factory.mktemp("exported") / "world"
    export(Export(7, FIRST, LAST, CHOSEN), out)
    return out


@pytest.fixture(scope="module")
def world() -> SimulatedMarketFeed:
    """The market the export was made of."""
    return SimulatedMarketFeed(WorldWeather(7, CHOSEN), 7, CHOSEN, FIRST)


def test_files_have_the_recorded_names(exported: Path) -> None:
    files = sorted(str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file())
    assert files == [
        "kalshi/ladders/events.csv",
        "kalshi/ladders/quotes_KXHIGHNY_2026-10-30_2026-11-02.csv.gz",
        "kalshi/ladders/quotes_KXHIGHTSFO_2026-10-30_2026-11-02.csv.gz",
        "weather/daily_highs.csv.gz",
        "weather/forecasts.csv.gz",
        "world.json",
    ]
    described = json.loads((exported / "world.json").read_text(encoding="utf-8"))
    assert (described["seed"], described["from"], described["to"]) == (7, "2026-10-30", "2026-11-02")
    assert "20 minutes" in described["inefficiency"]


def test_every_event_is_read_back_as_it_was(exported: Path, world: SimulatedMarketFeed) -> None:
    for listed in world.ladders(datetime(2026, 10, 31, tzinfo=UTC)):
        city = city_of_series(listed.series_ticker)
        day = read_recorded_day(exported, city, listed.event_date)
        assert day.ladder == replace(listed, finalized_at=None)
        assert day.outcome == world.outcome(listed.event_ticker)
        assert day.invented
        for bracket in listed.brackets:
            rows = day.quotes[bracket.ticker]
            assert rows[0].at == listed.opens_at + timedelta(minutes=1)
            assert rows[-1].at <= listed.closes_at
            assert len(rows) > 10
            for row in rows:
                shown = world.quote(bracket.ticker, row.at - TICK)
                assert shown is not None
                assert replace(shown, at=row.at) == row


def test_quotes_are_in_order_of_time(exported: Path) -> None:
    for path in exported.glob("kalshi/ladders/quotes_*"):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        keys = [(row["ts_utc"], row["ticker"]) for row in rows]
        assert keys == sorted(set(keys))
        assert len({row["ticker"] for row in rows}) == 24


def test_forecasts_and_highs_are_those_of_the_weather(exported: Path) -> None:
    truth = WorldWeather(7, CHOSEN)
    for city in CHOSEN:
        assert list(recorded_dates(exported, city.series_ticker)) == Export(7, FIRST, LAST).days
        day = read_recorded_day(exported, city, FIRST)
        assert day.highs_f == {d: truth.high_f(city, d) for d in Export(7, FIRST, LAST).days}
        told = [(row.available_at, int(row.high_f)) for row in day.forecasts if row.target_date == LAST]
        assert told == truth.revisions(city, LAST, city.climate_day_start(LAST + timedelta(days=1)))
        assert len(told) >= 20


def test_exported_day_runs_as_a_recorded_world(exported: Path, tmp_path: Path) -> None:
    asked = Options(exported, "KXHIGHTSFO", LAST, 60.0, Decimal(10), tmp_path)
    setup = prepare(asked, Wall(datetime(2026, 11, 21, 18, tzinfo=UTC)))
    assert setup.words.startswith("invented San Francisco day 2026-11-02")
    markets = client_of(setup.stage).get("/trade-api/v2/markets?status=open").json()["markets"]
    assert len(markets) == 6


def test_same_seed_and_range_are_the_same_bytes(exported: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    export(Export(7, FIRST, LAST, CHOSEN), again)
    export(Export(8, FIRST, FIRST, CHOSEN[:1]), other)
    names = [str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()]
    assert filecmp.cmpfiles(exported, again, names, shallow=False) == (names, [], [])
    events = Path("kalshi/ladders/events.csv")
    assert (other / events).read_bytes() not in (exported / events).read_bytes()


@pytest.mark.parametrize("hour", [3, 12, 15])
def test_export_until_a_moment_is_what_could_have_been_recorded_by_then(
    exported: Path, tmp_path: Path, hour: int
) -> None:
    until = datetime(2026, 11, 1, hour, 30, 20, tzinfo=UTC)
    export(Export(7, FIRST, LAST, CHOSEN, until=until), tmp_path / "part")

    part = read_recorded(tmp_path / "part", until, cities=("NYC", "SFO"))
    whole = read_recorded(exported, datetime(2026, 11, 4, tzinfo=UTC), cities=("NYC", "SFO"))

    assert part.report.refused == {}
    assert part.report.flagged == {}
    truth = WorldWeather(7, CHOSEN)
    live = SimulatedMarketFeed(
        truth, 7, CHOSEN, FIRST, reported_at=SimulatedWeatherFeed(truth).reported_at
    ).ladders(until)
    opened = {ladder.event_ticker for ladder in live if ladder.opens_at <= until}
    paid = {ladder.event_ticker for ladder in live if ladder.finalized_at and ladder.finalized_at <= until}
    assert {event.event_ticker for event in part.events} == opened
    assert {event.event_ticker for event in part.events if event.is_decided} == paid
    for ticker, quotes in part.quotes.items():
        assert list(quotes) == [quote for quote in whole.quotes[ticker] if quote.at <= until]
    for place, forecasts in part.forecasts.items():
        assert forecasts == tuple(f for f in whole.forecasts[place] if f.issued_at <= until)


def test_minute_closes_with_its_last_quote() -> None:
    def quote(second: int, cents: int) -> Quote:
        at = datetime(2026, 11, 2, 15, tzinfo=UTC) + timedelta(seconds=second)
        return Quote(at, Decimal(cents).scaleb(-2), None, None, Decimal(0), Decimal(0))

    first, second, third, fourth = quote(0, 1), quote(59, 2), quote(60, 3), quote(200, 4)
    opening = first.at
    assert minute_closings([first, second, third, fourth]) == [
        (opening + timedelta(minutes=1), second),
        (opening + timedelta(minutes=2), third),
        (opening + timedelta(minutes=4), fourth),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "2026-11-02", "--to", "2026-11-01"), "--from 2026-11-02 lies after --to 2026-11-01"),
        (("--from", "May", "--to", "2026-11-01"), "--from"),
        (("--from", "2026-11-01", "--to", "2026-11-01", "--seed", "-1"), "--seed -1 is negative"),
        (("--from", "2026-11-01", "--to", "2026-11-01", "--until", "2026-11-01T12:00"), "--until"),
    ],
)
def test_bad_argument_is_one_sentence_and_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--out", str(tmp_path / "out"), *arguments])
    errors = capsys.readouterr().err
    assert (ended.value.code, errors.count("\n")) == (2, 1)
    assert words in errors


def test_folder_with_something_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--from", "2026-11-01", "--to", "2026-11-01"])
    assert "is not an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_command_writes_all_ten_cities(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["--out", str(out), "--from", "2026-11-01", "--to", "2026-11-01"]) == 0
    assert {len(recorded_dates(out, city.series_ticker)) for city in CITIES} == {1}
