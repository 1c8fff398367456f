"""Every call of our clients, and every answer of the sandbox to them, fits the contract: our summary of it, always, and
the exchange's own file where that lies beside the project."""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from markets.clients.kalshi.signing import Signer
from sandbox.accounts import open_accounts
from sandbox.assembly import Options, prepare, sandbox_app
from sandbox.clock import wall_now
from tests.contract.contract import OurContract, TheirContract
from tests.contract.our_walk import open_visit, read_account, read_market_data, trade
from tests.contract.recorder import Call, Recorder
from tests.e2e.serving import served
from tests.sandbox.stages import SAMPLE

PRICES_APPEAR_AFTER = timedelta(hours=6)
OURS = OurContract()


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """Everything our clients can ask, as it went over the wire; the market stands still meanwhile."""
    folder = tmp_path_factory.mktemp("sandbox")
    setup = prepare(Options(SAMPLE, "KXHIGHCHI", None, 1.0, Decimal(10), folder), wall_now)
    accounts = open_accounts(folder / "keys")
    recorder = Recorder(sandbox_app(setup.stage, accounts, lambda: None, tier=None))
    with served(recorder) as origin:

        def control(**order: object) -> None:
            answer = httpx.post(f"{origin}/control", json=order, timeout=10)
            assert answer.status_code == 200, answer.text

        control(do="clock", to=(setup.stage.now() + PRICES_APPEAR_AFTER).isoformat())
        control(do="freeze")
        signer = Signer(accounts[1].key_id, accounts[1].private_key_path, frozenset())
        visit = open_visit(f"{origin}/trade-api/v2", signer, control)
        read_market_data(visit)
        trade(visit)
        read_account(visit)
        visit.transport.close()
    return recorder.calls


def faulty(calls: list[Call], faults_of: Any) -> dict[str, list[str]]:
    return {call.name: faults for call in calls if (faults := faults_of(call))}


def test_requests_of_our_clients_fit_our_summary(calls: list[Call]) -> None:
    assert faulty(calls, OURS.request_faults) == {}


def test_answers_of_the_sandbox_fit_our_summary(calls: list[Call]) -> None:
    assert faulty(calls, OURS.answer_faults) == {}


def test_every_call_of_our_summary_was_made_and_answered(calls: list[Call]) -> None:
    answered = {OURS.name_of(call) for call in calls if call.status < 400}
    assert set(OURS.names) - answered == set()


def test_requests_of_our_clients_fit_the_contract(calls: list[Call], contract: dict[str, Any]) -> None:
    assert faulty(calls, TheirContract(contract).request_faults) == {}


def test_answers_of_the_sandbox_fit_the_contract(calls: list[Call], contract: dict[str, Any]) -> None:
    assert faulty(calls, TheirContract(contract).answer_faults) == {}


def test_every_request_is_signed_and_asks_for_english_json(calls: list[Call]) -> None:
    for call in calls:
        assert {"kalshi-access-key", "kalshi-access-timestamp", "kalshi-access-signature"} <= set(
            call.headers
        )
        assert re.fullmatch(r"[0-9]{13}", call.headers["kalshi-access-timestamp"])
        assert (call.headers["accept"], call.headers["accept-language"]) == ("application/json", "en")
        if call.body is not None:
            assert call.headers["content-type"].startswith("application/json")


GOOD_ORDER: Mapping[str, Any] = {
    "ticker": "KXHIGHCHI-26OCT02-B72.5",
    "side": "bid",
    "count": "1.00",
    "price": "0.5600",
    "time_in_force": "good_till_canceled",
    "self_trade_prevention_type": "taker_at_cross",
    "client_order_id": "8d4b7f0e-8f9a-5c57-9f5b-0c3a4f1f9c11",
}


def order_faults(**changes: Any) -> list[str]:
    body = {name: value for name, value in {**GOOD_ORDER, **changes}.items() if value is not None}
    return OURS.request_faults(Call("POST", "/portfolio/events/orders", {}, {}, body, 201, None))


def test_summary_accepts_a_good_order() -> None:
    assert order_faults() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"price": 0.56},
        {"price": "0.0000"},
        {"price": "1.0000"},
        {"price": "56"},
        {"count": 1},
        {"count": "0.00"},
        {"count": "1.005"},
        {"side": "yes"},
        {"action": "buy"},
        {"type": "limit"},
        {"yes_price": 56},
        {"expiration_ts": 1_790_000_000},
        {"buy_max_cost": 100},
        {"client_order_id": "a b"},
        {"client_order_id": None},
        {"self_trade_prevention_type": None},
        {"time_in_force": "GTT"},
        {"time_in_force": "immediate_or_cancel", "expiration_time": 1_790_000_000},
        {"reduce_only": True},
        {"expiration_time": 1_790_000_000_000},
    ],
)
def test_summary_refuses_an_order_the_exchange_would_refuse(changes: Mapping[str, Any]) -> None:
    assert order_faults(**changes) != []


def test_summary_refuses_calls_and_answers_that_are_not_ours() -> None:
    legacy = Call("POST", "/portfolio/orders", {}, {}, {}, 410, {})
    assert OURS.request_faults(legacy) != []
    with_cents = {"markets": [{"ticker": "X", "yes_ask": 56}], "cursor": ""}
    assert OURS.answer_faults(Call("GET", "/markets", {"limit": "9"}, {}, None, 200, with_cents)) != []
    assert OURS.answer_faults(Call("GET", "/markets", {"limit": "9"}, {}, None, 404, {"sorry": 1})) != []
    assert (
        OURS.request_faults(Call("GET", "/markets", {"limit": "9", "min_ts": "1"}, {}, None, 200, {})) != []
    )
