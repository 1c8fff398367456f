"""A key proves itself, and says what it may do."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from markets.clients.kalshi.budget import TokenBudget
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.signing import DEMO_HOSTS, Signer
from markets.clients.kalshi.transport import Transport
from markets.domain.account_types import AccountLimits, EndpointCosts
from milkbot.core.errors import ConfigError, Refused
from tests.markets.local_exchange import LocalExchange, Reply, json_reply
from tests.markets.makers import NOW

D = Decimal


@pytest.fixture
def signed_client(exchange: LocalExchange, key_path: Path, naps: list[float]) -> Iterator[KalshiMarketData]:
    signer = Signer("key-1", key_path, DEMO_HOSTS)
    data = KalshiMarketData(
        Transport(exchange.base_url, signer, now=lambda: NOW, sleep=naps.append), now=lambda: NOW
    )
    yield data
    data.close()


@pytest.mark.story("3.1", 2)
def test_authenticate_proves_the_key_and_says_whose_account_it_is(
    exchange: LocalExchange, signed_client: KalshiMarketData, recorded_api: Path
) -> None:
    exchange.on("/portfolio/balance", Reply(200, (recorded_api / "auth__balance_ok.json").read_bytes()))
    exchange.on("/account/limits", Reply(200, (recorded_api / "account__limits.json").read_bytes()))
    account = signed_client.authenticate()
    assert (account.balance, account.usage_tier) == (D("98.0186"), "basic")
    assert all("kalshi-access-signature" in map(str.lower, r.headers) for r in exchange.requests)


@pytest.mark.story("3.1", 2)
@pytest.mark.story("3.1", 5)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"error": {"code": "authentication_error", "details": "INCORRECT_API_KEY_SIGNATURE"}},
            "check key id",
        ),
        ({"error": {"code": "authentication_error", "details": "NOT_FOUND"}}, "NOT_FOUND"),
        ({"error": {"code": "header_timestamp_expired"}}, "clock is wrong"),
    ],
)
def test_authenticate_with_a_refused_key_says_what_to_check(
    exchange: LocalExchange, signed_client: KalshiMarketData, body: dict[str, Any], words: str
) -> None:
    exchange.on("/portfolio/balance", json_reply(body, 401))
    with pytest.raises(Refused, match=words) as refusal:
        signed_client.authenticate()
    assert (refusal.value.status, refusal.value.code) == (401, body["error"]["code"])


def _at(body: object, at: datetime) -> Reply:
    return json_reply(body)._replace(headers=(("Date", format_datetime(at, usegmt=True)),))


@pytest.mark.story("3.1", 2)
def test_authenticate_tells_what_the_key_may_do_and_counts_by_its_limits(
    exchange: LocalExchange, key_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    adopted: list[str] = []

    class Noted(TokenBudget):
        def adopt(self, limits: AccountLimits, costs: EndpointCosts) -> None:
            adopted.append(limits.usage_tier)
            super().adopt(limits, costs)

    data = KalshiMarketData(Transport(exchange.base_url, Signer("k", key_path, DEMO_HOSTS), budget=Noted()))
    buckets = {"refill_rate": 300, "bucket_capacity": 900}
    exchange.on("/portfolio/balance", json_reply({"balance_dollars": "5.0000"}))
    exchange.on("/account/limits", json_reply({"usage_tier": "advanced", "read": buckets, "write": buckets}))
    others = {"api_key_id": "z", "name": "other", "scopes": ["read"]}
    exchange.on(
        "/api_keys",
        json_reply({"api_keys": [others, {"api_key_id": "k", "name": "n", "scopes": ["read", "write::trade"]}]}),
        json_reply({"api_keys": [{"api_key_id": "k", "name": "n", "scopes": ["read", "write"]}]}),
        json_reply({"api_keys": [others]}),
    )  # fmt: skip
    assert [
        (account.may_trade, account.may_transfer)
        for account in (data.authenticate(), data.authenticate(), data.authenticate())
    ] == [(True, False), (True, True), (None, None)]
    assert adopted == ["advanced"] * 3
    assert caplog.text.count("may move money") == 1
    data.close()


@pytest.mark.parametrize("ahead_s", [-5, 4, 30])
def test_authenticate_with_a_clock_that_is_off_refuses_to_go_on(
    exchange: LocalExchange, signed_client: KalshiMarketData, ahead_s: int
) -> None:
    there = NOW + timedelta(seconds=ahead_s)
    exchange.on(
        "/portfolio/balance",
        _at({"error": {"code": "header_timestamp_expired"}}, there)._replace(status=401),
        _at({"balance_dollars": "5.0000"}, there),
    )
    exchange.on("/account/limits", _at({}, there))
    with pytest.raises(ConfigError, match="off Kalshi's"):
        signed_client.authenticate()
    stamps = [int(request.headers["KALSHI-ACCESS-TIMESTAMP"]) for request in exchange.requests]
    assert stamps[1] - stamps[0] == ahead_s * 1000


@pytest.mark.story("3.1", 2)
def test_authenticate_without_a_key_asks_nobody(exchange: LocalExchange, client: KalshiMarketData) -> None:
    with pytest.raises(ConfigError, match="No Kalshi key"):
        client.authenticate()
    assert exchange.requests == []


def test_authenticate_forbidden_or_unreachable_is_not_called_a_bad_key(
    exchange: LocalExchange, signed_client: KalshiMarketData
) -> None:
    exchange.on("/portfolio/balance", json_reply({"error": {"code": "forbidden"}}, 403))
    with pytest.raises(Refused, match="HTTP 403"):
        signed_client.authenticate()
