"""What must hold after every step, whatever was lost, repeated, killed or forbidden: ours against the exchange's."""

from collections import defaultdict
from decimal import Decimal
from typing import Final

from tests.sandbox.exchange.scripted import D
from tests.trading.machine.edge import MODE, OURS, Edge
from tests.trading.machine.trader import LIMITS
from tests.trading.order_life import AFTER
from trading.domain.order_states import OrderEvent
from trading.domain.types import OPEN_STATES, OrderState
from trading.models import FillRow, LedgerRow, OrderEventRow, OrderRow, PositionRow
from trading.repositories.books import LedgerRepository, PositionRepository, reserved_by_orders

ROUNDING: Final = D("0.001")
"""The exchange keeps a position's cost to fewer digits than we do."""


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
        """Each order at the exchange is an intent sent once; of a wish one order lives and one generation fills."""
        sent = self._exchange.orders(OURS)
        wishes = {
            str(key): (market, side)
            for key, market, side in OrderRow.objects.values_list(
                "client_order_id", "market__ticker", "book_side"
            )
        }
        assert len({order.client_order_id for order in sent}) == len(sent)
        assert {order.client_order_id for order in sent} <= set(wishes)
        alive, filling = defaultdict[tuple[str, str], set[str]](set), defaultdict[tuple[str, str], set[str]](
            set
        )
        for order in sent:
            if order.status == "resting":
                alive[wishes[order.client_order_id]].add(order.client_order_id)
            if order.fill_count:
                filling[wishes[order.client_order_id]].add(order.client_order_id)
        for wish, ids in [*alive.items(), *filling.items()]:
            assert len(ids) == 1, f"{wish} stands at the exchange {len(ids)} times"

    def _exposure_is_covered_and_capped(self) -> None:
        positions = PositionRepository(MODE).open()
        held = sum((position.at_risk for position in positions), D(0))
        ours = held + sum((one.amount for one in reserved_by_orders(MODE, OPEN_STATES, positions)), D(0))
        assert ours <= LIMITS.total + ROUNDING
        assert ours + ROUNDING >= self._worst_case()

    def _worst_case(self) -> Decimal:
        """Dollars the account can lose at the exchange: what it holds, what rests, and what is still on its way."""
        held = sum((one.exposure for one in self._exchange.positions(OURS)), D(0))
        known = {order.client_order_id for order in self._exchange.orders(OURS)}
        resting = sum(
            (
                order.remaining_count * (order.price if order.side == "bid" else 1 - order.price)
                for order in self._exchange.orders(OURS)
                if order.status == "resting"
            ),
            D(0),
        )
        coming = {
            str(order.client_order_id): order.count
            * (order.limit_price if order.book_side == "bid" else 1 - order.limit_price)
            for _, order, _ in self._edge.in_flight
            if str(order.client_order_id) not in known
        }
        return held + resting + sum(coming.values(), D(0))

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
