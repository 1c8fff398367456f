"""The makers' Chicago event as rows, for tests of what is stored."""

from datetime import timedelta
from decimal import Decimal

from django.db.models import Sum

from markets.models import MarketRow
from milkbot.core.config import TradingMode
from tests.factories import EventFactory, MarketFactory
from tests.trading.makers import BRACKETS, CLOSE, EVENT, NOW, make_fill
from trading.models import LedgerRow, PositionRow, SettlementRow
from trading.repositories.books import FillRepository, LedgerRepository

SHADOW = TradingMode.SHADOW
CAPITAL = Decimal(1000)


def store_markets() -> dict[str, int]:
    """The event's six markets; their ids by ticker."""
    event = EventFactory.create(event_ticker=EVENT, close_at=CLOSE)
    return {
        bracket.ticker: MarketFactory.create(
            event=event,
            ticker=bracket.ticker,
            low_f=bracket.low_f,
            high_f=bracket.high_f,
            label=bracket.label,
        ).pk
        for bracket in BRACKETS
    }


def finalize(ticker: str, result: str) -> None:
    """The exchange's last word on one market."""
    MarketRow.objects.filter(ticker=ticker).update(
        status="finalized", result=result, settled_at=CLOSE + timedelta(hours=7), expiration_value="74.00"
    )


def hold_past_days(days: int, per_day: int) -> int:
    """Positions on several days that are long over and final by now; how many."""
    LedgerRepository(SHADOW).open_account(CAPITAL, NOW)
    number = 0
    for day in range(days):
        event = EventFactory.create(close_at=CLOSE + timedelta(days=day))
        for _ in range(per_day):
            number += 1
            market = MarketFactory.create(
                event=event,
                ticker=f"{event.event_ticker}-{number}",
                status="finalized",
                result="yes" if number % 3 else "no",
                settled_at=CLOSE + timedelta(days=day, hours=7),
            )
            FillRepository(SHADOW).book(make_fill(number=number, ticker=market.ticker, fee="0"), market.pk)
    return number


def assert_settled_books_add_up() -> None:
    """Cash is capital less what is still invested, plus P&L; every settlement moved its payout once."""
    booked = SettlementRow.objects.aggregate(pnl=Sum("pnl"), payout=Sum("payout"))
    held = PositionRow.objects.filter(is_open=True).aggregate(cost=Sum("cost"))["cost"] or 0
    realized = PositionRow.objects.aggregate(realized=Sum("realized_pnl"))["realized"]
    assert LedgerRepository(SHADOW).cash() == CAPITAL - held + (booked["pnl"] or 0)
    assert realized == (booked["pnl"] or 0)
    paid = LedgerRow.objects.filter(kind="settlement").aggregate(paid=Sum("amount"))["paid"]
    assert paid == booked["payout"]
