"""The application's own clients read the sandbox over real sockets: both ends were written from the reference, apart."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.transport import Transport
from markets.domain.ladder import build_ladder
from markets.domain.settlement_rules import check_strikes, parse_rule
from markets.domain.types import MarketStatus
from milkbot.core.cities import city_of_series
from weather.clients.nws.client import NwsClient
from weather.clients.nws.transport import NwsTransport
from weather.domain.day_high import day_highs

PROJECT = Path(__file__).parents[2]


@contextmanager
def running(state_dir: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """A sandbox in a process of its own; the description it published."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--state-dir", str(state_dir), *arguments]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Sandbox at ")
            yield json.loads((state_dir / "sandbox.json").read_text(encoding="utf-8"))
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A sandbox at the opening of its event, in slow motion."""
    with running(tmp_path_factory.mktemp("state"), "--speed", "1") as description:
        yield description


@pytest.fixture(scope="module")
def weather_service(sandbox: dict[str, Any]) -> Iterator[NwsClient]:
    """The application's weather client."""
    client = NwsClient(NwsTransport(sandbox["nws_url"], "milkbot tests"))
    yield client
    client.close()


@pytest.fixture(scope="module")
def exchange(sandbox: dict[str, Any]) -> Iterator[KalshiMarketData]:
    """The application's market-data client, without a key."""
    client = KalshiMarketData(Transport(sandbox["base_url"]))
    yield client
    client.close()


def test_market_client_reads_a_ladder_that_partitions_with_rules_that_fit(
    exchange: KalshiMarketData, sandbox: dict[str, Any]
) -> None:
    city = city_of_series("KXHIGHCHI")
    assert city is not None
    assert exchange.get_status().trading_active
    assert exchange.get_series("KXHIGHCHI").fees is not None
    (event,) = exchange.list_events("KXHIGHCHI")
    assert event.event_date == date.fromisoformat(sandbox["event_date"])
    assert event.faults == ()
    markets = [listing.market for listing in event.listings]
    assert len(build_ladder(event.event_ticker, markets).brackets) == 6
    for market in markets:
        parse_rule(market.rules_primary, city, event.event_date)
        check_strikes(market)
    assert {listing.snapshot.status for listing in event.listings} == {MarketStatus.ACTIVE}
    books = exchange.get_orderbooks([market.ticker for market in markets])
    assert set(books) == {market.ticker for market in markets}


@pytest.mark.parametrize("index", [0, 1])
def test_market_client_proves_both_published_keys(sandbox: dict[str, Any], index: int) -> None:
    account = sandbox["accounts"][index]
    signer = Signer(account["key_id"], Path(account["private_key_path"]), frozenset())
    client = KalshiMarketData(Transport(sandbox["base_url"], signer))
    assert client.authenticate().balance == Decimal(10_000)
    assert abs(client.skew_s or 0) < 3
    client.close()


def test_weather_client_reads_points_grid_and_periods(
    weather_service: NwsClient, sandbox: dict[str, Any]
) -> None:
    city = city_of_series("KXHIGHCHI")
    assert city is not None
    point = weather_service.get_points(city.latitude, city.longitude)
    assert (point.office, point.x, point.y) == ("LOT", 72, 69)
    highs = {high.day: high.high_f for high in day_highs(weather_service.get_grid("LOT", 72, 69), -6)}
    assert highs[date.fromisoformat(sandbox["event_date"])] == 74
    assert weather_service.get_forecast("LOT", 72, 69).periods
    assert weather_service.get_hourly("LOT", 72, 69).periods
    assert weather_service.get_observation("KMDW") is None


def test_both_clients_read_the_end_of_the_event(tmp_path: Path) -> None:
    """A start that lies days back has caught up with the present, in which the event is settled."""
    days_ago = (datetime.now(UTC) - timedelta(days=4)).isoformat()
    with running(tmp_path, "--wall-anchor", days_ago) as sandbox:
        event_date = date.fromisoformat(sandbox["event_date"])
        exchange = KalshiMarketData(Transport(sandbox["base_url"]))
        (event,) = exchange.list_events("KXHIGHCHI", status="settled")
        winners = [listing.market.ticker for listing in event.listings if listing.market.result == "yes"]
        weather_service = NwsClient(NwsTransport(sandbox["nws_url"], "milkbot tests"))
        newest = weather_service.get_cli_reports("MDW")[0].report
        exchange.close()
        weather_service.close()
    assert [ticker.split("-")[2] for ticker in winners] == ["B74.5"]
    assert (newest.climate_date, newest.high_f, newest.is_final) == (event_date, 75, True)
