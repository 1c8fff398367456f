"""The application's own market client reads the simulated exchange over real sockets, at the present."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.transport import Transport
from markets.domain.ladder import build_ladder
from markets.domain.settlement_rules import check_strikes, parse_rule
from milkbot.core.cities import city_of_series
from sandbox.cities import CITIES
from tests.sandbox.test_application_reads_it import running


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A simulated world as `make run` starts it, but for its history."""
    options = ("--world", "simulated", "--seed", "11", "--history-days", "2")
    with running(tmp_path_factory.mktemp("state"), *options) as description:
        yield description


@pytest.fixture(scope="module")
def exchange(described: dict[str, Any]) -> Iterator[KalshiMarketData]:
    """The application's market-data client, without a key."""
    client = KalshiMarketData(Transport(described["base_url"]))
    yield client
    client.close()


def test_description_names_the_seed_and_states_the_inefficiency(described: dict[str, Any]) -> None:
    assert (described["world"], described["seed"]) == ("simulated world, seed 11", 11)
    assert "20 minutes" in described["inefficiency"]
    assert described["clock"]["speed"] == 1.0


@pytest.mark.parametrize("series", [city.series_ticker for city in CITIES])
def test_client_reads_open_ladders_with_books_that_agree(exchange: KalshiMarketData, series: str) -> None:
    city = city_of_series(series)
    assert city is not None
    events = exchange.list_events(series)
    assert len(events) in (1, 2)
    for event in events:
        assert event.faults == ()
        markets = [listing.market for listing in event.listings]
        assert len(build_ladder(event.event_ticker, markets).brackets) == 6
        for market in markets:
            parse_rule(market.rules_primary, city, event.event_date)
            check_strikes(market)
        books = exchange.get_orderbooks([market.ticker for market in markets])
        assert set(books) == {market.ticker for market in markets}
        assert any(book.best_bid is not None and book.best_bid.count > 0 for book in books.values())


def test_client_reads_how_the_day_before_yesterday_settled(exchange: KalshiMarketData) -> None:
    settled = exchange.list_events("KXHIGHNY", status="settled")
    two_days_ago = datetime.now(UTC).date() - timedelta(days=2)
    (event,) = (event for event in settled if event.event_date == two_days_ago)
    winners = [listing.market for listing in event.listings if listing.market.result == "yes"]
    assert len(winners) == 1
    assert winners[0].expiration_value.endswith(".00")
