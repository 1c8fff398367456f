"""What to do with an order that rests: keep it, renew it, or take it out of the book (technical specification 7.3).

An order rests only as long as it would be sent again as it stands. A price is never moved: an order that no longer
fits is cancelled, and once that is proven the wish may be sent anew (`trading.domain.supersede`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from markets.domain.types import BoardMarket
from milkbot.core.money import ONE, ZERO, six_places
from trading.domain.event_gate import check_event
from trading.domain.gates import Gate, check_liquidity, check_spread, check_tradable, quote_floor
from trading.domain.inputs import Circumstances, CityView, EventContext
from trading.domain.policy import Policy
from trading.domain.resting import check_still_quiet, expiration
from trading.domain.types import Action, BookSide, Order, ReasonCode, Signal, TradingState
from weather.domain.releases import NOTHING_DUE, Releases


class Step(StrEnum):
    KEEP = "keep"
    RENEW = "renew"
    CANCEL = "cancel"


class Review(NamedTuple):
    """The step and the check that decided it."""

    step: Step
    gate: Gate
    releases: Releases = NOTHING_DUE
    """What is due in the order's market, for the expiration of a renewal."""


class Belief(NamedTuple):
    """Our probability of YES and its standard error, as of this cycle."""

    p_yes: float
    standard_error: float


def review_all(
    orders: Iterable[Order],
    views: Iterable[CityView],
    signals: Iterable[Signal],
    holdings: Mapping[str, Decimal],
    around: Circumstances,
) -> tuple[tuple[Order, Review], ...]:
    """Every resting order with its step, in the light of this cycle's boards and signals."""
    beliefs = {signal.market_ticker: Belief(signal.p_yes, signal.uncertainty) for signal in signals}
    return review_beside(orders, views, beliefs, holdings, around)


def review_beside(
    orders: Iterable[Order],
    views: Iterable[CityView],
    beliefs: Mapping[str, Belief],
    holdings: Mapping[str, Decimal],
    around: Circumstances,
) -> tuple[tuple[Order, Review], ...]:
    """As `review_all`, beside what is believed of each market by its ticker."""
    seen: dict[str, tuple[BoardMarket | None, Gate, Releases]] = {}
    for view in views:
        for board in view.boards:
            gate = check_event(view, EventContext(view.city, board, around))
            releases = view.releases.get(board.event_date, NOTHING_DUE)
            seen.update((market.market.ticker, (market, gate, releases)) for market in board.markets)
    reviews = []
    for order in orders:
        ticker = order.market_ticker
        market, event_gate, releases = seen.get(ticker, (None, _UNREAD, NOTHING_DUE))
        reduces = _reduces(order, holdings.get(ticker, ZERO))
        belief = beliefs.get(ticker)
        reviewed = review(order, market, event_gate, belief, releases, reduces=reduces, around=around)
        reviews.append((order, reviewed))
    return tuple(reviews)


def review(
    order: Order,
    market: BoardMarket | None,
    event_gate: Gate,
    belief: Belief | None,
    releases: Releases = NOTHING_DUE,
    *,
    reduces: bool,
    around: Circumstances,
) -> Review:
    """The step for one resting order. `market` and `belief` are None when this cycle could not read or judge it.

    `event_gate` is what holds for the whole event (weather, locks, pauses); `reduces` is true when filling it can only
    lower what is at risk.
    """
    now, policy = around.now, around.policy
    gate = _check_switch(around.trading_state, reduces) and _check_covered(order, reduces) and event_gate
    gate = gate and _check_market(order, market, belief, now, policy) and check_still_quiet(releases, now)
    if gate.code is ReasonCode.RELEASE_DUE and order.expires_at is not None and order.expires_at <= now:
        return Review(
            Step.KEEP, gate
        )  # it has ended at the exchange, as it was sent to; our books will hear of it
    if not gate:
        return Review(Step.CANCEL, gate)
    if order.expires_at is not None and order.expires_at - now < policy.renew_before:
        is_later = expiration(now, releases, policy.resting_life) > order.expires_at
        return Review(Step.RENEW if is_later else Step.KEEP, gate, releases)
    return Review(Step.KEEP, gate)


def _check_switch(state: TradingState, reduces: bool) -> Gate:
    if state is TradingState.HALTED:
        return Gate(False, ReasonCode.TRADING_HALTED, "halted by a person or a breaker, or LIVE is not armed")
    if state is TradingState.REDUCING and not reduces:
        return Gate(False, ReasonCode.TRADING_REDUCING, "only what reduces exposure may rest")
    return _KEPT


def _check_covered(order: Order, reduces: bool) -> Gate:
    """A sale larger than what is left of its holding would open the other side, which nothing sized or allowed."""
    if order.action is Action.SELL and not reduces:
        return Gate(False, ReasonCode.HOLDING_GONE, f"{order.remaining_count} for sale, fewer are held")
    return _KEPT


def _check_market(
    order: Order, market: BoardMarket | None, belief: Belief | None, now: datetime, policy: Policy
) -> Gate:
    if market is None:
        return _UNREAD
    if belief is None:
        return Gate(False, ReasonCode.FORECAST_MISSING, "every strategy abstains")
    return (
        check_tradable(market, now, policy)
        and check_spread(market.snapshot, policy)
        and check_liquidity(market.snapshot, order.book_side, policy.min_displayed)
        and _check_edge_left(order, belief, policy)
    )


def _check_edge_left(order: Order, belief: Belief, policy: Policy) -> Gate:
    """The edge at our own price, free of fees for a maker, is still half of what entering asks for.

    The half keeps an order from leaving and re-entering the book with every small move of the forecast.
    """
    is_bid = order.book_side is BookSide.BID
    price = order.limit_price if is_bid else ONE - order.limit_price
    p_win = belief.p_yes if is_bid else 1 - belief.p_yes
    edge = six_places(p_win) - price
    floor = quote_floor(price, belief.standard_error, policy) / 2
    if edge < floor:
        return Gate(
            False, ReasonCode.EDGE_BELOW_FLOOR, f"edge {edge * 100:.1f}¢ left, {floor * 100:.1f}¢ to stay"
        )
    return _KEPT


def _reduces(order: Order, held: Decimal) -> bool:
    """Whether filling all of it can only lower what is at risk."""
    against = held if order.book_side is BookSide.ASK else -held
    return against >= order.remaining_count


_KEPT = Gate(True, ReasonCode.TRADE)
_UNREAD = Gate(False, ReasonCode.BOOKS_UNAVAILABLE, "the market was not read in this cycle")
