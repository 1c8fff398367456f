"""One turn of the fast loop: read, decide, commit, submit, account. Runs once and returns; the schedule repeats it.

    weather + boards -> decide() -> [snapshots, signals, intents and orders: one transaction] -> submit -> valuation

Everything outside is passed in (`Sources`), so the whole turn runs in tests against a server on loopback and nothing
needs patching. A city that cannot be read is reported and the others go on; whatever is refused keeps its reason.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from django.db import transaction

from markets.repositories import MarketRepository
from milkbot.core.config import Config, TradingMode
from milkbot.core.errors import ConfigError
from milkbot.core.money import ZERO
from milkbot.logger import logger
from trading.controls import ensure_controls, get_effective_state
from trading.cycle_report import CycleReport, Stopwatch, record_success
from trading.domain.contributors import attributed
from trading.domain.decide import decide
from trading.domain.inputs import Circumstances, DecisionBatch, MarketDecision
from trading.domain.policy import Limits, Policy
from trading.domain.resting import releases_by_market
from trading.domain.types import Order, OrderState, ReasonCode
from trading.domain.weights import PRIOR, EnsembleWeights
from trading.domain.working import Review, review_all
from trading.guard import guard
from trading.oms.exchange import Exchange
from trading.oms.lease import hold_lease, holder_name, take_lease
from trading.oms.pace import Pace
from trading.oms.reconcile import CYCLE, START, has_reconciled, prepare, reconcile
from trading.oms.submit import leave_alone, recover, resend, submit, withhold
from trading.oms.venues.base import RestingVenue, Venue
from trading.oms.venues.shadow import ShadowVenue, ShownMarket
from trading.oms.working import carry_out
from trading.reading import Reading, Sources, assemble
from trading.repositories.accounts import Valuation, locked_scopes, read_account, value_account
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import Lease, OrderRepository, StaleOrder
from trading.repositories.signals import SignalRepository
from trading.repositories.strategy_gates import admitted_strategies
from trading.repositories.weights import WeightsRepository
from trading.turn_time import refuse_the_future, refuse_the_past, time_there
from weather.domain.releases import NOTHING_DUE, Releases
from weather.repositories import WeatherRepository


@dataclass(frozen=True)
class Settings:
    """What a cycle is run with."""

    mode: TradingMode
    cities: tuple[str, ...]
    capital: Decimal
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    weights: EnsembleWeights = PRIOR
    """What each expert's opinion counts for until the first event has taught otherwise."""
    sends_within_s: float = 11.5
    """Of the machine's time since the turn began: what has not left by then waits for the next turn. With the longest
    wait for an answer it keeps a turn below 15 s, whatever the exchange does."""

    @classmethod
    def from_config(cls, config: Config) -> "Settings":
        return cls(mode=config.trading_mode, cities=config.cities, capital=config.starting_capital)


class Desk(NamedTuple):
    """What one turn trades with, and what it knows of the account."""

    settings: Settings
    lease: Lease
    venue: Venue
    account_known: bool
    skew_s: float | None
    time_there: datetime | None
    """By the exchange's clock; None when nothing told it."""


class _Committed(NamedTuple):
    """What one turn's transaction wrote."""

    orders: tuple[Order, ...]
    batch: DecisionBatch
    reviews: tuple[tuple[Order, Review], ...]
    market_ids: Mapping[str, int]


def run_cycle(
    now: datetime,
    settings: Settings,
    *,
    sources: Sources | None = None,
    exchange: Exchange | None = None,
    holder: str | None = None,
    dry_run: bool = False,
    replayed: bool = False,
    clock: Callable[[], datetime] | None = None,
) -> CycleReport:
    """One turn at application time `now`. With `dry_run` it reads and decides, and stores or sends nothing.

    Orders go to `exchange`; without one, in SHADOW, fills are computed against the books just read. A `replayed` turn
    belongs to the past: it leaves everything but a sign of life. `clock` dates what is sent; without it that is `now`.

    Raises LeaseHeld when another process trades in this mode, Fenced when one took over meanwhile, StaleTurn when `now`
    lies before the last turn, WrongClock when far beyond the exchange's clock, ConfigError when the mode and the venue do not belong together: computed fills must never
    be booked as real ones.
    """
    watch = Stopwatch()
    sources = sources or Sources()
    if dry_run:
        return _dry_run(now, settings, sources, watch)
    if (exchange is None) is not (settings.mode is TradingMode.SHADOW):
        raise ConfigError(f"{settings.mode} needs {'no' if exchange else 'an'} exchange to send orders to")
    lease = take_lease(settings.mode, holder or holder_name())
    _open_books(settings, now, exchange)
    pace = Pace(clock or (lambda: now), lambda: watch.total_ms > settings.sends_within_s * 1000)
    reading, account_known, there = _read_all(now, settings, sources, watch, lease, exchange, pace.clock)
    venue = exchange.venue if exchange else ShadowVenue(_shown(reading), now)
    desk = Desk(settings, lease, venue, account_known, exchange.skew_s() if exchange else None, there)
    committed = _commit(reading, now, desk)
    watch.lap("commit")
    if isinstance(venue, RestingVenue):
        carry_out(committed.reviews, venue, lease=lease, pace=pace)
        watch.lap("work")
    orders, ids, due = committed.orders, committed.market_ids, releases_by_market(reading.views)
    fills = submit_round(orders, venue, lease=lease, market_ids=ids, pace=pace, releases=due)
    watch.lap("submit")
    valuation = value_account(settings.mode)
    watch.lap("account")
    report = _report(now, settings, reading, committed.batch, watch, fills=fills, valuation=valuation)
    record_success(report, watch.total_ms, replayed=replayed)
    return report


