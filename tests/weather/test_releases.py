"""When something is due: habits out of earlier releases, and windows that close once it was seen."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.climate_day import climate_day_bounds
from weather.domain.releases import (
    FORECAST,
    NOTHING_DUE,
    READING,
    REPORT,
    Issue,
    Releases,
    Slot,
    Usual,
    Window,
    due_in,
    learned_between,
    reading_windows,
    slot_windows,
    until_seen,
    usual_slots,
)
from weather.domain.types import Observation, ReportedHigh, WeatherSnapshot

ON = date(2026, 9, 15)
MIDNIGHT = datetime(2026, 9, 15, tzinfo=UTC)
CHI_OFFSET = -6
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(hour: int, minute: int = 0, day: int = 0) -> datetime:
    return MIDNIGHT + day * DAY + hour * HOUR + minute * MINUTE


def daily(*times: tuple[int, int], days: int = 5) -> list[datetime]:
    return [at(hour, minute, -back) for back in range(2, 2 + days) for hour, minute in times]


def snapshot(
    issued_at: datetime | None = None, read_at: datetime | None = None, reported_at: datetime | None = None
) -> WeatherSnapshot:
    return WeatherSnapshot(
        city_code="CHI",
        captured_at=at(12),
        issued_at=issued_at,
        observation=read_at and Observation(station="KMDW", observed_at=read_at, temp_c=20, is_metar=True),
        reported=reported_at and ReportedHigh(day=ON, high_f=80, is_final=False, issued_at=reported_at),
    )


def test_what_comes_at_the_same_times_is_expected_at_them() -> None:
    assert usual_slots(daily((9, 0), (21, 30))) == (
        Slot(9 * HOUR, timedelta(0)),
        Slot(21 * HOUR + 30 * MINUTE, timedelta(0)),
    )


def test_what_comes_now_earlier_and_now_later_is_expected_from_the_earliest_to_the_latest() -> None:
    assert usual_slots([at(9, minute, -back) for back, minute in enumerate((0, 50, 20, 35), 2)]) == (
        Slot(9 * HOUR, 50 * MINUTE),
    )


def test_habit_around_midnight_is_one_habit() -> None:
    assert usual_slots([at(23, 50, -3), at(0, 10, -2), at(23, 55, -4), at(12, 0, -4)]) == (
        Slot(23 * HOUR + 50 * MINUTE, 20 * MINUTE),
    )


@pytest.mark.parametrize(
    "issued",
    [
        pytest.param([], id="nothing"),
        pytest.param(daily((9, 0), days=2), id="twice is no habit"),
        pytest.param([at(hour, 0, -3) for hour in range(24)], id="at all hours"),
        pytest.param([*daily((9, 0), days=2), at(15, 0, -3)], id="a correction between"),
    ],
)
def test_without_a_habit_nothing_is_expected(issued: list[datetime]) -> None:
    assert usual_slots(issued) == ()


@given(issued=st.lists(st.datetimes(timezones=st.just(UTC)).map(lambda when: when.replace(microsecond=0))))
def test_slots_cover_releases_that_were_seen_and_lie_apart(issued: list[datetime]) -> None:
    slots = usual_slots(issued)
    assert sum((slot.spread for slot in slots), timedelta(0)) < DAY
    windows = sorted(
        window for shift in (-1, 0) for window in slot_windows(FORECAST, slots, ON + shift * DAY)
    )
    for slot in slots:
        inside = [when for when in issued if (when - MIDNIGHT - slot.first) % DAY <= slot.spread]
        assert len(inside) >= 3
        for when in inside:
            moved = MIDNIGHT + (when - MIDNIGHT) % DAY
            assert any(window.starts_at < moved < window.ends_at for window in windows)


def test_learned_from_what_everybody_has_seen_the_day_before() -> None:
    first, until = learned_between(ON)
    assert (first, until) == (at(0, 0, -16), at(0, 0, -2))


def test_window_opens_two_minutes_ahead_and_is_given_up_an_hour_after_the_latest() -> None:
    (window,) = slot_windows(FORECAST, (Slot(9 * HOUR, 30 * MINUTE),), ON)
    assert window == Window(FORECAST, at(8, 58), at(10, 30), at(8, 58))


def test_readings_are_due_from_51_past_on_every_hour_of_the_climate_day() -> None:
    windows = list(reading_windows(*climate_day_bounds(ON, CHI_OFFSET)))
    assert len(windows) == 24
    assert windows[0] == Window(READING, at(6, 49), at(7, 9), at(6, 51))
    assert windows[-1].starts_at == at(5, 49, 1)


def test_window_is_open_from_its_start_to_before_its_end() -> None:
    due = Releases.of([Window(FORECAST, at(9), at(10), at(9))])
    assert [due.open_at(when) is not None for when in (at(8, 59), at(9), at(9, 59), at(10))] == [
        *(False, True, True, False)
    ]
    assert [due.unsafe_from(when) for when in (at(8), at(9), at(9, 30), at(10))] == [
        *(at(9), at(9), at(9, 30), None)
    ]
    assert NOTHING_DUE.unsafe_from(at(9)) is None


spans = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), max_size=8)


@given(spans=spans, minute=st.integers(0, 280))
def test_windows_that_overlap_are_open_whenever_one_of_them_is(
    spans: list[tuple[int, int]], minute: int
) -> None:
    windows = [Window(FORECAST, at(0, start), at(0, start + length), at(0, start)) for start, length in spans]
    now, due = at(0, minute), Releases.of(windows)
    assert (due.open_at(now) is not None) is any(one.starts_at <= now < one.ends_at for one in windows)
    opens = [one.starts_at for one in windows if one.starts_at > now]
    expected = now if due.open_at(now) else min(opens, default=None)
    assert due.unsafe_from(now) == expected


def test_past_window_closes_when_what_it_waited_for_was_seen() -> None:
    windows = list(slot_windows(FORECAST, (Slot(9 * HOUR, timedelta(0)), Slot(15 * HOUR, timedelta(0))), ON))
    issues = [Issue(at(8, 57), at(9, 1)), Issue(at(9, 3), at(9, 40)), Issue(at(9, 5), at(9, 20))]
    assert [window.ends_at for window in until_seen(windows, issues)] == [at(9, 20), at(16)]


def due(weather: WeatherSnapshot | None) -> Releases:
    usual = Usual(forecasts=(Slot(9 * HOUR, timedelta(0)),), reports=(Slot(21 * HOUR, timedelta(0)),))
    return due_in({ON: usual}, weather, ON, CHI_OFFSET)


@pytest.mark.parametrize(
    ("weather", "now", "what"),
    [
        pytest.param(None, at(9, 30), READING, id="nothing was ever seen"),
        pytest.param(snapshot(issued_at=at(8, 57), read_at=at(8, 53)), at(9), FORECAST, id="the one before"),
        pytest.param(snapshot(issued_at=at(8, 58)), at(9, 10), None, id="the one that was due"),
        pytest.param(snapshot(issued_at=at(9)), at(10, 0), READING, id="no reading"),
        pytest.param(
            snapshot(issued_at=at(9), read_at=at(9, 50)),
            at(10, 0),
            READING,
            id="a reading of before the METAR",
        ),
        pytest.param(snapshot(issued_at=at(9), read_at=at(9, 53)), at(10, 0), None, id="the METAR"),
        pytest.param(snapshot(read_at=at(20, 53)), at(21, 5), REPORT, id="the day's report"),
        pytest.param(snapshot(read_at=at(20, 53), reported_at=at(21, 2)), at(21, 5), None, id="reported"),
    ],
)
def test_window_is_open_until_the_fresh_value_is_seen(
    weather: WeatherSnapshot | None, now: datetime, what: str | None
) -> None:
    window = due(weather).open_at(now)
    assert (window.what.split(", ")[0] if window else None) == what


def test_reading_before_the_day_begins_is_not_waited_for() -> None:
    assert due(snapshot(issued_at=at(9))).open_at(at(5, 55)) is None
