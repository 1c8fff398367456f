"""Which city-days can be traded when: over a change of clocks, a year's end, and the hours before tomorrow is listed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from markets.domain.types import Board
from milkbot.core.cities import load_cities
from tests.e2e.world import simulated_world

pytestmark = pytest.mark.django_db

TEN: Final = tuple(load_cities())
ZONES: Final = (-5, -6, -7, -8)
"""Hours of standard time from UTC: east to west."""


class Moment(NamedTuple):
    """The days of the month whose events are open, in each of ZONES."""

    at: str
    open_days: tuple[tuple[int, ...], ...]


def everywhere(at: str, *days: int) -> Moment:
    return Moment(at, (days,) * len(ZONES))


NIGHTS: Final = {
    "winter": [
        everywhere("2025-11-19T14:55", 19),  # 09:55 in New York: tomorrow's event is not listed yet
        everywhere("2025-11-19T15:05", 19, 20),
        everywhere("2025-11-20T04:55", 19, 20),
        Moment("2025-11-20T05:05", ((20,), (19, 20), (19, 20), (19, 20))),
        Moment("2025-11-20T06:05", ((20,), (20,), (19, 20), (19, 20))),
        Moment("2025-11-20T07:05", ((20,), (20,), (20,), (19, 20))),
        everywhere("2025-11-20T08:05", 20),
    ],
    "clocks go back": [
        everywhere("2025-11-01T13:55", 1),
        everywhere("2025-11-01T14:05", 1, 2),  # 10:05 daylight time
        Moment("2025-11-02T04:30", ((1, 2),) * 4),  # 00:30 daylight time: the day runs on for half an hour
        Moment("2025-11-02T05:05", ((2,), (1, 2), (1, 2), (1, 2))),
        everywhere("2025-11-02T14:05", 2),  # 09:05 standard time: an hour of UTC later than the day before
        everywhere("2025-11-02T15:05", 2, 3),
        Moment("2025-11-03T05:05", ((3,), (2, 3), (2, 3), (2, 3))),
    ],
    "clocks go forward": [
        everywhere("2026-03-07T14:05", 7),
        everywhere("2026-03-07T15:05", 7, 8),
        Moment("2026-03-08T05:05", ((8,), (7, 8), (7, 8), (7, 8))),
        everywhere("2026-03-08T14:05", 8, 9),
        Moment("2026-03-09T04:30", ((8, 9),) * 4),
        Moment("2026-03-09T05:05", ((9,), (8, 9), (8, 9), (8, 9))),
    ],
    "the year ends": [
        everywhere("2025-12-31T15:05", 31, 1),
        Moment("2026-01-01T05:05", ((1,), (31, 1), (31, 1), (31, 1))),
        Moment("2026-01-01T07:05", ((1,), (1,), (1,), (31, 1))),
        everywhere("2026-01-01T08:05", 1),
    ],
}


@pytest.mark.parametrize("night", NIGHTS)
def test_open_city_days_over_a_night_end_with_local_standard_time(tmp_path: Path, night: str) -> None:
    moments = NIGHTS[night]
    with simulated_world(_utc(moments[0].at), tmp_path) as world:
        for moment in moments:
            now = world.move_to(_utc(moment.at))
            found = world.sources.boards(TEN, now)

            assert found.errors == {}
            expected = dict(zip(ZONES, moment.open_days, strict=True))
            for code, city in load_cities().items():
                boards = [board for board in found.boards if board.city_code == code]
                days = tuple(board.event_date.day for board in boards)
                assert sorted(days) == sorted(expected[city.std_offset_hours]), f"{code} at {moment.at}"
                assert [b.close_at for b in boards] == [_end(b, city.std_offset_hours) for b in boards]
                assert {board.refusal for board in boards} == {None}


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _end(board: Board, offset_hours: int) -> datetime:
    """Midnight of standard time after the event's day, reckoned by hand."""
    following: date = board.event_date + timedelta(days=1)
    return datetime(following.year, following.month, following.day, -offset_hours, tzinfo=UTC)
