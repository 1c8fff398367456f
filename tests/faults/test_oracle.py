"""The oracle sees what it is there to see: each kind of wrong in our books is named."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from tests.faults.bench import MODE, Bench
from tests.faults.books import orders, resting, takers
from tests.faults.exposure import cap_complaints
from tests.faults.hands import place_by_hand
from trading.domain.policy import Limits
from trading.domain.settling import Settlement
from trading.domain.types import OPEN_STATES, Action, OrderState, Side
from trading.models import ExternalOrderRow, OrderRow, SettlementRow
from trading.oms.drift import CASH_ROUNDS
from trading.repositories.settlements import SettlementRepository

WRONGS = {
    "cash that was taken for a person's doing and given back": (
        "INSERT INTO ops.ledger (mode, kind, amount, at, note) VALUES"
        " ('DEMO', 'external', -10, now(), 'gone'), ('DEMO', 'external', 10, now(), 'back')",
        "was booked as external: gone",
    ),
    "an order unknown to us": (
        "UPDATE ops.orders SET client_order_id = gen_random_uuid() WHERE state = 'RESTING'",
        "is none of our intents",
    ),
    "a state that is not theirs": (
        "UPDATE ops.orders SET state = 'CANCELED' WHERE state = 'RESTING'",
        "and resting at the exchange",
    ),
    "another price": (
        "UPDATE ops.orders SET limit_price = limit_price + 0.01 WHERE state = 'RESTING'",
        "the exchange has",
    ),
    "a fill that is missing": (
        "UPDATE ops.fills SET fill_id = fill_id || '-other'",
        "is missing in our books",
    ),
    "a fee that is wrong": ("UPDATE ops.fills SET fee = fee + 0.01", "in our books only"),
    "contracts too many": ("UPDATE ops.positions SET count = count * 2, is_open = true", "contracts of"),
    "a cost that is wrong": ("UPDATE ops.positions SET cost = cost + 0.0001", "cost of"),
    "a hundredth of a cent": (
        "UPDATE ops.ledger SET amount = amount + 0.0001 WHERE kind = 'deposit'",
        "cash",
    ),
    "exposure above a cap": ("UPDATE ops.intents SET max_cost = 101", "the cap of a trade"),
    "a step that is missing": ("DELETE FROM ops.order_events WHERE version = 1", "versions"),
    "a step the table lacks": (
        "UPDATE ops.order_events SET event = 'settle' WHERE version = 1",
        "NEW -settle-> SUBMITTED",
    ),
}


@pytest.mark.parametrize("name", WRONGS)
def test_oracle_names_what_is_wrong(bench: Bench, name: str) -> None:
    statement, complaint = WRONGS[name]
    bench.cycle()
    bench.recover(1)
    assert bench.complaints() == []
    before = bench.member

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)

    assert any(complaint in found for found in bench.judged(before))


def test_oracle_names_cash_booked_wrongly_though_it_was_taken_for_a_person_s_doing(bench: Bench) -> None:
    bench.cycle()
    bench.turns(1)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE ops.ledger SET amount = amount * 2 WHERE kind = 'fill'")

    bench.recover(CASH_ROUNDS + 1)

    summed, booked = bench.complaints()
    assert summed.startswith("cash moved by hand: ours ")
    assert "was booked as external" in booked


def test_oracle_names_a_wish_that_was_sent_anew_beside_its_first_order(bench: Bench) -> None:
    bench.cycle()
    bench.recover(1)
    assert bench.complaints() == []
    for row in (resting(), takers().filter(filled_count__gt=0)[0]):
        member, intent = bench.member, row.intent
        twin = replace(member.orders[row.kalshi_order_id or ""], client_order_id=str(uuid4()))
        name = f"twin of {row.pk}"
        member.orders[name] = twin
        again = copied(intent, intent_key=f"{intent.intent_key}:1", generation=1)
        copied(row, intent=again, client_order_id=twin.client_order_id, kalshi_order_id=name)

        found = bench.judged(member)

        told = "rests 2 times" if row.state == OrderState.RESTING else "was filled by 2 orders"
        assert any(told in complaint for complaint in found), found


def copied(row: Any, **changes: object) -> Any:
    """A second row that differs in `changes`."""
    names = {field.name for field in row._meta.concrete_fields} - {"id"}
    return type(row).objects.create(**{name: getattr(row, name) for name in names} | changes)


def test_oracle_names_a_second_order_under_one_id_and_one_without_intent(bench: Bench) -> None:
    bench.cycle()
    bench.turns(1)
    name = resting().kalshi_order_id
    assert name is not None
    member = bench.member
    member.orders["twin"] = member.orders[name]

    assert any("stands for 2 orders" in found for found in bench.judged(member))


def test_oracle_names_an_order_by_hand_that_is_not_counted(bench: Bench) -> None:
    bench.cycle()
    place_by_hand(bench, bench.tickers()[-1], "0.01")
    bench.recover(1)
    assert bench.complaints() == []

    ExternalOrderRow.objects.update(ended_at=bench.now)

    assert any("is counted here" in found for found in bench.judged(bench.member))


def test_oracle_names_more_markets_than_the_cap_allows(bench: Bench) -> None:
    bench.cycle()
    markets = len({row.market_id for row in orders().filter(state__in=OPEN_STATES)})
    assert markets > 1

    (found,) = cap_complaints(MODE, Limits(max_positions=markets - 1))

    assert found.startswith("reserved: ")
    assert cap_complaints(MODE, Limits(max_positions=80)) == []


def test_oracle_names_a_sale_that_opened(bench: Bench) -> None:
    bench.cycle()
    bench.recover(1)
    assert bench.complaints() == []
    bought = takers().filter(state=OrderState.FILLED).first()
    assert bought is not None

    side = Side.NO if bought.side == Side.YES else Side.YES
    OrderRow.objects.filter(pk=bought.pk).update(action=Action.SELL, side=side)

    assert any("a sale, opened" in found for found in bench.judged(bench.member))


def test_oracle_names_a_payout_that_was_booked_twice_and_accepts_one_taken_back(bench: Bench) -> None:
    bench.cycle()
    bench.recover(1)
    bench.wait(timedelta(days=4))
    bench.recover(1)
    bench.settle()
    assert bench.complaints() == []
    row = SettlementRow.objects.select_related("market").first()
    assert row is not None
    paid = _settlement(row)

    repository = SettlementRepository(MODE)
    repository.book([paid.reversed(), paid], row.market_id, bench.now)
    assert bench.judged(bench.member) == []
    repository.book([paid], row.market_id, bench.now)

    assert any("payout" in found and "too often" in found for found in bench.judged(bench.member))


def _settlement(row: SettlementRow) -> Settlement:
    return Settlement.model_validate({name: getattr(row, name) for name in Settlement.model_fields})


def test_oracle_names_a_trade_that_is_public_too_early(bench: Bench) -> None:
    bench.cycle()
    bench.recover(2)
    assert bench.complaints() == []

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relnamespace::regnamespace, pg_get_viewdef(oid) FROM pg_class"
            " WHERE oid = 'v_public_trades'::regclass"
        )
        schema, definition = cursor.fetchone()
        hasty = definition.replace("01:00:00", "00:00:30")
        cursor.execute(f"CREATE OR REPLACE VIEW {schema}.v_public_trades AS {hasty}")

    assert [found for found in bench.complaints() if "trades are public" in found]
