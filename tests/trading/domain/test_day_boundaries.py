"""Until when the evening's forecast of a day may be traded on: a local standard hour, whatever the wall clock shows."""

from datetime import UTC, date, datetime

import pytest

from markets.domain.board import build_board
from markets.domain.types import Event
from milkbot.core.cities import load_cities
from tests.trading.makers import FEES, around, make_board, make_outlook, make_view, make_weather
from trading.domain.event_gate import check_event
from trading.domain.inputs import EventContext

SUMMER = date(2026, 7, 15)
CLOCKS_GO_FORWARD = date(2026, 3, 8)
CLOCKS_GO_BACK = date(2026, 11, 1)
NEW_YEARS_EVE, NEW_YEAR = date(2026, 12, 31), date(2027, 1, 1)


@pytest.mark.parametrize(
    ("city_code", "day", "now", "code"),
    [
        ("NYC", SUMMER, "2026-07-15T04:30", "TRADE"),  # 00:30 daylight time: the climate day has not begun
        ("NYC", SUMMER, "2026-07-15T14:59", "TRADE"),  # 10:59 on the wall, 09:59 standard
        ("NYC", SUMMER, "2026-07-15T15:00", "DAY_UNDER_WAY"),
        (
            "NYC",
            SUMMER,
            "2026-07-16T04:30",
            "DAY_UNDER_WAY",
        ),  # 00:30 of the next day on the wall: still the 15th
        ("NYC", SUMMER, "2026-07-16T05:00", "DAY_UNDER_WAY"),  # over: the next climate day has begun
        ("NYC", CLOCKS_GO_FORWARD, "2026-03-08T14:59", "TRADE"),
        ("NYC", CLOCKS_GO_FORWARD, "2026-03-08T15:00", "DAY_UNDER_WAY"),
        ("NYC", CLOCKS_GO_BACK, "2026-11-01T14:59", "TRADE"),
        ("NYC", CLOCKS_GO_BACK, "2026-11-01T15:00", "DAY_UNDER_WAY"),
        ("NYC", NEW_YEARS_EVE, "2026-12-31T15:00", "DAY_UNDER_WAY"),
        ("NYC", NEW_YEAR, "2026-12-31T15:00", "TRADE"),  # the other event of the same city at the same moment
        ("NYC", NEW_YEAR, "2027-01-01T04:59", "TRADE"),
        ("NYC", NEW_YEAR, "2027-01-01T15:00", "DAY_UNDER_WAY"),
        ("CHI", CLOCKS_GO_BACK, "2026-11-01T15:59", "TRADE"),
        ("CHI", CLOCKS_GO_BACK, "2026-11-01T16:00", "DAY_UNDER_WAY"),
        ("DEN", SUMMER, "2026-07-15T16:59", "TRADE"),
        ("DEN", SUMMER, "2026-07-15T17:00", "DAY_UNDER_WAY"),
        ("SEA", SUMMER, "2026-07-15T17:59", "TRADE"),
        ("SEA", SUMMER, "2026-07-15T18:00", "DAY_UNDER_WAY"),
        ("LAX", NEW_YEARS_EVE, "2027-01-01T07:59", "DAY_UNDER_WAY"),  # in the west the old year still runs
        ("LAX", NEW_YEAR, "2027-01-01T07:59", "TRADE"),
    ],
)
def test_event_gate_at_a_moment_follows_local_standard_time(
    city_code: str, day: date, now: str, code: str
) -> None:
    city, at = load_cities()[city_code], datetime.fromisoformat(now).replace(tzinfo=UTC)
    view = make_view(
        city=city,
        board=make_board(city=city, event_date=day),
        weather=make_weather(city=city, day=day, captured_at=at, issued_at=at),
        outlook=make_outlook(city=city, day=day),
    )

    gate = check_event(view, EventContext(city, view.boards[0], around(now=at)))

    assert gate.code == code, gate.detail


def test_event_that_lists_nothing_yet_is_refused_and_closes_when_its_climate_day_ends() -> None:
    city = load_cities()["NYC"]
    empty = Event(event_ticker="KXHIGHNY-26JUL15", series_ticker=city.kalshi_series, event_date=SUMMER)

    board = build_board(city, empty, {}, FEES, datetime(2026, 7, 14, 14, tzinfo=UTC))

    assert board.refusal is not None
    assert (board.markets, board.close_at) == ((), datetime(2026, 7, 16, 5, tzinfo=UTC))
