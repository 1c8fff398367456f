"""Brings our books up to the exchange's word: fills first, then the fate of every open order, then what still differs.

Runs when a trader starts, once in every cycle, and by command. It is idempotent: a fill is stored once, an order moves
by compare-and-set, and a second run finds nothing to do. It never places, changes or cancels anything.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import transaction

from milkbot.core import clock
from milkbot.core.config import TradingMode
from milkbot.logger import logger
from trading.breakers import trip
from trading.domain.breakers import Breaker, Trip
from trading.domain.evidence import Finding, Shown, Verdict, judge
from trading.domain.order_states import OrderEvent
from trading.domain.reconciliation import AccountReading, Difference, collateral, list_orders
from trading.domain.types import Order, OrderState
from trading.models import ControlsRow, ReconciliationRow
from trading.oms.account import OVERLAP, Account
from trading.oms.arrivals import book_arrivals, find_new, find_owners
from trading.oms.claims import by_other_names, claim, tell_differing
from trading.oms.drift import find_drift
from trading.oms.external import track_external
from trading.oms.forgotten import refuted_markets
from trading.oms.resurfaced import take_back
from trading.repositories.books import LedgerRepository
from trading.repositories.external import ExternalPositionRepository
from trading.repositories.orders import Learnt, Lease, Move, OrderRepository, Step

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
    external_orders: int = 0
    """Orders placed by hand that may still fill."""
    drift: tuple[Difference, ...] = ()
    faults: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()
    """Fills that could not be booked yet, in words."""
    uncounted: tuple[str, ...] = ()
    """Orders that may fill beyond what the caps count, in words."""

    @property
    def is_trusted(self) -> bool:
        doubts = (self.drift, self.faults, self.unplaced, self.uncounted)
        return self.complete_until is not None and not any(doubts)

    def as_row(self) -> dict[str, Any]:
        """The columns of its row."""
        return {
            # The next run reads from here on, and must see again what could not be booked.
            "complete_until": None if self.unplaced else self.complete_until,
            "orders_read": self.orders_read,
            "fills_read": self.fills_read,
            "fills_booked": self.fills_booked,
            "orders_moved": self.orders_moved,
            "external_fills": self.external_fills,
            "drift": [difference.as_json() for difference in self.drift],
            "error": "; ".join([*self.faults, *self.unplaced, *self.uncounted])[:2000],
        }


class Told(NamedTuple):
    """What the account told, and the orders it was asked after: no later one is judged by it."""

    reading: AccountReading
    asked_after: frozenset[UUID]


def prepare(mode: TradingMode, account: Account, since: datetime | None = None) -> Callable[[], Told]:
    """A call that reads the account and touches nothing of ours: it may run in a thread beside other reads."""
    open_orders = OrderRepository(mode).in_states(SENT)
    read_from = _read_from(mode, since, open_orders)
    names = frozenset(order.client_order_id for order in open_orders)
    asked = (*open_orders, *by_other_names(mode, open_orders))
    return lambda: Told(account.read(read_from, asked), names)


def reconcile(
    mode: TradingMode,
    account: Account,
    now: datetime,
    *,
    kind: str = "command",
    fencing: int | None = None,
    since: datetime | None = None,
    dry_run: bool = False,
    told: Told | None = None,
    cities: Collection[str] | None = None,
) -> ReconcileReport:
    """One run against `account`. It reads from a little before the last complete one, or from `since` if that is earlier.

    `told` is what the account told already, when it was asked beside something else. `cities` are those whose markets are
    read, all when None. With `dry_run` nothing is kept of what is worked out. Never raises for what the outside does.
    """
    begun = clock.monotonic()
    # What talks to the exchange comes first: no row is locked while it lasts.
    reading, asked_after = told or prepare(mode, account, since)()
    report = ReconcileReport(
        complete_until=reading.complete_until,
        orders_read=len(reading.orders),
        fills_read=len(reading.fills),
        faults=reading.faults,
    )
    new = find_new(mode, reading)
    owners = find_owners(mode, account, new, reading, now)
    with _alone(mode):
        if reading.auth_refused:
            trip(mode, Trip(Breaker.AUTH_REFUSED, reading.auth_refused), now)
        arrived = book_arrivals(mode, new, owners.by_name, now, cities)
        report.fills_booked, report.external_fills = arrived.booked, arrived.external
        report.unplaced = (*owners.waiting, *arrived.waiting)
        if not _open_account(mode, reading, is_whole=not report.unplaced):
            report.unplaced = (*report.unplaced, "the account has never been read as a whole")
        report.orders_moved = _end_or_adopt(mode, asked_after, reading, now)
        report.drift = find_drift(mode, reading, now, is_whole=not report.unplaced)
        report.external_orders, report.uncounted = track_external(mode, reading, now)
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


@contextmanager
def _alone(mode: TradingMode) -> Iterator[None]:
    """A transaction beside which no other run of the mode writes: each would book what went by hand.

    By rows, which a visitor's role cannot lock (ADR 4). Before the account is open the switch's row is held: nothing was
    ever sent then, and whoever waited for it may find the account opened.
    """
    ledger = LedgerRepository(mode)
    with transaction.atomic():
        if not ledger.hold():
            list(ControlsRow.objects.select_for_update().filter(mode=mode))
            ledger.hold()
        yield


def has_reconciled(lease: Lease) -> bool:
    """Whether this holder of the lease has read the whole account since it took over."""
    return ReconciliationRow.objects.filter(
        mode=lease.mode, fencing=lease.fencing, kind=START, complete_until__isnull=False
    ).exists()


def _read_from(mode: TradingMode, since: datetime | None, open_orders: Sequence[Order]) -> datetime | None:
    """None reads everything. Never later than an open order was sent: its absence would prove nothing. Nor later than
    the last complete run reached, whatever `since` says: the next one goes on from here, and what lay between would
    never be read.
    """
    if LedgerRepository(mode).opened_at() is None:
        return None
    complete = ReconciliationRow.objects.filter(mode=mode, complete_until__isnull=False).order_by(
        "-at", "-pk"
    )
    reached = complete.values_list("complete_until", flat=True).first()
    if reached is None:
        return None
    begins = [
        reached,
        *([since] if since else []),
        *([followed] if (followed := ExternalPositionRepository(mode).filled_since()) else []),
        *(order.sent_at or order.created_at for order in open_orders),
    ]
    return min(begins) - OVERLAP


def _open_account(mode: TradingMode, reading: AccountReading, *, is_whole: bool) -> bool:
    """Whether the account is open in our books. The first balance that belongs to a whole reading is its capital.

    What that is made of lies before our time: no fill up to then is booked any more, save those of what is still held.
    """
    ledger = LedgerRepository(mode)
    if ledger.opened_at() is not None:
        return True
    if not is_whole or reading.complete_until is None or reading.balance is None or reading.positions is None:
        return False
    opened_at = max([reading.complete_until, *(fill.filled_at for fill in reading.fills)])
    cash = reading.balance.available + collateral(reading.orders, reading.positions)
    ledger.open_account(cash - ledger.cash(), opened_at)
    return True


def _end_or_adopt(mode: TradingMode, asked: Collection[UUID], reading: AccountReading, now: datetime) -> int:
    """Move the orders that were `asked` after as the evidence says, and take back what rests unawares; how many moved.

    One that somebody else moved meanwhile is left alone: the next run sees it as it is.
    """
    repository = OrderRepository(mode)
    claim(mode, reading, now)
    listed = list_orders(reading.orders)
    moves: list[Move] = []
    sent = repository.in_states(SENT)
    tell_differing(mode, reading, sent, now)
    refuted = refuted_markets(mode, reading, sent, now)
    for order in sent:
        # An order sent while the account was being read could not be in the lists yet.
        if order.client_order_id in asked:
            sighting = listed.sighting_of(order, reading.complete_until)._replace(
                is_refuted=order.market_ticker in refuted
            )
            finding = judge(order, sighting)
            if finding.verdict is Verdict.OVERFILLED:
                trip(mode, Trip(Breaker.OVERFILL, f"{order.intent_key}: {finding.why}"), now)
            moves.extend(move_for(order, sighting.shown, finding))
    return len(repository.move_all(moves, at=now)) + take_back(mode, reading, sent, now)


def move_for(order: Order, shown: Shown | None, finding: Finding) -> tuple[Move, ...]:
    """The move a finding leads to; none when it tells nothing new."""
    event = _EVENTS.get(finding.verdict)
    if event is None or not _is_news(order, event):
        return ()
    learnt: Learnt = {}
    if shown is not None:
        learnt = {"kalshi_order_id": shown.kalshi_order_id, "reported_count": shown.fill_count}
    return (Move(order, (Step(event, {"verdict": finding.verdict, "why": finding.why}),), learnt),)


_EVENTS: Final[Mapping[Verdict, OrderEvent]] = {
    Verdict.RESTS: OrderEvent.ACKNOWLEDGE,
    Verdict.ENDED: OrderEvent.CANCEL,
    Verdict.NEVER_ARRIVED: OrderEvent.CANCEL,
    Verdict.LOST_SIGHT: OrderEvent.LOSE,
}


def _is_news(order: Order, event: OrderEvent) -> bool:
    """An acknowledgement is news only for an order that had none, and losing sight only for one not lost yet."""
    if event is OrderEvent.ACKNOWLEDGE:
        return order.state in (OrderState.SUBMITTED, OrderState.UNKNOWN)
    return event is not OrderEvent.LOSE or order.state is not OrderState.UNKNOWN


def _log(report: ReconcileReport, kind: str) -> None:
    said = {"kind": kind, **report.as_row()}
    if not report.is_trusted:
        logger.warning("reconciliation leaves questions", extra=said)
    elif report.fills_booked or report.orders_moved:
        logger.info("reconciled", extra=said)
