"""Fills that arrive from the exchange: which are new, whose they are, and into the books with them.

A fill that cannot be placed for certain waits, named in words, and is read again in the next run: nothing is guessed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final, NamedTuple

from pydantic import ValidationError

from markets.domain.account_types import ExchangeFill
from markets.domain.tickers import parse_event_ticker, series_of
from markets.repositories import MarketRepository
from milkbot.core.cities import city_of_series
from milkbot.core.config import TradingMode
from milkbot.core.errors import BadMarketData, OutsideError
from milkbot.core.money import ZERO
from milkbot.logger import logger
from trading.domain.reconciliation import AccountReading
from trading.domain.types import Fill, Order, RiskEvent, Severity
from trading.oms.account import OVERLAP, Account
from trading.oms.booking import book_fills
from trading.oms.external import book_elsewhere, take_back_external
from trading.repositories.books import FillRepository, LedgerRepository
from trading.repositories.external import ExternalPositionRepository
from trading.repositories.orders import OrderRepository
from trading.repositories.risk_events import record_risk_event

BATCH: Final = 2_000
"""Fills booked by one round of statements: bounds what a long absence holds in memory beside the reading itself."""


class Owners(NamedTuple):
    """Whose each fill is, by the exchange's name of its order; None is nobody of ours.

    A name that cannot be settled is missing, and `waiting` says why.
    """

    by_name: Mapping[str, Order | None]
    waiting: tuple[str, ...]


class Arrived(NamedTuple):
    """What became of new fills. `waiting` names those that could not be booked yet, in words."""

    booked: int
    external: int
    waiting: tuple[str, ...]


def find_new(mode: TradingMode, reading: AccountReading) -> list[ExchangeFill]:
    """Fills not in our books yet, oldest first; of an account not opened here yet, only those of what it still holds."""
    fills = list(reading.fills)
    if LedgerRepository(mode).opened_at() is None:
        held = {position.ticker for position in reading.positions or () if position.count}
        fills = [fill for fill in fills if fill.ticker in held]
    known = FillRepository(mode).known(fill.fill_id for fill in fills)
    new = (fill for fill in fills if fill.fill_id not in known)
    return sorted(new, key=lambda fill: (fill.filled_at, fill.fill_id))


def find_owners(
    mode: TradingMode, account: Account, fills: Sequence[ExchangeFill], reading: AccountReading, now: datetime
) -> Owners:
    """The orders behind `fills` in stored markets; one that no list names is asked for by itself, once.

    None of ours was ever sent to another market.
    """
    orders = OrderRepository(mode)
    stored = MarketRepository().ids(fill.ticker for fill in fills)
    fills = [fill for fill in fills if fill.ticker in stored]
    client_ids = {order.order_id: order.client_order_id for order in reading.orders}
    names = {fill.order_id: client_ids.get(fill.order_id, "") for fill in fills}
    owners: dict[str, Order | None] = {**orders.by_exchange_names(names)}
    unnamed = {fill.order_id: fill for fill in fills if fill.order_id not in owners}
    unanswered = orders.markets_unanswered(since=now - OVERLAP) if unnamed else frozenset[str]()
    waiting: list[str] = []
    for name, fill in unnamed.items():
        if names[name]:
            owners[name] = None
            continue
        try:
            listed = account.find_order(name, fill.ticker)
        except OutsideError as error:
            waiting.append(f"fill {fill.fill_id}: its order cannot be read ({error})")
            continue
        if listed is not None:
            owners[name] = orders.by_exchange_names({name: listed.client_order_id}).get(name)
        elif fill.ticker in unanswered:
            waiting.append(f"fill {fill.fill_id} may belong to an order whose answer was lost")
        else:
            owners[name] = None
    return Owners(owners, tuple(waiting))


def book_arrivals(
    mode: TradingMode,
    fills: Sequence[ExchangeFill],
    owners: Mapping[str, Order | None],
    now: datetime,
    cities: Collection[str] | None = None,
) -> Arrived:
    """Book what can be placed, in batches. Needs a transaction around it.

    A fill whose market has not been read waits only if that is one of `cities`, any when None, and until what it bought
    is seen held. Others are booked by their cash alone.

    Trades of others from before the account was opened here are in its opening balance and never booked, save those of
    what was held where we did not follow.
    """
    opened_at = LedgerRepository(mode).opened_at()
    elsewhere = ExternalPositionRepository(mode).open()
    fills = [
        fill
        for fill in fills
        if opened_at is None
        or fill.filled_at > opened_at
        or owners.get(fill.order_id) is not None
        or fill.ticker in elsewhere
    ]
    market_ids = MarketRepository().ids(fill.ticker for fill in fills)
    unread = [fill for fill in fills if fill.ticker not in market_ids]
    soon = [f for f in unread if f.ticker not in elsewhere and _will_be_read(f.ticker, cities, now)]
    waiting = [f"fill {fill.fill_id}: its market {fill.ticker} has not been read yet" for fill in soon]
    by_others = {fill.order_id: None for fill in unread}
    never_read = [fill for fill in unread if fill not in soon]
    book_elsewhere(mode, list(_placed(mode, never_read, by_others, waiting)), now)
    stored = [fill for fill in fills if fill.ticker in market_ids]
    placed = _placed(mode, stored, owners, waiting)
    booked = 0
    by_hand: dict[tuple[str, str], Decimal] = {}
    external = 0
    while batch := list(islice(placed, BATCH)):
        new = book_fills(mode, batch, market_ids, now).fills
        booked += len(new)
        take_back_external(mode, new)
        for fill in new:
            if fill.client_order_id is None:
                external += 1
                key = (fill.kalshi_order_id or "", fill.market_ticker)
                by_hand[key] = by_hand.get(key, ZERO) + fill.count
    for (order_id, ticker), count in by_hand.items():
        _tell_external(mode, order_id, ticker, count, now)
    return Arrived(booked, external, tuple(waiting))


def _placed(
    mode: TradingMode,
    fills: Iterable[ExchangeFill],
    owners: Mapping[str, Order | None],
    waiting: list[str],
) -> Iterable[Fill]:
    """Fills whose owner and fee are known, as our own; the others are named in `waiting`."""
    for theirs in fills:
        if theirs.order_id in owners:
            try:
                yield _own(theirs, mode, owners[theirs.order_id])
            except ValueError as error:
                waiting.append(f"fill {theirs.fill_id}: {error}")


def _will_be_read(ticker: str, cities: Collection[str] | None, now: datetime) -> bool:
    """Whether it is a market of ours that has not been read: another series, and a day that is over, never will be."""
    city = city_of_series(series_of(ticker))
    if city is None or (cities is not None and city.code not in cities):
        return False
    try:
        _, day = parse_event_ticker(ticker.rpartition("-")[0])
    except BadMarketData:
        return False
    return now.date() <= day + timedelta(days=1)


def _own(theirs: ExchangeFill, mode: TradingMode, owner: Order | None) -> Fill:
    """Raises ValueError, in a few words, for a fill that cannot be what it says."""
    if theirs.fee is None:
        raise ValueError("it states no fee")
    if owner is not None and (owner.market_ticker, owner.book_side) != (theirs.ticker, theirs.book_side):
        raise ValueError(f"a {theirs.book_side} in {theirs.ticker} cannot be of {owner.intent_key}")
    try:
        return Fill(
            fill_id=theirs.fill_id,
            mode=mode,
            market_ticker=theirs.ticker,
            client_order_id=owner.client_order_id if owner else None,
            kalshi_order_id=theirs.order_id,
            book_side=theirs.book_side,
            count=theirs.count,
            yes_price=theirs.yes_price,
            fee=theirs.fee,
            is_taker=theirs.is_taker,
            filled_at=theirs.filled_at,
        )
    except ValidationError as error:
        raise ValueError(f"{error.error_count()} of its figures are out of range") from error


def _tell_external(mode: TradingMode, order_id: str, ticker: str, count: Decimal, now: datetime) -> None:
    logger.warning(
        "fill of an order that is not ours",
        extra={"order_id": order_id, "market": ticker, "count": str(count)},
    )
    record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.WARNING,
            event_type="EXTERNAL_FILL",
            mode=mode,
            market_ticker=ticker,
            message=f"{count} contracts of an order placed by hand: counted, never touched",
            payload={"order_id": order_id},
        )
    )
