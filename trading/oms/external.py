"""Keeps in sight what people do on our account: counted as exposure, told once, never touched.

That are their orders, and what they hold in markets we do not follow: of their fills only the cash is in our books.

One of ours that a person made larger or dearer is counted as it was sent. Nothing is traded beside it: it is taken out of
the book like all that rests while the account is unsure.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from markets.domain.account_types import ExchangeOrder
from markets.repositories import MarketRepository
from milkbot.core.config import TradingMode
from milkbot.core.money import ZERO
from milkbot.logger import logger
from trading.domain.pnl import apply_fill
from trading.domain.reconciliation import AccountReading
from trading.domain.types import BookSide, Fill, Order, Position, RiskEvent, Severity
from trading.models import PositionRow
from trading.repositories.books import LedgerRepository
from trading.repositories.external import ExternalOrderRepository, ExternalPositionRepository, cost_of
from trading.repositories.orders import OrderRepository
from trading.repositories.risk_events import record_risk_event

LONGEST_TICKER: Final = 48
"""Of a risk event: the markets of others may have longer ones."""


class Seen(NamedTuple):
    """How many external orders may still fill, and in words what of our own may fill and is not counted as exposure."""

    resting: int
    uncounted: tuple[str, ...]


def track_external(mode: TradingMode, reading: AccountReading, now: datetime) -> Seen:
    """Bring what is external up to the reading, once its fills are booked."""
    _track_positions(mode, reading, now)
    shown = {order.order_id: order for order in reading.orders}
    resting = {name: order for name, order in shown.items() if order.may_still_fill}
    ours = OrderRepository(mode).by_exchange_names(
        {name: order.client_order_id for name, order in resting.items()}
    )
    theirs = {name: order for name, order in resting.items() if name not in ours}
    repository = ExternalOrderRepository(mode)
    repository.end((name for name in shown if name not in theirs), now)  # over, or ours after all
    for name in repository.see(theirs.values(), now):
        order = theirs[name]
        words = f"{order.remaining_count} contracts rest that somebody placed by hand"
        _tell(mode, "EXTERNAL_ORDER", order.ticker, words, now, order_id=name)
    if reading.complete_until is not None:
        repository.end_unseen(reading.complete_until, now)
    changed = (
        f"order {name} of ours asks for more than was sent"
        for name in ours
        if _asks_more(shown[name], ours[name])
    )
    return Seen(len(theirs), tuple(changed))


def _track_positions(mode: TradingMode, reading: AccountReading, now: datetime) -> None:
    """What is held in a market whose fills are not in our books; it ends when they are, or when it is held no more."""
    if reading.positions is None:
        return
    repository = ExternalPositionRepository(mode)
    theirs = {position.ticker: position for position in reading.positions}
    tickers = theirs.keys() | repository.open().keys()
    followed = MarketRepository().ids(tickers)
    rows = PositionRow.objects.filter(mode=mode, market__ticker__in=followed)
    ours = dict(rows.values_list("market__ticker", "count"))
    booked = {name for name in followed if name in theirs and ours.get(name, ZERO) == theirs[name].count}
    repository.end(booked, now)
    for name, one in theirs.items():
        if name not in followed and repository.hold(name, one.count, cost_of(one), now, since=now):
            _tell_position(mode, name, one.count, now)
    repository.end_unseen(now)


def book_elsewhere(mode: TradingMode, fills: Sequence[Fill], now: datetime) -> None:
    """Fills by hand in markets we do not follow: their cash is external, once each, and what they hold is kept in sight."""
    ledger, repository = LedgerRepository(mode), ExternalPositionRepository(mode)
    booked = ledger.external_by_note(_note(fill) for fill in fills)
    held = repository.open()
    for fill in fills:
        if _note(fill) in booked:
            continue
        ticker = fill.market_ticker
        booking = apply_fill(held.get(ticker) or Position(mode=mode, market_ticker=ticker), fill)
        held[ticker], after = booking.position, booking.position
        ledger.book_external(booking.cash - fill.fee, fill.filled_at, note=_note(fill))
        if repository.hold(ticker, after.count, after.at_risk, now, since=fill.filled_at):
            _tell_position(mode, ticker, after.count, now)


def take_back_external(mode: TradingMode, fills: Sequence[Fill]) -> None:
    """What was booked as external of fills that are now in our books: their market is followed since."""
    ledger = LedgerRepository(mode)
    booked = ledger.external_by_note(_note(fill) for fill in fills)
    for fill in fills:
        if _note(fill) in booked:
            ledger.book_external(-booked[_note(fill)], fill.filled_at, note=f"taken back: {_note(fill)}")


def _note(fill: Fill) -> str:
    return f"fill {fill.fill_id} by hand in {fill.market_ticker}, which is not followed"


def _asks_more(listed: ExchangeOrder, sent: Order) -> bool:
    """Whether it may buy more contracts than were ordered, or at a worse price."""
    dearer = listed.yes_price - sent.limit_price
    if sent.book_side is BookSide.ASK:
        dearer = -dearer
    return dearer > 0 or listed.filled_count + listed.remaining_count > sent.count


def _tell_position(mode: TradingMode, ticker: str, count: Decimal, now: datetime) -> None:
    words = f"{count.normalize():f} contracts are held by hand in a market that is not followed"
    _tell(mode, "EXTERNAL_POSITION", ticker, words, now)


def _tell(mode: TradingMode, event_type: str, ticker: str, words: str, now: datetime, **names: str) -> None:
    logger.warning(words, extra={"market": ticker, **names})
    record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.WARNING,
            event_type=event_type,
            mode=mode,
            market_ticker=ticker[:LONGEST_TICKER],
            message=f"{words}: counted, never touched",
            payload=names,
        )
    )
