"""Books restored from before an intent: its fills are there first, as a person's, and its order only once it is asked for."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from markets.domain.account_types import ExchangeFill, ExchangeOrder, OrderStatus
from milkbot.core.money import ZERO
from tests.trading.makers import BRACKETS, NOW, make_intent
from tests.trading.scripted_account import ScriptedAccount, account, filled, held, listed, read_as
from tests.trading.sent_orders import AT, DEMO, MINUTE, SENT_AT, send_to, stored
from trading.controls import get_trading_state
from trading.domain.breakers import Breaker
from trading.domain.keys import client_order_id
from trading.domain.types import BookSide, Order
from trading.domain.types import OrderState as S
from trading.domain.types import TradingState
from trading.models import ExternalOrderRow, FillRow, LockRow, OrderEventRow, OrderRow, RiskEventRow
from trading.oms.reconcile import prepare, reconcile
from trading.repositories.accounts import read_account
from trading.repositories.books import LedgerRepository, PositionRepository
from trading.repositories.orders import Lease

pytestmark = pytest.mark.django_db

TICKER = BRACKETS[2].ticker
OURS = str(client_order_id(make_intent(mode=DEMO, decided_at=NOW).intent_key))
"""What the order of the lost books was called, as the one decided again is."""
DIFFER = "ORDER_TERMS_DIFFER"


def at_exchange(
    count: str = "10", *, done: str = "10", price: str = "0.40", status: OrderStatus = OrderStatus.EXECUTED
) -> ExchangeOrder:
    left = Decimal(count) - Decimal(done) if status is OrderStatus.RESTING else ZERO
    changes = {
        "client_order_id": OURS,
        "yes_price": Decimal(price),
        "initial_count": Decimal(count),
        "remaining_count": left,
    }
    return listed(name="k-1", status=status, filled=done).model_copy(update=changes)


def shows(row: ExchangeOrder, *fills: ExchangeFill, cash: str | None = None) -> ScriptedAccount:
    count = sum((fill.count for fill in fills), ZERO)
    return account(orders=[row], fills=fills, positions=[held(str(count))] if count else [], cash=cash)


def restored(theirs: ScriptedAccount, market_ids: dict[str, int], lease: Lease) -> Order:
    """The order, decided again and refused as a duplicate, after its fills were taken for a person's."""
    reconcile(DEMO, theirs, AT)
    assert {row.order_id for row in FillRow.objects.all()} == {None}
    order = send_to(S.UNKNOWN, market_ids, lease)
    assert str(order.client_order_id) == OURS
    return order


def read_again(theirs: ScriptedAccount, at: datetime = AT + MINUTE) -> None:
    theirs.reading = theirs.reading._replace(complete_until=at)
    reconcile(DEMO, theirs, at)


def test_fills_known_before_their_order_then_given_to_it_and_counted_once(
    market_ids: dict[str, int], lease: Lease
) -> None:
    theirs = shows(at_exchange(), filled(0, count="4", at=AT), filled(1, count="6", at=AT), cash="9995.66")
    order = restored(theirs, market_ids, lease)
    cash, position = LedgerRepository(DEMO).cash(), PositionRepository(DEMO).get(TICKER)
    assert position is not None

    for minutes in (1, 2):
        read_again(theirs, AT + minutes * MINUTE)

    now = stored(order)
    assert (now.state, now.filled_count, now.kalshi_order_id) == (S.FILLED, Decimal(10), "k-1")
    assert {row.order.client_order_id for row in FillRow.objects.select_related("order") if row.order} == {
        order.client_order_id
    }
    assert (LedgerRepository(DEMO).cash(), PositionRepository(DEMO).get(TICKER)) == (cash, position)
    assert read_account(DEMO, []).exposure.total == position.cost
    steps = OrderEventRow.objects.filter(
        order__client_order_id=order.client_order_id, event__startswith="fill"
    )
    assert [step.payload["fill_id"] for step in steps.order_by("version")] == ["t-0", "t-1"]
    assert not LockRow.objects.exists()
    assert not RiskEventRow.objects.filter(event_type=DIFFER).exists()


def test_order_that_filled_in_part_and_ended_then_ends_with_what_it_filled(
    market_ids: dict[str, int], lease: Lease
) -> None:
    theirs = shows(at_exchange(done="4", status=OrderStatus.CANCELED), filled(count="4", at=AT))
    order = restored(theirs, market_ids, lease)

    read_again(theirs)

    assert (stored(order).state, stored(order).filled_count) == (S.CANCELED, Decimal(4))


