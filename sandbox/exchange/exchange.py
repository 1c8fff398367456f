"""The exchange of the sandbox: one instance holds every account. Not safe for threads; the caller serialises calls.

`at` is the instant of a command and never runs backwards: an earlier one counts as the latest seen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.exchange import checks
from sandbox.exchange.book import NOTHING, Market
from sandbox.exchange.desk import Desk
from sandbox.exchange.fees import QUADRATIC, FeeSchedule
from sandbox.exchange.ledger import Account, by_event
from sandbox.exchange.session import Session
from sandbox.exchange.state import OrderedPause, State, dumped, loaded
from sandbox.exchange.timers import Bell
from sandbox.exchange.types import (
    Amended,
    AmendRequest,
    Balance,
    Canceled,
    Decreased,
    EventPosition,
    ExchangeEvent,
    Fill,
    MarketLife,
    Order,
    OrderRequest,
    Outcome,
    PauseKind,
    Placed,
    Position,
    Refusal,
    Settlement,
)
from sandbox.feeds import Book, MarketFeed

WORLD = "world"


def quadratic(_series_ticker: str) -> FeeSchedule:
    """Takers pay 7 %, makers nothing."""
    return QUADRATIC


class Exchange:
    """Every refusal is raised as `Refusal`; `fees` tells the schedule of a series, `seed` makes ids repeatable."""

    def __init__(
        self,
        feed: MarketFeed,
        accounts: Mapping[str, Decimal],
        *,
        now: datetime,
        fees: Callable[[str], FeeSchedule] = quadratic,
        seed: int = 0,
    ) -> None:
        """`accounts` are names with their opening cash in dollars."""
        state = State(
            seed=seed,
            now=now,
            accounts={name: Account(name, cash) for name, cash in accounts.items()},
            world=Account(WORLD, NOTHING),
        )
        self._begin(state, feed, fees)

    @classmethod
    def restore(
        cls, state: dict[str, Any], feed: MarketFeed, *, fees: Callable[[str], FeeSchedule] = quadratic
    ) -> "Exchange":
        """The exchange that `dump` described, over the same world. Raises pydantic.ValidationError."""
        restored = cls.__new__(cls)
        restored._begin(loaded(state), feed, fees)
        return restored

    def _begin(self, state: State, feed: MarketFeed, fees: Callable[[str], FeeSchedule]) -> None:
        self.world = feed
        self._session = Session(feed, state, fees)
        self._floor = self._session.floor
        self._state = state
        self._desk = Desk(self._floor)
        self._fees = fees

    @property
    def now(self) -> datetime:
        """The latest instant seen."""
        return self._state.now

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts' names."""
        return frozenset(self._state.accounts)

    @property
    def markets(self) -> Mapping[str, Market]:
        """What members' doings left in each market they came to; to be read only."""
        return self._state.markets

    @property
    def ordered_pauses(self) -> Sequence[OrderedPause]:
        """Pauses the controls ordered, the oldest first."""
        return self._state.ordered_pauses

    def world_at(self, at: datetime) -> datetime:
        """The instant whose world is shown at `at`: a pause that a control ordered holds it still."""
        return self._session.world_at(at)

    def dump(self) -> dict[str, Any]:
        """The complete state in JSON's types, its keys in order; events not drained yet are not in it."""
        return dumped(self._state)

    def drain_events(self) -> list[ExchangeEvent]:
        """What happened since the last call, in order of time; the newest 100,000 if nobody asked for long."""
        drained = sorted(self._floor.events, key=lambda event: event.at)
        self._floor.events.clear()
        return drained

    def advance(self, until: datetime) -> None:
        """Let everything up to `until` happen: the world's takers and quotes, expirations, pauses, closes, payouts.

        The outcome does not depend on how often it is called. Every command does it first; readers should.
        """
        self._session.advance(until)

    def create(self, account: str, request: OrderRequest, at: datetime) -> Placed:
        """A new order. Raises Refusal 400, 404 or 409; a killed one has used up its client id."""
        at = self._session.advance(at)
        owner = self._account(account)
        checks.check_request(request)
        # Before all that time can change: who repeats a lost order must learn that it had arrived, however late.
        self._desk.refuse_duplicate(owner, request.client_order_id)
        checks.check_expiry(request.expires_at, at)
        self._session.require_listed(request.ticker, at)
        market = self._session.trading(request.ticker, at)
        placed = self._desk.create(owner, market, request, self._fees(market.series_ticker), at)
        self._watch_expiry(owner.orders[placed.order_id])
        self._floor.mark(market, at)
        return placed

    def cancel(self, account: str, order_id: str, at: datetime) -> Canceled:
        """Cancel a resting order. Raises Refusal 404 for one that is not resting, 409 after close or in an exchange pause."""
        at = self._session.advance(at)
        _, order = self._owned(account, order_id)
        market = self._session.cancelable(order.ticker, at)
        canceled = self._desk.cancel(market, _resting(order), at)
        self._floor.mark(market, at)
        return canceled

    def cancel_all(self, account: str, at: datetime) -> list[Canceled]:
        """Cancel every resting order of an account. Raises Refusal 409 in an exchange pause."""
        at = self._session.advance(at)
        return [self.cancel(account, order_id, at) for order_id in self._session.cancelable_ids(account, at)]

    def amend(self, account: str, order_id: str, request: AmendRequest, at: datetime) -> Amended:
        """Change price, size or expiration of a resting order. Raises Refusal."""
        at = self._session.advance(at)
        owner, order = self._owned(account, order_id)
        market = self._session.trading(order.ticker, at)
        order = _resting(owner.orders[order_id])
        checks.check_amend(order, request, at)
        schedule = self._fees(market.series_ticker)
        amended = self._desk.amend(owner, market, order, request, schedule, at)
        self._watch_expiry(owner.orders[order_id])
        self._floor.mark(market, at)
        return amended

    def decrease(
        self,
        account: str,
        order_id: str,
        at: datetime,
        *,
        reduce_by: Decimal | None = None,
        reduce_to: Decimal | None = None,
    ) -> Decreased:
        """Make a resting order smaller by or to a count, exactly one of both. Raises Refusal."""
        at = self._session.advance(at)
        if (reduce_by is None) == (reduce_to is None):
            raise Refusal(
                400, "invalid_parameters", "invalid parameters", "exactly one of reduce_by and reduce_to"
            )
        _, order = self._owned(account, order_id)
        market = self._session.cancelable(order.ticker, at)
        remaining = _resting(order).remaining_count
        to = _decreased(remaining, reduce_by, reduce_to)
        decreased = self._desk.decrease(market, order, to, at)
        self._floor.mark(market, at)
        return decreased

    def order(self, account: str, order_id: str) -> Order:
        """One order. Raises Refusal 404."""
        return self._owned(account, order_id)[1]

    def orders(self, account: str) -> Sequence[Order]:
        """Every order of an account, the oldest first."""
        return list(self._account(account).orders.values())

    def fills(self, account: str) -> Sequence[Fill]:
        """Every fill of an account, the oldest first."""
        return tuple(self._account(account).fills)

    def positions(self, account: str) -> Sequence[Position]:
        """Every market an account ever traded, settled ones included."""
        return list(self._account(account).positions.values())

    def event_positions(self, account: str) -> Sequence[EventPosition]:
        """The same by event."""
        return by_event(self.positions(account))

    def settlements(self, account: str) -> Sequence[Settlement]:
        """Every payout to an account, the oldest first; only positions that were open have one."""
        return tuple(self._account(account).settlements)

    def balance(self, account: str) -> Balance:
        """Cash, what resting orders hold of it, and what the positions would bring."""
        owner = self._account(account)
        worth = self.worth(owner.positions.values(), self.now)
        return Balance(owner.cash, self._floor.holds.total(account), worth)

    def worth(self, positions: Iterable[Position], at: datetime) -> Decimal:
        """Dollars that `positions`, as they were at `at`, would have brought then."""
        return sum((self._session.worth(position, at) for position in positions), NOTHING)

    def available(self, account: str) -> Decimal:
        """Dollars that a new order may use, without asking what positions are worth."""
        return self._account(account).cash - self._floor.holds.total(account)

    def queue_position(self, account: str, order_id: str) -> Decimal:
        """Contracts that fill before a resting order at its price. Raises Refusal 404."""
        order = _resting(self._owned(account, order_id)[1])
        before = NOTHING
        for place in self._state.markets[order.ticker].side(order.side).queue[order.price].values():
            if place.order_id == order_id:
                return before + place.ahead
            before += place.count
        raise AssertionError(f"{order_id} rests outside its queue")

    def life(self, ticker: str) -> MarketLife:
        """A market's status and the moments that have come. Raises Refusal 404."""
        return self._session.life(ticker, self.now)

    def paused(self) -> PauseKind | None:
        """What stands still now."""
        return self._session.paused(self.now)

    def book(self, ticker: str) -> Book:
        """What the world and the members show together; empty unless the market trades. Raises Refusal 404."""
        return self._session.shown_book(ticker, self.now)

    def pause(self, at: datetime, kind: PauseKind = "trading") -> None:
        """Stop trading; an exchange pause also refuses cancels. Does nothing in a pause."""
        self._session.pause(self._session.advance(at), kind)

    def resume(self, at: datetime) -> None:
        """End a pause that a control began."""
        self._session.resume(self._session.advance(at))

    def close(self, ticker: str, at: datetime) -> None:
        """End trading in a market before its time. Raises ValueError unless it is open."""
        self._session.close(ticker, self._session.advance(at))

    def determine(self, ticker: str, result: Outcome, at: datetime) -> None:
        """Decide a closed market; it is paid an hour later. Raises ValueError unless it is closed."""
        self._session.determine(ticker, result, self._session.advance(at))

    def finalize(self, ticker: str, at: datetime) -> None:
        """Pay a determined market at once. Raises ValueError unless it is determined."""
        self._session.finalize(ticker, self._session.advance(at))

    def _account(self, name: str) -> Account:
        try:
            return self._state.accounts[name]
        except KeyError:
            raise Refusal(404, "user_not_found", "user not found") from None

    def _owned(self, account: str, order_id: str) -> tuple[Account, Order]:
        owner = self._account(account)
        order = owner.orders.get(order_id)
        if order is None:
            raise checks.not_found()
        return owner, order

    def _watch_expiry(self, order: Order) -> None:
        if order.status == "resting" and order.expires_at is not None:
            self._session.timers.set(order.expires_at, Bell.EXPIRE, order.account, order.order_id)


def _resting(order: Order) -> Order:
    if order.status != "resting":
        raise checks.not_found()
    return order


def _decreased(remaining: Decimal, reduce_by: Decimal | None, reduce_to: Decimal | None) -> Decimal:
    """The count that is to remain. Raises Refusal 400 for a size that is none."""
    if reduce_by is not None:
        checks.check_count(reduce_by)
        return remaining - reduce_by
    if reduce_to is None or reduce_to:
        checks.check_count(reduce_to or NOTHING)
    return reduce_to or NOTHING
