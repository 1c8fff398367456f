"""An account's rows as the wire shows them (specification 3.32). Money is written with six decimals, prices with four."""

from decimal import ROUND_FLOOR, Decimal
from typing import Final
from uuid import UUID, uuid5

from sandbox.accounts import Account
from sandbox.exchange.types import (
    Amended,
    BookSide,
    Canceled,
    Decreased,
    EventPosition,
    Fill,
    Order,
    Placed,
    Position,
    Settlement,
)
from sandbox.kalshi.wire import JsonObject, count_fp, dollars, milliseconds, money, timestamp

USERS: Final = UUID("1d6e4a0c-53bb-4a35-9f3e-0c6f4de0b5a7")
SHARD: Final = 0
# The outdated words are still sent. Of an ask, orders were recorded with `yes` and fills with `no`: with `sell` beside it
# the latter would mean the opposite if it were still to be taken at its word.
ORDER_WORDS: Final[dict[BookSide, JsonObject]] = {
    "bid": {"action": "buy", "side": "yes"},
    "ask": {"action": "sell", "side": "yes"},
}
FILL_WORDS: Final[dict[BookSide, JsonObject]] = {
    "bid": {"action": "buy", "side": "yes"},
    "ask": {"action": "sell", "side": "no"},
}


def user_id(member: str) -> str:
    """The id of the person behind an account."""
    return str(uuid5(USERS, member))


def outcome_side(side: BookSide) -> str:
    """`yes` for a bid, `no` for an ask."""
    return "yes" if side == "bid" else "no"


def order_json(order: Order) -> JsonObject:
    """An `Order`."""
    record = {
        "order_id": order.order_id,
        "user_id": user_id(order.account),
        "client_order_id": order.client_order_id,
        "ticker": order.ticker,
        "outcome_side": outcome_side(order.side),
        "book_side": order.side,
        "type": "limit",
        "status": order.status,
        "yes_price_dollars": dollars(order.price),
        "no_price_dollars": dollars(1 - order.price),
        "fill_count_fp": count_fp(order.fill_count),
        "remaining_count_fp": count_fp(order.remaining_count),
        "initial_count_fp": count_fp(order.initial_count),
        "taker_fees_dollars": money(order.taker_fees),
        "maker_fees_dollars": money(order.maker_fees),
        "taker_fill_cost_dollars": money(order.taker_fill_cost),
        "maker_fill_cost_dollars": money(order.maker_fill_cost),
        "created_time": timestamp(order.created_at),
        "last_update_time": timestamp(order.last_update_at),
        "self_trade_prevention_type": order.self_trade_prevention_type,
        "cancel_order_on_pause": order.cancel_order_on_pause,
        "subaccount_number": 0,
        "exchange_index": SHARD,
        "last_update_reason": order.last_update_reason,
    } | ORDER_WORDS[order.side]
    optional = {
        "expiration_time": order.expires_at and timestamp(order.expires_at),
        "order_group_id": order.order_group_id,
    }
    return record | {name: value for name, value in optional.items() if value is not None}


def fill_json(fill: Fill) -> JsonObject:
    """A `Fill`; the client's order id is not in it."""
    return {
        "fill_id": fill.fill_id,
        "trade_id": fill.fill_id,
        "order_id": fill.order_id,
        "ticker": fill.ticker,
        "market_ticker": fill.ticker,
        "outcome_side": outcome_side(fill.side),
        "book_side": fill.side,
        "count_fp": count_fp(fill.count),
        "yes_price_dollars": dollars(fill.price),
        "no_price_dollars": dollars(1 - fill.price),
        "is_taker": fill.is_taker,
        "fee_cost": money(fill.fee),
        "created_time": timestamp(fill.at),
        "ts": int(fill.at.timestamp()),
        "subaccount_number": 0,
        "exchange_index": SHARD,
    } | FILL_WORDS[fill.side]


