"""What still differs between the exchange and us once every fill is booked, and what a difference that stands leads to.

A position that differs stops new orders at once and, if it stands, everything. Cash that differs for some time without
an order in the book came or went by hand: it is booked as external and told.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from markets.models import MarketRow
from milkbot.core.config import TradingMode
from trading.breakers import trip
from trading.domain.breakers import Breaker, Trip
from trading.domain.reconciliation import AccountReading, Difference, compare_cash, compare_positions
from trading.domain.types import OPEN_STATES, RiskEvent, Severity
from trading.models import PositionRow, ReconciliationRow
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import OrderRepository
from trading.repositories.risk_events import record_risk_event

POSITION_ROUNDS: Final = 5
"""In a row with the same difference, this one included, before everything halts: an erroneous answer passes sooner."""
CASH_ROUNDS: Final = 3
SETTLEMENT_KIND: Final = "settle"
"""Kind of the rows in which settlements are compared: no round of the account as a whole."""


def find_drift(mode: TradingMode, reading: AccountReading, now: datetime) -> tuple[Difference, ...]:
    """The differences left. Trips the breaker or books external cash when one has stood for long enough."""
    positions = _position_drift(mode, reading, now)
    cash = _cash_drift(mode, reading, now) if not positions else ()
    standing = [each for each in positions if _has_stood(mode, each, POSITION_ROUNDS)]
    if standing:
        trip(mode, Trip(Breaker.POSITION_DRIFT, "; ".join(each.words for each in standing[:3])), now)
    for each in cash:
        if _has_stood(mode, each, CASH_ROUNDS):
            _book_external(mode, each, now)
            cash = ()
    return (*positions, *cash)


def _position_drift(mode: TradingMode, reading: AccountReading, now: datetime) -> tuple[Difference, ...]:
    """Markets that still trade in which the holdings differ. After the close the exchange's list forgets what it pays."""
    if reading.positions is None:
        return ()
    rows = PositionRow.objects.filter(mode=mode, market__close_at__gt=now).select_related("market")
    ours = {row.market.ticker: row.count for row in rows}
    return compare_positions(ours, reading.positions, _still_trading(reading, now))


def _still_trading(reading: AccountReading, now: datetime) -> Sequence[str]:
    tickers = [position.ticker for position in reading.positions or ()]
    return list(
        MarketRow.objects.filter(ticker__in=tickers, close_at__gt=now).values_list("ticker", flat=True)
    )


def _cash_drift(mode: TradingMode, reading: AccountReading, now: datetime) -> tuple[Difference, ...]:
    """Nothing while any order may hold collateral or a closed market waits for its payout."""
    if reading.balance is None or reading.complete_until is None:
        return ()
    holds = any(order.may_still_fill for order in reading.orders) or OrderRepository(mode).in_states(
        OPEN_STATES
    )
    waits = PositionRow.objects.filter(mode=mode, is_open=True, market__close_at__lte=now).exists()
    if holds or waits:
        return ()
    return compare_cash(LedgerRepository(mode).cash(), reading.balance)


def _has_stood(mode: TradingMode, difference: Difference, rounds: int) -> bool:
    """Whether the last rounds before this one all show the same difference."""
    rounds_before = ReconciliationRow.objects.filter(mode=mode).exclude(kind=SETTLEMENT_KIND)
    before = rounds_before.order_by("-pk").values_list("drift", flat=True)
    last: list[list[dict[str, Any]]] = list(before[: rounds - 1])
    return len(last) == rounds - 1 and all(difference.as_json() in drift for drift in last)


def _book_external(mode: TradingMode, difference: Difference, now: datetime) -> None:
    amount = difference.theirs - difference.ours
    LedgerRepository(mode).book_external(amount, now, note="came or went outside this bot")
    record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.CRITICAL,
            event_type="EXTERNAL_CASH",
            mode=mode,
            message=f"{amount:+f} dollars that no fill, fee or settlement explains",
        )
    )
