"""Decisions once the day shows its own high: who may speak, and what a day that looks settled is capped at."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.trading.makers import (
    FAIR_QUOTES,
    around,
    make_account,
    make_board,
    make_outlook,
    make_view,
    make_weather,
)
from trading.domain.decide import decide
from trading.domain.inputs import CityView, DecisionBatch
from trading.domain.types import ReasonCode
from trading.domain.weights import Horizon, unlearned
from weather.domain.families import Normal
from weather.domain.types import LockState, Nowcast

AFTERNOON = datetime(2025, 5, 14, 21, 0, tzinfo=UTC)
"""15:00 CST of the event's day."""
LOOKING = unlearned(dict.fromkeys(Horizon, (0.2, 0.8, 0.0, 0.0, 0.0, 0.0)))
"""The market left out, the nowcast above all."""
Quotes = Mapping[int, tuple[str, str]]


def seen(
    *,
    ago: timedelta = timedelta(minutes=5),
    maximum: int = 75,
    mu: float = 74.0,
    sigma: float = 1.5,
    lock: LockState = LockState.LIKELY,
) -> Nowcast:
    is_closed = lock in {LockState.FINAL_PRELIM, LockState.FINAL}
    remaining = None if is_closed else Normal(mu=mu, sigma=sigma)
    return Nowcast(
        observed_at=AFTERNOON - ago, max_so_far={maximum: 1.0}, remaining=remaining, lock=lock, p_lock=0.9
    )


def view(nowcast: Nowcast | None, quotes: Quotes, *, size: str = "1000") -> CityView:
    shown = [quotes.get(place, ("0.01", "0.02")) for place in range(len(FAIR_QUOTES))]
    return make_view(
        board=make_board(quotes=shown, captured_at=AFTERNOON, size=size),
        outlook=make_outlook().model_copy(update={"nowcast": nowcast, "basis_risk": 0.0025}),
        weather=make_weather(
            captured_at=AFTERNOON, issued_at=AFTERNOON - timedelta(hours=2), knows_night=False
        ),
    )


def decided(city: CityView) -> DecisionBatch:
    return decide([city], make_account(), around(now=AFTERNOON, weights=LOOKING))


FAIR: Quotes = {3: ("0.93", "0.95"), 4: ("0.04", "0.06")}


@pytest.mark.parametrize("nowcast", [None, seen(ago=timedelta(minutes=91))])
def test_without_a_fresh_reading_the_day_under_way_is_left_alone(nowcast: Nowcast | None) -> None:
    batch = decided(view(nowcast, {3: ("0.60", "0.62")}))

    assert {decision.code for decision in batch.decisions} == {ReasonCode.DAY_UNDER_WAY}
    assert len(batch.decisions) == len(FAIR_QUOTES)


def test_with_a_fresh_reading_the_afternoon_is_traded_and_nobody_asks_for_the_night() -> None:
    batch = decided(view(seen(), {3: ("0.78", "0.80"), 4: ("0.15", "0.17")}))

    (bought,) = [intent for intent in batch.intents if intent.market_ticker.endswith("B75.5")]
    assert bought.limit_price == Decimal("0.80")
    signal = next(signal for signal in batch.signals if signal.market_ticker == bought.market_ticker)
    assert signal.ensemble is not None
    assert [each.strategy for each in signal.ensemble.inputs if each.valid] == ["intraday_nowcast"]


def test_reading_the_market_may_not_know_may_contradict_it() -> None:
    """30 points away: a new reading explains that, an old one does not."""
    quotes: Quotes = {3: ("0.60", "0.62"), 4: ("0.32", "0.34")}
    fresh, stale = (decided(view(seen(ago=timedelta(minutes=ago)), quotes)) for ago in (15, 16))

    assert fresh.decisions[3].code is ReasonCode.TRADE
    assert stale.decisions[3].code is ReasonCode.EDGE_IMPLAUSIBLE
    assert not stale.intents


@pytest.mark.parametrize(
    ("lock", "dollars"),
    [
        (LockState.LIKELY, Decimal(100)),
        (LockState.LOCKED_OBS, Decimal(25)),
        (LockState.FINAL_PRELIM, Decimal(25)),
    ],
)
def test_market_of_a_day_that_looks_settled_is_capped_hard(lock: LockState, dollars: Decimal) -> None:
    quotes: Quotes = {3: ("0.80", "0.82"), 4: ("0.13", "0.15")}
    batch = decided(view(seen(lock=lock, maximum=75, mu=73.0, sigma=1.2), quotes, size="10000"))

    (bought,) = [intent for intent in batch.intents if intent.market_ticker.endswith("B75.5")]
    assert dollars - 1 < bought.max_cost <= dollars
    expected = "CAP_LOCK" if lock is not LockState.LIKELY else "CAP_TRADE"
    assert expected in batch.decisions[3].detail


def test_nothing_near_a_dollar_is_taken_before_a_report() -> None:
    """NO of a bracket that a report has ruled out may cost more than 98 cents, were the edge not below the floor."""
    quotes: Quotes = {0: ("0.12", "0.14"), 3: ("0.80", "0.82")}
    locked = view(seen(lock=LockState.LOCKED_OBS, mu=70, sigma=0.8), quotes)
    policy = around().policy.model_copy(update={"lock_max_cost": Decimal("0.85")})
    limited = decide([locked], make_account(), around(now=AFTERNOON, weights=LOOKING, policy=policy))
    reported = view(seen(lock=LockState.FINAL_PRELIM), quotes)
    after = decide([reported], make_account(), around(now=AFTERNOON, weights=LOOKING, policy=policy))

    assert limited.decisions[0].code is ReasonCode.LOCK_PRICE
    assert limited.decisions[3].code is ReasonCode.TRADE
    assert after.decisions[0].code is ReasonCode.TRADE


def test_reported_day_is_pooled_as_settling_and_the_final_one_to_a_ten_thousandth() -> None:
    for lock, least in ((LockState.FINAL_PRELIM, 0.001), (LockState.FINAL, 0.0001)):
        batch = decided(view(seen(lock=lock), FAIR))
        found = [signal.p_model for signal in batch.signals]
        assert found[0] == pytest.approx(least)
        assert sum(p for p in found if p is not None) == pytest.approx(1, abs=1e-9)
