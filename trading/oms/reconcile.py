"""Brings our books up to the exchange's word: fills first, then the fate of every open order, then what still differs.

Runs when a trader starts, once in every cycle, and by command. It is idempotent: a fill is stored once, an order moves
by compare-and-set, and a second run finds nothing to do. It never places, changes or cancels anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from markets.domain.account_types import ExchangeFill
from markets.repositories import MarketRepository
from milkbot.core import clock
from milkbot.core.config import TradingMode
from milkbot.core.errors import OutsideError
from milkbot.logger import logger
from trading.breakers import trip
from trading.domain.breakers import Breaker, Trip
from trading.domain.evidence import Finding, Verdict, judge
from trading.domain.order_states import OrderEvent
from trading.domain.reconciliation import AccountReading, Difference, sighting_of
from trading.domain.types import Fill, Order, OrderState, RiskEvent, Severity
from trading.models import ReconciliationRow
from trading.oms.account import OVERLAP, Account
from trading.oms.drift import find_drift
from trading.oms.submit import book_fill
from trading.repositories.books import FillRepository, LedgerRepository
from trading.repositories.orders import Lease, OrderRepository, StaleOrder
from trading.repositories.risk_events import record_risk_event

START: Final = "start"
CYCLE: Final = "cycle"
SENT: Final = (OrderState.SUBMITTED, OrderState.UNKNOWN, OrderState.RESTING, OrderState.PARTIAL)
"""States in which the exchange may know more of an order than we do."""


@dataclass(slots=True)
class ReconcileReport:
    """What one run found and did. `is_trusted`: everything was read and nothing differs, so trading may go on."""

    complete_until: datetime | None = None
    orders_read: int = 0
    fills_read: int = 0
    fills_booked: int = 0
    orders_moved: int = 0
    external_fills: int = 0
    drift: tuple[Difference, ...] = ()
    faults: tuple[str, ...] = ()
    unplaced: list[str] = field(default_factory=list)
    """Fills that could not be booked yet, in words."""

    @property
    def is_trusted(self) -> bool:
        return self.complete_until is not None and not (self.drift or self.faults or self.unplaced)

    def as_row(self) -> dict[str, Any]:
        """The columns of its row."""
        return {
            "complete_until": self.complete_until,
            "orders_read": self.orders_read,
            "fills_read": self.fills_read,
            "fills_booked": self.fills_booked,
            "orders_moved": self.orders_moved,
            "external_fills": self.external_fills,
            "drift": [difference.as_json() for difference in self.drift],
            "error": "; ".join([*self.faults, *self.unplaced])[:2000],
        }


def reconcile(
    mode: TradingMode,
    account: Account,
    now: datetime,
    *,
    kind: str = "command",
    fencing: int | None = None,
    since: datetime | None = None,
    dry_run: bool = False,
) -> ReconcileReport:
    """One run against `account`. Without `since` it reads from a little before the last complete one.

    With `dry_run` everything is worked out and nothing is kept. Never raises for what the outside does.
    """
    begun = clock.monotonic()
    orders = OrderRepository(mode)
    open_orders = orders.in_states(SENT)
    # What talks to the exchange comes first: no row is locked while it lasts.
    reading = account.read(since or _read_from(mode), open_orders)
    report = ReconcileReport(
        complete_until=reading.complete_until,
        orders_read=len(reading.orders),
        fills_read=len(reading.fills),
        faults=reading.faults,
    )
    new = _new_fills(mode, reading)
    owners = _owners(mode, account, new, reading, report)
    with transaction.atomic():
        if reading.auth_refused:
            trip(mode, Trip(Breaker.AUTH_REFUSED, reading.auth_refused), now)
        _book_fills(mode, new, owners, report, now)
        _open_account(mode, reading, now)
        for order in orders.in_states(SENT):
            report.orders_moved += _end_or_adopt(order, reading, now)
        report.drift = find_drift(mode, reading, now)
        ReconciliationRow.objects.create(
            mode=mode,
            at=now,
            kind=kind,
            fencing=fencing,
            duration_ms=round((clock.monotonic() - begun) * 1000),
            **report.as_row(),
        )
        transaction.set_rollback(dry_run)
    _log(report, kind)
    return report


def has_reconciled(lease: Lease) -> bool:
    """Whether this holder of the lease has read the whole account since it took over."""
    return ReconciliationRow.objects.filter(
        mode=lease.mode, fencing=lease.fencing, kind=START, complete_until__isnull=False
    ).exists()


def _read_from(mode: TradingMode) -> datetime | None:
    complete = ReconciliationRow.objects.filter(mode=mode, complete_until__isnull=False).order_by(
        "-at", "-pk"
    )
    last = complete.values_list("complete_until", flat=True).first()
    return last - OVERLAP if last else None


def _new_fills(mode: TradingMode, reading: AccountReading) -> list[ExchangeFill]:
    """Fills not in our books yet, oldest first. An account never read before is taken as it stands: only what is still
    held matters, what was settled is in its balance."""
    known = FillRepository(mode).known(fill.fill_id for fill in reading.fills)
    new = [fill for fill in reading.fills if fill.fill_id not in known]
    if not LedgerRepository(mode).is_open():
        held = {position.ticker for position in reading.positions or ()}
        new = [fill for fill in new if fill.ticker in held]
    return sorted(new, key=lambda fill: (fill.filled_at, fill.fill_id))


def _owners(
    mode: TradingMode,
    account: Account,
    fills: Sequence[ExchangeFill],
    reading: AccountReading,
    report: ReconcileReport,
) -> dict[str, Order | None]:
    """Whose each new fill is, by the exchange's name of its order; None is nobody of ours.

    A name that cannot be settled is left out, and its fills wait for the next run.
    """
    client_ids = {order.order_id: order.client_order_id for order in reading.orders}
    names = {fill.order_id: client_ids.get(fill.order_id, "") for fill in fills}
    ours = OrderRepository(mode).by_exchange_names(names)
    owners: dict[str, Order | None] = {}
    for fill in fills:
        name = fill.order_id
        if name in ours or names[name]:
            owners[name] = ours.get(name)
        elif name not in owners:
            _ask_for_owner(mode, account, fill, owners, report)
    return owners


def _ask_for_owner(
    mode: TradingMode,
    account: Account,
    fill: ExchangeFill,
    owners: dict[str, Order | None],
    report: ReconcileReport,
) -> None:
    """The order behind a fill that no list names, asked for by itself."""
    try:
        listed = account.find_order(fill.order_id, fill.ticker)
    except OutsideError as error:
        report.unplaced.append(f"fill {fill.fill_id}: its order cannot be read ({error})")
        return
    if listed is not None:
        named = OrderRepository(mode).by_exchange_names({fill.order_id: listed.client_order_id})
        owners[fill.order_id] = named.get(fill.order_id)
        return
    unanswered = OrderRepository(mode).in_states((OrderState.SUBMITTED, OrderState.UNKNOWN))
    if any(order.market_ticker == fill.ticker for order in unanswered):
        report.unplaced.append(f"fill {fill.fill_id} may belong to an order whose answer was lost")
        return
    owners[fill.order_id] = None


def _book_fills(
    mode: TradingMode,
    fills: Sequence[ExchangeFill],
    owners: dict[str, Order | None],
    report: ReconcileReport,
    now: datetime,
) -> None:
    market_ids = MarketRepository().ids(fill.ticker for fill in fills)
    for theirs in fills:
        # Another series is traded by hand at most: no position of ours can hide in it.
        market_id = market_ids.get(theirs.ticker)
        if market_id is None or theirs.order_id not in owners:
            continue
        if theirs.fee is None:
            report.unplaced.append(f"fill {theirs.fill_id} states no fee")
            continue
        owner = owners[theirs.order_id]
        fill = _own(theirs, mode, owner)
        if owner is not None:
            owners[theirs.order_id] = book_fill(owner, fill, market_id, now)
            report.fills_booked += 1
        elif FillRepository(mode).book(fill, market_id):
            report.fills_booked += 1
            report.external_fills += 1
            _tell_external(mode, fill, now)


def _open_account(mode: TradingMode, reading: AccountReading, now: datetime) -> None:
    """The first balance ever read is the capital: what it is made of lies before our time."""
    ledger = LedgerRepository(mode)
    if reading.balance is not None and not ledger.is_open():
        ledger.open_account(reading.balance.available - ledger.cash(), now)


def _own(theirs: ExchangeFill, mode: TradingMode, owner: Order | None) -> Fill:
    assert theirs.fee is not None
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


def _tell_external(mode: TradingMode, fill: Fill, now: datetime) -> None:
    logger.warning(
        "fill of an order that is not ours", extra={"fill_id": fill.fill_id, "market": fill.market_ticker}
    )
    record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.WARNING,
            event_type="EXTERNAL_FILL",
            mode=mode,
            market_ticker=fill.market_ticker,
            message=f"{fill.count} at {fill.yes_price}, placed by hand: counted, never touched",
            payload={"fill_id": fill.fill_id, "order_id": fill.kalshi_order_id},
        )
    )


def _end_or_adopt(order: Order, reading: AccountReading, now: datetime) -> bool:
    """Move one order as the evidence says; whether it moved."""
    sighting = sighting_of(order, reading)
    finding = judge(order, sighting)
    event = _EVENTS.get(finding.verdict)
    if finding.verdict is Verdict.OVERFILLED:
        trip(order.mode, Trip(Breaker.OVERFILL, f"{order.intent_key}: {finding.why}"), now)
    if event is None or not _is_news(order, sighting.shown is not None, event):
        return False
    shown = sighting.shown
    try:
        OrderRepository(order.mode).transition(
            order,
            event,
            at=now,
            kalshi_order_id=shown.kalshi_order_id if shown else None,
            reported_count=shown.fill_count if shown else None,
            payload=_as_payload(finding),
        )
    except StaleOrder:
        # Somebody else moved it meanwhile; the next run sees it as it is.
        return False
    return True


_EVENTS: Final[Mapping[Verdict, OrderEvent]] = {
    Verdict.RESTS: OrderEvent.ACKNOWLEDGE,
    Verdict.ENDED: OrderEvent.CANCEL,
    Verdict.NEVER_ARRIVED: OrderEvent.CANCEL,
    Verdict.LOST_SIGHT: OrderEvent.LOSE,
}


def _is_news(order: Order, is_shown: bool, event: OrderEvent) -> bool:
    """An acknowledgement is news only for an order that had none."""
    if event is OrderEvent.ACKNOWLEDGE:
        return order.state in (OrderState.SUBMITTED, OrderState.UNKNOWN) and is_shown
    return True


def _as_payload(finding: Finding) -> dict[str, str]:
    return {"verdict": finding.verdict.value, "why": finding.why}


def _log(report: ReconcileReport, kind: str) -> None:
    said = {"kind": kind, **report.as_row()}
    if not report.is_trusted:
        logger.warning("reconciliation leaves questions", extra=said)
    elif report.fills_booked or report.orders_moved:
        logger.info("reconciled", extra=said)
