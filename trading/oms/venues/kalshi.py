"""The real exchange as a venue: our orders in its words, its answers in ours. Loaded in DEMO and LIVE only."""

from datetime import datetime
from typing import Final, assert_never

from markets.clients.kalshi.orders import KalshiOrders
from markets.domain import order_outcomes as outcome
from markets.domain.order_request import Amendment, BadOrder, NewOrder, OrderPlace, OrderTerms
from markets.domain.types import PriceRange
from milkbot.core.money import CENTICENT, ONE, ZERO
from trading.domain.breakers import Breaker
from trading.domain.evidence import LEAVES_WITHIN
from trading.domain.types import Action, Order
from trading.oms.venues.base import Accepted, Answer, NotSent, Rejected, TakenOut, Unknown

_PASSING_REASONS: Final = frozenset(
    {
        outcome.RejectReason.PAUSED,
        outcome.RejectReason.MARKET_INACTIVE,
        outcome.RejectReason.POST_ONLY_CROSS,
        outcome.RejectReason.RATE_LIMITED,
    }
)
_ANY_PRICE: Final = (PriceRange(start=ZERO, end=ONE, step=CENTICENT),)
"""All that a request can carry. A decision's price is shown in the market's book or lies on its grid; which grid that is
now the exchange says, and a market may be moved to a finer one at any time (kalshi-api.md 2)."""


class KalshiVenue:
    """Sends orders by the given client. Holds nothing itself: what became of an order is read from the account."""

    def __init__(self, client: KalshiOrders) -> None:
        self._client = client

    def place(self, order: Order) -> Answer:
        """One POST. A client order id that exists already is Unknown: the order is there, its fate is to be read."""
        try:
            said = self._client.place(_new_order(order), leave_by=order.updated_at + LEAVES_WITHIN)
        except BadOrder as error:
            return Rejected(code="BAD_ORDER", message=str(error))
        match said:
            case outcome.Accepted():
                return Accepted(
                    rests=said.remaining > ZERO,
                    kalshi_order_id=said.order_id,
                    reported_count=said.filled,
                )
            case outcome.Duplicate():
                return Unknown(why="the exchange has this order already")
            case _:
                return _failure(said)

    def find(self, order: Order) -> Answer:
        """Nothing is concluded from one look: reconciliation judges by orders, fills and how far they reach."""
        return Unknown(why="sent, and the answer was never read")

    def cancel(self, order: Order) -> TakenOut | Rejected | NotSent | Unknown:
        """One DELETE. "No such order" may mean cancelled, expired or filled, so it is Unknown."""
        if order.kalshi_order_id is None:
            return Unknown(why="the exchange has not named it yet")
        try:
            said = self._client.cancel_order(OrderPlace(order.kalshi_order_id, order.market_ticker))
        except BadOrder as error:
            return Rejected(code="BAD_ORDER", message=str(error))
        match said:
            case outcome.Canceled() if said.reduced_by > order.count:
                return Unknown(why=f"{said.reduced_by} taken out of an order for {order.count}")
            case outcome.Canceled():
                return TakenOut(reduced_by=said.reduced_by)
            case outcome.Gone():
                return Unknown(why="the exchange knows no such resting order")
            case _:
                return _failure(said)

    def cancel_all(self) -> Rejected | NotSent | Unknown | None:
        """One DELETE of everything on every shard; None when it was confirmed."""
        said = self._client.cancel_all()
        return None if isinstance(said, outcome.AllCanceled) else _failure(said)

    def renew(self, order: Order, expires_at: datetime) -> Rejected | NotSent | Unknown | None:
        """One amendment of the expiration alone, which keeps the place in the queue (kalshi-api.md 4)."""
        if order.kalshi_order_id is None:
            return Unknown(why="the exchange has not named it yet")
        try:
            amendment = _renewal(order, order.kalshi_order_id, expires_at)
            said = self._client.amend_order(amendment, leave_by=order.updated_at + LEAVES_WITHIN)
        except BadOrder as error:
            return Rejected(code="BAD_ORDER", message=str(error))
        match said:
            case outcome.Amended():
                return None
            case outcome.Gone() | outcome.Duplicate():
                return Unknown(why="the exchange knows no such resting order")
            case _:
                return _failure(said)


def _new_order(order: Order) -> NewOrder:
    return NewOrder(
        ticker=order.market_ticker,
        book_side=order.book_side,
        count=order.count,
        yes_price=order.limit_price,
        client_order_id=str(order.client_order_id),
        terms=OrderTerms(
            time_in_force=order.time_in_force,
            expires_at=order.expires_at if order.rests_by_itself else None,
            post_only=order.post_only,
            # A position may have gone by hand since the decision; of resting orders the exchange refuses the cap.
            reduce_only=order.action is Action.SELL and not order.rests_by_itself,
            price_ranges=_ANY_PRICE,
        ),
    )


def _renewal(order: Order, kalshi_order_id: str, expires_at: datetime) -> Amendment:
    return Amendment(
        order_id=kalshi_order_id,
        ticker=order.market_ticker,
        book_side=order.book_side,
        total_count=order.count,
        yes_price=order.limit_price,
        expires_at=expires_at,
        price_ranges=_ANY_PRICE,
    )


def _failure(said: outcome.Failure) -> Rejected | NotSent | Unknown:
    match said:
        case outcome.Rejected():
            return Rejected(
                code=said.reason.value, message=said.message, passes=said.reason in _PASSING_REASONS
            )
        case outcome.AuthRefused(fault=outcome.AuthFault.CLOCK):
            return Rejected(code="AUTH_CLOCK", message=said.message, breaker=Breaker.CLOCK_SKEW)
        case outcome.AuthRefused():
            return Rejected(code="AUTH_REFUSED", message=said.message, breaker=Breaker.AUTH_REFUSED)
        case outcome.EndpointRetired():
            return Rejected(code="ENDPOINT_RETIRED", message=said.message, breaker=Breaker.ENDPOINT_RETIRED)
        case outcome.NotSent():
            return NotSent(why=said.why)
        case outcome.Unknown():
            return Unknown(why=said.why)
    assert_never(said)
