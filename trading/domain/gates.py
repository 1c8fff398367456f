"""Checks before a trade. Each returns a `Gate`, true when passed, which names its code and the figure that decided."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from markets.domain.types import BoardMarket, MarketSnapshot, MarketStatus
from milkbot.core.money import ONE
from trading.domain.policy import Policy
from trading.domain.types import BookSide, ReasonCode


class Gate(NamedTuple):
    """The outcome of one check; its truth value is whether it passed."""

    passed: bool
    code: ReasonCode
    detail: str = ""

    def __bool__(self) -> bool:
        return self.passed


PASSED = Gate(True, ReasonCode.TRADE)


def check_tradable(market: BoardMarket, now: datetime, policy: Policy) -> Gate:
    """The market is active, open, not about to close, and its prices are fresh."""
    listing, snapshot = market.market, market.snapshot
    if snapshot.status is not MarketStatus.ACTIVE:
        return Gate(False, ReasonCode.MARKET_NOT_ACTIVE, f"status {snapshot.status}")
    if now >= listing.close_at or now < listing.open_at:
        return Gate(
            False,
            ReasonCode.MARKET_CLOSED,
            f"open {listing.open_at:%d %H:%MZ} to {listing.close_at:%d %H:%MZ}",
        )
    if listing.close_at - now < policy.no_entry_before_close:
        return Gate(False, ReasonCode.CLOSE_NEAR, f"closes {listing.close_at:%H:%MZ}")
    age = now - snapshot.captured_at
    if age > policy.max_price_age:
        return Gate(False, ReasonCode.PRICES_STALE, f"prices are {age.total_seconds():.0f} s old")
    return _check_book(market)


def _check_book(market: BoardMarket) -> Gate:
    """The order book shows the prices we decide on: what cannot be walked cannot be taken."""
    bid, ask = market.book.best_bid, market.book.best_ask
    shown = (bid.price if bid else None, ask.price if ask else None)
    quoted = (market.snapshot.yes_bid, market.snapshot.yes_ask)
    if shown != quoted:
        return Gate(False, ReasonCode.BOOKS_UNAVAILABLE, "the order book does not show the quoted prices")
    return PASSED


def check_spread(market: MarketSnapshot, policy: Policy) -> Gate:
    """Both sides are quoted, at most `max_spread` apart (3 cents)."""
    spread = market.spread
    if spread is None:
        missing = "bid" if market.yes_bid is None else "ask"
        return Gate(False, ReasonCode.PRICE_MISSING, f"no {missing}")
    if spread > policy.max_spread:
        return Gate(
            False, ReasonCode.SPREAD_WIDE, f"spread {spread * 100:.1f}¢ > {policy.max_spread * 100:.1f}¢"
        )
    return PASSED


def check_liquidity(market: MarketSnapshot, side: BookSide, count: Decimal) -> Gate:
    """At least `count` contracts stand at the touch we would take from."""
    displayed = market.yes_ask_size if side is BookSide.BID else market.yes_bid_size
    if displayed is None or displayed < count:
        return Gate(False, ReasonCode.LIQUIDITY_LOW, f"{displayed or 0} displayed < {count} wanted")
    return PASSED


def check_uncertainty(standard_error: float, policy: Policy) -> Gate:
    """We know our own probability well enough to act on it."""
    if standard_error > policy.max_uncertainty:
        return Gate(
            False, ReasonCode.UNCERTAINTY_HIGH, f"se {standard_error:.3f} > {policy.max_uncertainty:.2f}"
        )
    return PASSED


def check_plausible(
    p_model: float, p_market: float | None, market: MarketSnapshot, policy: Policy, *, has_news: bool
) -> Gate:
    """Our own forecast does not contradict the market by more than our competence, unless a reading is brand new.

    `p_market` is the market's opinion without its overround; where it has none its mid stands for it.
    """
    price = p_market if p_market is not None else None if market.mid is None else float(market.mid)
    if price is None or has_news:
        return PASSED
    distance = abs(p_model - price)
    if distance > policy.implausible_disagreement:
        return Gate(False, ReasonCode.EDGE_IMPLAUSIBLE, f"{distance * 100:.0f} points from the market")
    return PASSED


def check_confidence(confidence: float, policy: Policy) -> Gate:
    """Agreement, data and calibration leave enough to act on."""
    if confidence < policy.min_confidence:
        return Gate(
            False, ReasonCode.CONFIDENCE_LOW, f"confidence {confidence:.2f} < {policy.min_confidence:.2f}"
        )
    return PASSED


def check_lock_price(cost: Decimal, policy: Policy, *, is_unconfirmed: bool) -> Gate:
    """Nothing near a dollar is taken while the day only looks settled and no report has said so."""
    if is_unconfirmed and cost > policy.lock_max_cost:
        return Gate(
            False,
            ReasonCode.LOCK_PRICE,
            f"{cost * 100:.1f}¢ > {policy.lock_max_cost * 100:.0f}¢ before a report",
        )
    return PASSED


def edge_floor(cost: Decimal, standard_error: float, policy: Policy) -> Decimal:
    """Dollars a contract must promise after costs: max(3¢, its standard error, 8 % of its cost)."""
    return max(policy.min_edge_taker, Decimal(repr(standard_error)), policy.min_edge_share_of_cost * cost)


def check_edge(edge: Decimal, cost: Decimal, standard_error: float, policy: Policy) -> Gate:
    """The edge after exact fees reaches the floor."""
    floor = edge_floor(cost, standard_error, policy)
    if edge < floor:
        return Gate(False, ReasonCode.EDGE_BELOW_FLOOR, f"edge {edge * 100:.1f}¢ < floor {floor * 100:.1f}¢")
    return PASSED


def quote_floor(cost: Decimal, standard_error: float, policy: Policy) -> Decimal:
    """Dollars a resting contract must promise: max(2¢, its standard error, 8 % of its cost), and what it loses to who
    knows more."""
    least = max(policy.min_edge_maker, Decimal(repr(standard_error)), policy.min_edge_share_of_cost * cost)
    return least + policy.adverse_selection


def check_quote_edge(edge: Decimal, cost: Decimal, standard_error: float, policy: Policy) -> Gate:
    """The edge of an order that rests reaches its floor."""
    floor = quote_floor(cost, standard_error, policy)
    if edge < floor:
        return Gate(False, ReasonCode.EDGE_BELOW_FLOOR, f"edge {edge * 100:.1f}¢ < floor {floor * 100:.1f}¢")
    return PASSED


def price_to_pay(market: MarketSnapshot, side: BookSide) -> Decimal | None:
    """What one contract costs at the touch: the ask for YES, one minus the bid for NO."""
    if side is BookSide.BID:
        return market.yes_ask
    return ONE - market.yes_bid if market.yes_bid is not None else None
