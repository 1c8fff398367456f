"""A DEMO trader on a simulated exchange over real HTTP, one hand clock for both, and every screw within reach.

World time is wall time here, so an order's expiration, a signature and a fill all count by the same clock. Each test has
a world of its own: time never goes back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import requests

from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.orders import KalshiOrders
from markets.clients.kalshi.portfolio import KalshiPortfolio
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.transport import SLOW_S, Transport
from markets.domain.sides import BookSide
from markets.services import read_boards, refresh_unsettled
from milkbot.core.config import TradingMode
from sandbox.accounts import Account
from sandbox.assembly import app_around
from sandbox.exchange.exchange import Exchange as Engine
from sandbox.exchange.ledger import Account as Member
from sandbox.exchange.state import State, dumped, loaded
from sandbox.exchange.types import OrderRequest
from sandbox.kalshi.commands import Create
from sandbox.kalshi.state_file import StateFile
from sandbox.kalshi.venue import Venue
from sandbox.simulation import SimulatedOptions, prepare_simulated
from sandbox.stage import Stage
from tests.faults.edge import Front, HandClock, HastyConversation, Settable, served
from tests.faults.oracle import complaints, public_complaints
from tests.faults.watched import WatchedVenue
from tests.trading.makers import ALONE
from trading.controls import set_trading_state
from trading.cycle import Settings, run_cycle
from trading.cycle_report import CycleReport
from trading.domain.types import TradingState
from trading.models import OrderRow
from trading.oms.account import KalshiAccount
from trading.oms.exchange import Exchange
from trading.oms.reconcile import ReconcileReport, reconcile
from trading.oms.venues.kalshi import KalshiVenue
from trading.reading import Sources
from trading.settlement import SettlementReport, settle_finalized
from weather.cache import WeatherCache
from weather.clients.nws.client import NwsClient
from weather.clients.nws.transport import NwsTransport, TransportPolicy
from weather.services import CityFetcher, refresh_weather

MODE: Final = TradingMode.DEMO
HOLDER: Final = "faults/1/1.00"
CYCLE: Final = timedelta(minutes=1)
LAG: Final = timedelta(seconds=2)
"""After this the exchange's reads show what its engine did."""


class Key(NamedTuple):
    """What a trader holds of an account."""

    key_id: str
    private_key_path: Path


class Connected(NamedTuple):
    """What a trader reads from and sends to."""

    transport: Transport
    kalshi: KalshiMarketData
    sources: Sources
    exchange: Exchange


