"""The feed's messages as the AsyncAPI document of version 2.0.0 has them. Outdated fields that it requires are sent too."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from sandbox.exchange.types import Fill, LifecycleChanged, Order, Position
from sandbox.feeds import Level, Quote, Trade
from sandbox.kalshi.account_records import FILL_WORDS, SHARD, order_json, outcome_side, user_id
from sandbox.kalshi.listing import PRICE_RANGES, Listing, event_json
from sandbox.kalshi.wire import (
    JsonObject,
    ask_dollars,
    bid_dollars,
    count_fp,
    dollars,
    milliseconds,
    money,
    timestamp,
)

MARKETS: Final = UUID("8c0f9d7e-0a55-4d0b-9d7e-3f1c9be2a6b4")
ORDER_FIELDS: Final = (
    *("order_id", "user_id", "client_order_id", "ticker", "status", "side", "outcome_side", "book_side"),
    *("yes_price_dollars", "fill_count_fp", "remaining_count_fp", "initial_count_fp"),
    *("taker_fill_cost_dollars", "maker_fill_cost_dollars", "taker_fees_dollars", "maker_fees_dollars"),
    *("order_group_id", "self_trade_prevention_type", "created_time", "last_update_time", "expiration_time"),
    *("subaccount_number", "exchange_index", "last_update_reason"),
)
METADATA_FIELDS: Final = (
    *("title", "yes_sub_title", "no_sub_title", "rules_primary", "rules_secondary", "can_close_early"),
    *("event_ticker", "strike_type", "floor_strike", "cap_strike"),
)

Levels = dict[Decimal, Decimal]


def market_id(ticker: str) -> str:
    """The UUID that stands for a market."""
    return str(uuid5(MARKETS, ticker))


def snapshot_msg(ticker: str, yes: Levels, no: Levels) -> JsonObject:
    """`orderbook_snapshot`: the key of an empty side is absent."""
    sides = {"yes_dollars_fp": yes, "no_dollars_fp": no}
    return _market(ticker) | {
        name: [[dollars(price), count_fp(levels[price])] for price in sorted(levels)]
        for name, levels in sides.items()
        if levels
    }


def delta_msg(ticker: str, side: str, price: Decimal, delta: Decimal, at: datetime) -> JsonObject:
    """`orderbook_delta`: contracts more or fewer at one price of one side's bids."""
    return _market(ticker) | {
        "price_dollars": dollars(price),
        "delta_fp": count_fp(delta),
        "side": side,
        "ts": timestamp(at),
        "ts_ms": milliseconds(at),
    }


def ticker_msg(
    ticker: str, quote: Quote | None, best_yes: Level | None, best_no: Level | None, last_size: Decimal
) -> JsonObject:
    """`ticker` without its times, so that two of them can be compared."""
    volume = (quote and quote.volume) or Decimal(0)
    open_interest = (quote and quote.open_interest) or Decimal(0)
    return _market(ticker) | {
        "price_dollars": bid_dollars(quote.last if quote else None),
        "yes_bid_dollars": bid_dollars(best_yes.price if best_yes else None),
        "yes_ask_dollars": ask_dollars(1 - best_no.price if best_no else None),
        "yes_bid_size_fp": count_fp(best_yes.count if best_yes else None),
        "yes_ask_size_fp": count_fp(best_no.count if best_no else None),
        "last_trade_size_fp": count_fp(last_size),
        "volume_fp": count_fp(volume),
        "open_interest_fp": count_fp(open_interest),
        # Each contract counts as half a dollar: so do the documented examples.
        "dollar_volume": int(volume / 2),
        "dollar_open_interest": int(open_interest / 2),
    }


def with_times(msg: JsonObject, at: datetime) -> JsonObject:
    """The same with the three spellings of its instant."""
    return msg | {"ts": int(at.timestamp()), "ts_ms": milliseconds(at), "time": timestamp(at)}


