"""One turn of the fast loop: read, decide, commit, submit, account. Runs once and returns; the schedule repeats it.

    weather + boards -> decide() -> [snapshots, signals, intents and orders: one transaction] -> submit -> valuation

Everything outside is passed in (`Sources`), so the whole turn runs in tests against a server on loopback and nothing
needs patching. A city that cannot be read is reported and the others go on; whatever is refused keeps its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field

from markets.domain.types import Board
from markets.repositories import MarketRepository
from markets.services import BoardRound, read_boards
from milkbot.core import clock
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.config import Config, TradingMode
from milkbot.core.errors import ConfigError
from milkbot.core.health import Component
from milkbot.core.redaction import redact_text
from milkbot.health import beat
from milkbot.logger import logger
from trading.controls import ensure_controls, get_trading_state
from trading.domain.decide import decide
from trading.domain.inputs import Circumstances, CityView, DecisionBatch
from trading.domain.policy import Limits, Policy
from trading.domain.types import Order, OrderState
from trading.models import CycleRow
from trading.oms.lease import holder_name, take_lease
from trading.oms.submit import recover, submit
from trading.oms.venues.base import Venue
from trading.oms.venues.shadow import ShadowVenue, ShownMarket
from trading.repositories.accounts import Valuation, locked_scopes, read_account, value_account
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import Lease, OrderRepository
from trading.repositories.signals import SignalRepository
from weather.domain.outlook import make_outlook
from weather.domain.types import Outlook, WeatherSnapshot
from weather.repositories import WeatherRepository
from weather.services import WeatherRound, known_weather, refresh_weather


@dataclass(frozen=True)
class Sources:
    """Where a cycle reads from."""

    weather: Callable[[Sequence[str], datetime], WeatherRound] = refresh_weather
    boards: Callable[[Sequence[str], datetime], BoardRound] = read_boards


@dataclass(frozen=True)
class Settings:
    """What a cycle is run with."""

    mode: TradingMode
    cities: tuple[str, ...]
    capital: Decimal
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_config(cls, config: Config) -> "Settings":
        return cls(mode=config.trading_mode, cities=config.cities, capital=config.starting_capital)


def sources_for(config: Config) -> Sources:
    """What the fast loop reads: weather as the slow loop stored it, so that a slow NWS never delays a turn.

    A replayed world runs faster than the slow loop turns; there the cycle fetches for itself, from loopback.
    """
    return Sources() if config.milkbot_world_clock else Sources(weather=known_weather)


class CycleReport(BaseModel):
    """What one turn did. `errors` are sentences; the turn went on without what they name."""

    model_config = ConfigDict(frozen=True)

    mode: TradingMode
    started_at: datetime
    ok: bool = True
    cities: int = 0
    markets: int = 0
    signals: int = 0
    intents: int = 0
    fills: int = 0
    codes: Mapping[str, int] = Field(default_factory=dict)
    errors: tuple[str, ...] = ()
    timings_ms: Mapping[str, int] = Field(default_factory=dict)
    valuation: Valuation | None = None


class _Stopwatch:
    """Milliseconds per step."""

    def __init__(self) -> None:
        self._last = self._begun = clock.monotonic()
        self.timings_ms: dict[str, int] = {}

    def lap(self, step: str) -> None:
        now = clock.monotonic()
        self.timings_ms[step] = round((now - self._last) * 1000)
        self._last = now

    @property
    def total_ms(self) -> int:
        return round((clock.monotonic() - self._begun) * 1000)


def run_cycle(
    now: datetime,
    settings: Settings,
    *,
    sources: Sources | None = None,
    holder: str | None = None,
    dry_run: bool = False,
) -> CycleReport:
    """One turn at application time `now`. With `dry_run` it reads and decides, and stores or sends nothing.

    Raises LeaseHeld when another process trades in this mode, Fenced when one took over meanwhile, ConfigError when the
    mode has no venue: computed fills must never be booked as real ones.
    """
    watch = _Stopwatch()
    sources = sources or Sources()
    if dry_run:
        return _dry_run(now, settings, sources, watch)
    if settings.mode is not TradingMode.SHADOW:
        raise ConfigError(f"{settings.mode} has no venue yet; set TRADING_MODE=SHADOW, or use --dry-run")
    lease = take_lease(settings.mode, holder or holder_name())
    ensure_controls(settings.mode, now)
    LedgerRepository(settings.mode).open_account(settings.capital, now)
    views, errors, trading = _read(now, settings, sources, watch)
    venue = ShadowVenue(_shown(views), now)
    orders, batch, market_ids = _commit(views, now, settings, lease, venue, trading)
    watch.lap("commit")
    fills = _submit(orders, venue, market_ids, now)
    watch.lap("submit")
    valuation = value_account(settings.mode)
    watch.lap("account")
    report = _report(now, settings, views, batch, errors, watch, fills=fills, valuation=valuation)
    _finish(report, watch)
    return report


def _dry_run(now: datetime, settings: Settings, sources: Sources, watch: _Stopwatch) -> CycleReport:
    """Read and decide inside a transaction that is thrown away: refreshing sources store what they see, too."""
    with transaction.atomic():
        ensure_controls(settings.mode, now)
        LedgerRepository(settings.mode).open_account(settings.capital, now)
        views, errors, trading = _read(now, settings, sources, watch)
        batch = _decide(views, now, settings, exchange_trading=trading)
        transaction.set_rollback(True)
    return _report(now, settings, views, batch, errors, watch, fills=0, valuation=None)


def record_failure(now: datetime, mode: TradingMode, error: Exception) -> None:
    """Leave a trace of a turn that could not be finished: a cycle row that is not ok, and a failing heartbeat."""
    # The row is append-only: what a driver's message quotes of a connection string would stay in it for good.
    what = redact_text(f"{type(error).__name__}: {error}".replace("\x00", ""))[:500]
    CycleRow.objects.create(
        mode=mode,
        started_at=now,
        finished_wall_at=clock.wall_now(),
        duration_ms=0,
        ok=False,
        errors=[what],
    )
    beat(Component.TRADER, ok=False, message=what)


def _read(
    now: datetime, settings: Settings, sources: Sources, watch: _Stopwatch
) -> tuple[list[CityView], tuple[str, ...], bool]:
    """The cities' views, the faults met on the way, and whether the exchange trades at all."""
    weather = sources.weather(settings.cities, now)
    watch.lap("weather")
    boards = sources.boards(settings.cities, now)
    watch.lap("boards")
    cities = load_cities()
    views = [
        _view(
            cities[code], weather.snapshots.get(code), [b for b in boards.boards if b.city_code == code], now
        )
        for code in settings.cities
    ]
    faults = [
        f"{code}: {text}" for source in (weather.errors, boards.errors) for code, text in source.items()
    ]
    for fault in faults:
        logger.warning("could not be read", extra={"fault": fault})
    return views, tuple(faults), boards.status is not None and boards.status.trading_active


