"""A recording as the outside of a cycle: checked boards in the wording of their time, and nothing from the future."""

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from markets.domain.settlement_rules import parse_rule
from markets.domain.types import Board, SettlementSource
from milkbot.core.cities import CityConfig, load_cities
from tests.trading.backtest.recordings import closes_at, event_rows, opens_at, write, write_days
from trading.backtest.as_of import paid_out_at, rules_text
from trading.backtest.change_points import GRID, change_points
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_types import Recording
from trading.backtest.replay_sources import ReplaySources
from trading.domain.policy import Policy

CHI = load_cities()["CHI"]
DAY = date(2026, 9, 15)
NOW = datetime(2026, 9, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return read_recorded(write_days(tmp_path, ("CHI", "SEA"), DAY, 2), NOW)


def board_at(recording: Recording, now: datetime) -> Board | None:
    boards = ReplaySources(recording, depth=Decimal(25)).boards(["CHI"], now).boards
    return next((board for board in boards if board.event_date == DAY), None)


@pytest.mark.parametrize("city", load_cities().values(), ids=lambda city: city.code)
@pytest.mark.parametrize(
    ("day", "source"),
    [
        (date(2026, 8, 13), SettlementSource.NWS_CLI),
        (date(2026, 8, 14), SettlementSource.WEATHER_COMPANY),
    ],
)
def test_rules_of_both_eras_and_every_city_are_read_by_the_parser(
    tmp_path: Path, city: CityConfig, day: date, source: SettlementSource
) -> None:
    recording = read_recorded(write(tmp_path, events=event_rows(city, day), quotes=[]), NOW)
    for entry in recording.events[0].markets:
        assert parse_rule(rules_text(entry.market, city, day), city, day).source is source
    board = ReplaySources(recording).boards([city.code], opens_at(day)).boards[0]
    assert board.refusal is None, board.refusal_text
    assert board.rule is not None
    assert board.rule.source is source


def test_board_shows_the_touch_of_the_moment_with_the_stated_depth(recording: Recording) -> None:
    now = opens_at(DAY) + timedelta(hours=3, minutes=7)
    board = board_at(recording, now)
    assert board is not None
    assert (board.refusal, board.captured_at, len(board.markets)) == (None, now, 6)
    for entry in board.markets:
        quote = recording.quote_at(entry.market.ticker, now)
        assert quote is not None
        assert now - quote.at <= timedelta(minutes=30)
        assert (entry.snapshot.yes_bid, entry.snapshot.yes_ask) == (quote.yes_bid, quote.yes_ask)
        assert entry.book.best_ask is not None
        assert (entry.book.best_ask.price, entry.book.best_ask.count) == (quote.yes_ask, Decimal(25))


def test_event_is_listed_from_its_opening_until_its_close(recording: Recording) -> None:
    assert board_at(recording, opens_at(DAY) - MINUTE) is None
    assert board_at(recording, opens_at(DAY)) is not None
    assert board_at(recording, closes_at(CHI, DAY) - MINUTE) is not None
    assert board_at(recording, closes_at(CHI, DAY)) is None


@pytest.mark.parametrize("hours", [0, 5, 20, 33])
def test_answers_as_of_a_moment_do_not_depend_on_what_came_later(tmp_path: Path, hours: int) -> None:
    """Cutting the record off at `now` changes nothing of what was shown at `now`."""
    now = opens_at(DAY) + timedelta(hours=hours)
    whole = read_recorded(write_days(tmp_path, ("CHI", "SEA"), DAY, 2), NOW)
    cut = read_recorded(tmp_path, now)
    codes = ("CHI", "SEA")
    assert ReplaySources(whole).boards(codes, now) == ReplaySources(cut).boards(codes, now)
    assert ReplaySources(whole).weather(codes, now) == ReplaySources(cut).weather(codes, now)


def test_weather_is_the_newest_forecast_available_and_a_city_without_any_is_an_error(
    recording: Recording,
) -> None:
    replay, early = ReplaySources(recording), opens_at(DAY) - timedelta(hours=2)
    assert set(replay.weather(["CHI", "SEA"], early).errors) == {"CHI", "SEA"}
    snapshot = replay.weather(["CHI"], opens_at(DAY)).snapshots["CHI"]
    assert snapshot.high_on(DAY) == 74
    assert snapshot.issued_at == datetime(2026, 9, 14, 12, 30, tzinfo=UTC)


def test_results_are_told_when_they_are_paid_out_and_once(recording: Recording) -> None:
    replay, paid = ReplaySources(recording), paid_out_at(recording.events[0])
    assert paid == datetime(2026, 9, 16, 12, 5, tzinfo=UTC)
    assert replay.final_listings(paid - MINUTE, paid - timedelta(seconds=1)) == ()
    final = replay.final_listings(paid - MINUTE, paid)
    assert {listing.market.ticker[:12] for listing in final} == {"KXHIGHCHI-26", "KXHIGHTSEA-2"}
    assert next(x.market.ticker for x in final if x.market.result == "yes").endswith("-B74.5")
    assert {listing.market.expiration_value for listing in final} == {"74.00"}
    assert replay.final_listings(paid, paid + MINUTE) == ()


def test_depth_of_nothing_is_refused(recording: Recording) -> None:
    with pytest.raises(ValueError, match="fills nothing"):
        ReplaySources(recording, depth=Decimal(0))


def test_turns_lie_on_the_grid_and_leave_out_what_repeats(recording: Recording) -> None:
    start, end = opens_at(DAY) + timedelta(minutes=3), opens_at(DAY) + timedelta(days=2)
    points = list(change_points(recording, start, end, Policy()))
    gaps = {later - earlier for earlier, later in itertools.pairwise(points)}
    assert start <= points[0]
    assert points[-1] <= end
    assert {point.minute for point in points} <= {0, 15, 30, 45}
    assert min(gaps) >= GRID
    assert max(gaps) <= timedelta(hours=1)
    assert len(points) < 48 * 2, "not every half hour is worth a turn"


def test_changed_forecast_is_answered_at_the_next_quarter_hour(tmp_path: Path) -> None:
    rows = [
        ["CHI", DAY, "2026-09-14T12:00:00Z", "", "nws", "day_high", 74],
        ["CHI", DAY, "2026-09-14T18:10:00Z", "2026-09-14T18:20:00Z", "nws", "day_high", 77],
    ]
    recording = read_recorded(write(tmp_path, events=event_rows(CHI, DAY), quotes=[], forecasts=rows), NOW)
    points = change_points(recording, opens_at(DAY), opens_at(DAY) + timedelta(hours=6), Policy())
    assert [point.strftime("%H:%M") for point in points] == [
        *("14:00", "15:00", "16:00", "17:00", "18:00"),
        *("18:30", "19:30"),
    ]
