"""Pays out positions at the exchange's final result, and nowhere earlier: `determined` can still change."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from pydantic import BaseModel, ConfigDict

from markets.models import MarketRow
from markets.services import refresh_unsettled
from milkbot.core.config import TradingMode
from milkbot.core.errors import OutsideError
from milkbot.core.money import ZERO
from milkbot.logger import logger
from trading.domain import pnl
from trading.domain.order_states import OrderEvent
from trading.domain.types import OrderState, RiskEvent, Severity
from trading.models import LedgerRow, OrderRow, PositionRow, SettlementRow
from trading.repositories.books import PositionRepository
from trading.repositories.orders import OrderRepository, to_order
from trading.repositories.risk_events import record_risk_event

ENDED = (OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED)


class SettlementReport(BaseModel):
    """What one round booked."""

    model_config = ConfigDict(frozen=True)

    settled: int = 0
    pnl: Decimal = ZERO
    orders_closed: int = 0
    refused: int = 0
    fault: str | None = None
    """Why the exchange could not be asked; what it had said before is booked all the same."""


def settlement_round(mode: TradingMode, now: datetime) -> SettlementReport:
    """Ask the exchange about markets past their close, then book what is final.

    What is known to be final is booked even when the exchange cannot be asked; the report then names the fault.
    """
    try:
        finalized, fault = refresh_unsettled(now), None
    except OutsideError as error:
        finalized, fault = (), str(error)
        logger.warning("closed markets could not be followed", extra={"fault": fault})
    report = settle_finalized(mode, now).model_copy(update={"fault": fault})
    if finalized or report.settled:
        logger.info("settlement round", extra={"finalized": len(finalized), **report.model_dump(mode="json")})
    return report


def settle_finalized(mode: TradingMode, now: datetime) -> SettlementReport:
    """Book every open position whose market is final, then close the orders of final markets. Idempotent.

    Each market is its own transaction: one that cannot be booked never holds up the others.
    """
    report = SettlementReport()
    for position in PositionRow.objects.filter(
        mode=mode, is_open=True, market__status="finalized"
    ).select_related("market"):
        booked = _settle_market(position.market, mode, now)
        report = report.model_copy(
            update={
                "settled": report.settled + (booked is not None),
                "pnl": report.pnl + (booked or ZERO),
                "refused": report.refused + (booked is None),
            }
        )
    closed = _close_orders(mode, now)
    return report.model_copy(update={"orders_closed": closed})


@transaction.atomic
def _settle_market(market: MarketRow, mode: TradingMode, now: datetime) -> Decimal | None:
    """P&L of one market's position, booked; None when its result cannot be paid out by us."""
    if market.result not in ("yes", "no") or market.settled_at is None:
        _refuse(market, mode, now)
        return None
    positions = PositionRepository(mode)
    position = positions.lock(market.ticker, market.pk, now)
    if not position.is_open:
        return ZERO
    paid = pnl.settle(position, market.result == "yes", market.settled_at)
    row = SettlementRow.objects.create(
        mode=mode,
        market=market,
        result=market.result,
        expiration_value=market.expiration_value,
        count=position.count,
        cost=position.cost,
        payout=paid.payout,
        pnl=paid.pnl,
        settled_at=market.settled_at,
        booked_at=now,
    )
    LedgerRow.objects.create(
        mode=mode, kind=LedgerRow.Kind.SETTLEMENT, amount=paid.payout, settlement=row, at=market.settled_at
    )
    positions.save(paid.position, market.pk, now)
    logger.info("settled", extra={"market": market.ticker, "result": market.result, "pnl": str(paid.pnl)})
    return paid.pnl


def _close_orders(mode: TradingMode, now: datetime) -> int:
    rows = OrderRow.objects.filter(
        mode=mode, market__status="finalized", state__in=[state.value for state in ENDED]
    )
    ended = [to_order(row) for row in rows.select_related("intent", "market")]
    for order in ended:
        OrderRepository(mode).transition(order, OrderEvent.SETTLE, at=now)
    return len(ended)


def _refuse(market: MarketRow, mode: TradingMode, now: datetime) -> None:
    record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.CRITICAL,
            event_type="SETTLEMENT_RESULT_UNUSABLE",
            mode=mode,
            city_code=market.city_code,
            market_ticker=market.ticker,
            message=f"final with result {market.result or 'empty'!r}: book it by hand",
        ),
        at_most_one_per_market=True,
    )
