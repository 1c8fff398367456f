"""What must hold after every step, whatever was lost, repeated, killed or forbidden: ours against the exchange's."""

from collections import defaultdict
from decimal import Decimal

from tests.sandbox.exchange.scripted import D
from tests.trading.machine.edge import MODE, OURS, Edge
from tests.trading.machine.trader import LIMITS
from tests.trading.order_life import AFTER
from tests.trading.worst_case import ROUNDING, goes_beyond, opened
from trading.domain.order_states import OrderEvent
from trading.domain.types import OPEN_STATES, Action, OrderState
from trading.models import FillRow, LedgerRow, OrderEventRow, OrderRow, PositionRow
from trading.repositories.books import LedgerRepository, PositionRepository, reserved_by_orders


class Oracle:
    """Remembers which steps it has seen, so that each is checked once."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._exchange = edge.exchange
        self._seen = 0
        self._versions: dict[int, tuple[int, str]] = {}

    def check(self) -> None:
        """After every step."""
        self._orders_are_ours_and_single()
        self._sales_never_open()
        self._exposure_is_covered_and_capped()
        self._steps_are_legal_and_gapless()

    def check_quiet(self) -> None:
        """Once nothing is under way any more."""
        assert not OrderRow.objects.filter(state__in=OPEN_STATES).exists(), _open_orders()
        theirs = {
            fill.fill_id: (fill.client_order_id, fill.count, fill.fee) for fill in self._exchange.fills(OURS)
        }
        rows = FillRow.objects.values_list("fill_id", "order__client_order_id", "count", "fee")
        assert {name: (str(owner), count, fee) for name, owner, count, fee in rows} == theirs
        positions = {one.ticker: one.count for one in self._exchange.positions(OURS)}
        ours = dict(PositionRow.objects.values_list("market__ticker", "count"))
        assert {ticker: count for ticker, count in ours.items() if count} == {
            ticker: count for ticker, count in positions.items() if count
        }
        assert LedgerRepository(MODE).cash() == self._exchange.balance(OURS).cash
        assert not LedgerRow.objects.filter(kind="external").exists(), "nobody moved cash by hand"
        filled = dict(OrderRow.objects.values_list("client_order_id", "filled_count"))
        for order in self._exchange.orders(OURS):
            assert order.status != "resting"
            assert {str(key): count for key, count in filled.items()}[
                order.client_order_id
            ] == order.fill_count

    def _orders_are_ours_and_single(self) -> None:
        """Each order at the exchange is an intent sent once; of a wish one order lives and one generation fills.

        What is held may be sold in many parts.
        """
        sent = self._exchange.orders(OURS)
        wishes = {
            str(key): (market, side)
            for key, market, side in OrderRow.objects.values_list(
                "client_order_id", "market__ticker", "book_side"
            )
        }
        assert len({order.client_order_id for order in sent}) == len(sent)
        assert {order.client_order_id for order in sent} <= set(wishes)
        sales = self._sales()
        alive, filling = defaultdict[tuple[str, str], set[str]](set), defaultdict[tuple[str, str], set[str]](
            set
        )
        for order in sent:
            if order.status == "resting":
                alive[wishes[order.client_order_id]].add(order.client_order_id)
            if order.fill_count and order.client_order_id not in sales:
                filling[wishes[order.client_order_id]].add(order.client_order_id)
        for wish, ids in [*alive.items(), *filling.items()]:
            assert len(ids) == 1, f"{wish} stands at the exchange {len(ids)} times"

    def _sales(self) -> dict[str, str]:
        """The intent of each order of ours that sells what we hold, by its id."""
        rows = OrderRow.objects.filter(action=Action.SELL)
        return {str(name): key for name, key in rows.values_list("client_order_id", "intent__intent_key")}

    def _sales_never_open(self) -> None:
        sales = self._sales()
        for fill in self._exchange.fills(OURS):
            if fill.client_order_id in sales and goes_beyond(fill.side, fill.position):
                raise AssertionError(
                    f"{sales[fill.client_order_id]}, a sale, opened: it left {fill.position}"
                )

    def _exposure_is_covered_and_capped(self) -> None:
        positions = PositionRepository(MODE).open()
        reserved = reserved_by_orders(MODE, OPEN_STATES, positions)
        ours = sum((position.at_risk for position in positions), D(0))
        ours += sum((one.amount for one in reserved), D(0))
        assert ours + ROUNDING >= self._worst_case()
        # A sale must always be possible: its fee is counted, and no cap forbids it.
        fees = D(0)
        for order in OrderRow.objects.filter(state__in=OPEN_STATES).select_related("intent"):
            left = order.intent.max_cost * (order.count - order.filled_count) / order.count
            assert left <= LIMITS.per_trade
            fees += left if order.action == Action.SELL else D(0)
        # All markets are of one event, and so of one city and one cluster.
        narrowest = min(LIMITS.per_event, LIMITS.per_city, LIMITS.per_cluster, LIMITS.total)
        assert ours - fees <= narrowest + ROUNDING
        markets = {one.market_ticker for one in positions} | {one.market_ticker for one in reserved}
        assert len(markets) <= LIMITS.max_positions, markets

    def _worst_case(self) -> Decimal:
        """Dollars the account can lose at the exchange: what it holds, what rests, and what is still on its way."""
        positions = self._exchange.positions(OURS)
        held = {one.ticker: one.count for one in positions}
        total = sum((one.exposure for one in positions), D(0))
        orders = self._exchange.orders(OURS)
        for order in orders:
            if order.status == "resting":
                total += opened(held, order.ticker, order.side, order.price, order.remaining_count)
        known = {order.client_order_id for order in orders}
        coming = {str(order.client_order_id): order for _, order, _ in self._edge.in_flight}
        for name, late in coming.items():
            if name not in known:
                total += opened(held, late.market_ticker, late.book_side, late.limit_price, late.count)
        return total

    def _steps_are_legal_and_gapless(self) -> None:
        for step in OrderEventRow.objects.filter(pk__gt=self._seen).order_by("pk"):
            self._seen = step.pk
            version, state = self._versions.get(step.order_id, (-1, ""))
            assert (step.version, step.from_state) == (version + 1, state)
            if state:
                key = (OrderState(state), OrderEvent(step.event))
                assert AFTER[key] == step.to_state
            self._versions[step.order_id] = (step.version, step.to_state)
        rows = OrderRow.objects.values_list("pk", "version", "state")
        assert {pk: (version, state) for pk, version, state in rows} == self._versions


def _open_orders() -> list[str]:
    rows = OrderRow.objects.filter(state__in=OPEN_STATES)
    return [f"{row.client_order_id} {row.state} sent {row.sent_at} expires {row.expires_at}" for row in rows]
