"""What still differs between the exchange and us once every fill is booked, and what a difference that stands leads to.

A position that differs stops new orders at once and, if it stands, everything. Cash that differs stops new orders, too, and
our quotes are taken out of the book. What then still differs by the same came or went by hand: it is booked as external
and told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from markets.domain.account_types import OrderStatus
from markets.models import MarketRow
from milkbot.core.config import TradingMode
from milkbot.core.money import ZERO
from trading.breakers import trip
from trading.domain.breakers import Breaker, Trip
from trading.domain.reconciliation import (
    ACCOUNT,
    CASH,
    POSITION,
    AccountReading,
    Difference,
    collateral,
    compare_cash,
    compare_positions,
    has_stood,
)
from trading.domain.settling import may_be_payouts
from trading.domain.types import OrderState, RiskEvent, Severity
from trading.models import PositionRow, ReconciliationRow
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import OrderRepository
from trading.repositories.risk_events import record_risk_event
from trading.repositories.settlements import SettlementRepository

POSITION_ROUNDS: Final = 5
"""In a row with the same difference, this one included, before everything halts: an erroneous answer passes sooner."""
CASH_ROUNDS: Final = 3
"""In a row with the same difference, this one included, before it is booked or, where it may not be, told."""
ROUND: Final = timedelta(seconds=30)
"""How far apart the rounds in a row must be on the average. An error or a lag of the exchange's passes with time, however
often it is looked at, and commands look every few seconds. Half the time between two turns: one that is early counts.
"""
UNSEEN: Final = "position, not compared since"
"""Kind of a position's difference that was found before and could not be compared again: such a round makes nothing stand."""
UNSEEN_CASH: Final = "cash, not compared since"
"""Kind of a difference of cash that was found before and could not be compared again: such a round neither counts towards
what stands nor begins it anew.
"""
UNANSWERED: Final = (OrderState.SUBMITTED, OrderState.UNKNOWN)
SETTLEMENT_KIND: Final = "settle"
"""Kind of the rows in which settlements are compared: no round of the account as a whole."""


class Round(NamedTuple):
    """When the account was read, and what was left to differ, as it is stored."""

    at: datetime
    drift: list[dict[str, Any]]


class Seen(NamedTuple):
    """When a difference was seen, and where."""

    at: datetime
    where: str


def find_drift(
    mode: TradingMode, reading: AccountReading, now: datetime, *, is_whole: bool
) -> tuple[Difference, ...]:
    """The differences left. Trips the breaker or books external cash when one has stood for long enough.

    `is_whole`: every fill of the reading is in our books. What an unbooked one cost is nothing external.
    """
    positions = _position_drift(mode, reading, now)
    seen = positions if reading.positions is not None else ()
    standing = [each for each in seen if _stands(mode, each, now)]
    if standing:
        trip(mode, Trip(Breaker.POSITION_DRIFT, "; ".join(each.words for each in standing[:3])), now)
    cash = _cash_drift(mode, reading, now, is_whole=is_whole and not positions)
    return (
        *positions,
        *(each for each in cash if each.what == UNSEEN_CASH or not _is_booked(mode, each, now)),
    )


def _position_drift(mode: TradingMode, reading: AccountReading, now: datetime) -> tuple[Difference, ...]:
    """Markets that still trade in which the holdings differ. After the close the exchange's list forgets what it pays."""
    rows = PositionRow.objects.filter(mode=mode, market__close_at__gt=now).select_related("market")
    ours = {row.market.ticker: row.count for row in rows}
    if reading.positions is None:
        return _unseen(mode, ours)
    return compare_positions(ours, reading.positions, _still_trading(reading, now))


def _unseen(mode: TradingMode, ours: Mapping[str, Decimal]) -> tuple[Difference, ...]:
    """What differed when holdings were last compared and still does, for all that a round without them can tell."""
    before = _left_before(mode)
    last = {each["where"]: Decimal(each["theirs"]) for each in before if each["what"] in (POSITION, UNSEEN)}
    held = {ticker: ours.get(ticker, ZERO) for ticker in last}
    return tuple(Difference(UNSEEN, one, held[one], last[one]) for one in last if held[one] != last[one])


def _still_trading(reading: AccountReading, now: datetime) -> Sequence[str]:
    tickers = [position.ticker for position in reading.positions or ()]
    return list(
        MarketRow.objects.filter(ticker__in=tickers, close_at__gt=now).values_list("ticker", flat=True)
    )


def _cash_drift(
    mode: TradingMode, reading: AccountReading, now: datetime, *, is_whole: bool
) -> tuple[Difference, ...]:
    """Not compared while what is held or paid cannot be known: an order of ours is under way or its fate open, the exchange
    calls an order by a status we do not know, or a closed market waits for a payout that may have been made already.

    Cash that agrees all the same does agree. What differed when it was last compared stands until then.
    """
    found = _unexplained_cash(mode, reading, now) if is_whole else None
    if found is None:
        return _unseen_cash(mode)
    may_be_nothing = found and (
        any(order.status is OrderStatus.UNRECOGNIZED for order in reading.orders)
        or OrderRepository(mode).in_states(UNANSWERED)
        or SettlementRepository(mode).wait_for_payout(now)
    )
    return _unseen_cash(mode) if may_be_nothing else found


