"""Random days on the exchange: what the world does, and what two members order, as plain values for Hypothesis."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.types import AmendRequest, OrderRequest, Refusal
from sandbox.feeds import Book
from tests.sandbox.exchange.scripted import HIGH, MID, START, D, ScriptedFeed, book

ACCOUNTS = ("ann", "bob")
TICKERS = (MID, HIGH)
PRICES = st.integers(40, 60).map(lambda cents: D(cents) / 100)
COUNTS = st.integers(1, 2_000).map(lambda hundredths: D(hundredths) / 100)
LEVELS = st.lists(COUNTS, min_size=0, max_size=3)


@dataclass(frozen=True)
class Shown:
    """The world quotes `bids` downwards and `asks` upwards from `mid` cents, a cent apart."""

    ticker: str
    mid: int
    bids: list[Decimal]
    asks: list[Decimal]


@dataclass(frozen=True)
class Taken:
    """A taker of the world has `share` of what it shows best."""

    ticker: str
    side: str
    share: Decimal


@dataclass(frozen=True)
class Ordered:
    """A member's order."""

    account: str
    request: OrderRequest
    lasts: int | None


@dataclass(frozen=True)
class Changed:
    """A cancel, decrease or amend of the member's `pick`-th order."""

    account: str
    what: str
    pick: int
    price: Decimal
    count: Decimal


Step = Shown | Taken | Ordered | Changed

REQUESTS = st.builds(
    OrderRequest,
    ticker=st.sampled_from(TICKERS),
    side=st.sampled_from(("bid", "ask")),
    count=COUNTS,
    price=PRICES,
    time_in_force=st.sampled_from(
        (
            "good_till_canceled",
            "good_till_canceled",
            "good_till_canceled",
            "immediate_or_cancel",
            "fill_or_kill",
        )
    ),
    self_trade_prevention_type=st.sampled_from(("taker_at_cross", "maker")),
    cancel_order_on_pause=st.booleans(),
)
ORDERS = st.builds(Ordered, st.sampled_from(ACCOUNTS), REQUESTS, st.one_of(st.none(), st.integers(1, 20)))
WORLD = st.one_of(
    st.builds(Shown, st.sampled_from(TICKERS), st.integers(42, 58), LEVELS, LEVELS),
    st.builds(
        Taken, st.sampled_from(TICKERS), st.sampled_from(("yes", "no")), st.sampled_from((D("0.3"), D("1")))
    ),
)
CHANGES = st.builds(
    Changed,
    st.sampled_from(ACCOUNTS),
    st.sampled_from(("cancel", "decrease", "amend", "expiry")),
    st.integers(0, 10),
    PRICES,
    COUNTS,
)


def days(orders: int) -> st.SearchStrategy[list[Step]]:
    """Days with at least `orders` orders, what the world does before each, and a change of an order after it."""
    hours = st.tuples(WORLD, ORDERS, st.none() | CHANGES)
    return st.lists(hours, min_size=orders, max_size=2 * orders).map(
        lambda found: [step for hour in found for step in hour if step is not None]
    )


@dataclass
class Day:
    """Plays steps, one a second, on `exchange` over `feed`. `entered` tells in which order orders came to their places."""

    feed: ScriptedFeed
    exchange: Exchange
    at: datetime = START
    orders: int = 0
    entered: dict[str, int] = field(default_factory=dict)

    def play(self, step: Step) -> None:
        """One step; what the exchange refuses is passed over."""
        self.at += timedelta(seconds=1)
        match step:
            case Shown():
                self._show(step)
            case Taken():
                self._take(step)
            case Ordered():
                self._order(step)
            case Changed():
                self._change(step)

    def _show(self, step: Shown) -> None:
        bids = {D(step.mid - 1 - level) / 100: count for level, count in enumerate(step.bids)}
        asks = {D(step.mid + 1 + level) / 100: count for level, count in enumerate(step.asks)}
        self.feed.show(self.at, _book(bids, asks), step.ticker)

    def _take(self, step: Taken) -> None:
        shown = self.feed.book(step.ticker, self.at)
        bids = {level.price: level.count for level in shown.yes_bids}
        asks = {1 - level.price: level.count for level in shown.no_bids}
        hit = asks if step.side == "yes" else bids
        if not hit:
            return
        price = min(hit) if step.side == "yes" else max(hit)
        count = max((hit[price] * step.share).quantize(D("0.01")), D("0.01"))
        hit[price] -= count
        self.feed.trade(self.at, step.side, str(price), str(count), step.ticker)
        self.feed.show(self.at, _book(bids, asks), step.ticker)

    def _order(self, step: Ordered) -> None:
        self.orders += 1
        lasting = step.lasts if step.request.time_in_force == "good_till_canceled" else None
        fields = {name: getattr(step.request, name) for name in OrderRequest.__dataclass_fields__}
        fields["client_order_id"] = f"order-{self.orders}"
        fields["expires_at"] = self.at + timedelta(seconds=lasting) if lasting else None
        try:
            placed = self.exchange.create(step.account, OrderRequest(**fields), self.at)
        except Refusal:
            return
        self.entered[placed.order_id] = len(self.entered) * 1_000

    def _change(self, step: Changed) -> None:
        orders = self.exchange.orders(step.account)
        if not orders:
            return
        order = orders[-1 - step.pick % len(orders)]
        try:
            if step.what == "cancel":
                self.exchange.cancel(step.account, order.order_id, self.at)
            elif step.what == "decrease":
                self.exchange.decrease(step.account, order.order_id, self.at, reduce_to=step.count)
            else:
                price = step.price if step.what == "amend" else order.price
                count = order.fill_count + (step.count if step.what == "amend" else order.remaining_count)
                moves = price != order.price or count > order.fill_count + order.remaining_count
                wanted = AmendRequest(order.ticker, order.side, price, count, changes_expiry=True)
                self.exchange.amend(step.account, order.order_id, wanted, self.at)
                if moves:
                    self.entered[order.order_id] = max(self.entered.values()) + 1
        except Refusal:
            return


def _book(bids: dict[Decimal, Decimal], asks: dict[Decimal, Decimal]) -> Book:
    return book(
        {str(price): str(count) for price, count in bids.items() if count},
        {str(price): str(count) for price, count in asks.items() if count},
    )