def test_order_placed_for_more_than_is_meant_now_then_told_once_and_no_overfill(
    market_ids: dict[str, int], lease: Lease
) -> None:
    theirs = shows(at_exchange("54", done="54"), filled(count="54", at=AT))
    order = restored(theirs, market_ids, lease)

    for minutes in (1, 2):
        read_again(theirs, AT + minutes * MINUTE)

    assert stored(order).state is S.FILLED
    position = PositionRepository(DEMO).get(TICKER)
    assert position is not None
    assert position.count == Decimal(54), "all of it is held and counted"
    assert not LockRow.objects.exists()
    assert get_trading_state(DEMO) is TradingState.ACTIVE
    told = RiskEventRow.objects.get(event_type=DIFFER)
    assert "has 54 at 0.4 where we meant 10 at 0.4" in told.message


def test_more_filled_than_even_the_exchange_has_it_for_then_overfill(
    market_ids: dict[str, int], lease: Lease
) -> None:
    theirs = shows(at_exchange("54", done="57"), filled(count="57", at=AT))
    restored(theirs, market_ids, lease)

    read_again(theirs)

    assert LockRow.objects.get().code == Breaker.OVERFILL
    assert get_trading_state(DEMO) is TradingState.HALTED


@pytest.mark.parametrize("row", [at_exchange("54", done="54"), at_exchange("54", done="54", price="0.41")])
def test_fills_of_a_larger_order_that_cannot_be_read_yet_then_no_overfill(
    market_ids: dict[str, int], lease: Lease, row: ExchangeOrder
) -> None:
    order = send_to(S.UNKNOWN, market_ids, lease)

    reconcile(DEMO, shows(row), AT)

    assert stored(order).state is S.UNKNOWN
    assert not LockRow.objects.exists()
    assert RiskEventRow.objects.filter(event_type=DIFFER).count() == 1


def test_quote_at_a_better_price_than_is_meant_now_then_adopted_told_and_no_longer_a_person_s(
    market_ids: dict[str, int], lease: Lease
) -> None:
    theirs = shows(at_exchange(done="0", price="0.39", status=OrderStatus.RESTING))
    reconcile(DEMO, theirs, AT)
    assert ExternalOrderRow.objects.get().ended_at is None
    order = send_to(S.UNKNOWN, market_ids, lease, rests=True)
    ours_alone = read_account(
        DEMO, []
    ).exposure.total - ExternalOrderRow.objects.get().remaining_count * Decimal("0.39")

    read_again(theirs)

    assert stored(order).state is S.RESTING
    assert ExternalOrderRow.objects.get().ended_at is not None
    assert read_account(DEMO, []).exposure.total == ours_alone
    assert RiskEventRow.objects.filter(event_type=DIFFER).count() == 1


def test_fill_of_a_person_beside_an_unknown_order_of_ours_then_stays_a_person_s(
    market_ids: dict[str, int], lease: Lease
) -> None:
    theirs = account(orders=[listed(name="k-9", status=OrderStatus.EXECUTED, filled="10")], cash=None)
    theirs.reading = theirs.reading._replace(
        fills=read_as(fills=[filled(name="k-9", at=AT)]).fills, positions=None
    )
    order = restored(theirs, market_ids, lease)

    read_again(theirs)

    assert FillRow.objects.get().order is None
    assert stored(order).filled_count == 0


def test_unnamed_order_then_asked_for_by_the_names_behind_fills_beside_it(
    market_ids: dict[str, int], lease: Lease
) -> None:
    """An order of days ago is in no list: the exchange shows it by its name only."""
    fills = [filled(0, at=AT), filled(1, name="k-2", book_side=BookSide.ASK, at=AT)]
    restored(account(fills=fills, cash=None, positions=None), market_ids, lease)

    class Asked(ScriptedAccount):
        def read(self, since, open_orders):  # type: ignore[no-untyped-def]
            self.asked_for = [order.kalshi_order_id for order in open_orders]
            return super().read(since, open_orders)

    asked = Asked(read_as())
    prepare(DEMO, asked)()

    assert asked.asked_for == [None, "k-1"]


def test_fill_then_given_to_an_order_once_and_changed_in_nothing_else(
    market_ids: dict[str, int], lease: Lease
) -> None:
    theirs = shows(at_exchange(), filled(at=AT))
    order = restored(theirs, market_ids, lease)
    row = FillRow.objects.get()
    read_again(theirs)
    owner = FillRow.objects.get().order_id
    assert owner is not None

    other = send_to(S.UNKNOWN, market_ids, lease, ticker=BRACKETS[3].ticker)
    assert other.client_order_id != order.client_order_id
    for change in ({"order_id": None}, {"order_id": owner}, {"count": row.count + 1}):
        with pytest.raises(DatabaseError, match="append-only: UPDATE refused"), transaction.atomic():
            FillRow.objects.filter(pk=row.pk).update(**change)


def test_unclaimed_fill_then_its_figures_cannot_change_with_its_owner(
    market_ids: dict[str, int], lease: Lease
) -> None:
    restored(shows(at_exchange(), filled(at=AT)), market_ids, lease)
    owner = OrderRow.objects.get()
    with pytest.raises(DatabaseError, match="append-only: UPDATE refused"), transaction.atomic():
        FillRow.objects.update(order=owner, filled_at=SENT_AT)
