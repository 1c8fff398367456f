"""From the close to the payout, by the world's timetable and by the controls."""

from datetime import timedelta

import pytest

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.types import LifecycleChanged, Refusal
from tests.sandbox.exchange.scripted import (
    CLOSES,
    FINALIZED,
    HIGH,
    MID,
    D,
    ScriptedFeed,
    book,
    exchange,
    place,
    seconds,
)

HOUR = timedelta(hours=1)
DETERMINED = FINALIZED - HOUR
TICK = timedelta(microseconds=1)


@pytest.fixture
def market() -> Exchange:
    """Ann is long 2.95 of the middle bracket at 50 cents, bob short 1 at 45; both are flat in the upper one."""
    feed = ScriptedFeed()
    for ticker in (MID, HIGH):
        feed.show(seconds(-60), book({"0.45": "10"}, {"0.50": "10"}), ticker)
    market = exchange(feed)
    place(market, "ann", "bid", "0.50", "2.95")
    place(market, "bob", "ask", "0.45", "1")
    place(market, "ann", "bid", "0.50", "1", ticker=HIGH)
    place(market, "ann", "ask", "0.45", "1", ticker=HIGH)
    return market


def test_status_when_time_passes_then_walks_to_finalized(market: Exchange) -> None:
    walk = []
    for at in (CLOSES - TICK, CLOSES, DETERMINED - TICK, DETERMINED, FINALIZED - TICK, FINALIZED):
        market.advance(at)
        life = market.life(MID)
        walk.append((life.status, life.result))
    assert walk == [
        ("active", None),
        ("closed", None),
        ("closed", None),
        ("determined", "yes"),
        ("determined", "yes"),
        ("finalized", "yes"),
    ]
    assert (market.life(MID).determined_at, market.life(MID).finalized_at) == (DETERMINED, FINALIZED)


def test_settlement_when_finalized_then_net_positions_are_paid_in_whole_cents(market: Exchange) -> None:
    before = market.balance("ann").cash
    market.advance(FINALIZED - TICK)
    assert not market.settlements("ann")
    market.advance(FINALIZED)
    (row,) = market.settlements("ann")
    assert (row.ticker, row.result, row.revenue, row.value) == (MID, "yes", 295, 100)
    assert (row.yes_count, row.no_count, row.yes_total_cost) == (D("2.95"), D(0), D("1.475"))
    assert (row.fee_cost, row.settled_at) == (D("0.0517"), FINALIZED)
    assert market.balance("ann").cash == before + D("2.95")
    position = next(one for one in market.positions("ann") if one.ticker == MID)
    assert (position.count, position.is_settled, position.realized_pnl) == (D(0), True, D("1.475"))
    (lost,) = market.settlements("bob")
    assert (lost.revenue, lost.value, lost.no_count, lost.no_total_cost) == (0, 100, D(1), D("0.55"))


def test_portfolio_value_when_market_goes_through_its_life_then_bid_then_result(market: Exchange) -> None:
    values = []
    for at in (CLOSES - TICK, CLOSES, DETERMINED, FINALIZED):
        market.advance(at)
        values.append((market.balance("ann").portfolio_value, market.balance("bob").portfolio_value))
    at_bid = (D("2.95") * D("0.45"), D("0.50"))
    assert values == [at_bid, at_bid, (D("2.95"), D(0)), (D(0), D(0))]


def test_settlement_when_advanced_again_then_paid_once(market: Exchange) -> None:
    market.advance(FINALIZED)
    cash = market.balance("ann").cash
    market.advance(FINALIZED + 48 * HOUR)
    assert (market.balance("ann").cash, len(market.settlements("ann"))) == (cash, 1)


def test_controls_when_used_then_walk_faster_and_events_tell(market: Exchange) -> None:
    market.drain_events()
    market.close(MID, seconds(10))
    assert market.life(MID).closes_at == seconds(10)
    with pytest.raises(Refusal, match="MARKET_INACTIVE"):
        place(market, "ann", "bid", "0.40", "1")
    market.determine(MID, "no", seconds(20))
    assert market.life(MID).result == "no"
    market.finalize(MID, seconds(30))
    assert [row.revenue for row in market.settlements("bob")] == [100]
    told = [one for one in market.drain_events() if isinstance(one, LifecycleChanged)]
    assert [(one.event, one.at) for one in told] == [
        ("close_date_updated", seconds(10)),
        ("determined", seconds(20)),
        ("settled", seconds(30)),
    ]
    market.advance(FINALIZED)
    assert market.life(MID).result == "no"
    assert len(market.settlements("bob")) == 1
    later = [one for one in market.drain_events() if isinstance(one, LifecycleChanged)]
    assert MID not in {one.life.ticker for one in later}


def test_determined_by_control_when_timer_runs_out_then_paid_an_hour_later(market: Exchange) -> None:
    market.close(MID, seconds(10))
    market.determine(MID, "yes", seconds(20))
    market.advance(seconds(20) + HOUR - TICK)
    assert not market.settlements("ann")
    market.advance(seconds(20) + HOUR)
    assert market.settlements("ann")[0].settled_at == seconds(20) + HOUR


def test_controls_when_market_is_in_another_state_then_value_error(market: Exchange) -> None:
    with pytest.raises(ValueError, match="active, not closed"):
        market.determine(MID, "yes", seconds(1))
    with pytest.raises(ValueError, match="active, not determined"):
        market.finalize(MID, seconds(1))
    market.close(MID, seconds(2))
    with pytest.raises(ValueError, match="closed, not active"):
        market.close(MID, seconds(3))
    with pytest.raises(ValueError, match="no market"):
        market.close("KXHIGHNY-26NOV21-T99", seconds(3))


def test_market_when_world_never_tells_then_stays_closed() -> None:
    feed = ScriptedFeed(winner=None)
    feed.show(seconds(-60), book(asks={"0.50": "10"}))
    market = exchange(feed)
    place(market, "ann", "bid", "0.50", "1")
    market.advance(FINALIZED + HOUR)
    assert market.life(MID).status == "closed"
    market.determine(MID, "yes", FINALIZED + HOUR)
    market.finalize(MID, FINALIZED + HOUR)
    assert market.settlements("ann")[0].revenue == 100
