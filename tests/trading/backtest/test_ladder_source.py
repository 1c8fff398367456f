"""The middle of a ladder as a forecast: from its opening on, where the weather service is silent, and nowhere else."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.trading.backtest.pasts import DAY, forecast, recording
from tests.trading.backtest.recordings import opens_at
from trading.backtest.as_of import AsOf
from trading.backtest.baselines import known_at
from trading.backtest.calibrating import PastCalibrations, SourceHistory
from trading.backtest.event_past import EventPast
from trading.backtest.ladder_source import ladder_high
from trading.backtest.recorded_types import DailyHigh, RecordedEvent, Recording
from weather.domain.combining import LADDER
from weather.domain.errors import Calibration, lead_class, measured_prior
from weather.domain.types import Outlook

MIDDLE_F = 73.5
"""Of the four brackets from 70 to 77 °F of every event here."""
OPENED_H = 31.0
"""From the opening, 14:00Z of the day before, to 15:00 standard time in Chicago."""
DAYS = tuple(DAY - timedelta(days=back) for back in range(4, -1, -1))
AT = opens_at(DAY) + timedelta(hours=20)
SETTLED_F = 76


def past(source: str) -> Recording:
    """Five days, each with a forecast of 74 °F by `source` at its opening and a high of 76 °F."""
    told = [forecast(opens_at(day), 74, day)._replace(source=source) for day in DAYS]
    return replace(
        recording({}, told, DAYS, SETTLED_F),
        highs=tuple(DailyHigh("CHI", day, "cli", SETTLED_F) for day in DAYS),
    )


def laid_at(of: Recording, by_f: int) -> Recording:
    """The same with every ladder laid `by_f` degrees higher."""
    return replace(of, events=tuple(_higher(event, by_f) for event in of.events))


def _higher(event: RecordedEvent, by_f: int) -> RecordedEvent:
    def raised(strike: Decimal | None) -> Decimal | None:
        return None if strike is None else strike + by_f

    markets = tuple(
        entry._replace(
            market=entry.market.model_copy(
                update={
                    "floor_strike": raised(entry.market.floor_strike),
                    "cap_strike": raised(entry.market.cap_strike),
                }
            )
        )
        for entry in event.markets
    )
    return replace(event, markets=markets)


def believed(of: Recording, at: datetime = AT) -> Outlook:
    """Of the last day, with all that was learned of the days before."""
    event_past = EventPast(AsOf(of, calibration_at=PastCalibrations(of).at), of.events[-1])
    outlook = event_past.outlook(at)
    assert outlook is not None
    return outlook


def learned(of: Recording, until: date) -> Calibration:
    return PastCalibrations(of).at(known_at(until))


def test_it_is_the_middle_at_the_opening() -> None:
    high = ladder_high(past("point").events[-1])
    assert high is not None
    assert (high.source, high.high_f, high.issued_at) == (LADDER, MIDDLE_F, opens_at(DAY))
    assert high.stands_at_h == OPENED_H


@pytest.mark.parametrize("source", ["nws", "nws_grid", "nws_bulletin", "nws_simulated"])
def test_where_the_weather_service_speaks_nothing_depends_on_the_ladder(source: str) -> None:
    of = past(source)
    other = laid_at(of, 10)

    assert believed(of) == believed(other)
    assert [use.name for use in believed(of).sources] == [source]
    for day in DAYS:
        one, two = learned(of, day), learned(other, day)
        assert (one.version, one.cells, one.pools) == (two.version, two.cells, two.pools)
        assert not [key for key in one.cells if key[1] == LADDER]


def test_where_it_is_silent_the_ladder_is_heard_and_its_middle_counts() -> None:
    of = past("point")
    higher = believed(laid_at(of, 10))
    assert LADDER in {use.name for use in believed(of).sources}
    assert higher.mu > believed(of).mu


def test_it_speaks_from_its_opening_on_and_not_before() -> None:
    of = past("point")
    ladder = ladder_high(of.events[-1])
    for at, heard in ((opens_at(DAY) - timedelta(seconds=1), False), (opens_at(DAY), True)):
        said = SourceHistory(of, "CHI", DAY, ladder).at(at)
        assert (LADDER in {high.source for high in said}) is heard


def test_a_ladder_nobody_speaks_beside_makes_no_outlook() -> None:
    """A city whose forecasts are missing is not traded on what the exchange thought."""
    silent = replace(past("point"), forecasts={})
    assert EventPast(AsOf(silent), silent.events[-1]).outlook(AT) is None


def test_each_day_is_learned_once_at_the_lead_of_the_opening_when_its_high_was_out() -> None:
    of = past("point")
    cells = {key: cell for key, cell in learned(of, DAYS[1]).cells.items() if key[1] == LADDER}
    ((key, cell),) = cells.items()
    assert key == ("CHI", LADDER, lead_class(OPENED_H))
    assert dict(cell.misses).keys() == set(DAYS[:2])
    assert 1.9 < cell.days < 2
    assert MIDDLE_F - SETTLED_F < cell.bias < 0


def test_before_any_day_its_spread_is_the_services_at_the_lead_of_the_opening() -> None:
    of = past("point")
    first = EventPast(AsOf(of), of.events[0])
    outlook = first.outlook(opens_at(DAYS[0]) + timedelta(hours=28))
    assert outlook is not None
    assert [use.name for use in outlook.sources] == [LADDER]
    assert (outlook.mu, outlook.sigma) == (MIDDLE_F, measured_prior("CHI", OPENED_H, DAYS[0]))