@dataclass
class Bench:
    """A running exchange, our trader on one account of it, and a stranger on another."""

    clock: Settable
    venue: Venue
    front: Front
    base_url: str
    account: Account
    stranger: Account
    sources: Sources
    kalshi: KalshiMarketData
    transport: Transport
    exchange: Exchange
    watched: WatchedVenue
    cities: tuple[str, ...]
    keys: tuple[Account, ...]
    placed_by_hand: set[str] = field(default_factory=set)
    """The exchange's names of orders on our account that are none of our intents."""
    moved_by_hand: Decimal = Decimal(0)
    """Dollars that a person put into our account, less what was taken out."""
    sends_within_s: float | None = None
    """Seconds after which a turn begins to send nothing more; None leaves the usual."""
    forgotten: set[str] = field(default_factory=set)
    """The exchange's names of orders it has lost."""
    journal: StateFile | None = None
    """Where the exchange writes down what it is told before it does it."""

    @property
    def now(self) -> datetime:
        return self.clock.now

    @property
    def member(self) -> Member:
        """A copy of our account as the matching engine has it this instant."""
        return loaded(self.front.do(self._dump)).accounts[self.account.member]

    def _dump(self) -> dict[str, Any]:
        self.venue.exchange.advance(self.clock.now)
        return self.venue.exchange.dump()

    def wait(self, duration: timedelta = CYCLE) -> None:
        """Let time pass."""
        self.clock.now += duration

    def settings(self) -> Settings:
        settings = settings_of(self.cities)
        if self.sends_within_s is None:
            return settings
        return replace(settings, sends_within_s=self.sends_within_s)

    def cycle(self) -> CycleReport:
        """One turn, now."""
        return self._cycle(self.settings())

    def _cycle(self, settings: Settings) -> CycleReport:
        try:
            return run_cycle(
                self.now,
                settings,
                sources=self.sources,
                exchange=self.exchange,
                holder=HOLDER,
                clock=self.clock,
            )
        finally:
            self.watched.look()

    def turns(self, count: int, step: timedelta = CYCLE) -> list[CycleReport]:
        """`count` turns, `step` apart, the first after `step`."""
        reports = []
        for _ in range(count):
            self.wait(step)
            reports.append(self.cycle())
        return reports

    def recover(self, turns: int) -> None:
        """`turns` of them, the last in a market that stands still: it sends nothing, and the lists have caught up.

        After it the books must be the exchange's own as they are: nothing else reads the account before `complaints`.
        """
        self.turns(turns - 1)
        self.stand_still()
        self._cycle(silent(self.settings()))

    def stand_still(self) -> None:
        """The market stands still, and what the lists show has caught up with it.

        Orders still expire, in step with the turns that sent them: the lists must have caught up with that as well.
        """
        self.control(do="freeze")
        self.wait(CYCLE + LAG)

    def turn_switch(self, state: TradingState) -> None:
        """An operator turns the trading switch; from HALTED on the next turn empties the book."""
        set_trading_state(mode=MODE, state=state, actor="tester", user_id=None, reason="a test", now=self.now)

    def complaints(self) -> list[str]:
        """What the oracle says of the books as they are, of a market that was made to stand still, and of what the world may
        see of them: nothing, if all is well. The account is not read for it; the market goes on afterwards.
        """
        found = [*self.judged(self.member), *public_complaints(MODE, self.now)]
        self.control(do="thaw")
        return [*self.watched.complaints, *found]

    def judged(self, member: Member) -> list[str]:
        """The oracle's word on our books as they are against `member`."""
        return complaints(
            MODE,
            member,
            by_hand=self.placed_by_hand,
            forgotten=self.forgotten,
            moved_by_hand=self.moved_by_hand,
        )

    def restart_exchange(self, change: Callable[[State], None]) -> None:
        """Stop the exchange and start it again with `change` done to what it remembers."""

        def restart() -> None:
            state = loaded(self.venue.exchange.dump())
            change(state)
            restored = Engine.restore(dumped(state), self.venue.stage.market)
            self._take_over(_RestartedVenue(self.venue.stage, self.keys, restored))

        self.front.do(restart)

    def restart_from_journal(self) -> None:
        """The exchange is killed, and another one starts from what it had written to disk."""
        assert self.journal is not None
        journal = StateFile(self.journal.path, self.journal.world)
        self.front.do(lambda: self._take_over(Venue(self.venue.stage, self.keys, journal)))
        self.journal = journal

    def _take_over(self, venue: Venue) -> None:
        self.venue = venue
        self.front.app = app_around(venue, self.keys, lambda: None, tier=None)

    def reconcile(self) -> ReconcileReport:
        """As by command, with no trader."""
        report = reconcile(MODE, self.exchange.account, self.now)
        self.watched.look()
        return report

    def settle(self) -> SettlementReport:
        """Follow closed markets and book what is final."""
        refresh_unsettled(self.now, client=self.kalshi)
        return settle_finalized(MODE, self.now)

    def control(self, **order: object) -> None:
        """Tell the sandbox's control panel something, e.g. do="freeze"."""
        answer = requests.post(f"{self.base_url}/control", json=order, timeout=5)
        assert answer.status_code == 200, answer.text

    def fault(self, match: str, kind: str, **more: object) -> None:
        """Put a fault of the sandbox in force."""
        self.control(do="fault", match=match, kind=kind, **more)

    def heal(self) -> None:
        """No faults any more."""
        self.control(do="clear")

    def tickers(self) -> list[str]:
        """Every market of the cities that is open."""
        boards = self.sources.boards(self.cities, self.now).boards
        return [market.market.ticker for board in boards for market in board.markets]

    def take(self, row: OrderRow, count: Decimal) -> None:
        """A stranger takes `count` contracts of our resting order, and whatever stands before it."""
        self.front.do(lambda: self._take(row, count))

    def _take(self, row: OrderRow, count: Decimal) -> None:
        engine = self.venue.exchange
        engine.advance(self.now)
        assert row.kalshi_order_id is not None
        ahead = engine.queue_position(self.account.member, row.kalshi_order_id)
        request = OrderRequest(
            ticker=row.market.ticker,
            side="ask" if row.book_side == BookSide.BID else "bid",
            count=ahead + count,
            price=row.limit_price,
            time_in_force="immediate_or_cancel",
            self_trade_prevention_type="taker_at_cross",
        )
        self.venue.do(Create(self.stranger.member, request))

    def hand(self, account: Account | None = None) -> KalshiOrders:
        """The order endpoint under a person's hands: ours without an intent, or the stranger's."""
        return KalshiOrders(self._transport(account or self.account).conversation, self.clock)

    def _transport(self, account: Account) -> Transport:
        return signed_transport(self.base_url, account, self.clock)