def trade_msg(trade: Trade) -> JsonObject:
    """`trade`."""
    return {
        "trade_id": trade.trade_id,
        "market_ticker": trade.ticker,
        "yes_price_dollars": dollars(trade.yes_price),
        "no_price_dollars": dollars(1 - trade.yes_price),
        "count_fp": count_fp(trade.count),
        "taker_side": trade.taker_side,
        "taker_outcome_side": trade.taker_side,
        "taker_book_side": "bid" if trade.taker_side == "yes" else "ask",
        "is_block_trade": False,
        "ts": int(trade.at.timestamp()),
        "ts_ms": milliseconds(trade.at),
    }


def fill_msg(fill: Fill) -> JsonObject:
    """`fill`: unlike the REST row it names the client's order."""
    named = {"client_order_id": fill.client_order_id} if fill.client_order_id else {}
    return named | {
        "trade_id": fill.fill_id,
        "order_id": fill.order_id,
        "market_ticker": fill.ticker,
        "exchange_index": SHARD,
        "is_taker": fill.is_taker,
        **FILL_WORDS[fill.side],
        "purchased_side": outcome_side(fill.side),
        "outcome_side": outcome_side(fill.side),
        "book_side": fill.side,
        "yes_price_dollars": dollars(fill.price),
        "count_fp": count_fp(fill.count),
        "fee_cost": money(fill.fee),
        "post_position_fp": count_fp(fill.position),
        "subaccount": 0,
        "ts": int(fill.at.timestamp()),
        "ts_ms": milliseconds(fill.at),
    }


def order_msg(order: Order) -> JsonObject:
    """`user_order`."""
    record = order_json(order)
    times = {
        "created_ts_ms": milliseconds(order.created_at),
        "last_updated_ts_ms": milliseconds(order.last_update_at),
    }
    if order.expires_at is not None:
        times["expiration_ts_ms"] = milliseconds(order.expires_at)
    return {
        **{name: record[name] for name in ORDER_FIELDS if name in record},
        "is_yes": order.side == "bid",
        **times,
    }


def position_msg(position: Position) -> JsonObject:
    """`market_position`."""
    return {
        "user_id": user_id(position.account),
        "market_ticker": position.ticker,
        "position_fp": count_fp(position.count),
        "position_cost_dollars": money(position.exposure),
        "realized_pnl_dollars": money(position.realized_pnl),
        "fees_paid_dollars": money(position.fees_paid),
        "position_fee_cost_dollars": money(position.fees_paid),
        "volume_fp": count_fp(position.traded_count),
        "subaccount": 0,
    }


def lifecycle_msg(change: LifecycleChanged) -> JsonObject:
    """`market_lifecycle_v2` of a market that was closed early, determined or settled."""
    at = int(change.at.timestamp())
    life = change.life
    details: dict[str, JsonObject] = {
        "close_date_updated": {"close_ts": int(life.closes_at.timestamp())},
        "determined": {
            "result": life.result,
            "settlement_value": "1.0000" if life.result == "yes" else "0.0000",
            "determination_ts": at,
        },
        "settled": {"settled_ts": at},
    }
    return {"event_type": change.event, "market_ticker": life.ticker} | details[change.event]


def event_created_msg(listing: Listing) -> JsonObject:
    """`event_lifecycle`."""
    event = event_json(listing.ladder, None)
    names = ("event_ticker", "exchange_index", "title", "collateral_return_type", "series_ticker")
    return {name: event[name] for name in names} | {"subtitle": event["sub_title"]}


def market_created_msg(record: JsonObject, listing: Listing) -> JsonObject:
    """`market_lifecycle_v2` of a new market; `record` is its REST record."""
    metadata = {name: record[name] for name in METADATA_FIELDS if name in record}
    return {
        "event_type": "created",
        "market_ticker": listing.bracket.ticker,
        "exchange_index": SHARD,
        "open_ts": int(listing.life.opens_at.timestamp()),
        "close_ts": int(listing.life.closes_at.timestamp()),
        "price_level_structure": record["price_level_structure"],
        "price_ranges": PRICE_RANGES,
        "additional_metadata": metadata | {"name": record["title"]},
    }


def _market(ticker: str) -> JsonObject:
    return {"market_ticker": ticker, "market_id": market_id(ticker)}
