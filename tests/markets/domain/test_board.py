"""A board is complete and checked, or says in one code why nothing on it may be traded."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from markets.domain.board import build_board
from markets.domain.types import Board, FeeSchedule, FeeType, SettlementSource
from milkbot.core.cities import load_cities
from tests.markets.makers import DAY, NOW, STRIKES, TAKER_FEES, book, event, wire_event, wire_market

D = Decimal
CHICAGO = load_cities()["CHI"]
BRACKET = "KXHIGHCHI-26SEP15-B84.5"


def board_of(fees: FeeSchedule | None = TAKER_FEES, **changes: Any) -> Board:
    return build_board(CHICAGO, event(wire_event(**changes)), {}, fees, NOW)


def markets_with(**changes: Any) -> list[dict[str, Any]]:
    """The full ladder, with one market changed."""
    return [wire_market(*strike) | (changes if strike[0] == "B84.5" else {}) for strike in STRIKES]


def test_board_of_a_sound_event_has_everything_and_no_refusal() -> None:
    board = build_board(
        CHICAGO, event(), {BRACKET: book(BRACKET, {"0.41": "50"}, {"0.44": "30"})}, TAKER_FEES, NOW
    )
    assert board.refusal is None
    assert (board.city_code, board.event_date, board.captured_at) == ("CHI", DAY, NOW)
    assert board.close_at == datetime(2026, 9, 16, 6, tzinfo=UTC)
    assert board.fees == TAKER_FEES
    assert board.rule is not None
    assert (board.rule.source, board.rule.cli_code) == (SettlementSource.WEATHER_COMPANY, "CLIMDW")
    assert [entry.bracket.label for entry in board.markets] == [
        "79° or below",
        "80° to 81°",
        "82° to 83°",
        "84° to 85°",
        "86° to 87°",
        "88° or above",
    ]


def test_board_quotes_come_from_the_book_and_the_rest_from_the_listing() -> None:
    board = build_board(
        CHICAGO, event(), {BRACKET: book(BRACKET, {"0.40": "7"}, {"0.44": "30"})}, TAKER_FEES, NOW
    )
    entry = next(entry for entry in board.markets if entry.market.ticker == BRACKET)
    snapshot = entry.snapshot
    assert (snapshot.yes_bid, snapshot.yes_bid_size) == (D("0.40"), D(7))
    assert (snapshot.yes_ask, snapshot.yes_ask_size) == (D("0.44"), D(30))
    assert snapshot.spread == D("0.04")
    assert (snapshot.last_price, snapshot.volume, snapshot.captured_at) == (D("0.42"), D("1850.00"), NOW)


def test_board_market_with_an_empty_book_has_no_prices_and_one_without_a_book_keeps_its_listing() -> None:
    board = build_board(CHICAGO, event(), {BRACKET: book(BRACKET, {}, {})}, TAKER_FEES, NOW)
    by_ticker = {entry.market.ticker: entry for entry in board.markets}
    assert by_ticker[BRACKET].snapshot.yes_bid is None
    assert by_ticker[BRACKET].snapshot.spread is None
    other = by_ticker["KXHIGHCHI-26SEP15-T87"]
    assert other.snapshot.yes_bid == D("0.41")
    assert other.book.bids == ()


def test_board_fees_of_the_event_win_over_the_series() -> None:
    board = board_of(fee_type_override="quadratic_with_maker_fees", fee_multiplier_override=2)
    assert board.fees == FeeSchedule(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES, multiplier=D(2))
    assert board.refusal is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"markets": markets_with()[:-1]}, "EVENT_NOT_PARTITION"),
        ({"markets": []}, "EVENT_NOT_PARTITION"),
        ({"markets": markets_with(floor_strike=83)}, "EVENT_NOT_PARTITION"),
        ({"markets": markets_with(strike_type="structured")}, "EVENT_NOT_PARTITION"),
        ({"markets": markets_with(yes_bid_dollars="1.2000")}, "PRICE_OUT_OF_RANGE"),
        ({"markets": markets_with(yes_bid_dollars="NaN")}, "PRICE_UNREADABLE"),
        ({"markets": markets_with(close_time="2026-09-16T03:59:00Z")}, "CLOSE_TIME_MISMATCH"),
        ({"markets": markets_with(close_time="2026-09-16T08:01:00Z")}, "CLOSE_TIME_MISMATCH"),
        ({"markets": markets_with(rules_primary="Resolves on vibes.")}, "RULE_UNREADABLE"),
        ({"fee_type_override": "flat", "fee_multiplier_override": 1}, "FEES_UNKNOWN"),
        ({"fee_type_override": "quadratic"}, "FEES_UNKNOWN"),
        ({"fees": None}, "FEES_UNKNOWN"),
    ],
)
def test_board_with_a_fault_is_refused_by_code_and_in_words(changes: dict[str, Any], code: str) -> None:
    board = board_of(**changes)
    assert board.refusal == code
    assert board.refusal_text


def test_board_of_a_wrong_station_is_refused_but_still_shows_prices() -> None:
    elsewhere = markets_with()
    for market in elsewhere:
        market["rules_primary"] = market["rules_primary"].replace("CLIMDW", "CLIORD")
    board = board_of(markets=elsewhere)
    assert board.refusal == "STATION_MISMATCH"
    assert "CLIORD" in board.refusal_text
    assert board.rule is None
    assert [entry.snapshot.yes_bid for entry in board.markets] == [D("0.41")] * 6


def test_board_refuses_markets_that_settle_differently_from_each_other() -> None:
    odd = markets_with(
        rules_primary="If the highest temperature recorded at Chicago Midway, IL for Sep 15, 2026, is between "
        "84-85° according to the National Weather Service's Climatological Report (Daily), then Yes."
    )
    assert board_of(markets=odd).refusal == "RULE_UNREADABLE"


def test_board_accepts_the_close_of_recorded_ladders_an_hour_before_the_climate_day_ends() -> None:
    early = [wire_market(*strike, close_time="2026-09-16T04:59:00Z") for strike in STRIKES]
    assert board_of(markets=early).refusal is None


def test_board_of_another_citys_series_is_refused() -> None:
    board = build_board(load_cities()["NYC"], event(), {}, TAKER_FEES, NOW)
    assert board.refusal is not None


def test_board_of_an_empty_event_closes_with_the_climate_day() -> None:
    assert board_of(markets=[]).close_at == datetime(2026, 9, 15, 6, tzinfo=UTC) + timedelta(days=1)
