"""From the exchange's JSON to account types. Pure. A row that cannot be read raises Malformed and names the field."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.fields import Fields
from markets.clients.kalshi.rows import name_of, order_id_of, valid
from markets.domain.account_types import (
    AccountLimits,
    Bucket,
    EndpointCost,
    EndpointCosts,
    ExchangeBalance,
    ExchangeFill,
    ExchangeOrder,
    ExchangePosition,
    ExchangeSettlement,
    MarketResult,
    OrderStatus,
    QueuePosition,
    ShardBalance,
)
from markets.domain.sides import BookSide
from milkbot.core.errors import Malformed
from milkbot.core.money import CENT

_ID_LENGTH: Final = 80
_TICKER_LENGTH: Final = 200
_SCOPE_LENGTH: Final = 60
_BY_OUTCOME: Final = {"yes": BookSide.BID, "no": BookSide.ASK}

Known = TypeVar("Known", bound=StrEnum)


def parse_order(raw: object) -> ExchangeOrder:
    """A row of `GET /portfolio/orders`, or the `order` of a single one. A status we do not know counts as open."""
    fields = Fields(raw, f"order {name_of(raw, 'order_id')}")
    return valid(
        lambda: ExchangeOrder(
            order_id=order_id_of(fields),
            client_order_id=fields.text_or_empty("client_order_id", max_length=_ID_LENGTH),
            ticker=fields.text("ticker", max_length=_TICKER_LENGTH),
            book_side=_book_side(fields),
            status=_known(OrderStatus, fields.text("status"), OrderStatus.UNRECOGNIZED),
            yes_price=fields.number("yes_price_dollars"),
            initial_count=fields.number("initial_count_fp"),
            filled_count=fields.number("fill_count_fp"),
            remaining_count=fields.number("remaining_count_fp"),
            taker_fees=fields.number_or_none("taker_fees_dollars"),
            maker_fees=fields.number_or_none("maker_fees_dollars"),
            taker_fill_cost=fields.number_or_none("taker_fill_cost_dollars"),
            maker_fill_cost=fields.number_or_none("maker_fill_cost_dollars"),
            created_at=fields.instant_or_none("created_time"),
            updated_at=fields.instant_or_none("last_update_time"),
            expires_at=fields.instant_or_none("expiration_time"),
            last_update_reason=fields.text_or_empty("last_update_reason", max_length=100),
            exchange_index=fields.shard("exchange_index"),
        ),
        fields.where,
    )


def parse_fill(raw: object) -> ExchangeFill:
    """A row of `GET /portfolio/fills`."""
    fields = Fields(raw, f"fill {name_of(raw, 'fill_id')}")
    return valid(
        lambda: ExchangeFill(
            fill_id=fields.text_of_either("fill_id", "trade_id", max_length=_ID_LENGTH),
            order_id=fields.text("order_id", max_length=_ID_LENGTH),
            ticker=fields.text_of_either("ticker", "market_ticker", max_length=_TICKER_LENGTH),
            book_side=_book_side(fields),
            count=fields.number("count_fp"),
            yes_price=fields.number("yes_price_dollars"),
            is_taker=fields.flag("is_taker"),
            fee=fields.number_or_none("fee_cost"),
            filled_at=_filled_at(fields),
            exchange_index=fields.shard("exchange_index"),
        ),
        fields.where,
    )


def parse_position(raw: object) -> ExchangePosition:
    """A row of `market_positions` of `GET /portfolio/positions`."""
    fields = Fields(raw, f"position {name_of(raw, 'ticker')}")
    return valid(
        lambda: ExchangePosition(
            ticker=fields.text("ticker", max_length=_TICKER_LENGTH),
            count=fields.number("position_fp"),
            exposure=fields.number("market_exposure_dollars"),
            total_traded=fields.number("total_traded_dollars"),
            realized_pnl=fields.number("realized_pnl_dollars"),
            fees=fields.number("fees_paid_dollars"),
            updated_at=fields.instant_or_none("last_updated_ts"),
            exchange_index=fields.shard("exchange_index"),
        ),
        fields.where,
    )


def parse_settlement(raw: object) -> ExchangeSettlement:
    """A row of `GET /portfolio/settlements`. `revenue` and `value` are whole cents on the wire."""
    fields = Fields(raw, f"settlement {name_of(raw, 'ticker')}")
    value = fields.number_or_none("value")
    return valid(
        lambda: ExchangeSettlement(
            ticker=fields.text("ticker", max_length=_TICKER_LENGTH),
            event_ticker=fields.text("event_ticker", max_length=_TICKER_LENGTH),
            result=_known(MarketResult, fields.text("market_result"), MarketResult.UNRECOGNIZED),
            yes_count=fields.number("yes_count_fp"),
            no_count=fields.number("no_count_fp"),
            yes_cost=fields.number("yes_total_cost_dollars"),
            no_cost=fields.number("no_total_cost_dollars"),
            revenue=fields.number("revenue") * CENT,
            yes_value=None if value is None else value * CENT,
            fee=fields.number_or_none("fee_cost"),
            settled_at=fields.instant("settled_time"),
            exchange_index=fields.shard("exchange_index"),
        ),
        fields.where,
    )


def parse_balance(payload: dict[str, Any]) -> ExchangeBalance:
    """`GET /portfolio/balance`. The integer cents of `balance` are truncated; `balance_dollars` is exact."""
    fields = Fields(payload, "balance")
    shards = [] if fields.is_absent("balance_breakdown") else fields.items("balance_breakdown")
    return ExchangeBalance(
        available=fields.number("balance_dollars"),
        portfolio_value=fields.number("portfolio_value") * CENT,
        updated_at=fields.unix_instant("updated_ts"),
        by_shard=tuple(_shard_balance(Fields(shard, "balance.balance_breakdown")) for shard in shards),
    )


def parse_queue_position(raw: object) -> QueuePosition:
    """A row of `GET /portfolio/orders/queue_positions`."""
    fields = Fields(raw, f"queue position of {name_of(raw, 'order_id')}")
    return valid(
        lambda: QueuePosition(
            order_id=fields.text("order_id", max_length=_ID_LENGTH),
            ticker=fields.text("market_ticker", max_length=_TICKER_LENGTH),
            contracts_ahead=fields.number("queue_position_fp"),
        ),
        fields.where,
    )


def parse_limits(payload: dict[str, Any]) -> AccountLimits:
    """`GET /account/limits`."""
    fields = Fields(payload, "account limits")
    return AccountLimits(
        usage_tier=fields.text("usage_tier", max_length=40),
        read=_bucket(fields.nested("read")),
        write=_bucket(fields.nested("write")),
    )


def parse_endpoint_costs(payload: dict[str, Any]) -> EndpointCosts:
    """`GET /account/endpoint_costs`."""
    fields = Fields(payload, "endpoint costs")
    return valid(
        lambda: EndpointCosts(
            default_cost=fields.whole("default_cost"),
            exceptions=tuple(
                _endpoint_cost(Fields(raw, "endpoint cost")) for raw in fields.items("endpoint_costs")
            ),
        ),
        fields.where,
    )


def parse_scopes(payload: dict[str, Any], key_id: str) -> tuple[str, ...] | None:
    """The scopes of one key in `GET /api_keys`; None when it is not listed."""
    for raw in Fields(payload, "API keys").items("api_keys"):
        fields = Fields(raw, "API key")
        if fields.text("api_key_id", max_length=_ID_LENGTH) == key_id:
            return tuple(str(scope)[:_SCOPE_LENGTH] for scope in fields.items("scopes"))
    return None


def _bucket(fields: Fields) -> Bucket:
    return valid(
        lambda: Bucket(refill_per_s=fields.number("refill_rate"), capacity=fields.number("bucket_capacity")),
        fields.where,
    )


def _endpoint_cost(fields: Fields) -> EndpointCost:
    return EndpointCost(
        method=fields.text("method", max_length=10),
        path=fields.text("path", max_length=200),
        cost=fields.whole("cost"),
    )


def _shard_balance(fields: Fields) -> ShardBalance:
    return ShardBalance(exchange_index=fields.shard("exchange_index"), balance=fields.number("balance"))


def _book_side(fields: Fields) -> BookSide:
    """`book_side`, else `outcome_side`; two that contradict each other are refused.

    `action` and `side` are no help: the exchange writes an ask as sell/yes on orders and as sell/no on fills.
    """
    book = _known_or_none(BookSide, fields.text_or_empty("book_side"))
    outcome = _BY_OUTCOME.get(fields.text_or_empty("outcome_side"))
    if book is not None and outcome is not None and book is not outcome:
        raise Malformed(SOURCE, f"{fields.where}: book_side and outcome_side contradict each other")
    side = book or outcome
    if side is None:
        raise Malformed(SOURCE, f"{fields.where} names no side we know")
    return side


def _filled_at(fields: Fields) -> datetime:
    return fields.unix_instant("ts") if fields.is_absent("created_time") else fields.instant("created_time")


def _known(kind: type[Known], word: str, otherwise: Known) -> Known:
    return _known_or_none(kind, word) or otherwise


def _known_or_none(kind: type[Known], word: str) -> Known | None:
    return next((member for member in kind if member.value == word), None)
