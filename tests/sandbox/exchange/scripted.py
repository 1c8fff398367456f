"""A world whose books and trades are written down by the test."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.fees import QUADRATIC, FeeSchedule
from sandbox.exchange.types import OrderRequest, Placed
from sandbox.feeds import Book, Bracket, Ladder, Level, Outcome, Pause, Quote, Trade

EVENT = "KXHIGHNY-26NOV21"
LOW, MID, HIGH = f"{EVENT}-T50", f"{EVENT}-B50.5", f"{EVENT}-T51"
OPENS = datetime(2026, 11, 20, 15, tzinfo=UTC)
CLOSES = datetime(2026, 11, 22, 5, tzinfo=UTC)
FINALIZED = datetime(2026, 11, 22, 11, 18, tzinfo=UTC)
START = OPENS + timedelta(hours=1)
D = Decimal
LADDER = Ladder(
    "KXHIGHNY",
    EVENT,
    date(2026, 11, 21),
    OPENS,
    CLOSES,
    (
        Bracket(LOW, "less", None, 50),
        Bracket(MID, "between", 50, 51),
        Bracket(HIGH, "greater", 51, None),
    ),
    FINALIZED,
)


def seconds(count: float) -> datetime:
    """So long after the start."""
    return START + timedelta(seconds=count)


def book(bids: dict[str, str] | None = None, asks: dict[str, str] | None = None) -> Book:
    """A book from YES prices and counts."""
    yes = [Level(D(price), D(count)) for price, count in (bids or {}).items()]
    no = [Level(1 - D(price), D(count)) for price, count in (asks or {}).items()]
    return Book(
        tuple(sorted(yes, key=lambda level: level.price)), tuple(sorted(no, key=lambda level: level.price))
    )


@dataclass
class ScriptedFeed:
    """A MarketFeed over one event. `books` and `prints` by ticker, ascending in time."""

    books: dict[str, list[tuple[datetime, Book]]] = field(default_factory=dict)
    prints: dict[str, list[Trade]] = field(default_factory=dict)
    planned: tuple[Pause, ...] = ()
    winner: str | None = MID

    def show(self, at: datetime, shown: Book, ticker: str = MID) -> None:
        """The world shows `shown` from `at` on."""
        self.books.setdefault(ticker, []).append((at, shown))

    def trade(self, at: datetime, side: str, price: str, count: str, ticker: str = MID) -> str:
        """A taker of the world, positioned for `side`; the id of its trade."""
        made = self.prints.setdefault(ticker, [])
        assert side in ("yes", "no")
        trade_id = f"world-{ticker}-{len(made)}"
        made.append(Trade(trade_id, ticker, at, D(price), D(count), "yes" if side == "yes" else "no"))
        return trade_id

    def ladders(self, at: datetime) -> Sequence[Ladder]:
        return (LADDER,)

    def outcome(self, event_ticker: str) -> Outcome | None:
        return Outcome(self.winner, 50) if self.winner else None

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        known = [one for one in self._quotes(ticker) if one.at <= at]
        return known[-1] if known else None

    def quotes(self, ticker: str, after: datetime, until: datetime) -> Sequence[Quote]:
        return [one for one in self._quotes(ticker) if after < one.at <= until]

    def book(self, ticker: str, at: datetime) -> Book:
        shown = self.books.get(ticker, [])
        index = bisect_right(shown, at, key=lambda one: one[0])
        return shown[index - 1][1] if index else Book()

    def trades(self, ticker: str, after: datetime, until: datetime) -> Sequence[Trade]:
        return [one for one in self.prints.get(ticker, []) if after < one.at <= until]

    def pauses(self, after: datetime, until: datetime) -> Sequence[Pause]:
        return [one for one in self.planned if one.ends_at > after and one.starts_at <= until]

    def _quotes(self, ticker: str) -> list[Quote]:
        traded = self.prints.get(ticker, [])
        moments = sorted({at for at, _ in self.books.get(ticker, [])} | {one.at for one in traded})
        found = []
        for moment in moments:
            shown, before = self.book(ticker, moment), [one for one in traded if one.at <= moment]
            volume = sum((one.count for one in before), D(0))
            found.append(
                Quote(
                    moment,
                    shown.yes_bids[-1].price if shown.yes_bids else None,
                    1 - shown.no_bids[-1].price if shown.no_bids else None,
                    before[-1].yes_price if before else None,
                    volume,
                    volume,
                )
            )
        return found


def exchange(
    feed: ScriptedFeed, cash: str = "1000", fees: FeeSchedule = QUADRATIC, now: datetime = START
) -> Exchange:
    """Two accounts, ann and bob."""
    return Exchange(feed, {"ann": D(cash), "bob": D(cash)}, now=now, fees=lambda _series: fees)


def request(side: str, price: str, count: str, **more: object) -> OrderRequest:
    """An order in the middle bracket, good till canceled unless told."""
    fields: dict[str, object] = {
        "ticker": MID,
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
    }
    return OrderRequest(side=side, price=D(price), count=D(count), **(fields | more))  # type: ignore[arg-type]


def place(
    market: Exchange,
    account: str,
    side: str,
    price: str,
    count: str,
    at: datetime | None = None,
    **more: object,
) -> Placed:
    """Place such an order now."""
    return market.create(account, request(side, price, count, **more), at or market.now)
