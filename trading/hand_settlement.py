"""Books by hand what a settled market paid, where its listing does not say so or the exchange no longer shows it.

It goes through the same books as any settlement, and is taken back by itself should the market turn out yes or no.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q

from markets.domain.account_types import ExchangeSettlement
from markets.domain.types import MarketStatus
from markets.models import MarketRow
from milkbot.core.config import TradingMode
from milkbot.core.errors import MilkbotError
from milkbot.core.money import ONE, ZERO
from milkbot.logger import logger
from trading.domain.settling import OVERDUE_AFTER, FinalResult, Paid, compare_settlements
from trading.models import OperatorActionRow, PositionRow
from trading.oms.account import Account
from trading.repositories.settlements import SettlementRepository, usable_result
from trading.settlement import book, close_orders, fills_are_complete, hold_market


class CannotSettle(MilkbotError):
    """The market is not for a person to settle, or not at that value; nothing was changed."""


class SettledByHand(NamedTuple):
    """What the market came to in our books. `pnl` is what this booking changed it by, before fees; None when they stood so
    already. `is_confirmed`: the exchange's own rows say the same.
    """

    paid: Paid
    pnl: Decimal | None
    orders_closed: int
    is_confirmed: bool


def settle_by_hand(
    mode: TradingMode,
    ticker: str,
    yes_value: Decimal,
    account: Account | None,
    *,
    actor: str,
    user_id: int | None,
    reason: str,
    now: datetime,
) -> SettledByHand:
    """Pay out our position at `yes_value` dollars for one YES contract, and record who did it and why. Idempotent: the
    same value once more changes and records nothing, another one replaces it.

    `account` is None where the mode has none. Raises CannotSettle, ValueError without a reason or for a value beyond a
    dollar.
    """
    if not reason.strip():
        raise ValueError("say why: the reason is kept with the action")
    if not ZERO <= yes_value <= ONE:
        raise ValueError("one YES contract pays from 0 to 1 dollar")
    market_id, theirs = _find(mode, ticker, account)
    with transaction.atomic():
        market = hold_market(market_id)
        _refuse_unless_due(market, mode, now)
        settled_at = market.settled_at or max((row.settled_at for row in theirs), default=now)
        settlements = SettlementRepository(mode)
        before = settlements.paid(ticker)
        booked = book(
            market, FinalResult("scalar", yes_value, settled_at, market.expiration_value), mode, now
        )
        paid = settlements.paid(ticker)
        _refuse_contradiction(ticker, paid, theirs)
        if booked is not None:
            OperatorActionRow.objects.create(
                at=now,
                actor=actor,
                user_id=user_id,
                action="settle_by_hand",
                mode=mode,
                reason=reason,
                before={"market": ticker, "payout": str(before.payout)},
                after={"market": ticker, "payout": str(paid.payout), "yes_value": str(yes_value)},
            )
            logger.warning(
                "settled by hand", extra={"market": ticker, "by": actor, "payout": str(paid.payout)}
            )
    closed = close_orders(mode, now, Q(market_id=market_id))
    return SettledByHand(paid, booked.pnl if booked else None, closed, bool(theirs))


def _find(
    mode: TradingMode, ticker: str, account: Account | None
) -> tuple[int, Sequence[ExchangeSettlement]]:
    """The market and the exchange's own rows of it, asked for before anything is locked."""
    market = MarketRow.objects.filter(ticker=ticker).first()
    if market is None:
        raise CannotSettle(f"no market {ticker} is known here")
    held = PositionRow.objects.filter(mode=mode, market=market, is_open=True).exists()
    if not held and not SettlementRepository(mode).of_market(market.pk):
        raise CannotSettle(f"our books of {mode} hold nothing of {ticker}")
    if account is None:
        return market.pk, ()
    rows = account.settlements(market.close_at)
    if rows is None or not rows.is_complete:
        raise CannotSettle("the exchange's own settlements cannot be read, and may contradict")
    # Fees are held against theirs by every settlement round, and are no question of the value.
    return market.pk, [row.model_copy(update={"fee": None}) for row in rows if row.ticker == ticker]


def _refuse_unless_due(market: MarketRow, mode: TradingMode, now: datetime) -> None:
    if market.status == MarketStatus.FINALIZED:
        if usable_result(market) is not None:
            raise CannotSettle(f"{market.ticker} is final with {market.result}: manage.py settle books it")
    elif now <= market.close_at + OVERDUE_AFTER:
        raise CannotSettle(
            f"{market.ticker} is {market.status}: its result may come by itself until "
            f"{market.close_at + OVERDUE_AFTER:%d %b %H:%MZ}"
        )
    if not fills_are_complete(mode, market):
        raise CannotSettle("fills have not been read to the close: run manage.py reconcile first")


def _refuse_contradiction(ticker: str, paid: Paid, theirs: Sequence[ExchangeSettlement]) -> None:
    differing = compare_settlements({ticker: paid}, theirs) if theirs else ()
    if differing:
        raise CannotSettle(
            "the exchange's own row says otherwise. " + "; ".join(one.words for one in differing)
        )
