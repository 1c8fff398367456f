"""The exchange's order endpoint (V2 writes). Only `trading.oms` may import this module; SHADOW never loads it.

No request is ever sent twice. Every answer, and every silence, becomes an outcome of `markets.domain.order_outcomes`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from markets.clients.kalshi import outcomes
from markets.clients.kalshi.conversation import MAX_SKEW_S, Answer, Conversation, Query
from markets.clients.kalshi.errors import CLOCK_CODE, Unsent, read_error
from markets.domain.order_outcomes import (
    AmendOutcome,
    CancelAllOutcome,
    CancelOutcome,
    CreateOutcome,
    DecreaseOutcome,
    NotSent,
    Unknown,
)
from markets.domain.order_request import (
    PLAIN_TERMS,
    Amendment,
    BadOrder,
    NewOrder,
    OrderPlace,
    OrderTerms,
    check_count,
    check_expiry,
)
from markets.domain.sides import Action, Side, on_yes_book
from milkbot.core import clock
from milkbot.core.errors import Malformed, Unreachable
from milkbot.core.money import ZERO

ORDERS_PATH: Final = "/portfolio/events/orders"
BATCH_PATH: Final = f"{ORDERS_PATH}/batched"
WRITE_TIMEOUT_S: Final = 3.0
"""The sender holds a lock on the trading switch around one POST (design 6.6): looking the name up, connecting and the
answer may not take longer."""


class KalshiOrders:
    """Places, changes and cancels orders. Raises BadOrder for a request that must not be sent, and nothing else.

    `conversation` must sign. `now` is wall time, against which expirations are checked. Placing and amending are refused
    while this machine's clock is more than three seconds off the exchange's; cancels never are.
    """

    def __init__(self, conversation: Conversation, now: Callable[[], datetime] = clock.wall_now) -> None:
        self._conversation = conversation
        self._now = now

    def create_order(
        self,
        market_ticker: str,
        side: Side,
        qty: Decimal,
        limit_price: Decimal,
        client_order_id: str,
        *,
        action: Action = Action.BUY,
        terms: OrderTerms = PLAIN_TERMS,
    ) -> CreateOutcome:
        """Buy or sell `qty` contracts of `side` at `limit_price` dollars each, its own side's price (PRD 3.3)."""
        book_side, yes_price = on_yes_book(side, action, limit_price)
        return self.place(NewOrder(market_ticker, book_side, qty, yes_price, client_order_id, terms))

    def place(self, order: NewOrder, *, leave_by: datetime | None = None) -> CreateOutcome:
        """Send one order. Anything but Accepted leaves no order behind, save Duplicate and Unknown.

        After `leave_by` it is not sent: whoever was paused that long no longer knows whether it may go.
        """
        check_expiry(order.terms.expires_at, self._now())
        if (stop := self._clock_forbids()) is not None:
            return stop
        answer = self._send("POST", ORDERS_PATH, body=_order_body(order), leave_by=leave_by)
        return outcomes.created(answer, order) if isinstance(answer, Answer) else answer

    def create_batch(self, orders: Sequence[NewOrder]) -> tuple[CreateOutcome, ...]:
        """Send several orders at once; one outcome each, in order. The whole batch must fit the write bucket."""
        if len({order.client_order_id for order in orders}) != len(orders):
            raise BadOrder("two orders of a batch share a client order id")
        for order in orders:
            check_expiry(order.terms.expires_at, self._now())
        if not orders:
            return ()
        if (stop := self._clock_forbids()) is not None:
            return tuple(stop for _ in orders)
        body = {"orders": [_order_body(order) for order in orders]}
        answer = self._send("POST", BATCH_PATH, body=body, items=len(orders))
        if isinstance(answer, Answer):
            return outcomes.created_batch(answer, orders)
        return tuple(answer for _ in orders)

    def cancel_order(self, place: OrderPlace) -> CancelOutcome:
        """Cancel what still rests of an order. Gone may mean filled: read the orders and fills (kalshi-api.md 4)."""
        answer = self._send(
            "DELETE",
            f"{ORDERS_PATH}/{place.order_id}",
            query=[(name, str(value)) for name, value in _routing(place).items()],
        )
        return outcomes.canceled(answer, place.order_id) if isinstance(answer, Answer) else answer

    def cancel_batch(self, places: Sequence[OrderPlace]) -> tuple[CancelOutcome, ...]:
        """Cancel several orders; one outcome each, in order."""
        if not places:
            return ()
        body = {"orders": [{"order_id": place.order_id, **_routing(place)} for place in places]}
        answer = self._send("DELETE", BATCH_PATH, body=body, items=len(places))
        if isinstance(answer, Answer):
            return outcomes.canceled_batch(answer, [place.order_id for place in places])
        return tuple(answer for _ in places)

    def cancel_all(self) -> CancelAllOutcome:
        """Cancel everything on every shard: the kill switch. Orders of the next minute may be cancelled too."""
        answer = self._send("DELETE", ORDERS_PATH)
        return outcomes.canceled_all(answer) if isinstance(answer, Answer) else answer

    def amend_order(self, amendment: Amendment, *, leave_by: datetime | None = None) -> AmendOutcome:
        """Change price, size or expiry of a resting order, unless it is past `leave_by`. It may fill at once."""
        check_expiry(amendment.expires_at, self._now())
        if (stop := self._clock_forbids()) is not None:
            return stop
        path = f"{ORDERS_PATH}/{amendment.order_id}/amend"
        answer = self._send("POST", path, body=_amend_body(amendment), leave_by=leave_by)
        return outcomes.amended(answer, amendment) if isinstance(answer, Answer) else answer

    def decrease_order(
        self, place: OrderPlace, *, reduce_by: Decimal | None = None, reduce_to: Decimal | None = None
    ) -> DecreaseOutcome:
        """Make a resting order smaller by, or down to, a number of contracts; it keeps its place in the queue."""
        body = {**_decrease_size(reduce_by, reduce_to), **_routing(place)}
        answer = self._send("POST", f"{ORDERS_PATH}/{place.order_id}/decrease", body=body)
        return outcomes.decreased(answer, place.order_id) if isinstance(answer, Answer) else answer

    def _clock_forbids(self) -> NotSent | None:
        skew_s = self._conversation.skew_s
        if skew_s is None or abs(skew_s) <= MAX_SKEW_S:
            return None
        return NotSent(f"this machine's clock is {skew_s:+.0f} s off the exchange's; set it by NTP")

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Mapping[str, Any] | None = None,
        items: int = 1,
        leave_by: datetime | None = None,
    ) -> Answer | NotSent | Unknown:
        """One request, once."""
        try:
            answer = self._conversation.exchange(
                method,
                path,
                query=query,
                body=None if body is None else _encode(body),
                timeout_s=WRITE_TIMEOUT_S,
                items=items,
                may_leave=lambda: leave_by is None or self._now() <= leave_by,
            )
        except Unsent as fault:
            return NotSent(str(fault))
        except (Unreachable, Malformed) as fault:
            return Unknown(str(fault))
        if answer.status == 401 and read_error(answer.body).word == CLOCK_CODE:
            self._conversation.resync()  # For the next request: this one is over.
        return answer


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _order_body(order: NewOrder) -> dict[str, Any]:
    terms = order.terms
    body: dict[str, Any] = {
        "ticker": order.ticker,
        "client_order_id": order.client_order_id,
        "side": order.book_side.value,
        "count": f"{order.count:.2f}",
        "price": f"{order.yes_price:.4f}",
        "time_in_force": terms.time_in_force.value,
        "self_trade_prevention_type": terms.self_trade_prevention.value,
        "post_only": terms.post_only,
        "reduce_only": terms.reduce_only,
        "cancel_order_on_pause": terms.cancel_on_pause,
    }
    return body | _optional(expiration_time=terms.expires_at, exchange_index=terms.exchange_index)


