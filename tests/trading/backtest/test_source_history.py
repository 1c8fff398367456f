"""What sources said of a day, asked at any moment and in any order: remembered is the same as found anew."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.trading.backtest.pasts import DAY, forecast, recording
from tests.trading.backtest.recordings import opens_at
from trading.backtest.calibrating import SOURCE_LASTS, SourceHistory
from trading.backtest.ladder_source import ladder_high
from trading.backtest.recorded_types import Recording
from weather.domain.combining import LADDER
from weather.domain.pairing import REVISION_OVER_H

OPENS = opens_at(DAY)
TICK = timedelta(microseconds=1)
EDGES = (timedelta(0), timedelta(hours=REVISION_OVER_H), SOURCE_LASTS)
"""After a forecast, where what is heard of it can change."""
SOURCES = ("nws_bulletin", "nbm_12z", "point")
SAID = st.lists(st.tuples(st.integers(-60, 40), st.integers(60, 90), st.sampled_from(SOURCES)), max_size=8)
ASKED = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from(EDGES), st.sampled_from((-TICK, timedelta(0), TICK))),
    min_size=1,
    max_size=12,
)


def told(said: list[tuple[int, int, str]]) -> Recording:
    forecasts = [
        forecast(OPENS + timedelta(hours=hour), high_f)._replace(source=source)
        for hour, high_f, source in said
    ]
    return recording({}, forecasts)


@given(SAID, ASKED)
def test_what_is_remembered_is_what_is_found_anew(
    said: list[tuple[int, int, str]], asked: list[tuple[int, timedelta, timedelta]]
) -> None:
    of = told(said)
    ladder = ladder_high(of.events[0])
    kept = SourceHistory(of, "CHI", DAY, ladder)
    for number, after, off in asked:
        hour = said[number % len(said)][0] if said else 0
        now = OPENS + timedelta(hours=hour) + after + off
        assert kept.at(now) == SourceHistory(of, "CHI", DAY, ladder).at(now)


def test_source_is_heard_for_as_long_as_it_lasts_and_moves_from_what_it_said_before() -> None:
    of = told([(0, 70, "nws_bulletin"), (13, 73, "nws_bulletin")])
    history = SourceHistory(of, "CHI", DAY, ladder_high(of.events[0]))
    second = OPENS + timedelta(hours=13)

    assert [high.source for high in history.at(OPENS - TICK)] == []
    assert [(high.high_f, high.revision_f) for high in history.at(OPENS)] == [(70.0, None)]
    assert [(high.high_f, high.revision_f) for high in history.at(second)] == [(73.0, 3.0)]
    assert [high.revision_f for high in history.at(second + timedelta(hours=REVISION_OVER_H))] == [0.0]
    assert [high.source for high in history.at(second + SOURCE_LASTS)] == ["nws_bulletin"]
    assert [high.source for high in history.at(second + SOURCE_LASTS + TICK)] == [LADDER]