def _dry_run(now: datetime, settings: Settings, sources: Sources, watch: Stopwatch) -> CycleReport:
    """Read and decide inside a transaction that is thrown away: refreshing sources store what they see, too."""
    with transaction.atomic():
        _open_books(settings, now, None)
        reading = _read(now, settings, sources, watch)
        batch, _ = _decide(reading, now, settings)
        transaction.set_rollback(True)
    return _report(now, settings, reading, batch, watch, fills=0, valuation=None)


def _open_books(settings: Settings, now: datetime, exchange: Exchange | None) -> None:
    """The mode's switch and, where no exchange holds the account, its starting capital, made in the first turn."""
    ensure_controls(settings.mode, now)
    if exchange is None:
        LedgerRepository(settings.mode).open_account(settings.capital, now)


def _read_all(
    now: datetime,
    settings: Settings,
    sources: Sources,
    watch: Stopwatch,
    lease: Lease,
    exchange: Exchange | None,
    clock: Callable[[], datetime],
) -> tuple[Reading, bool, datetime | None]:
    """Weather and boards, whether our books, brought up to the exchange's word, can be traded on, and its time.

    The account is read beside the markets: one after the other, a slow exchange would take the turn's time twice.
    """
    mode = settings.mode
    if exchange is None:
        reading = _read(now, settings, sources, watch)
        there = time_there(clock(), reading.skew_s)
        refuse_the_future(mode, now, there)
        return reading, True, there
    with ThreadPoolExecutor(1, thread_name_prefix="account") as pool:
        asked = pool.submit(prepare(mode, exchange.account))
        reading = _read(now, settings, sources, watch)
        told = asked.result()
    there = time_there(clock(), exchange.skew_s())
    refuse_the_future(mode, now, there)  # before anything is dated by it
    kind = CYCLE if has_reconciled(lease) else START
    report = reconcile(
        mode, exchange.account, now, kind=kind, fencing=lease.fencing, told=told, cities=settings.cities
    )
    watch.lap("reconcile")
    return reading, report.is_trusted, there


def _read(now: datetime, settings: Settings, sources: Sources, watch: Stopwatch) -> Reading:
    weather = sources.weather(settings.cities, now)
    watch.lap("weather")
    boards = sources.boards(settings.cities, now)
    watch.lap("boards")
    days = ((board.city_code, board.event_date) for board in boards.boards)
    others, habits = sources.others(days, now), sources.habits(settings.cities, now)
    return assemble(settings.cities, weather, boards, now, sources.calibration(), others, habits)


def _decide(
    reading: Reading, now: datetime, settings: Settings, *, account_known: bool = True, may_rest: bool = False
) -> tuple[DecisionBatch, tuple[tuple[Order, Review], ...]]:
    """What to send, and what to do with each order that rests."""
    account = read_account(settings.mode, [board.event_ticker for board in reading.boards])
    around = Circumstances(
        now=now,
        mode=settings.mode,
        policy=settings.policy,
        limits=settings.limits,
        trading_state=get_effective_state(settings.mode),
        exchange_trading=reading.exchange_trading,
        locked_scopes=locked_scopes(settings.mode),
        account_known=account_known,
        may_rest=may_rest,
        admitted=admitted_strategies(settings.mode),
        weights=WeightsRepository(settings.mode).newest() or settings.weights,
    )
    batch = decide(reading.views, account, around)
    if not may_rest:
        return batch, ()
    resting = OrderRepository(settings.mode).in_states([OrderState.RESTING, OrderState.PARTIAL])
    theirs = (order for order in resting if order.rests_by_itself)
    return batch, review_all(theirs, reading.views, batch.signals, account.holdings, around)


