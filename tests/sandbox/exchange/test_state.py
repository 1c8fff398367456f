"""The same commands give the same exchange, whatever happened to the process between them."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sandbox.exchange.exchange import Exchange
from sandbox.feeds import Pause
from tests.sandbox.exchange.scenarios import Day, Step, days
from tests.sandbox.exchange.scripted import FINALIZED, MID, D, ScriptedFeed, book, exchange, place, seconds

QUICK = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow, HealthCheck.large_base_example],
)
STEPS = days(orders=8)


def new_day() -> Day:
    """With a pause in the middle."""
    feed = ScriptedFeed(planned=(Pause(seconds(9), seconds(12)),))
    return Day(feed, exchange(feed, cash="60"))


def played(steps: list[Step], restart_every: int | None = None, look_every: int | None = None) -> str:
    """The state after `steps` and the payout, as JSON."""
    day = new_day()
    for number, step in enumerate(steps, start=1):
        day.play(step)
        if restart_every and number % restart_every == 0:
            written = json.loads(json.dumps(day.exchange.dump()))
            day.exchange = Exchange.restore(written, day.feed)
        if look_every and number % look_every == 0:
            day.exchange.advance(day.at)
    day.exchange.advance(FINALIZED)
    return json.dumps(day.exchange.dump())


@QUICK
@given(steps=STEPS)
def test_exchange_when_given_the_same_commands_then_the_same_ids_and_state(steps: list[Step]) -> None:
    assert played(steps) == played(steps)


@QUICK
@given(steps=STEPS, every=st.integers(1, 7))
def test_exchange_when_written_down_and_restored_then_goes_on_as_if_never_stopped(
    steps: list[Step], every: int
) -> None:
    assert played(steps, restart_every=every) == played(steps)


@QUICK
@given(steps=STEPS, every=st.integers(1, 7))
def test_exchange_when_advanced_more_often_then_no_different(steps: list[Step], every: int) -> None:
    assert json.loads(played(steps, look_every=every)) == json.loads(played(steps))


def test_restore_when_a_control_determined_a_market_then_it_is_still_paid_an_hour_later() -> None:
    feed = ScriptedFeed()
    feed.show(seconds(-60), book(asks={"0.50": "10"}))
    market = exchange(feed)
    place(market, "ann", "bid", "0.50", "1")
    market.close(MID, seconds(1))
    market.determine(MID, "yes", seconds(2))
    restored = Exchange.restore(market.dump(), feed)
    restored.advance(seconds(2 + 3600))
    assert [row.revenue for row in restored.settlements("ann")] == [100]


def test_exchange_when_seed_differs_then_other_ids() -> None:
    feed = ScriptedFeed()
    feed.show(seconds(-60), book())
    first, second = (Exchange(feed, {"ann": D(10)}, now=seconds(0), seed=seed) for seed in (1, 2))
    ids = {place(one, "ann", "bid", "0.10", "1").order_id for one in (first, second)}
    assert len(ids) == 2


def test_restore_when_state_is_not_one_then_validation_error() -> None:
    with pytest.raises(ValidationError):
        Exchange.restore({"seed": 0}, ScriptedFeed())