def _amend_body(amendment: Amendment) -> dict[str, Any]:
    body: dict[str, Any] = {
        "ticker": amendment.ticker,
        "side": amendment.book_side.value,
        "price": f"{amendment.yes_price:.4f}",
        "count": f"{amendment.total_count:.2f}",
    }
    return body | _optional(
        client_order_id=amendment.client_order_id,
        updated_client_order_id=amendment.updated_client_order_id,
        expiration_time=amendment.expires_at,
        exchange_index=amendment.exchange_index,
    )


def _decrease_size(reduce_by: Decimal | None, reduce_to: Decimal | None) -> dict[str, str]:
    match (reduce_by, reduce_to):
        case (Decimal() as count, None):
            check_count(count)
            return {"reduce_by": f"{count:.2f}"}
        case (None, Decimal() as count):
            if count != ZERO:
                check_count(count)
            return {"reduce_to": f"{count:.2f}"}
        case _:
            raise BadOrder("give exactly one of reduce_by and reduce_to")


def _optional(**values: datetime | str | int | None) -> dict[str, Any]:
    """What is given, instants as whole Unix seconds."""
    return {
        name: int(value.timestamp()) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


def _routing(place: OrderPlace) -> dict[str, Any]:
    """Always the market; a named shard comes first with the exchange and spares the other shards' buckets."""
    return {"market_ticker": place.market_ticker} | _optional(exchange_index=place.exchange_index)
