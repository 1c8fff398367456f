"""Money and contracts are exact over random days: nothing is made, nothing is lost, nobody is passed over."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import HealthCheck, given, settings

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.types import ExchangeEvent, Fill, FillMade, Order, OrderChanged
from tests.sandbox.exchange.scenarios import ACCOUNTS, Day, Ordered, Step, days
from tests.sandbox.exchange.scripted import FINALIZED, D, ScriptedFeed, exchange

CASH = D(40)
# At least 21 orders on each of 50 days: more than 1,000 in each of these tests.
DAYS = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow, HealthCheck.large_base_example],
)
STEPS = days(orders=21)


def new_day() -> Day:
    """Two accounts with too little money for everything they will want."""
    feed = ScriptedFeed()
    return Day(feed, exchange(feed, cash=str(CASH)))


def assert_cash_follows_from_fills(market: Exchange, account: str) -> None:
    """Cash is the opening balance, less purchases, plus sales, less fees, less a dollar per contract sold short, plus
    payouts: recomputed from the fills alone."""
    cash, net = CASH, defaultdict[str, Decimal](lambda: D(0))
    for fill in market.fills(account):
        signed = fill.count if fill.side == "bid" else -fill.count
        net[fill.ticker] += signed
        cash -= signed * fill.price + fill.fee
    paid = {row.ticker: row for row in market.settlements(account)}
    for ticker, count in net.items():
        position = next(one for one in market.positions(account) if one.ticker == ticker)
        assert position.count == (0 if position.is_settled else count)
        cash -= max(-count, D(0))
        if ticker in paid:
            assert paid[ticker].yes_count - paid[ticker].no_count == count
            cash += D(paid[ticker].revenue) / 100
    assert market.balance(account).cash == cash
    assert sum((fill.fee for fill in market.fills(account)), D(0)) == sum(
        (order.taker_fees + order.maker_fees for order in market.orders(account)), D(0)
    )


def assert_collateral_is_exact(market: Exchange, account: str) -> None:
    """Available cash never goes below zero; what is held follows from the resting orders and positions."""
    held = D(0)
    for ticker in {order.ticker for order in market.orders(account)}:
        net = sum((one.count for one in market.positions(account) if one.ticker == ticker), D(0))
        for side, closing in (("bid", max(-net, D(0))), ("ask", max(net, D(0)))):
            resting = [
                one
                for one in market.orders(account)
                if (one.ticker, one.side, one.status) == (ticker, side, "resting")
            ]
            for order in sorted(resting, key=lambda one: one.price, reverse=side == "bid"):
                free = min(closing, order.remaining_count)
                closing -= free
                each = order.price if side == "bid" else 1 - order.price
                held += (order.remaining_count - free) * each
    balance = market.balance(account)
    assert balance.held == held
    assert balance.available >= 0


def total_money(market: Exchange) -> Decimal:
    """Everybody's cash, the world's too, fees collected, and a dollar for each pair of contracts that is open."""
    state = market.dump()
    parties = [*state["accounts"].values(), state["world"]]
    cash = sum((D(party["cash"]) for party in parties), D(0))
    contracts = sum((abs(D(one["count"])) for party in parties for one in party["positions"].values()), D(0))
    return cash + D(state["fees_collected"]) + contracts / 2


@DAYS
@given(steps=STEPS)
def test_money_over_random_orders_of_two_accounts_then_conserved_to_a_hundredth_of_a_cent(
    steps: list[Step],
) -> None:
    day = new_day()
    for number, step in enumerate(steps):
        day.play(step)
        for account in ACCOUNTS if number % 5 == 0 else ():
            assert_cash_follows_from_fills(day.exchange, account)
            assert_collateral_is_exact(day.exchange, account)
    assert total_money(day.exchange) == 2 * CASH
    day.exchange.advance(FINALIZED)
    for account in ACCOUNTS:
        assert_cash_follows_from_fills(day.exchange, account)
        assert all(one.is_settled and not one.count for one in day.exchange.positions(account))
        assert day.exchange.balance(account).held == 0
    assert total_money(day.exchange) == 2 * CASH
    realized = sum(
        (one.realized_pnl - one.fees_paid for name in ACCOUNTS for one in day.exchange.positions(name)), D(0)
    )
    cash = sum((day.exchange.balance(name).cash for name in ACCOUNTS), D(0))
    assert abs(cash - 2 * CASH - realized) < D("0.0001")


class Watch:
    """Follows the events and finds a fill that breaks a limit or passes somebody over."""

    def __init__(self, entered: dict[str, int]) -> None:
        self.orders: dict[str, Order] = {}
        self.entered = entered
        self.fills: list[Fill] = []

    def see(self, events: list[ExchangeEvent]) -> None:
        """In the order in which they happened."""
        for event in events:
            if isinstance(event, OrderChanged):
                self.orders[event.order.order_id] = event.order
            elif isinstance(event, FillMade):
                self.fills.append(event.fill)
                self._check(event.fill)

    def _check(self, fill: Fill) -> None:
        order = self.orders[fill.order_id]
        assert fill.price <= order.price if fill.side == "bid" else fill.price >= order.price
        if fill.is_taker:
            return
        assert fill.price == order.price
        for other in self.orders.values():
            if other.status == "resting" and (other.ticker, other.side) == (order.ticker, order.side):
                assert not self._is_before(other, order), f"{other} was passed over for {order}"

    def _is_before(self, other: Order, order: Order) -> bool:
        if other.order_id == order.order_id:
            return False
        if other.price != order.price:
            return (other.price > order.price) == (order.side == "bid")
        return self.entered[other.order_id] < self.entered[order.order_id]


@DAYS
@given(steps=STEPS)
def test_fills_over_random_orders_then_within_limits_within_what_is_shown_and_first_come_first_served(
    steps: list[Step],
) -> None:
    day = new_day()
    watch = Watch(day.entered)
    for step in steps:
        shown = shown_to(day, step) if isinstance(step, Ordered) else {}
        day.play(step)
        events = day.exchange.drain_events()
        watch.see(events)
        had = defaultdict[Decimal, Decimal](lambda: D(0))
        for event in events:
            if isinstance(step, Ordered) and isinstance(event, FillMade) and event.fill.is_taker:
                had[event.fill.price] += event.fill.count
        assert all(count <= shown.get(price, D(0)) for price, count in had.items())
    assert len(watch.fills) == sum(len(day.exchange.fills(name)) for name in ACCOUNTS)


def shown_to(day: Day, step: Ordered) -> dict[Decimal, Decimal]:
    """What the order's opposite side shows just before it comes: only steps change the world, expirations take away."""
    day.exchange.advance(day.at)
    book, is_bid = day.exchange.book(step.request.ticker), step.request.side == "bid"
    levels = book.no_bids if is_bid else book.yes_bids
    return {1 - level.price if is_bid else level.price: level.count for level in levels}