def _unexplained_cash(
    mode: TradingMode, reading: AccountReading, now: datetime
) -> tuple[Difference, ...] | None:
    """What no payout explains; None when it could not be read. The exchange's balance is what is available: what resting
    orders hold is not in it (kalshi-api.md 3.5).
    """
    if reading.balance is None or reading.positions is None or reading.complete_until is None:
        return None
    held = collateral(reading.orders, reading.positions)
    found = compare_cash(LedgerRepository(mode).cash(), reading.balance, held)
    return tuple(each for each in found if not _is_payout(mode, each.change, now))


def _unseen_cash(mode: TradingMode) -> tuple[Difference, ...]:
    """What differed when cash was last compared, unless our books came to what the exchange said then."""
    last = [each for each in _left_before(mode) if each["what"] in (CASH, UNSEEN_CASH)]
    cash = LedgerRepository(mode).cash() if last else ZERO
    found = (
        Difference(UNSEEN_CASH, each["where"], Decimal(each["ours"]), Decimal(each["theirs"]))
        for each in last
    )
    return tuple(each for each in found if each.theirs != cash)


def _is_payout(mode: TradingMode, change: Decimal, now: datetime) -> bool:
    """Whether a difference comes of payouts: known to us and not credited yet, or the other way round.

    Such a movement of cash is explained, so trading goes on beside it. A booked one explains its own size only.
    """
    settlements = SettlementRepository(mode)
    return may_be_payouts(change, settlements.uncredited_payouts(now), settlements.unknown_payouts(now))


def _is_booked(mode: TradingMode, cash: Difference, now: datetime) -> bool:
    """Book a difference that has stood as external if it cannot be anything else. Tell once when it may be."""
    seen = _cash_seen(mode, cash, now)
    if not _has_stood(seen, CASH_ROUNDS):
        return False
    doubt = _doubt(mode, cash, seen, now)
    if not doubt:
        _book_external(mode, cash, now)
    elif not _has_stood(seen[1:], CASH_ROUNDS):
        _tell(mode, "CASH_DRIFT", f"{cash.words}. Nothing new is traded: {doubt}", now)
    return not doubt


def _doubt(mode: TradingMode, cash: Difference, seen: Sequence[Seen], now: datetime) -> str:
    """What else than a person's hand may have caused a difference that has stood; empty when nothing.

    What resting orders hold may be reckoned wrongly; the same difference beside another amount held does not come from it.
    """
    unknown = SettlementRepository(mode).unknown_payouts(now)
    if unknown is not None:
        return f"first book {', '.join(unknown.tickers)} with manage.py settle_by_hand"
    if cash.where == ACCOUNT or any(each.where != cash.where for each in seen):
        return ""
    return (
        "orders placed by hand rest, and may hold another amount than we reckon; it is booked once they end"
    )


def _cash_seen(mode: TradingMode, cash: Difference, now: datetime) -> list[Seen]:
    """This round and those before it in a row that show cash to differ by the same, the latest first, without those that
    could not compare it; none further back than it takes to tell whether it had stood in the last one as well.
    """
    seen = [Seen(now, cash.where)]
    for before in _rounds_before(mode):
        same = _same_cash(before, cash.change)
        if same is None or _has_stood(seen[1:], CASH_ROUNDS):
            break
        if same["what"] == CASH:
            seen.append(Seen(before.at, same["where"]))
    return seen


def _same_cash(before: Round, change: Decimal) -> dict[str, Any] | None:
    """The difference of cash by `change` that the round found or held for standing; None if there was none."""
    return next(
        (
            each
            for each in before.drift
            if each["what"] in (CASH, UNSEEN_CASH)
            and Decimal(each["theirs"]) - Decimal(each["ours"]) == change
        ),
        None,
    )


def _stands(mode: TradingMode, position: Difference, now: datetime) -> bool:
    """Whether the last rounds, this one included, all show the same difference, and for long enough."""
    seen = [Seen(now, position.where)]
    for before in _rounds_before(mode):
        if position.as_json() not in before.drift:
            break
        seen.append(Seen(before.at, position.where))
        if _has_stood(seen, POSITION_ROUNDS):
            return True
    return False


def _has_stood(seen: Sequence[Seen], rounds: int) -> bool:
    return has_stood([each.at for each in seen], rounds, ROUND)


def _left_before(mode: TradingMode) -> list[dict[str, Any]]:
    """What the last round before this one left."""
    return next((before.drift for before in _rounds_before(mode)), [])


def _rounds_before(mode: TradingMode) -> Iterator[Round]:
    """The rounds before this one, the latest first, read as far as they are asked for."""
    rows = ReconciliationRow.objects.filter(mode=mode).exclude(kind=SETTLEMENT_KIND).order_by("-pk")
    return (Round(*row) for row in rows.values_list("at", "drift").iterator(chunk_size=POSITION_ROUNDS))


def _book_external(mode: TradingMode, difference: Difference, now: datetime) -> None:
    amount = difference.change
    LedgerRepository(mode).book_external(amount, now, note="came or went outside this bot")
    _tell(mode, "EXTERNAL_CASH", f"{amount:+f} dollars that no fill, fee or settlement explains", now)


def _tell(mode: TradingMode, event_type: str, message: str, now: datetime) -> None:
    record_risk_event(
        RiskEvent(at=now, severity=Severity.CRITICAL, event_type=event_type, mode=mode, message=message)
    )
