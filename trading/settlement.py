"""Pays out positions at the exchange's final result, and nowhere earlier: `determined` can still change.

A result that changes after it was final is booked as a revision: what was paid is taken back, then paid anew.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import F, Q
from pydantic import BaseModel, ConfigDict

from markets.domain.types import MarketStatus
from markets.models import MarketRow
from markets.services import refresh_unsettled
from milkbot.core.config import TradingMode
from milkbot.core.errors import OutsideError
from milkbot.core.money import ZERO
from milkbot.logger import logger
from trading.domain import pnl
from trading.domain.order_states import OrderEvent
from trading.domain.settling import OVERDUE_AFTER, FinalResult, Settlement, revised
from trading.domain.types import OrderState, RiskEvent, Severity
from trading.models import OrderRow, PositionRow, ReconciliationRow, SettlementRow
from trading.oms.account import Account
from trading.repositories.books import PositionRepository
from trading.repositories.orders import OrderRepository, StaleOrder, read_orders
from trading.repositories.risk_events import record_risk_event
from trading.repositories.settlements import SettlementRepository, is_by_hand, usable_result
from trading.settlement_checks import check_account, check_readings

ENDED: Final = (OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED)
REVIEWED_FOR: Final = timedelta(days=14)
"""How long a final result is followed: the exchange's own backstop is a week after the day."""


class SettlementReport(BaseModel):
    """What one round booked. `pnl` is dollars before fees."""

    model_config = ConfigDict(frozen=True)

    settled: int = 0
    pnl: Decimal = ZERO
    orders_closed: int = 0
    refused: int = 0
    revised: int = 0
    """Markets whose result had changed after we booked it."""
    waiting: int = 0
    """Final markets of which the account's fills have not been read to the close yet."""
    mismatches: int = 0
    """Days of which our own reading is told, in this round, to differ from the exchange's."""
    drift: int = 0
    """Figures that differ from the exchange's own settlement rows."""
    fault: str | None = None
    """Why the exchange could not be asked; what it had said before is booked all the same."""


class Outcome(NamedTuple):
    """What became of one final market: its P&L, or None with the field of the report that counts why not."""

    market_ticker: str
    counted_as: str
    pnl: Decimal = ZERO


def settlement_round(mode: TradingMode, now: datetime, *, account: Account | None = None) -> SettlementReport:
    """Ask the exchange about markets past their close, book what is final, and hold it against other words for it.

    What is known to be final is booked even when the exchange cannot be asked; the report then names the fault. With
    an `account` our settlements are compared with the exchange's.
    """
    followed = SettlementRepository(mode).tickers_since(now - REVIEWED_FOR)
    try:
        finalized, fault = refresh_unsettled(now, settled=followed), None
    except OutsideError as error:
        finalized, fault = (), str(error)
        logger.warning("closed markets could not be followed", extra={"fault": fault})
    booked = settle_finalized(mode, now)
    report = booked.model_copy(
        update={
            "fault": fault,
            "mismatches": check_readings(mode, now),
            "drift": len(check_account(mode, account, now - REVIEWED_FOR, now)) if account else 0,
        }
    )
    _tell_overdue(mode, now)
    if finalized or report != SettlementReport(fault=fault):
        logger.info("settlement round", extra={"finalized": len(finalized), **report.model_dump(mode="json")})
    return report


def settle_finalized(mode: TradingMode, now: datetime) -> SettlementReport:
    """Book every open position whose market is final, revise results that changed, then close the orders. Idempotent."""
    counts = dict.fromkeys(("settled", "revised", "refused", "waiting"), 0)
    total = ZERO
    for outcome in outcomes(mode, now):
        counts[outcome.counted_as] += 1
        total += outcome.pnl
    closed = close_orders(mode, now, Q(market__status=MarketStatus.FINALIZED))
    return SettlementReport(pnl=total, orders_closed=closed, **counts)


def outcomes(mode: TradingMode, now: datetime) -> Iterator[Outcome]:
    """Book one final market at a time; each is committed before it is told.

    Each market is its own transaction: one that cannot be booked never holds up the others, and a process that dies
    in between leaves whole books and a rest that the next round takes up.
    """
    for market_id in _to_book(mode):
        outcome = _book_market(market_id, mode, now)
        if outcome is not None:
            yield outcome


def _to_book(mode: TradingMode) -> list[int]:
    """Final markets with an open position or a booking of another result, in the order they became final."""
    final = MarketRow.objects.filter(status=MarketStatus.FINALIZED)
    held = PositionRow.objects.filter(mode=mode, is_open=True).values("market_id")
    stale = SettlementRow.objects.filter(mode=mode).exclude(result=F("market__result")).values("market_id")
    wanted = final.filter(pk__in=held) | final.filter(pk__in=stale)
    return list(wanted.order_by("settled_at", "pk").values_list("pk", flat=True))


@transaction.atomic
def _book_market(market_id: int, mode: TradingMode, now: datetime) -> Outcome | None:
    """Bring the books of one market to its final result; None when they stand so already."""
    market = hold_market(market_id)
    if market.status != MarketStatus.FINALIZED:
        return None
    final = usable_result(market)
    if final is None:
        return _refuse(market, mode, now)
    if not fills_are_complete(mode, market):
        return Outcome(market.ticker, "waiting")
    return book(market, final, mode, now)