@transaction.atomic
def _commit(reading: Reading, now: datetime, desk: Desk) -> _Committed:
    """Everything the turn learnt and wants, in one transaction: after it, and only after it, anything may be sent."""
    # First of all, wanted or not: a trader that was replaced while it read must not touch its successor's orders.
    settings = desk.settings
    hold_lease(desk.lease)
    refuse_the_past(settings.mode, now, desk.time_there)
    market_ids = MarketRepository().save_boards(reading.boards, now)
    WeatherRepository().save_outlooks(reading.outlooks)
    # Before deciding: what a crash left open still reserves money and blocks its market.
    _recover(settings.mode, desk.venue, now)
    guard(settings.mode, reading, now, skew_s=desk.skew_s)
    may_rest = isinstance(desk.venue, RestingVenue)
    batch, reviews = _decide(reading, now, settings, account_known=desk.account_known, may_rest=may_rest)
    signals = SignalRepository(settings.mode)
    signals.save(batch.signals, market_ids, now)
    decisions, ids = _with_absent(reading, batch, market_ids)
    for decision in signals.save_decisions(decisions, ids, now):
        logger.info("decided", extra=asdict(decision))
    orders = OrderRepository(settings.mode).create(attributed(batch), market_ids, lease=desk.lease)
    return _Committed(orders, batch, reviews, market_ids)


def _with_absent(
    reading: Reading, batch: DecisionBatch, market_ids: Mapping[str, int]
) -> tuple[tuple[MarketDecision, ...], dict[str, int]]:
    """The decisions, and one more for every known market that its event no longer listed readably."""
    listed = MarketRepository().open_markets(board.event_ticker for board in reading.boards)
    absent = [market for market in listed if market.ticker not in market_ids]
    why = {
        board.event_ticker: board.refusal_text or "the exchange did not list it" for board in reading.boards
    }
    decisions = (
        MarketDecision(
            market.ticker, market.city_code, ReasonCode.BAD_MARKET_DATA, why[market.event_ticker], ZERO
        )
        for market in absent
    )
    return (*batch.decisions, *decisions), {**market_ids, **{market.ticker: market.pk for market in absent}}


def _recover(mode: TradingMode, venue: Venue, now: datetime) -> None:
    """End the orders that an earlier turn, cut short, left unsent or unanswered."""
    left_over = OrderRepository(mode).in_states([OrderState.NEW, OrderState.SUBMITTED])
    if left_over:
        market_ids = MarketRepository().ids(order.market_ticker for order in left_over)
        recover(venue, left_over, market_ids=market_ids, at=now)


def submit_round(
    orders: Iterable[Order],
    venue: Venue,
    *,
    lease: Lease,
    market_ids: Mapping[str, int],
    pace: Pace,
    releases: Mapping[str, Releases] = MappingProxyType({}),
) -> int:
    """Send the new orders one by one, and again those without an answer; returns how many filled at least in part.

    When the turn is over what is left is withheld: the next one decides on it anew. An order that somebody else moved
    meanwhile, an operator's cancel for one, is left to them; the others go on.
    Raises Fenced when another trader took over: nothing after it may leave.
    """
    filled = 0
    for order in orders:
        market_id, at = market_ids[order.market_ticker], pace.clock()
        due = releases.get(order.market_ticker, NOTHING_DUE)
        try:
            if order.state is OrderState.NEW and pace.is_over():
                withhold(order, at=at, why="the turn ran out of time")
                continue
            if order.state is OrderState.NEW:
                answered = submit(order, venue, lease=lease, market_id=market_id, at=at, releases=due)
            elif order.state is OrderState.UNKNOWN and not pace.is_over():
                answered = resend(order, venue, lease=lease, market_id=market_id, at=at, releases=due)
            else:
                continue
        except StaleOrder as moved:
            leave_alone(order, moved)
            continue
        filled += answered.filled_count > 0
    return filled


def _shown(reading: Reading) -> dict[str, ShownMarket]:
    return {
        market.market.ticker: ShownMarket(market.book, board.fees)
        for board in reading.boards
        if board.fees is not None
        for market in board.markets
    }


def _report(
    now: datetime,
    settings: Settings,
    reading: Reading,
    batch: DecisionBatch,
    watch: Stopwatch,
    *,
    fills: int,
    valuation: Valuation | None,
) -> CycleReport:
    return CycleReport(
        mode=settings.mode,
        started_at=now,
        cities=sum(bool(view.boards) for view in reading.views),
        markets=len(batch.decisions),
        signals=len(batch.signals),
        intents=len(batch.intents),
        fills=fills,
        codes=batch.codes,
        errors=reading.faults,
        timings_ms=watch.timings_ms,
        valuation=valuation,
    )