def position_json(position: Position) -> JsonObject:
    """A `MarketPosition`; no contracts are negative."""
    return {
        "ticker": position.ticker,
        "exchange_index": SHARD,
        "position_fp": count_fp(position.count),
        "market_exposure_dollars": money(position.exposure),
        "total_traded_dollars": money(position.traded_cost),
        "realized_pnl_dollars": money(position.realized_pnl),
        "fees_paid_dollars": money(position.fees_paid),
        "last_updated_ts": timestamp(position.last_update_at),
    }


def event_position_json(position: EventPosition) -> JsonObject:
    """An `EventPosition`."""
    return {
        "event_ticker": position.event_ticker,
        "total_cost_dollars": money(position.traded_cost),
        "total_cost_shares_fp": count_fp(position.traded_count),
        "event_exposure_dollars": money(position.exposure),
        "realized_pnl_dollars": money(position.realized_pnl),
        "fees_paid_dollars": money(position.fees_paid),
    }


def settlement_json(settlement: Settlement) -> JsonObject:
    """A `Settlement`; revenue and value are whole cents."""
    return {
        "ticker": settlement.ticker,
        "exchange_index": SHARD,
        "event_ticker": settlement.event_ticker,
        "market_result": settlement.result,
        "yes_count_fp": count_fp(settlement.yes_count),
        "no_count_fp": count_fp(settlement.no_count),
        "yes_total_cost_dollars": money(settlement.yes_total_cost),
        "no_total_cost_dollars": money(settlement.no_total_cost),
        "revenue": settlement.revenue,
        "value": settlement.value,
        "fee_cost": money(settlement.fee_cost),
        "settled_time": timestamp(settlement.settled_at),
    }


def balance_json(available: Decimal, portfolio_value: Decimal, updated_ts: int, shard: int) -> JsonObject:
    """`GetBalanceResponse` of one shard: whole cents are truncated, the string is exact."""
    return {
        "balance": whole_cents(available),
        "balance_dollars": dollars(available),
        "balance_breakdown": [{"exchange_index": shard, "balance": dollars(available)}],
        "portfolio_value": whole_cents(portfolio_value),
        "updated_ts": updated_ts,
    }


def placed_json(placed: Placed) -> JsonObject:
    """`CreateOrderV2Response`."""
    return (
        _named(placed.order_id, placed.client_order_id)
        | {"fill_count": count_fp(placed.fill_count), "remaining_count": count_fp(placed.remaining_count)}
        | _averages(placed)
        | {"ts_ms": milliseconds(placed.at)}
    )


def amended_json(amended: Amended) -> JsonObject:
    """`AmendOrderV2Response`; counts only where the amend changed them."""
    counts = {"fill_count": amended.fill_count, "remaining_count": amended.remaining_count}
    return (
        _named(amended.order_id, amended.client_order_id)
        | {name: count_fp(count) for name, count in counts.items() if count is not None}
        | _averages(amended)
        | {"ts_ms": milliseconds(amended.at)}
    )


def canceled_json(canceled: Canceled) -> JsonObject:
    """`CancelOrderV2Response`."""
    return _named(canceled.order_id, canceled.client_order_id) | {
        "reduced_by": count_fp(canceled.reduced_by),
        "ts_ms": milliseconds(canceled.at),
    }


def decreased_json(decreased: Decreased) -> JsonObject:
    """`DecreaseOrderV2Response`."""
    return _named(decreased.order_id, decreased.client_order_id) | {
        "remaining_count": count_fp(decreased.remaining_count),
        "ts_ms": milliseconds(decreased.at),
    }


def api_key_json(account: Account) -> JsonObject:
    """An `ApiKey`."""
    return {"api_key_id": account.key_id, "name": account.name, "scopes": list(account.scopes)}


def whole_cents(amount: Decimal) -> int:
    """Dollars as cents, the rest cut off."""
    return int((amount * 100).to_integral_value(ROUND_FLOOR))


def _named(order_id: str, client_order_id: str) -> JsonObject:
    return {"order_id": order_id} | ({"client_order_id": client_order_id} if client_order_id else {})


def _averages(answer: Placed | Amended) -> JsonObject:
    averages = {
        "average_fill_price": answer.average_fill_price,
        "average_fee_paid": answer.average_fee_paid,
    }
    return {name: dollars(value) for name, value in averages.items() if value is not None}
