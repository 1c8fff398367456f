"""A history in arrays is the same history: what was recorded comes out as it went in."""

import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.backtest.quote_history import Quote, QuoteHistory, micros_of, moment

BEGIN = datetime(2025, 5, 1, 14, tzinfo=UTC)
prices = st.none() | st.integers(1, 99).map(lambda cents: Decimal(cents).scaleb(-2))
fine_prices = prices | st.integers(10_000, 990_000).map(lambda micros: Decimal(micros).scaleb(-6))
counts = st.none() | st.integers(0, 10**12).map(lambda hundredths: Decimal(hundredths).scaleb(-2))
quotes = st.builds(
    Quote,
    at=st.just(BEGIN),
    yes_bid=fine_prices,
    yes_ask=fine_prices,
    last=fine_prices,
    volume=counts,
    open_interest=counts,
    yes_bid_size=counts,
    yes_ask_size=counts,
)
histories = st.lists(quotes, max_size=6).map(
    lambda told: [
        quote._replace(at=BEGIN + number * timedelta(minutes=1)) for number, quote in enumerate(told)
    ]
)


@given(histories)
def test_history_gives_back_what_it_was_made_of(told: list[Quote]) -> None:
    history = QuoteHistory.of(told)
    assert list(history) == told
    assert history[1:-1] == told[1:-1]
    assert list(pickle.loads(pickle.dumps(history))) == told
    assert history.has_sizes is any(q.yes_bid_size is not None or q.yes_ask_size is not None for q in told)
    assert history.is_two_sided is any(q.yes_bid is not None and q.yes_ask is not None for q in told)


@given(histories.filter(len), st.integers(-90, 400))
def test_newest_quote_is_the_last_not_later(told: list[Quote], seconds: int) -> None:
    now = BEGIN + timedelta(seconds=seconds)
    place = QuoteHistory.of(told).place_at(micros_of(now))
    assert [quote for quote in told if quote.at <= now] == told[: place + 1]


@given(prices.filter(lambda price: price is not None))
def test_whole_cents_are_shown_as_cents(price: Decimal) -> None:
    (quote,) = QuoteHistory.of([Quote(BEGIN, price, None, None, Decimal("12.00"), Decimal("0.50"))])
    assert str(quote.yes_bid) == str(price)
    assert (str(quote.volume), str(quote.open_interest)) == ("12", "0.50")


@pytest.mark.parametrize("micros", [0, 1, 999_999, 1_000_000, 1_746_108_000_123_456])
def test_moments_are_exact(micros: int) -> None:
    assert micros_of(moment(micros)) == micros


def test_place_beyond_the_end_is_an_error() -> None:
    with pytest.raises(IndexError):
        QuoteHistory()[0]
