"""The world with the members in it."""

import pytest

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.feed import ExchangeFeed
from sandbox.exchange.types import BookChanged
from sandbox.feeds import Level, MarketFeed, Outcome
from tests.sandbox.exchange.scripted import (
    EVENT,
    HIGH,
    LOW,
    MID,
    START,
    D,
    ScriptedFeed,
    book,
    exchange,
    place,
    seconds,
)


@pytest.fixture
def world() -> ScriptedFeed:
    """Ten contracts on each side."""
    feed = ScriptedFeed()
    for ticker in (MID, HIGH):
        feed.show(seconds(-60), book({"0.45": "10"}, {"0.50": "10"}), ticker)
    return feed


@pytest.fixture
def market(world: ScriptedFeed) -> Exchange:
    """With ann and bob."""
    return exchange(world)


@pytest.fixture
def feed(market: Exchange) -> MarketFeed:
    """What everybody sees."""
    return ExchangeFeed(market)


def test_book_when_members_rest_and_take_then_both_show(market: Exchange, feed: MarketFeed) -> None:
    place(market, "ann", "bid", "0.46", "3")
    place(market, "bob", "bid", "0.45", "2")
    place(market, "bob", "bid", "0.50", "4", time_in_force="immediate_or_cancel")
    shown = feed.book(MID, market.now)
    assert shown.yes_bids == (Level(D("0.45"), D(12)), Level(D("0.46"), D(3)))
    assert shown.no_bids == (Level(D("0.50"), D(6)),)
    assert market.book(MID) == shown


def test_quote_when_members_rest_and_trade_then_touch_last_and_volume_include_them(
    world: ScriptedFeed, market: Exchange, feed: MarketFeed
) -> None:
    world.trade(seconds(-30), "yes", "0.50", "1")
    place(market, "ann", "bid", "0.46", "3", seconds(1))
    place(market, "bob", "ask", "0.46", "1", seconds(2))
    quote = feed.quote(MID, seconds(3))
    assert quote is not None
    assert (quote.yes_bid, quote.yes_ask, quote.last) == (D("0.46"), D("0.50"), D("0.46"))
    assert (quote.volume, quote.open_interest) == (D(2), D(2))
    before = feed.quote(MID, seconds(0))
    assert before is not None
    assert (before.yes_bid, before.last, before.volume) == (D("0.45"), D("0.50"), D(1))
    assert [one.at for one in feed.quotes(MID, seconds(0), seconds(3))] == [seconds(1), seconds(2)]
    world.trade(seconds(5), "yes", "0.50", "1")
    later = feed.quote(MID, seconds(5))
    assert later is not None
    assert later.last == D("0.50")


def test_trades_when_members_get_a_world_takers_contracts_then_printed_once(
    world: ScriptedFeed, market: Exchange, feed: MarketFeed
) -> None:
    place(market, "ann", "bid", "0.46", "3")
    world.trade(seconds(10), "no", "0.45", "5")
    world.trade(seconds(20), "no", "0.45", "1")
    market.advance(seconds(20))
    trades = feed.trades(MID, START, seconds(20))
    assert [(one.yes_price, one.count, one.taker_side) for one in trades] == [
        (D("0.45"), D(2), "no"),
        (D("0.46"), D(3), "no"),
        (D("0.45"), D(1), "no"),
    ]
    quote = feed.quote(MID, seconds(20))
    assert quote is not None
    assert quote.volume == sum((one.count for one in trades), D(0))


def test_ordered_pause_when_it_lasts_then_the_shown_world_stands_still(
    world: ScriptedFeed, market: Exchange, feed: MarketFeed
) -> None:
    market.pause(seconds(10))
    world.show(seconds(20), book({"0.30": "1"}, {"0.31": "1"}))
    world.trade(seconds(25), "yes", "0.31", "1")
    market.advance(seconds(29))
    assert feed.book(MID, seconds(29)).yes_bids[-1].price == D("0.45")
    assert [one.starts_at for one in feed.pauses(seconds(11), seconds(29))] == [seconds(10)]
    market.resume(seconds(30))
    assert feed.book(MID, seconds(30)).yes_bids[-1].price == D("0.30")
    assert feed.trades(MID, START, seconds(60)) == []
    assert feed.quotes(MID, START, seconds(60)) == []
    assert [one.ends_at for one in feed.pauses(seconds(11), seconds(60))] == [seconds(30)]


def test_outcome_when_control_decides_then_goes_before_the_world(market: Exchange, feed: MarketFeed) -> None:
    assert feed.outcome(EVENT) == Outcome(MID, 50)
    market.close(LOW, seconds(1))
    market.determine(LOW, "yes", seconds(2))
    assert feed.outcome(EVENT) == Outcome(LOW, 49)


def test_book_changes_when_members_act_then_deltas_add_up(market: Exchange) -> None:
    before = {level.price: level.count for level in market.book(MID).no_bids}
    order_id = place(market, "ann", "ask", "0.49", "3", client_order_id="mine").order_id
    place(market, "bob", "bid", "0.50", "4")
    market.cancel_all("ann", seconds(1))
    assert market.order("ann", order_id).status == "executed"
    changes = [one for one in market.drain_events() if isinstance(one, BookChanged)]
    assert [(one.side, one.price, one.delta, one.client_order_id) for one in changes] == [
        ("no", D("0.51"), D(3), "mine"),
        ("no", D("0.51"), D(-3), "mine"),
        ("no", D("0.50"), D(-1), ""),
    ]
    for change in changes:
        before[change.price] = before.get(change.price, D(0)) + change.delta
    assert {price: count for price, count in before.items() if count} == {
        level.price: level.count for level in market.book(MID).no_bids
    }
