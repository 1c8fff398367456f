"""The exchange's result is held against our climate reports and, with real orders, against its own rows of us."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from markets.clients.kalshi.portfolio import KalshiPortfolio
from markets.clients.kalshi.transport import Transport
from markets.models import MarketRow
from milkbot.core import clock
from milkbot.core.config import TradingMode
from tests.factories import ClimateReportFactory, ReconciliationFactory
from tests.markets.local_exchange import LocalExchange, Reply, json_reply
from tests.trading.makers import BRACKETS, CLOSE, make_fill
from tests.trading.stored import finalize, store_markets
from trading.models import ReconciliationRow, RiskEventRow
from trading.oms.account import KalshiAccount
from trading.repositories.books import FillRepository, LedgerRepository
from trading.settlement import settle_finalized, settlement_round
from trading.settlement_checks import Agreement, agreement_by_city, check_account, check_readings

pytestmark = pytest.mark.django_db

SHADOW, DEMO = TradingMode.SHADOW, TradingMode.DEMO
WON = BRACKETS[2].ticker
"""73 to 74; `finalize` names 74.00."""
SETTLED_AT = CLOSE + timedelta(hours=7)
LATER = SETTLED_AT + timedelta(hours=2)


@pytest.fixture
def market_ids() -> dict[str, int]:
    ids = store_markets()
    finalize(WON, "yes")
    return ids


def settle_by(source: str) -> None:
    event = MarketRow.objects.get(ticker=WON).event
    event.settlement_source = source
    event.save(update_fields=["settlement_source"])


def report_high(high_f: int, *, hour: int = 7, is_final: bool = True) -> None:
    ClimateReportFactory.create(
        climate_date=date(2025, 5, 14),
        high_f=high_f,
        is_final=is_final,
        issued_at=datetime(2025, 5, 15, hour, tzinfo=UTC),
    )


def test_reading_that_agrees_is_counted_and_told_nobody(market_ids: dict[str, int]) -> None:
    report_high(74)

    assert check_readings(SHADOW, LATER) == 0
    assert agreement_by_city(CLOSE) == {"CHI": Agreement(days=1, mismatches=0)}
    assert not RiskEventRow.objects.exists()


@pytest.mark.parametrize("high_f", [73, 75])
def test_reading_that_differs_is_counted_for_its_city_and_told_once(
    market_ids: dict[str, int], high_f: int
) -> None:
    report_high(high_f)

    assert [check_readings(SHADOW, LATER) for _ in range(2)] == [1, 0]

    assert agreement_by_city(CLOSE) == {"CHI": Agreement(days=1, mismatches=1)}
    told = RiskEventRow.objects.get()
    assert (told.event_type, told.city_code, told.severity) == ("SETTLEMENT_MISMATCH", "CHI", "CRITICAL")
    assert told.payload["exchange"] == "74.00"
    assert told.payload["report_f"] == high_f


@pytest.mark.parametrize(("source", "mismatches"), [("nws_cli", 1), ("weather_company", 0), ("", 1)])
def test_reading_is_the_first_or_the_latest_report_as_the_event_s_own_rules_say(
    market_ids: dict[str, int], source: str, mismatches: int
) -> None:
    settle_by(source)
    report_high(74, hour=7)
    report_high(75, hour=9)

    assert check_readings(SHADOW, LATER) == mismatches


def test_reading_that_is_preliminary_or_missing_says_nothing(market_ids: dict[str, int]) -> None:
    report_high(70, is_final=False)

    assert check_readings(SHADOW, LATER) == 0
    assert agreement_by_city(CLOSE) == {}


def test_mismatch_changes_no_booking(market_ids: dict[str, int]) -> None:
    report_high(75)
    FillRepository(SHADOW).book(make_fill(number=1, ticker=WON), market_ids[WON])

    assert settle_finalized(SHADOW, LATER).pnl == Decimal(6)


def test_settle_command_tells_the_agreement_of_every_city(
    market_ids: dict[str, int], useless_exchange: None
) -> None:
    report_high(75)
    MarketRow.objects.update(close_at=CLOSE)
    MarketRow.objects.filter(ticker=WON).update(settled_at=clock.now())
    printed = StringIO()

    with pytest.raises(CommandError):  # the other five markets cannot be followed
        call_command("settle", "--json", stdout=printed)

    assert json.loads(printed.getvalue())["agreement"] == {"CHI": {"days": 1, "mismatches": 1}}


def wire_settlement(**changes: Any) -> dict[str, Any]:
    return {
        "ticker": WON,
        "event_ticker": WON.rpartition("-")[0],
        "market_result": "yes",
        "yes_count_fp": "10.00",
        "yes_total_cost_dollars": "4.000000",
        "no_count_fp": "0.00",
        "no_total_cost_dollars": "0.000000",
        "revenue": 1000,
        "value": 100,
        "fee_cost": "0.1680",
        "settled_time": SETTLED_AT.isoformat(),
        "exchange_index": 0,
        **changes,
    }


@pytest.fixture
def exchange() -> Any:
    with LocalExchange() as served:
        yield served


@pytest.fixture
def account(exchange: LocalExchange) -> KalshiAccount:
    return KalshiAccount(KalshiPortfolio(Transport(exchange.base_url, sleep=lambda _: None)))


def answer(exchange: LocalExchange, *rows: dict[str, Any]) -> None:
    exchange.replace("/portfolio/settlements", json_reply({"settlements": list(rows), "cursor": ""}))


@pytest.fixture
def settled(market_ids: dict[str, int]) -> None:
    """Ten contracts of the winner, bought by a real order and paid."""
    FillRepository(DEMO).book(make_fill(number=1, ticker=WON, fee="0.1680", mode=DEMO), market_ids[WON])
    ReconciliationFactory.create(mode=DEMO, complete_until=CLOSE)
    assert settle_finalized(DEMO, SETTLED_AT).settled == 1


@pytest.mark.usefixtures("settled")
def test_account_that_says_the_same_gives_no_drift(exchange: LocalExchange, account: KalshiAccount) -> None:
    answer(exchange, wire_settlement())

    assert check_account(DEMO, account, CLOSE, LATER) == ()
    assert exchange.requests[0].query["min_ts"] == [str(int(CLOSE.timestamp()) - 1)]


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    ("changes", "figure", "theirs"),
    [({"revenue": 999}, "revenue", "9.99"), ({"fee_cost": "0.1681"}, "fees", "0.1681")],
)
def test_account_that_differs_is_recorded_as_drift_and_told_once(
    exchange: LocalExchange, account: KalshiAccount, changes: dict[str, Any], figure: str, theirs: str
) -> None:
    answer(exchange, wire_settlement(**changes))

    for _ in range(2):
        (drift,) = check_account(DEMO, account, CLOSE, LATER)

    assert (drift.what, drift.where, drift.theirs) == ("settlement", f"{WON} {figure}", Decimal(theirs))
    assert ReconciliationRow.objects.get(kind="settle").drift == [drift.as_json()]
    told = RiskEventRow.objects.get()
    assert (told.event_type, told.market_ticker) == ("SETTLEMENT_DRIFT", WON)


@pytest.mark.usefixtures("settled")
def test_account_that_lacks_a_settlement_is_asked_again_before_it_is_drift(
    exchange: LocalExchange, account: KalshiAccount
) -> None:
    answer(exchange)

    assert check_account(DEMO, account, CLOSE, SETTLED_AT + timedelta(minutes=5)) == ()
    assert [each.where for each in check_account(DEMO, account, CLOSE, LATER)] == [
        f"{WON} contracts",
        f"{WON} revenue",
    ]


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({}, ["contracts", "revenue", "fees"]),
        ({"no_count_fp": "10.00"}, []),
        ({"ticker": "KXRAINNYC-25MAY14"}, []),
        ({"settled_time": (LATER - timedelta(minutes=5)).isoformat()}, []),
    ],
    ids=["ours to book", "nothing held in the end", "no market of ours", "a moment ago"],
)
def test_account_that_was_paid_where_our_books_hold_nothing_is_drift(
    market_ids: dict[str, int],
    exchange: LocalExchange,
    account: KalshiAccount,
    changes: dict[str, Any],
    differs: list[str],
) -> None:
    """Fills that were never read: once the market is closed nothing else would tell."""
    LedgerRepository(DEMO).open_account(Decimal(100), CLOSE - timedelta(hours=9))
    answer(exchange, wire_settlement(**changes))

    drift = check_account(DEMO, account, CLOSE, LATER)

    assert [each.where for each in drift] == [f"{WON} {figure}" for figure in differs]


def test_account_that_was_paid_for_what_closed_before_we_opened_it_is_no_drift(
    market_ids: dict[str, int], exchange: LocalExchange, account: KalshiAccount
) -> None:
    LedgerRepository(DEMO).open_account(Decimal(100), CLOSE + timedelta(hours=1))
    answer(exchange, wire_settlement())

    assert check_account(DEMO, account, CLOSE, LATER) == ()


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, b"down"),
        json_reply({"settlements": [wire_settlement(revenue="lots")], "cursor": ""}),
    ],
)
def test_account_that_cannot_be_read_whole_proves_nothing(
    exchange: LocalExchange, account: KalshiAccount, reply: Reply
) -> None:
    exchange.on("/portfolio/settlements", reply)

    assert check_account(DEMO, account, CLOSE, LATER) == ()
    assert not RiskEventRow.objects.exists()


@pytest.mark.usefixtures("settled", "useless_exchange")
def test_settlement_round_with_an_account_reports_the_drift(
    exchange: LocalExchange, account: KalshiAccount
) -> None:
    answer(exchange, wire_settlement(revenue=999))

    assert settlement_round(DEMO, LATER, account=account).drift == 1
