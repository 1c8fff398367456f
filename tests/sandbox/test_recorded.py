"""The reader of the recorded-ladder format: what it gives, what it refuses, and how a day is moved."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cities import CITIES
from sandbox.feeds import Ladder, Outcome
from sandbox.recorded import RecordedDataError, RecordedDay, read_event, read_recorded_day, recorded_dates
from sandbox.tickers import date_label, date_of_label, moved_ticker, series_of
from tests.sandbox.stages import CHICAGO, SAMPLE

DAY = date(2026, 5, 19)
QUOTES = "kalshi/ladders/quotes_KXHIGHCHI_2026-05-18_2026-05-19.csv"
EVENTS = "kalshi/ladders/events.csv"


def covers_each_degree_once(ladder: Ladder) -> bool:
    return all(sum(bracket.contains(high) for bracket in ladder.brackets) == 1 for high in range(-60, 140))


def test_invented_day_is_read_whole(invented_day: RecordedDay) -> None:
    assert invented_day.invented
    assert invented_day.ladder.opens_at == datetime(2026, 5, 18, 14, tzinfo=UTC)
    assert invented_day.outcome == Outcome("KXHIGHCHI-26MAY19-B74.5", 75)
    assert [bracket.ticker.split("-")[2] for bracket in invented_day.ladder.brackets] == [
        "T70", "B70.5", "B72.5", "B74.5", "B76.5", "T77",
    ]  # fmt: skip
    assert all(invented_day.quotes[bracket.ticker] for bracket in invented_day.ladder.brackets)
    assert invented_day.highs_f[DAY] == 75
    assert covers_each_degree_once(invented_day.ladder)


def test_sample_is_small_and_says_that_it_is_invented() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 60_000
    assert "made up" in (SAMPLE / "README.md").read_text(encoding="utf-8")


def test_prices_of_the_sample_end_at_its_outcome(invented_day: RecordedDay) -> None:
    assert invented_day.outcome is not None
    last = {ticker: quotes[-1] for ticker, quotes in invented_day.quotes.items()}
    winner = last.pop(invented_day.outcome.winning_ticker)
    assert winner.yes_bid is not None
    assert winner.yes_bid >= Decimal("0.95")
    assert all((quote.yes_ask or 0) <= Decimal("0.05") for quote in last.values())


@pytest.mark.parametrize(
    "moment", [datetime(2026, 5, 18, 23, tzinfo=UTC), datetime(2026, 5, 19, 13, tzinfo=UTC)]
)
def test_sample_shows_tight_spreads_the_evening_before_and_in_the_morning(
    invented_day: RecordedDay, moment: datetime
) -> None:
    for quotes in invented_day.quotes.values():
        shown = [quote for quote in quotes if quote.at <= moment][-1]
        assert shown.yes_bid is not None
        assert shown.yes_ask is not None
        assert shown.yes_ask - shown.yes_bid <= Decimal("0.03")


def test_recorded_chicago_day_is_read_with_its_true_result(recorded_day: RecordedDay) -> None:
    assert not recorded_day.invented
    assert recorded_day.outcome == Outcome("KXHIGHCHI-25MAY14-T78", 80)
    assert sum(len(quotes) for quotes in recorded_day.quotes.values()) == 2148
    usable = {
        (row.source, row.available_at)
        for row in recorded_day.forecasts
        if row.target_date == date(2025, 5, 14)
    }
    assert ("visualcrossing", datetime(2025, 5, 14, 6, tzinfo=UTC)) in usable
    assert ("nbm_12z", datetime(2025, 5, 13, 15, tzinfo=UTC)) in usable


def test_every_recorded_ladder_covers_each_degree_once(shared_data: Path) -> None:
    seen = 0
    for city in CITIES:
        for day in recorded_dates(shared_data, city.series_ticker):
            ladder = read_event(shared_data, city, day)[0]
            assert covers_each_degree_once(ladder), ladder.event_ticker
            seen += 1
    assert seen == 47


def test_hourly_forecast_counts_from_the_end_of_its_day_of_issue(invented_day: RecordedDay) -> None:
    availabilities = {row.available_at for row in invented_day.hourly}
    assert datetime(2026, 5, 19, 6, tzinfo=UTC) in availabilities
    assert all(moment.hour == 6 for moment in availabilities)


Edit = Callable[[str], str]


def replaced(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


BAD_ROWS: list[tuple[str, Edit, str]] = [
    (
        QUOTES,
        replaced("T70,2026-05-18T14:01:00Z,0.03,0.05", "T70,2026-05-18T14:01:00Z,1.20,0.05"),
        r"csv:2: yes_bid 1\.20",
    ),
    (QUOTES, replaced(",0.03,0.05,", ",0.03,NaN,"), r"csv:2: yes_ask is NaN"),
    (QUOTES, replaced(",0.03,0.05,", ",0,0.05,"), r"csv:2: yes_bid 0 is not between"),
    (QUOTES, replaced(",0.03,0.05,", ",0.05,0.05,"), r"csv:2: yes_bid 0\.05 is not below"),
    (QUOTES, replaced(",0.03,0.05,", ",cheap,0.05,"), r"csv:2: yes_bid is 'cheap'"),
    (QUOTES, replaced("T70,2026-05-18T14:22", "T70,2026-05-18T14:00"), r"ts_utc .* does not come after"),
    (QUOTES, replaced("T70,2026-05-18T14:01:00Z", "T70,2026-05-18T14:01:00"), r"csv:2: ts_utc"),
    (QUOTES, replaced(",15,9\n", ",15,9,1\n"), r"csv:2: 8 fields instead of 7"),
    (QUOTES, replaced(",15,9\n", ",-15,9\n"), r"csv:2: volume -15 is negative"),
    (QUOTES, replaced("ticker,ts_utc", "ticker,ts"), r"csv:1: the columns must be"),
    (EVENTS, replaced("between,72,73", "between,72,74"), r"events.csv:\d: the ladder does not cover"),
    (EVENTS, replaced("between,72,73", "between,73,73"), r"events.csv:\d: the ladder does not cover"),
    (EVENTS, replaced("less,,70", "greater,69,"), r"the ladder does not cover"),
    (EVENTS, replaced("between,72,73", "around,72,73"), r"strike_type 'around' does not go"),
    (EVENTS, replaced("between,72,73", "between,72,"), r"strike_type 'between' does not go"),
    (EVENTS, replaced("no,75", "yes,75"), r"do not agree"),
    (
        EVENTS,
        lambda text: text.replace(",75,invented", ",73,invented"),
        r"do not agree with one another or with settle_f 73",
    ),
    (EVENTS, replaced("no,75", "maybe,75"), r"result \['maybe'\]"),
    (
        EVENTS,
        lambda text: text.replace("2026-05-20T04:59", "2026-05-18T04:59"),
        r"close_time_utc is not after",
    ),
    (
        "weather/forecasts.csv",
        replaced("nbm_12z,peak_window,74.12", "nbm_12z,peak_window,warm"),
        r"high_f is 'warm'",
    ),
    (
        "weather/daily_highs.csv",
        replaced(",75,iem", ",75.5,iem"),
        r"daily_highs.csv:3: high_f is '75.5', not a whole",
    ),
]


@pytest.mark.parametrize(("file", "edit", "reason"), BAD_ROWS)
def test_bad_row_is_refused_with_file_line_and_reason(
    tmp_path: Path, file: str, edit: Edit, reason: str
) -> None:
    world = tmp_path / "world"
    shutil.copytree(SAMPLE, world)
    path = world / file
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(RecordedDataError, match=reason):
        read_recorded_day(world, CHICAGO, DAY)


@pytest.mark.parametrize("file", [EVENTS, QUOTES, "weather/forecasts.csv", "weather/daily_highs.csv"])
def test_missing_file_is_named(tmp_path: Path, file: str) -> None:
    world = tmp_path / "world"
    shutil.copytree(SAMPLE, world)
    (world / file).unlink()
    with pytest.raises(RecordedDataError, match="there is no"):
        read_recorded_day(world, CHICAGO, DAY)


def test_event_without_results_has_no_outcome(tmp_path: Path) -> None:
    world = tmp_path / "world"
    shutil.copytree(SAMPLE, world)
    path = world / EVENTS
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("yes,75", ",").replace("no,75", ","), encoding="utf-8")
    assert read_recorded_day(world, CHICAGO, DAY).outcome is None


@given(days=st.integers(-3000, 3000))
def test_moving_there_and_back_changes_nothing(invented_day: RecordedDay, days: int) -> None:
    assert invented_day.moved(days).moved(-days) == invented_day


@given(days=st.integers(-3000, 3000))
def test_moving_shifts_every_moment_by_whole_days(invented_day: RecordedDay, days: int) -> None:
    by, moved = timedelta(days=days), invented_day.moved(days)
    label = date_label(DAY + by)
    assert moved.ladder.event_ticker == f"KXHIGHCHI-{label}"
    assert set(moved.quotes) == {
        f"KXHIGHCHI-{label}-{b.ticker.split('-')[2]}" for b in invented_day.ladder.brackets
    }
    assert moved.ladder.closes_at - invented_day.ladder.closes_at == by
    assert covers_each_degree_once(moved.ladder)


@given(day=st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_date_label_reads_back(day: date) -> None:
    assert date_of_label(date_label(day)) == day


def test_moved_ticker_keeps_series_and_strike() -> None:
    assert moved_ticker("KXHIGHCHI-25MAY14-B77.5", timedelta(days=555)) == "KXHIGHCHI-26NOV20-B77.5"
    assert series_of("KXHIGHCHI-25MAY14-B77.5") == "KXHIGHCHI"