class _RestartedVenue(Venue):
    """An exchange that goes on from a given engine."""

    def __init__(self, stage: Stage, accounts: tuple[Account, ...], engine: Engine) -> None:
        self._engine = engine
        super().__init__(stage, accounts)

    def _opened(self, _balances: dict[str, Decimal]) -> Engine:
        return self._engine


def settings_of(cities: tuple[str, ...]) -> Settings:
    return Settings(mode=MODE, cities=cities, capital=Decimal(10_000), weights=ALONE)


def silent(settings: Settings) -> Settings:
    """Those of a turn that reads, decides and sends nothing."""
    return replace(settings, sends_within_s=0)


def no_pause(_: float) -> None:
    """Tries again at once."""


def signed_transport(
    base_url: str,
    key: Account | Key,
    clock: Callable[[], datetime],
    pause: Callable[[float], None] = no_pause,
    slow_s: float = SLOW_S,
) -> Transport:
    """The application's transport with the key, which `pause` between two attempts."""
    signer = Signer(key.key_id, key.private_key_path, frozenset())
    url = f"{base_url}/trade-api/v2"
    transport = Transport(url, signer, now=clock, sleep=pause, slow_s=slow_s)
    transport.conversation = HastyConversation(url, signer, now=clock)
    return transport


@contextmanager
def running_bench(
    state_dir: Path,
    accounts: tuple[Account, ...],
    *,
    cities: tuple[str, ...] = ("LAX",),
    seed: int = 5,
    clock: Settable | None = None,
    journal: bool = False,
    pause: Callable[[float], None] = no_pause,
    slow_s: float = SLOW_S,
) -> Iterator[Bench]:
    """A world of its own until the block ends, beginning when `clock` stands; its exchange may keep a journal on disk.

    `pause` is what our clients wait with between two attempts; a read of the exchange that took `slow_s` has only one.
    """
    clock = clock or HandClock()
    start = clock()
    options = SimulatedOptions(seed, 1.0, start, history_days=2, state_dir=state_dir, wall_anchor=start)
    state = StateFile(state_dir / "exchange.journal", {"seed": seed}) if journal else None
    venue = Venue(prepare_simulated(options, clock).stage, accounts, state)
    front = Front(app_around(venue, accounts, lambda: None, tier=None), clock)
    with served(front) as base_url:
        bench = _bench(base_url, clock, venue, front, accounts, cities, pause, slow_s)
        bench.journal = state
        yield bench


def _bench(
    base_url: str,
    clock: Settable,
    venue: Venue,
    front: Front,
    accounts: tuple[Account, ...],
    cities: tuple[str, ...],
    pause: Callable[[float], None],
    slow_s: float,
) -> Bench:
    stranger, account = accounts[:2]
    ours = connected(base_url, account, clock, pause, slow_s)
    watched = WatchedVenue(ours.exchange.venue, MODE)
    return Bench(
        clock=clock,
        venue=venue,
        front=front,
        base_url=base_url,
        account=account,
        stranger=stranger,
        sources=ours.sources,
        kalshi=ours.kalshi,
        transport=ours.transport,
        exchange=replace(ours.exchange, venue=watched),
        watched=watched,
        cities=cities,
        keys=accounts,
    )


def connected(
    base_url: str,
    key: Account | Key,
    clock: Callable[[], datetime],
    pause: Callable[[float], None] = no_pause,
    slow_s: float = SLOW_S,
) -> Connected:
    """The real clients of everything, with one key, by one clock; they `pause` between two attempts."""
    transport = signed_transport(base_url, key, clock, pause, slow_s)
    conversation = transport.conversation
    kalshi = KalshiMarketData(transport, clock)
    nws = NwsClient(NwsTransport(f"{base_url}/nws", "(milkbot tests, none)", TransportPolicy(sleep=pause)))
    return Connected(
        transport=transport,
        kalshi=kalshi,
        sources=Sources(
            weather=partial(refresh_weather, cache=WeatherCache(CityFetcher(nws))),
            boards=partial(read_boards, client=kalshi),
        ),
        exchange=Exchange(
            venue=KalshiVenue(KalshiOrders(conversation, clock)),
            account=KalshiAccount(KalshiPortfolio(transport)),
            skew_s=lambda: conversation.skew_s,
        ),
    )
