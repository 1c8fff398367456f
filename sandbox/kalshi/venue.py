"""The exchange as its HTTP and WebSocket sides share it: the matching engine brought to the present, saved, and watched."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from pydantic import ValidationError

from sandbox.accounts import Account
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.feed import ExchangeFeed
from sandbox.exchange.types import ExchangeEvent, MarketLife, Refusal
from sandbox.kalshi.account_views import AccountView, LaggingViews, snapshot
from sandbox.kalshi.commands import Command, Scene
from sandbox.kalshi.listing import Listing, listings
from sandbox.kalshi.state_file import StateFile, UnreadableState
from sandbox.stage import Stage

READ_LAG: Final = timedelta(seconds=0.5)

T = TypeVar("T")
Watcher = Callable[[Sequence[ExchangeEvent]], None]


class Venue:
    """Every call first lets the engine live through what happened since the last one.

    `read_lag` is machine time. Not safe for threads: all calls come from the event loop.
    """

    def __init__(
        self,
        stage: Stage,
        accounts: Iterable[Account],
        state: StateFile | None = None,
        read_lag: timedelta = READ_LAG,
    ) -> None:
        self.stage = stage
        self._state = state
        self._lag = read_lag
        self._accounts = tuple(dict.fromkeys(account.member for account in accounts))
        self.exchange = self._opened({account.member: account.balance for account in accounts})
        self.market = ExchangeFeed(self.exchange)
        self._scene = Scene(self.exchange, stage.market)
        self._views = LaggingViews(snapshot(self.exchange, self._accounts, stage.now()))
        self._watchers: list[Watcher] = []

    @property
    def reached(self) -> datetime:
        """The instant the engine has lived up to."""
        return self.exchange.now

    def now(self) -> datetime:
        """The world's present, which the engine has reached."""
        # In two steps, so that what readers are due to see is never in one snapshot with what is still hidden from them.
        now = self.stage.now()
        for until in (min(self.as_of(), now), now):
            self.exchange.advance(until)
            self._note()
        return max(now, self.reached)

    def do(self, command: Command[T]) -> T:
        """Carry out one command now; it is on disk before that. Refusals of the engine pass through."""
        now = self.now()
        if self._state is not None:
            if self._state.is_long:
                self._state.begin(self.exchange.dump(), self.stage.market.held_at)
            self._state.append(command, now)
        try:
            return command.carry_out(self._scene, now)
        finally:
            self._note()

    def view(self, account: Account) -> AccountView:
        """What the account's reads show."""
        self.now()
        return self._views.view(account.member, self.as_of())

    def as_of(self) -> datetime:
        """How far the reads have caught up, in world time."""
        return self.stage.at(self.stage.wall() - self._lag)

    def listings(self) -> list[Listing]:
        """Every market as it stands."""
        self.now()
        return self.listings_reached()

    def listings_reached(self) -> list[Listing]:
        """Every market as it stood when the engine was last brought to the present."""
        return listings(self.market, self.reached, self._changed_life)

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` with every batch of events."""
        self._watchers.append(watcher)

    def _changed_life(self, ticker: str) -> MarketLife | None:
        market = self.exchange.markets.get(ticker)
        is_changed = market is not None and (market.set_closed_at or market.set_determined_at)
        return self.exchange.life(ticker) if is_changed else None

    def _opened(self, balances: dict[str, Decimal]) -> Exchange:
        """The exchange as it was left, unless that is another world's, other accounts' or of the future."""
        now = self.stage.now()
        exchange = self._restored(frozenset(balances), now)
        if exchange is None:
            # Another start is another exchange: its order ids must not be those of the former one.
            exchange = Exchange(self.stage.market, balances, now=now, seed=int(now.timestamp()))
        if self._state is not None:
            self._state.begin(exchange.dump(), self.stage.market.held_at)
        return exchange

    def _restored(self, accounts: frozenset[str], now: datetime) -> Exchange | None:
        saved = self._state.load() if self._state else None
        if saved is None or self._state is None:
            return None
        begun, entries = saved
        self.stage.market.held_at = begun.held_at
        try:
            exchange = Exchange.restore(begun.exchange, self.stage.market)
        except ValidationError:
            raise UnreadableState(self._state.path) from None
        latest = entries[-1].at if entries else exchange.now
        if exchange.accounts != accounts or latest > now:
            self.stage.market.held_at = None
            return None
        scene = Scene(exchange, self.stage.market)
        for entry in entries:
            exchange.advance(entry.at)
            with suppress(Refusal, ValueError):  # it was refused then as well
                entry.command.carry_out(scene, entry.at)
        exchange.drain_events()
        return exchange

    def _note(self) -> None:
        events = self.exchange.drain_events()
        if not events:
            return
        self._views.add(snapshot(self.exchange, self._accounts, events[0].at))
        for watcher in self._watchers:
            watcher(events)