def hold_market(market_id: int) -> MarketRow:
    """The market, held until the transaction ends: the exchange's next word on it waits until this one is booked."""
    return MarketRow.objects.select_for_update(no_key=True).get(pk=market_id)


def book(market: MarketRow, final: FinalResult, mode: TradingMode, now: datetime) -> Outcome | None:
    """Bring our books of a market, which the caller holds, to `final`; None when they stand so already."""
    gained = [_revise(market, final, mode, now), _settle(market, final, mode, now)]
    if gained == [None, None]:
        return None
    counted_as = "settled" if gained[0] is None else "revised"
    return Outcome(market.ticker, counted_as, sum((gain or ZERO for gain in gained), ZERO))


def fills_are_complete(mode: TradingMode, market: MarketRow) -> bool:
    """Whether every fill of the market is in our books: a fill learnt after the payout would never be paid with it."""
    if mode is TradingMode.SHADOW:
        return True
    read = ReconciliationRow.objects.filter(mode=mode, complete_until__gte=market.close_at)
    return read.exists()


def _settle(market: MarketRow, final: FinalResult, mode: TradingMode, now: datetime) -> Decimal | None:
    """P&L of the open position, booked; None when there is none."""
    positions = PositionRepository(mode)
    position = positions.lock(market.ticker, market.pk, now)
    if not position.is_open:
        return None
    paid = pnl.pay_out(position, final.payout(position.count), final.settled_at)
    settlement = Settlement(
        result=final.result,
        expiration_value=final.expiration_value,
        count=position.count,
        cost=position.cost,
        payout=paid.payout,
        settled_at=final.settled_at,
    )
    SettlementRepository(mode).book([settlement], market.pk, now)
    positions.save(paid.position, market.pk, now)
    logger.info("settled", extra={"market": market.ticker, "result": final.result, "pnl": str(paid.pnl)})
    return paid.pnl


def _revise(market: MarketRow, final: FinalResult, mode: TradingMode, now: datetime) -> Decimal | None:
    """The change of P&L by a result that is not the one we booked; None when it is."""
    positions, settlements = PositionRepository(mode), SettlementRepository(mode)
    position = positions.lock(market.ticker, market.pk, now)
    before = settlements.of_market(market.pk)
    changes = revised(before, final)
    if not changes:
        return None
    settlements.book(changes, market.pk, now)
    change = sum((each.pnl for each in changes), ZERO)
    booked = {"realized_pnl": position.realized_pnl + change, "settled_at": final.settled_at}
    positions.save(position.model_copy(update=booked), market.pk, now)
    _tell(
        market,
        mode,
        now,
        "SETTLEMENT_REVISED",
        f"was {before[-1].result}, is {final.result} now: {change:+f} dollars",
    )
    return change


def close_orders(mode: TradingMode, now: datetime, settled: Q) -> int:
    """Close the orders that have ended in markets that are `settled`; how many."""
    rows = OrderRow.objects.filter(settled, mode=mode, state__in=[state.value for state in ENDED])
    closed = 0
    for order in tuple(read_orders(rows)):
        try:
            OrderRepository(mode).transition(order, OrderEvent.SETTLE, at=now)
        except StaleOrder:
            continue  # A late fill was booked on it meanwhile; the next round sees it as it is.
        closed += 1
    return closed


def _refuse(market: MarketRow, mode: TradingMode, now: datetime) -> Outcome | None:
    """Have a person book it; None when one has."""
    is_open = PositionRow.objects.filter(mode=mode, market=market, is_open=True).exists()
    if not is_open and is_by_hand(SettlementRepository(mode).of_market(market.pk)):
        return None
    words = f"final with result {market.result or 'empty'!r}: book it with manage.py settle_by_hand"
    _tell(market, mode, now, "SETTLEMENT_RESULT_UNUSABLE", words, once=True)
    return Outcome(market.ticker, "refused")


def _tell_overdue(mode: TradingMode, now: datetime) -> None:
    """Positions that should have been paid out long ago: none is ever forgotten in silence."""
    overdue = PositionRow.objects.filter(mode=mode, is_open=True, market__close_at__lt=now - OVERDUE_AFTER)
    for row in overdue.select_related("market").order_by("market__close_at", "pk"):
        words = (
            f"closed {row.market.close_at:%d %b %H:%MZ}, is {row.market.status}, and was never paid out here: "
            "once you know what it paid, book it with manage.py settle_by_hand"
        )
        _tell(row.market, mode, now, "SETTLEMENT_OVERDUE", words, once=True)


def _tell(
    market: MarketRow, mode: TradingMode, now: datetime, event_type: str, message: str, *, once: bool = False
) -> None:
    record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.CRITICAL,
            event_type=event_type,
            mode=mode,
            city_code=market.city_code,
            market_ticker=market.ticker,
            message=message,
        ),
        at_most_one_per_market=once,
    )
