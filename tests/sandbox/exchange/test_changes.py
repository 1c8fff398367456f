"""Amend, decrease, cancel, expire; pauses and the close."""

from datetime import timedelta
from decimal import Decimal

import pytest

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.types import AmendRequest, Refusal
from sandbox.feeds import Pause
from tests.sandbox.exchange.scripted import (
    CLOSES,
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
def feed() -> ScriptedFeed:
    """Ten contracts on each side."""
    feed = ScriptedFeed()
    feed.show(seconds(-60), book({"0.45": "10"}, {"0.50": "10"}))
    return feed


def wanted(price: str, count: str, **more: object) -> AmendRequest:
    """An amend of a bid in the middle bracket."""
    return AmendRequest(MID, "bid", D(price), D(count), **more)  # type: ignore[arg-type]


def queue(market: Exchange, account: str, order_id: str) -> Decimal:
    """What stands before the order."""
    return market.queue_position(account, order_id)


def refused(error: pytest.ExceptionInfo[Refusal]) -> tuple[int, str]:
    """Status and code."""
    return error.value.status, error.value.code


def test_amend_when_price_stays_and_size_shrinks_then_place_is_kept(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    first = place(market, "ann", "bid", "0.46", "5").order_id
    second = place(market, "bob", "bid", "0.46", "5").order_id
    amended = market.amend("ann", first, wanted("0.46", "3"), seconds(1))
    assert (amended.remaining_count, amended.fill_count) == (D(3), D(0))
    assert (queue(market, "ann", first), queue(market, "bob", second)) == (D(0), D(3))


@pytest.mark.parametrize(("price", "count"), [("0.46", "6"), ("0.47", "5")])
def test_amend_when_price_or_larger_size_then_goes_to_the_end(
    feed: ScriptedFeed, price: str, count: str
) -> None:
    market = exchange(feed)
    first = place(market, "ann", "bid", "0.46", "5").order_id
    second = place(market, "bob", "bid", price, "5").order_id
    market.amend("ann", first, wanted(price, count), seconds(1))
    assert (queue(market, "ann", first), queue(market, "bob", second)) == (D(5), D(0))


def test_amend_when_only_expiry_changes_then_place_is_kept_and_no_counts_are_told(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    first = place(market, "ann", "bid", "0.46", "5", expires_at=seconds(30)).order_id
    place(market, "bob", "bid", "0.46", "5")
    amended = market.amend("ann", first, wanted("0.46", "5", changes_expiry=True), seconds(1))
    assert (amended.fill_count, amended.remaining_count) == (None, None)
    market.advance(seconds(60))
    assert market.order("ann", first).status == "resting"
    assert queue(market, "ann", first) == D(0)


def test_amend_when_expiry_is_put_off_then_order_lives_until_the_new_one(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5", expires_at=seconds(30)).order_id
    later = wanted("0.46", "5", changes_expiry=True, expires_at=seconds(90))
    market.amend("ann", order_id, later, seconds(1))
    market.advance(seconds(89))
    assert market.order("ann", order_id).status == "resting"
    market.advance(seconds(90))
    assert market.order("ann", order_id).status == "canceled"


def test_amend_when_count_includes_filled_then_rest_is_what_remains(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5").order_id
    place(market, "bob", "ask", "0.46", "2")
    amended = market.amend("ann", order_id, wanted("0.47", "8"), seconds(1))
    assert (amended.remaining_count, amended.fill_count) == (D(6), D(0))
    order = market.order("ann", order_id)
    assert (order.initial_count, order.fill_count, order.remaining_count) == (D(8), D(2), D(6))
    with pytest.raises(Refusal) as error:
        market.amend("ann", order_id, wanted("0.47", "2"), seconds(2))
    assert refused(error) == (400, "invalid_order_size")


def test_amend_when_new_price_crosses_then_fills_at_once_as_taker(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "12").order_id
    amended = market.amend("ann", order_id, wanted("0.50", "12"), seconds(1))
    assert (amended.fill_count, amended.remaining_count) == (D(10), D(2))
    assert (amended.average_fill_price, amended.average_fee_paid) == (D("0.5000"), D("0.0175"))
    assert market.balance("ann").held == D("1.00")


def test_amend_when_money_is_short_then_order_keeps_its_place(feed: ScriptedFeed) -> None:
    market = exchange(feed, cash="5")
    order_id = place(market, "ann", "bid", "0.46", "10").order_id
    before = market.order("ann", order_id)
    with pytest.raises(Refusal) as error:
        market.amend("ann", order_id, wanted("0.46", "11"), seconds(1))
    assert refused(error) == (400, "insufficient_balance")
    assert market.order("ann", order_id) == before
    assert market.balance("ann").held == D("4.60")
    assert market.amend("ann", order_id, wanted("0.49", "10"), seconds(2)).remaining_count is None


def test_amend_when_identity_is_wrong_then_named_code(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5", client_order_id="one").order_id
    place(market, "ann", "bid", "0.44", "5", client_order_id="two")
    for request, expected in (
        (AmendRequest("OTHER", "bid", D("0.46"), D(5)), (400, "order_ticker_mismatch")),
        (AmendRequest(MID, "ask", D("0.46"), D(5)), (400, "order_side_mismatch")),
        (wanted("0.46", "5", client_order_id="x"), (400, "order_id_and_client_order_id_mismatch")),
        (wanted("0.46", "5", updated_client_order_id="two"), (409, "order_already_exists")),
    ):
        with pytest.raises(Refusal) as error:
            market.amend("ann", order_id, request, seconds(1))
        assert refused(error) == expected
    market.amend("ann", order_id, wanted("0.46", "4", updated_client_order_id="three"), seconds(2))
    assert market.order("ann", order_id).client_order_id == "three"
    with pytest.raises(Refusal) as error:
        place(market, "ann", "bid", "0.44", "5", client_order_id="three")
    assert refused(error) == (409, "order_already_exists")


def test_amend_when_order_closes_a_position_then_still_needs_no_money(feed: ScriptedFeed) -> None:
    market = exchange(feed, cash="5.1750")
    place(market, "ann", "bid", "0.50", "10")
    order_id = place(market, "ann", "ask", "0.60", "10").order_id
    assert market.balance("ann").available == D(0)
    lower = AmendRequest(MID, "ask", D("0.55"), D(10))
    assert market.amend("ann", order_id, lower, seconds(1)).remaining_count is None
    assert market.balance("ann").held == D(0)


def test_post_only_order_when_amended_across_then_400(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5", post_only=True).order_id
    with pytest.raises(Refusal, match="post only cross"):
        market.amend("ann", order_id, wanted("0.50", "5"), seconds(1))


def test_decrease_when_by_or_to_then_place_is_kept_and_money_freed(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5").order_id
    place(market, "bob", "bid", "0.46", "5")
    assert market.decrease("ann", order_id, seconds(1), reduce_by=D("1.50")).remaining_count == D("3.50")
    assert market.decrease("ann", order_id, seconds(1), reduce_to=D(2)).remaining_count == D(2)
    assert queue(market, "ann", order_id) == D(0)
    assert market.balance("ann").held == D("0.92")
    assert market.order("ann", order_id).last_update_reason == "Decrease"
    assert market.decrease("ann", order_id, seconds(2), reduce_to=D(0)).remaining_count == D(0)
    assert market.order("ann", order_id).status == "canceled"


@pytest.mark.parametrize(
    ("by", "to", "code"),
    [
        (None, None, "invalid_parameters"),
        (D(1), D(1), "invalid_parameters"),
        (D(6), None, "invalid_order_size"),
        (None, D(6), "invalid_order_size"),
        (D("-1"), None, "invalid_order_size"),
        (None, D("NaN"), "invalid_order_size"),
    ],
)
def test_decrease_when_size_is_impossible_then_400(
    feed: ScriptedFeed, by: Decimal | None, to: Decimal | None, code: str
) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5").order_id
    with pytest.raises(Refusal) as error:
        market.decrease("ann", order_id, seconds(1), reduce_by=by, reduce_to=to)
    assert refused(error) == (400, code)


def test_cancel_when_partly_filled_then_canceled_with_fills_and_money_back(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.50", "12").order_id
    assert market.cancel("ann", order_id, seconds(1)).reduced_by == D(2)
    order = market.order("ann", order_id)
    assert (order.status, order.fill_count, order.remaining_count) == ("canceled", D(10), D(0))
    assert market.balance("ann").held == D(0)


def test_cancel_when_canceled_executed_unknown_or_anothers_then_404_alike(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    canceled = place(market, "ann", "bid", "0.46", "5").order_id
    market.cancel("ann", canceled, seconds(1))
    executed = place(market, "ann", "bid", "0.50", "5").order_id
    others = place(market, "bob", "bid", "0.46", "5").order_id
    for order_id in (canceled, executed, others, "no such order"):
        with pytest.raises(Refusal) as error:
            market.cancel("ann", order_id, seconds(2))
        assert refused(error) == (404, "not_found")


def test_cancel_all_when_called_then_only_own_orders_go(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    place(market, "ann", "bid", "0.46", "5")
    place(market, "ann", "ask", "0.60", "5")
    kept = place(market, "bob", "bid", "0.46", "5").order_id
    assert len(market.cancel_all("ann", seconds(1))) == 2
    assert market.order("bob", kept).status == "resting"
    assert market.cancel_all("ann", seconds(2)) == []


def test_order_when_it_expires_then_canceled_and_fills_before_count(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5", expires_at=seconds(60)).order_id
    feed.trade(seconds(59), "no", "0.45", "2")
    feed.trade(seconds(61), "no", "0.45", "2")
    market.advance(seconds(120))
    order = market.order("ann", order_id)
    assert (order.status, order.fill_count, order.last_update_reason) == (
        "canceled",
        D(2),
        "ExpirationCancel",
    )
    assert order.last_update_at == seconds(60)


def test_trading_pause_when_ordered_then_placing_is_refused_and_cancel_allowed(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    kept = place(market, "ann", "bid", "0.46", "5").order_id
    gone = place(market, "ann", "bid", "0.44", "5", cancel_order_on_pause=True).order_id
    market.pause(seconds(10))
    assert (market.paused(), market.order("ann", gone).last_update_reason) == ("trading", "PauseCancel")
    for command in (
        lambda: place(market, "bob", "bid", "0.40", "1"),
        lambda: market.amend("ann", kept, wanted("0.46", "4"), seconds(11)),
    ):
        with pytest.raises(Refusal) as error:
            command()
        assert refused(error) == (409, "trading_is_paused")
    market.cancel("ann", kept, seconds(12))
    market.resume(seconds(13))
    assert market.paused() is None
    assert place(market, "bob", "bid", "0.40", "1").remaining_count == D(1)


def test_exchange_pause_when_ordered_then_cancel_is_refused_too(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5").order_id
    market.pause(seconds(10), "exchange")
    for command in (
        lambda: market.cancel("ann", order_id, seconds(11)),
        lambda: market.cancel_all("bob", seconds(11)),
    ):
        with pytest.raises(Refusal) as error:
            command()
        assert refused(error) == (409, "trading_is_paused")


def test_pause_when_it_ends_then_what_the_world_did_in_it_reached_nobody(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5").order_id
    market.pause(seconds(10))
    feed.trade(seconds(20), "no", "0.45", "5")
    feed.show(seconds(25), book({"0.40": "5"}, {"0.46": "1"}))
    market.advance(seconds(29))
    assert market.order("ann", order_id).fill_count == D(0)
    market.resume(seconds(30))
    assert market.order("ann", order_id).fill_count == D(
        1
    )  # The quote that stands at the end trades through.


def test_planned_pause_when_it_comes_then_trading_stops_and_flagged_orders_go(feed: ScriptedFeed) -> None:
    feed.planned = (Pause(seconds(60), seconds(120)),)
    market = exchange(feed)
    gone = place(market, "ann", "bid", "0.46", "5", cancel_order_on_pause=True).order_id
    with pytest.raises(Refusal, match="trading_is_paused"):
        place(market, "ann", "bid", "0.46", "5", seconds(61))
    assert market.order("ann", gone).last_update_at == seconds(60)
    assert place(market, "ann", "bid", "0.46", "5", seconds(120)).remaining_count == D(5)


def test_market_when_closed_in_time_then_orders_go_and_every_request_is_refused(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    order_id = place(market, "ann", "bid", "0.46", "5").order_id
    place(market, "ann", "bid", "0.50", "1", time_in_force="immediate_or_cancel")
    market.advance(CLOSES)
    assert market.markets[MID].is_quiet  # Also what was taken of the world is forgotten.
    assert market.order("ann", order_id).last_update_reason == "MarketCloseCancel"
    assert market.balance("ann").held == D(0)
    for command in (
        lambda: place(market, "ann", "bid", "0.46", "5"),
        lambda: market.cancel("ann", order_id, CLOSES),
        lambda: market.amend("ann", order_id, wanted("0.46", "4"), CLOSES),
        lambda: market.decrease("ann", order_id, CLOSES, reduce_to=D(1)),
    ):
        with pytest.raises(Refusal) as error:
            command()
        assert refused(error) == (409, "MARKET_INACTIVE")


def test_market_when_not_yet_open_then_refused(feed: ScriptedFeed) -> None:
    early = exchange(feed, now=START - timedelta(minutes=61))
    with pytest.raises(Refusal, match="MARKET_INACTIVE"):
        place(early, "ann", "bid", "0.46", "5")
