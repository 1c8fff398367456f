"""One round of reading the account over a real socket: what failed is named, and never reads as "nothing there"."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from markets.clients.kalshi.portfolio import ROWS_PER_PAGE, KalshiPortfolio
from markets.clients.kalshi.transport import Transport
from tests.markets.clients.order_makers import ORDER_ID, TICKER
from tests.markets.clients.test_portfolio import wire_fill, wire_order
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.trading.makers import NOW, make_order
from trading.domain.types import OrderState
from trading.oms.account import KalshiAccount

WATERMARK = datetime(2026, 9, 15, 14, 59, 59, tzinfo=UTC)
FILLS = 100_000
BALANCE = {"balance": 100, "balance_dollars": "1.0000", "portfolio_value": 0, "updated_ts": 1_789_484_400}
OPEN = make_order(state=OrderState.RESTING).model_copy(
    update={"kalshi_order_id": ORDER_ID, "market_ticker": TICKER}
)


def page(name: str, *rows: dict[str, Any]) -> Reply:
    return json_reply({name: list(rows), "cursor": ""})


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    """An account in which nothing ever happened."""
    with LocalExchange() as server:
        server.on("/exchange/user_data_timestamp", json_reply({"as_of_time": WATERMARK.isoformat()}))
        server.on("/portfolio/orders", page("orders"))
        server.on("/portfolio/fills", page("fills"))
        server.on("/portfolio/positions", page("market_positions"))
        server.on("/portfolio/balance", json_reply(BALANCE))
        yield server


@pytest.fixture
def account(exchange: LocalExchange) -> Iterator[KalshiAccount]:
    transport = Transport(exchange.base_url, now=lambda: NOW, sleep=lambda _: None)
    yield KalshiAccount(KalshiPortfolio(transport))
    transport.close()


def test_read_of_a_quiet_account_then_whole_up_to_its_watermark(account: KalshiAccount) -> None:
    reading = account.read(None, ())

    assert (reading.complete_until, reading.faults) == (WATERMARK, ())
    assert reading.positions is not None
    assert reading.balance is not None


def test_read_while_something_fills_then_positions_and_balance_belong_to_neither_list(
    exchange: LocalExchange, account: KalshiAccount
) -> None:
    exchange.replace("/portfolio/fills", page("fills"), page("fills", wire_fill()))

    reading = account.read(None, ())

    assert [fill.fill_id for fill in reading.fills] == ["f1"]
    assert (reading.positions, reading.balance) == (None, None)
    assert reading.complete_until == WATERMARK


def test_read_while_the_balance_moves_then_it_belongs_to_no_list_of_orders(
    exchange: LocalExchange, account: KalshiAccount
) -> None:
    """An order that expires beside the reading: whether it is listed tells nothing of what it holds in the balance."""
    exchange.replace(
        "/portfolio/balance", json_reply(BALANCE), json_reply({**BALANCE, "balance_dollars": "2.0000"})
    )

    reading = account.read(None, ())

    assert reading.balance is None
    assert reading.positions is not None
    assert (reading.complete_until, reading.faults) == (WATERMARK, ())


def test_read_of_an_account_of_a_hundred_thousand_fills_then_whole(
    exchange: LocalExchange, account: KalshiAccount
) -> None:
    """As many pages as they take; each is short here."""
    last = FILLS // ROWS_PER_PAGE

    def one_page(request: Request) -> Reply:
        number = int(request.query.get("cursor", ["1"])[0])
        cursor = str(number + 1) if number < last else ""
        return json_reply({"fills": [wire_fill(f"f{number}")], "cursor": cursor})

    exchange.replace("/portfolio/fills", one_page)

    reading = account.read(None, ())

    assert (reading.complete_until, reading.faults, len(reading.fills)) == (WATERMARK, (), last)


@pytest.mark.parametrize("path", ["/portfolio/orders", "/portfolio/fills"])
@pytest.mark.parametrize("reply", [Reply(503), json_reply({"unexpected": []})])
def test_read_when_a_list_fails_then_complete_up_to_nothing(
    exchange: LocalExchange, account: KalshiAccount, path: str, reply: Reply
) -> None:
    exchange.replace(path, reply)

    reading = account.read(None, ())

    assert reading.complete_until is None
    assert reading.faults


@pytest.mark.parametrize("path", ["/portfolio/positions", "/portfolio/balance"])
def test_read_when_a_figure_fails_then_unknown_and_named(
    exchange: LocalExchange, account: KalshiAccount, path: str
) -> None:
    exchange.replace(path, Reply(503))

    reading = account.read(None, ())

    assert None in (reading.positions, reading.balance)
    assert path.rpartition("/")[2] in reading.faults[0]


def test_read_of_an_open_order_no_list_shows_then_asked_for_by_its_name(
    exchange: LocalExchange, account: KalshiAccount
) -> None:
    exchange.on(f"/portfolio/orders/{ORDER_ID}", json_reply({"order": wire_order()}))
    assert [order.order_id for order in account.read(None, [OPEN]).orders] == [ORDER_ID]

    exchange.replace(f"/portfolio/orders/{ORDER_ID}", Reply(503))
    assert account.read(None, [OPEN]).complete_until is None, "it could not be asked for: nothing is proven"


def test_read_when_the_key_is_refused_then_says_so(exchange: LocalExchange, account: KalshiAccount) -> None:
    exchange.replace("/portfolio/balance", json_reply({"error": {"code": "authentication_error"}}, 401))

    assert account.read(None, ()).auth_refused
