"""Resting orders among the world's: who fills when a taker comes, and when a quote trades through."""

import pytest

from sandbox.exchange.types import Refusal
from tests.sandbox.exchange.scripted import D, ScriptedFeed, book, exchange, place, seconds

BOOK = book({"0.44": "10", "0.45": "10"}, {"0.50": "10"})


def after_trade(feed: ScriptedFeed, at: float, price: str, count: str, left: dict[str, str]) -> None:
    """A world taker sells `count` at `price`; the world's bids after it are `left`."""
    feed.trade(seconds(at), "no", price, count)
    feed.show(seconds(at), book(left, {"0.50": "10"}))


@pytest.fixture
def feed() -> ScriptedFeed:
    """Ten contracts at 44 and 45 cents, ten offered at 50."""
    feed = ScriptedFeed()
    feed.show(seconds(-60), BOOK)
    return feed


def test_order_behind_the_world_when_takers_come_then_fills_after_what_stood_before(
    feed: ScriptedFeed,
) -> None:
    market = exchange(feed)
    placed = place(market, "ann", "bid", "0.45", "5")
    assert market.queue_position("ann", placed.order_id) == D(10)
    after_trade(feed, 10, "0.45", "8", {"0.44": "10", "0.45": "2"})
    market.advance(seconds(10))
    assert market.queue_position("ann", placed.order_id) == D(2)
    assert not market.fills("ann")
    after_trade(feed, 20, "0.45", "4.50", {"0.44": "10"})
    market.advance(seconds(20))
    (fill,) = market.fills("ann")
    assert (fill.count, fill.price, fill.is_taker, fill.fee) == (D("2.50"), D("0.45"), False, D(0))
    assert market.queue_position("ann", placed.order_id) == D(0)


def test_queue_when_world_shows_less_then_shrinks_and_never_grows(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    placed = place(market, "ann", "bid", "0.44", "5")
    feed.show(seconds(10), book({"0.44": "3", "0.46": "1"}, {"0.50": "10"}))
    feed.show(seconds(20), book({"0.44": "30", "0.46": "1"}, {"0.50": "10"}))
    market.advance(seconds(30))
    assert market.queue_position("ann", placed.order_id) == D(3)


def test_queue_when_world_grew_behind_then_takers_still_use_up_what_stood_before(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    placed = place(market, "ann", "bid", "0.45", "5")
    feed.show(seconds(10), book({"0.45": "40"}, {"0.50": "10"}))
    after_trade(feed, 20, "0.45", "8", {"0.45": "32"})
    market.advance(seconds(20))
    assert market.queue_position("ann", placed.order_id) == D(2)
    after_trade(feed, 30, "0.45", "4", {"0.45": "28"})
    market.advance(seconds(30))
    assert [one.count for one in market.fills("ann")] == [D(2)]


def test_queue_when_world_leaves_the_price_at_the_instant_of_a_trade_below_then_nobody_stands_before(
    feed: ScriptedFeed,
) -> None:
    market = exchange(feed)
    place(market, "ann", "bid", "0.45", "5")
    after_trade(feed, 10, "0.44", "3", {"0.44": "7"})
    market.advance(seconds(10))
    assert [(one.price, one.count) for one in market.fills("ann")] == [(D("0.45"), D(3))]


def test_world_level_when_its_own_takers_come_then_what_members_took_stays_taken(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    place(market, "ann", "bid", "0.50", "5")
    feed.trade(seconds(10), "yes", "0.50", "2")
    feed.show(seconds(10), book({"0.45": "10"}, {"0.50": "8"}))
    again = place(market, "bob", "bid", "0.50", "8", seconds(11))
    assert (again.fill_count, again.remaining_count) == (D(3), D(5))


def test_better_price_when_world_taker_comes_then_fills_first_and_volume_is_used_once(
    feed: ScriptedFeed,
) -> None:
    market = exchange(feed)
    place(market, "ann", "bid", "0.46", "3")
    place(market, "bob", "bid", "0.45", "5")
    after_trade(feed, 10, "0.45", "4", {"0.44": "10", "0.45": "6"})
    market.advance(seconds(10))
    assert [(one.price, one.count) for one in market.fills("ann")] == [(D("0.46"), D(3))]
    assert not market.fills("bob")  # One contract was left for the ten of the world before him.
    market.advance(seconds(11))
    assert len(market.fills("ann")) == 1


def test_two_members_at_one_price_when_taker_comes_then_the_earlier_fills_first(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    first = place(market, "ann", "bid", "0.46", "3")
    second = place(market, "bob", "bid", "0.46", "3")
    assert market.queue_position("bob", second.order_id) == D(3)
    after_trade(feed, 10, "0.45", "4", {"0.44": "10", "0.45": "6"})
    market.advance(seconds(10))
    assert market.order("ann", first.order_id).status == "executed"
    assert market.order("bob", second.order_id).fill_count == D(1)


def test_world_quote_when_it_crosses_then_fills_at_our_price_up_to_its_size(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    placed = place(market, "ann", "bid", "0.48", "5")
    feed.show(seconds(10), book({"0.44": "10"}, {"0.47": "3", "0.50": "10"}))
    market.advance(seconds(10))
    (fill,) = market.fills("ann")
    assert (fill.price, fill.count, fill.is_taker) == (D("0.48"), D(3), False)
    assert market.book(fill.ticker).no_bids[-1].price == D("0.50")  # The crossing quote is used up.
    assert market.order("ann", placed.order_id).remaining_count == D(2)
    market.advance(seconds(60))
    assert len(market.fills("ann")) == 1


def test_ask_when_world_buyer_goes_through_it_then_fills(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    place(market, "ann", "ask", "0.49", "5")
    feed.trade(seconds(10), "yes", "0.50", "2")
    feed.show(seconds(10), book({"0.44": "10"}, {"0.50": "8"}))
    market.advance(seconds(10))
    assert [(one.side, one.price, one.count) for one in market.fills("ann")] == [("ask", D("0.49"), D(2))]


def test_member_taker_when_member_stands_between_the_worlds_then_world_before_it_goes_first(
    feed: ScriptedFeed,
) -> None:
    market = exchange(feed)
    ahead = place(market, "ann", "bid", "0.45", "5")
    taken = place(market, "bob", "ask", "0.45", "12")
    assert taken.fill_count == D(12)
    assert market.order("ann", ahead.order_id).fill_count == D(2)
    assert [one.count for one in market.fills("bob")] == [D(10), D(2)]


def test_member_taker_when_two_orders_stand_behind_the_same_world_then_world_goes_once(
    feed: ScriptedFeed,
) -> None:
    market = exchange(feed)
    for _ in range(2):
        place(market, "ann", "bid", "0.45", "5")
    taken = place(market, "bob", "ask", "0.45", "30")
    assert [one.count for one in market.fills("bob")] == [D(10), D(5), D(5)]
    assert taken.remaining_count == D(10)


def test_queue_position_when_order_is_gone_then_404(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    placed = place(market, "ann", "bid", "0.45", "5")
    market.cancel("ann", placed.order_id, seconds(1))
    with pytest.raises(Refusal, match="not_found"):
        market.queue_position("ann", placed.order_id)