def _view(
    city: CityConfig, weather: WeatherSnapshot | None, boards: Sequence[Board], now: datetime
) -> CityView:
    outlooks: dict[date, Outlook] = {}
    for board in boards:
        outlook = make_outlook(city, weather, board.event_date, now) if weather else None
        if outlook is not None:
            outlooks[board.event_date] = outlook
    return CityView(city, weather, outlooks, boards)


def _decide(
    views: Sequence[CityView], now: datetime, settings: Settings, *, exchange_trading: bool
) -> DecisionBatch:
    account = read_account(settings.mode, [board.event_ticker for view in views for board in view.boards])
    around = Circumstances(
        now=now,
        mode=settings.mode,
        policy=settings.policy,
        limits=settings.limits,
        trading_state=get_trading_state(settings.mode),
        exchange_trading=exchange_trading,
        locked_scopes=locked_scopes(settings.mode),
    )
    return decide(views, account, around)


@transaction.atomic
def _commit(
    views: Sequence[CityView],
    now: datetime,
    settings: Settings,
    lease: Lease,
    venue: Venue,
    exchange_trading: bool,
) -> tuple[tuple[Order, ...], DecisionBatch, dict[str, int]]:
    """Everything the turn learnt and wants, in one transaction: after it, and only after it, anything may be sent."""
    markets = MarketRepository()
    market_ids = markets.save_boards([board for view in views for board in view.boards], now)
    WeatherRepository().save_outlooks([outlook for view in views for outlook in view.outlooks.values()])
    orders = OrderRepository(settings.mode)
    left_over = orders.in_states([OrderState.NEW, OrderState.SUBMITTED])
    if left_over:
        recover(venue, left_over, market_ids=markets.ids(order.market_ticker for order in left_over), at=now)
    batch = _decide(views, now, settings, exchange_trading=exchange_trading)
    signals = SignalRepository(settings.mode)
    signals.save(batch.signals, market_ids, now)
    for decision in signals.save_decisions(batch.decisions, market_ids, now):
        logger.info("decided", extra=asdict(decision))
    return orders.create(batch.intents, market_ids, lease=lease), batch, market_ids


def _submit(orders: Sequence[Order], venue: Venue, market_ids: Mapping[str, int], now: datetime) -> int:
    """Send the new orders one by one; returns how many filled at least in part."""
    filled = 0
    for order in orders:
        if order.state is OrderState.NEW:
            order = submit(order, venue, market_id=market_ids[order.market_ticker], at=now)
            filled += order.filled_count > 0
    return filled


def _shown(views: Sequence[CityView]) -> dict[str, ShownMarket]:
    return {
        market.market.ticker: ShownMarket(market.book, board.fees)
        for view in views
        for board in view.boards
        if board.fees is not None
        for market in board.markets
    }


def _report(
    now: datetime,
    settings: Settings,
    views: Sequence[CityView],
    batch: DecisionBatch,
    errors: tuple[str, ...],
    watch: _Stopwatch,
    *,
    fills: int,
    valuation: Valuation | None,
) -> CycleReport:
    return CycleReport(
        mode=settings.mode,
        started_at=now,
        cities=sum(bool(view.boards) for view in views),
        markets=len(batch.decisions),
        signals=len(batch.signals),
        intents=len(batch.intents),
        fills=fills,
        codes=batch.codes,
        errors=errors,
        timings_ms=watch.timings_ms,
        valuation=valuation,
    )


def _finish(report: CycleReport, watch: _Stopwatch) -> None:
    """The cycle's row and the trader's sign of life: only a finished loop counts as one."""
    valuation = report.valuation
    CycleRow.objects.create(
        **report.model_dump(mode="python", exclude={"valuation"}) | {"errors": list(report.errors)},
        finished_wall_at=clock.wall_now(),
        duration_ms=watch.total_ms,
        cash=valuation.cash if valuation else None,
        realized_pnl=valuation.realized_pnl if valuation else None,
        unrealized_pnl=valuation.unrealized_pnl if valuation else None,
    )
    beat(
        Component.TRADER, message=f"{report.markets} markets, {report.intents} intents, {report.fills} fills"
    )
    logger.info(
        "cycle finished",
        extra=report.model_dump(mode="json", include={"cities", "markets", "intents", "fills"}),
    )
