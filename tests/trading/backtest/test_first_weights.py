"""What the market counts for before the first event: measured on forecasts of earlier days, and on no price."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tests.trading.backtest.pasts import DAY, wandering
from trading.backtest.calibrating import PastCalibrations
from trading.backtest.learning import FEWEST_PAIRS, first_weights
from trading.backtest.recorded_types import DailyHigh, Forecast, Recording
from trading.domain.weights import LEAST_OWN_SHARE, MARKET, PRIOR, Horizon, expert_shares

DAYS = 260


def past(shared: float, sources: int = 2, days: int = DAYS, seed: int = 3) -> Recording:
    """An event after so many days of 70 °F, forecast by sources of which each misses by `shared` × the same and the rest
    of its own, 3 °F in all."""
    chance = random.Random(seed)
    recording = wandering(3)
    highs, forecasts = [], dict(recording.forecasts)
    opened = recording.events[0].open_at
    for back in range(2, days + 2):
        day = DAY - timedelta(days=back)
        at = opened - timedelta(days=back)
        same = chance.gauss(0, 1)
        misses = [3 * (shared * same + (1 - shared**2) ** 0.5 * chance.gauss(0, 1)) for _ in range(sources)]
        highs.append(DailyHigh("CHI", day, "cli", 70))
        forecasts["CHI", day] = [
            Forecast("CHI", day, at, at, f"source{number}", "day_high", Decimal(f"{70 + miss:.1f}"))
            for number, miss in enumerate(misses)
        ]
    return replace(recording, highs=tuple(highs), forecasts=forecasts)


def market(recording: Recording, horizon: Horizon = Horizon.DAY_AHEAD) -> float:
    weights = first_weights(PastCalibrations(recording), recording.events[0].open_at)
    return expert_shares(weights, horizon)[MARKET]


def test_where_sources_miss_alike_the_market_is_taken_to_know_what_they_know() -> None:
    alike, apart = market(past(0.97)), market(past(0.3))
    assert alike == 1 - LEAST_OWN_SHARE
    assert apart < expert_shares(PRIOR, Horizon.DAY_AHEAD)[MARKET] < alike


def test_one_source_or_few_days_leave_the_reference_s_shares() -> None:
    for recording in (past(0.97, sources=1), past(0.97, days=FEWEST_PAIRS)):
        assert first_weights(PastCalibrations(recording), recording.events[0].open_at) == PRIOR


def test_the_afternoon_is_left_to_its_readings() -> None:
    prior = expert_shares(PRIOR, Horizon.AFTERNOON)[MARKET]
    assert market(past(0.97), Horizon.AFTERNOON) == prior


def test_what_came_after_the_moment_is_not_measured() -> None:
    """The last sixty days miss in another way; asked for sixty days before, they are as if they had not been."""
    known = past(0.3)
    other = past(0.97)
    begin = DAY - timedelta(days=62)
    changed = replace(
        known,
        forecasts={
            place: other.forecasts[place] if begin < place[1] < DAY else forecasts
            for place, forecasts in known.forecasts.items()
        },
    )
    moment = known.events[0].open_at - timedelta(days=62)

    one, two = (first_weights(PastCalibrations(each), moment) for each in (known, changed))

    assert one == two
    assert one != first_weights(PastCalibrations(changed), known.events[0].open_at)
