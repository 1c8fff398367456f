"""A database that can write no more, whatever it was about to store: nothing is doubled, and with room the books mend."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection

from tests.faults.bench import Bench
from tests.faults.books import is_recovered, orders, some_slow

WRITTEN = (
    "trader_lease",
    "market_snapshots",
    "forecasts",
    "signals",
    "decisions",
    "intents",
    "orders",
    "order_events",
    "fills",
    "positions",
    "ledger",
    "reconciliations",
    "cycles",
)
"""Every table that a turn writes to."""
REFUSE = """
    CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('tests.full', true) = TG_TABLE_NAME THEN
            RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
        END IF;
        RETURN NEW;
    END $$
"""


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writable(transactional_db: None) -> Iterator[None]:
    """A server that can be told to have no room for a table; it answers with PostgreSQL's own error 53100."""
    with connection.cursor() as cursor:
        cursor.execute(REFUSE)
        for table in WRITTEN:
            cursor.execute(
                f"CREATE TRIGGER aa_refuse BEFORE INSERT OR UPDATE ON ops.{table} "
                "FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse()"
            )
        yield
        cursor.execute("DROP FUNCTION pg_temp.refuse() CASCADE")


@contextmanager
def no_room(table: str) -> Iterator[None]:
    """Nothing more can be written to `table`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tests.full', %s, false)", [table])
        yield
        cursor.execute("SELECT set_config('tests.full', '', false)")


def fails(bench: Bench) -> bool:
    """Whether a turn ends in the database's refusal."""
    try:
        bench.cycle()
    except OperationalError as error:
        return "No space left" in str(error)
    return False


@pytest.mark.story("9.4", 1)
@pytest.mark.story("9.4", 2)
@pytest.mark.parametrize("table", some_slow(WRITTEN, set(WRITTEN) - {"order_events", "fills", "cycles"}))
def test_full_disk_at_the_first_orders_doubles_nothing_and_mends_with_room(
    writable: None, bench: Bench, table: str
) -> None:
    with no_room(table):
        failed = [fails(bench)]
        for _ in range(3):
            bench.wait()
            failed.append(fails(bench))
    assert any(failed), f"no turn writes to {table}"
    sent = dict(bench.watched.placed)

    bench.wait()
    bench.recover(8)

    assert all(count == 1 for count in sent.values()), "an intent was sent more than once"
    assert bench.member.orders
    assert orders().exists()
    assert is_recovered()
    assert bench.complaints() == []
