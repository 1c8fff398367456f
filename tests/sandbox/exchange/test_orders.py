"""What the exchange does with an order when it comes."""

import pytest

from sandbox.exchange.types import Refusal
from tests.sandbox.exchange.scripted import D, ScriptedFeed, book, exchange, place, seconds


@pytest.fixture
def feed() -> ScriptedFeed:
    """Ten contracts at each of two prices on both sides."""
    feed = ScriptedFeed()
    feed.show(seconds(-60), book({"0.44": "10", "0.45": "10"}, {"0.47": "10", "0.48": "10"}))
    return feed


def test_taker_when_it_crosses_two_levels_then_best_first_with_price_improvement(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    placed = place(market, "ann", "bid", "0.60", "15")
    assert [(one.price, one.count) for one in market.fills("ann")] == [(D("0.47"), D(10)), (D("0.48"), D(5))]
    assert (placed.fill_count, placed.remaining_count) == (D(15), D(0))
    assert placed.average_fill_price == D("0.4733")
    fees = D("0.1744") + D("0.0874")  # 10 x 0.07 x 0.47 x 0.53 and 5 x 0.07 x 0.48 x 0.52, each up to $0.0001
    assert placed.average_fee_paid == (fees / 15).quantize(D("0.0001"))
    assert market.balance("ann").cash == D(1000) - D("4.70") - D("2.40") - fees
    assert market.order("ann", placed.order_id).status == "executed"


def test_world_level_when_consumed_then_gone_until_it_is_renewed(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    place(market, "ann", "bid", "0.47", "10", time_in_force="immediate_or_cancel")
    again = place(market, "bob", "bid", "0.47", "10", time_in_force="immediate_or_cancel")
    assert again.fill_count == D(0)
    feed.show(seconds(60), book({"0.45": "10"}, {"0.47": "4"}))
    renewed = place(market, "bob", "bid", "0.47", "10", seconds(61), time_in_force="immediate_or_cancel")
    assert renewed.fill_count == D(4)


def test_partial_fill_when_count_is_fractional_then_rest_stays_resting(feed: ScriptedFeed) -> None:
    feed.show(seconds(0), book(asks={"0.47": "0.95"}))
    market = exchange(feed)
    placed = place(market, "ann", "bid", "0.47", "3.00")
    assert (placed.fill_count, placed.remaining_count) == (D("0.95"), D("2.05"))
    order = market.order("ann", placed.order_id)
    assert (order.status, order.fill_count, order.taker_fill_cost) == ("resting", D("0.95"), D("0.4465"))


def test_members_when_they_meet_then_maker_pays_no_fee(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    maker = place(market, "ann", "ask", "0.46", "5")
    place(market, "bob", "bid", "0.46", "2")
    (made,), (taken,) = market.fills("ann"), market.fills("bob")
    assert (made.fee, made.is_taker, taken.is_taker) == (D(0), False, True)
    assert made.fill_id == taken.fill_id
    assert taken.fee == D("0.0348")  # 2 x 0.07 x 0.46 x 0.54 = 0.034776
    assert market.order("ann", maker.order_id).remaining_count == D(3)


def test_post_only_when_it_crosses_then_400_invalid_order(feed: ScriptedFeed) -> None:
    with pytest.raises(Refusal) as refused:
        place(exchange(feed), "ann", "bid", "0.47", "1", post_only=True)
    found = refused.value
    assert (found.status, found.code, found.details) == (400, "invalid_order", "post only cross")


def test_immediate_or_cancel_when_partly_filled_then_canceled_with_fills(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    placed = place(market, "ann", "bid", "0.47", "12", time_in_force="immediate_or_cancel")
    assert (placed.fill_count, placed.remaining_count) == (D(10), D(0))
    order = market.order("ann", placed.order_id)
    assert (order.status, order.fill_count) == ("canceled", D(10))


def test_fill_or_kill_when_book_is_thin_then_409_and_id_is_burned(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    with pytest.raises(Refusal) as killed:
        place(market, "ann", "bid", "0.47", "10.01", client_order_id="one", time_in_force="fill_or_kill")
    assert (killed.value.status, killed.value.code) == (409, "fill_or_kill_insufficient_resting_volume")
    assert not market.fills("ann")
    with pytest.raises(Refusal, match="order_already_exists"):
        place(market, "ann", "bid", "0.40", "1", client_order_id="one")


def test_fill_or_kill_when_book_is_deep_enough_then_filled(feed: ScriptedFeed) -> None:
    placed = place(exchange(feed), "ann", "bid", "0.48", "20", time_in_force="fill_or_kill")
    assert placed.fill_count == D(20)


def test_duplicate_when_first_was_canceled_then_409(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    placed = place(market, "ann", "bid", "0.40", "1", client_order_id="one")
    market.cancel("ann", placed.order_id, market.now)
    with pytest.raises(Refusal) as refused:
        place(market, "ann", "bid", "0.40", "1", client_order_id="one")
    assert (refused.value.status, refused.value.code) == (409, "order_already_exists")
    assert place(market, "bob", "bid", "0.40", "1", client_order_id="one").remaining_count == D(1)


def test_refused_order_when_sent_again_in_order_then_id_is_free(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    with pytest.raises(Refusal):
        place(market, "ann", "bid", "0.405", "1", client_order_id="one")
    assert place(market, "ann", "bid", "0.40", "1", client_order_id="one").order_id


def test_self_trade_when_taker_at_cross_then_taker_canceled_and_resting_untouched(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    own = place(market, "ann", "ask", "0.46", "5")
    placed = place(market, "ann", "bid", "0.46", "5")
    assert (placed.fill_count, placed.remaining_count) == (D(0), D(0))
    assert market.order("ann", own.order_id).remaining_count == D(5)
    assert market.order("ann", placed.order_id).last_update_reason == "SelfTradePreventionCancel"


def test_self_trade_when_maker_then_resting_canceled_and_matching_goes_on(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    own = place(market, "ann", "ask", "0.46", "5")
    placed = place(market, "ann", "bid", "0.47", "5", self_trade_prevention_type="maker")
    assert market.order("ann", own.order_id).status == "canceled"
    assert (placed.fill_count, placed.average_fill_price) == (D(5), D("0.4700"))


@pytest.mark.parametrize(
    ("price", "count", "code"),
    [
        ("0.405", "1", "invalid_price"),
        ("0", "1", "invalid_price"),
        ("1", "1", "invalid_price"),
        ("NaN", "1", "invalid_price"),
        ("0.40", "0", "invalid_order_size"),
        ("0.40", "-1", "invalid_order_size"),
        ("0.40", "0.005", "invalid_order_size"),
        ("0.40", "NaN", "invalid_order_size"),
        ("0.40", "Infinity", "invalid_order_size"),
        ("0.40", "1E+999999", "invalid_order_size"),
    ],
)
def test_order_when_price_or_size_is_off_the_grid_then_400(
    feed: ScriptedFeed, price: str, count: str, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        place(exchange(feed), "ann", "bid", price, count)
    assert (refused.value.status, refused.value.code) == (400, code)


def test_order_when_ticker_is_unknown_then_404(feed: ScriptedFeed) -> None:
    with pytest.raises(Refusal) as refused:
        place(exchange(feed), "ann", "bid", "0.40", "1", ticker="KXHIGHNY-26NOV21-T99")
    assert (refused.value.status, refused.value.code) == (404, "not_found")


@pytest.mark.parametrize(
    "more",
    [
        {"time_in_force": "immediate_or_cancel", "expires_at": seconds(60)},
        {"expires_at": seconds(0)},
        {"client_order_id": "x" * 65},
    ],
)
def test_order_when_options_contradict_then_400(feed: ScriptedFeed, more: dict[str, object]) -> None:
    with pytest.raises(Refusal) as refused:
        place(exchange(feed), "ann", "bid", "0.40", "1", None, **more)
    assert (refused.value.status, refused.value.code) == (400, "invalid_parameters")


def test_reduce_only_when_not_immediate_then_400(feed: ScriptedFeed) -> None:
    with pytest.raises(Refusal, match="reduce only"):
        place(exchange(feed), "ann", "ask", "0.50", "1", reduce_only=True)


def test_reduce_only_when_larger_than_position_then_capped(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    place(market, "ann", "bid", "0.47", "3")
    sold = place(market, "ann", "ask", "0.45", "8", reduce_only=True, time_in_force="immediate_or_cancel")
    assert (sold.fill_count, sold.remaining_count) == (D(3), D(0))
    assert market.positions("ann")[0].count == D(0)
    assert market.order("ann", sold.order_id).last_update_reason == "ReduceOnlyCancel"


def test_collateral_when_bid_and_ask_rest_then_price_and_complement_are_held(feed: ScriptedFeed) -> None:
    market = exchange(feed, cash="10")
    place(market, "ann", "bid", "0.40", "10")
    place(market, "ann", "ask", "0.60", "10")
    assert market.balance("ann").held == D("8.00")
    with pytest.raises(Refusal) as refused:
        place(market, "ann", "bid", "0.01", "200.01")
    assert (refused.value.status, refused.value.code) == (400, "insufficient_balance")
    assert place(market, "ann", "bid", "0.01", "200").remaining_count == D(200)


def test_taker_when_fee_exceeds_cash_then_400(feed: ScriptedFeed) -> None:
    with pytest.raises(Refusal, match="insufficient_balance"):
        place(exchange(feed, cash="4.70"), "ann", "bid", "0.47", "10")
    assert place(exchange(feed, cash="4.8744"), "ann", "bid", "0.47", "10").fill_count == D(10)


def test_closing_order_when_cash_is_gone_then_needs_none(feed: ScriptedFeed) -> None:
    market = exchange(feed, cash="4.8744")
    place(market, "ann", "bid", "0.47", "10")
    assert market.balance("ann").available == D(0)
    resting = place(market, "ann", "ask", "0.55", "10")
    assert (resting.remaining_count, market.balance("ann").held) == (D(10), D(0))
    with pytest.raises(Refusal, match="insufficient_balance"):
        place(market, "ann", "ask", "0.60", "1")


def test_closing_taker_when_resting_order_would_lose_its_cover_then_400(feed: ScriptedFeed) -> None:
    market = exchange(feed, cash="4.8744")
    place(market, "ann", "bid", "0.47", "10")
    place(market, "ann", "ask", "0.90", "10")
    sold = place(
        market, "ann", "ask", "0.45", "10"
    )  # brings 4.50 less its fee, the resting one then holds 1.00
    assert sold.fill_count == D(10)
    assert market.balance("ann").held == D("1.00")
    assert market.balance("ann").available == D("4.50") - D("0.1733") - D("1.00")


def test_buying_no_while_long_yes_then_position_closes_and_cash_is_freed(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    place(market, "ann", "bid", "0.47", "10")
    place(market, "ann", "ask", "0.45", "4")
    (position,) = market.positions("ann")
    assert (position.count, position.exposure) == (D(6), D("2.82"))
    assert position.realized_pnl == D("1.80") - D("1.88")
    assert market.balance("ann").cash == D(1000) - D("4.70") - D("0.1744") + D("1.80") - D("0.0693")


def test_sell_when_larger_than_position_then_flips(feed: ScriptedFeed) -> None:
    market = exchange(feed)
    place(market, "ann", "bid", "0.47", "3")
    place(market, "ann", "ask", "0.45", "8")
    (position,) = market.positions("ann")
    assert (position.count, position.exposure) == (D(-5), D("2.75"))
