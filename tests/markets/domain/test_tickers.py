"""Tickers carry the series and the climate day, there and back."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.tickers import event_ticker, parse_event_ticker, series_of
from milkbot.core.cities import load_cities
from milkbot.core.errors import BadMarketData

SERIES = [city.kalshi_series for city in load_cities().values()]


@given(series=st.sampled_from(SERIES), day=st.dates(date(2020, 1, 1), date(2099, 12, 31)))
def test_event_ticker_survives_the_round_trip(series: str, day: date) -> None:
    ticker = event_ticker(series, day)
    assert parse_event_ticker(ticker) == (series, day)
    assert series_of(f"{ticker}-B77.5") == series


def test_event_ticker_is_written_as_the_exchange_does() -> None:
    assert event_ticker("KXHIGHNY", date(2026, 10, 2)) == "KXHIGHNY-26OCT02"


@pytest.mark.parametrize(
    "ticker",
    ["", "KXHIGHNY", "KXHIGHNY-26OCT32", "KXHIGHNY-26FEB29", "KXHIGHNY-26XYZ02", "KXHIGHNY-26OCT02-T81"],
)
def test_event_ticker_that_is_none_is_refused(ticker: str) -> None:
    with pytest.raises(BadMarketData) as refusal:
        parse_event_ticker(ticker)
    assert refusal.value.code == "EVENT_TICKER_UNREADABLE"
