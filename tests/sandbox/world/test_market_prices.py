"""Prices a market could show: on the grid, never crossed, calibrated, late only where the world says so."""

import hashlib
import math
import os
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t as student

from sandbox.cities import CITIES, City, city_of_series
from sandbox.feeds import Ladder, Quote
from sandbox.world.market import SimulatedMarketFeed
from sandbox.world.market_fair import (
    INEFFICIENCY,
    LAG_SHARE,
    bracket_probabilities,
    makers_lag,
    student_cdf,
    within,
)
from sandbox.world.market_pauses import weekly_pauses
from tests.sandbox.world.conftest import FIRST_DAY, SEED
from tests.sandbox.world.martingale import PUBLIC_SD_F, STEP, Martingale

PROJECT = Path(__file__).parents[3]
CENT = Decimal("0.01")
MINUTE = timedelta(minutes=1)


def life(feed: SimulatedMarketFeed, listed: Ladder) -> Iterator[tuple[str, Sequence[Quote]]]:
    """Every change of every market of an event."""
    for bracket in listed.brackets:
        yield bracket.ticker, feed.quotes(bracket.ticker, listed.opens_at - MINUTE, listed.closes_at)


def mid(quote: Quote | None) -> float:
    """The middle, an absent side counted as 0 or 1."""
    assert quote is not None
    bid, ask = quote.yes_bid or Decimal(0), quote.yes_ask or Decimal(1)
    return float(bid + ask) / 2


def test_quotes_are_on_the_grid_uncrossed_and_one_to_eight_cents_wide(
    feed: SimulatedMarketFeed, settled: Sequence[Ladder]
) -> None:
    widths: set[int] = set()
    for listed in settled[::7]:
        for ticker, quotes in life(feed, listed):
            assert [quote.at for quote in quotes] == sorted({quote.at for quote in quotes}), ticker
            assert quotes[0].at == listed.opens_at
            assert quotes[-1].at < listed.closes_at
            for quote in quotes:
                prices = [price for price in (quote.yes_bid, quote.yes_ask, quote.last) if price is not None]
                assert all(CENT <= price <= 1 - CENT and price % CENT == 0 for price in prices)
                assert quote.yes_bid is not None or quote.yes_ask is not None
                if quote.yes_bid is not None and quote.yes_ask is not None:
                    widths.add(int((quote.yes_ask - quote.yes_bid) / CENT))
    assert min(widths) == 1
    assert 5 <= max(widths) <= 8


class Decided(Martingale):
    """The high is reached and known six hours before the day ends."""

    def best_mu_sigma(self, city: City, day: date, at: datetime) -> tuple[float, float]:
        over = self.max_so_far_f(city, day, at) is not None
        return (float(self.high_f(city, day)), 0.3) if over else super().best_mu_sigma(city, day, at)

    def max_so_far_f(self, city: City, day: date, at: datetime) -> int | None:
        return self.high_f(city, day) if at >= city.climate_day_start(day) + 3 * STEP else None


def test_decided_market_has_one_side_only() -> None:
    feed = SimulatedMarketFeed(Decided(SEED), SEED, CITIES, FIRST_DAY)
    for listed in feed.ladders(datetime(2026, 10, 20, tzinfo=UTC))[:10]:
        outcome = feed.outcome(listed.event_ticker)
        assert outcome is not None
        for bracket in listed.brackets:
            quote = feed.quote(bracket.ticker, listed.closes_at)
            assert quote is not None
            if bracket.ticker == outcome.winning_ticker:
                assert (quote.yes_bid or 0) >= Decimal("0.93")
            elif bracket.contains((outcome.high_f or 0) - 3) or bracket.contains((outcome.high_f or 0) + 5):
                assert (quote.yes_bid, quote.yes_ask) == (None, CENT)


def test_brackets_below_the_maximum_so_far_have_no_chance() -> None:
    listed = SimulatedMarketFeed(Martingale(SEED), SEED, CITIES, FIRST_DAY).ladders(
        datetime(2026, 10, 20, tzinfo=UTC)
    )[0]
    reached = listed.brackets[3].lowest_f or 0
    known = np.array([-np.inf, reached + 1.0, reached + 1.0])
    p = bracket_probabilities(listed, np.full(3, reached - 1.0), np.array([2.0, 2.0, 0.3]), known)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert (p >= 0).all()
    assert p[0, :3].sum() > 0.5
    assert p[1, :3].sum() == 0
    np.testing.assert_allclose(p[2], [0, 0, 0, 1, 0, 0], atol=1e-3)


def test_book_agrees_with_the_quote_and_has_depth(
    feed: SimulatedMarketFeed, settled: Sequence[Ladder]
) -> None:
    depths: set[int] = set()
    for listed in settled[::9]:
        for ticker, quotes in life(feed, listed):
            for quote in quotes[::5]:
                book = feed.book(ticker, quote.at)
                assert (book.yes_bids[-1].price if book.yes_bids else None) == quote.yes_bid
                assert (1 - book.no_bids[-1].price if book.no_bids else None) == quote.yes_ask
                for side in (book.yes_bids, book.no_bids):
                    prices = [level.price for level in side]
                    assert prices == sorted(set(prices))
                    assert all(0 < level.count <= 500 for level in side)
                    depths.add(len(side))
    assert depths == {0, 1, 2, 3, 4, 5}


def test_touch_is_larger_on_the_side_of_the_favourite(
    feed: SimulatedMarketFeed, settled: Sequence[Ladder]
) -> None:
    favoured: list[float] = []
    other: list[float] = []
    for listed in settled[::5]:
        at = listed.closes_at - timedelta(hours=12)
        for bracket in listed.brackets:
            book = feed.book(bracket.ticker, at)
            if book.yes_bids and book.no_bids:
                likely = book.yes_bids[-1].price > Decimal("0.5")
                favoured.append(float((book.yes_bids if likely else book.no_bids)[-1].count))
                other.append(float((book.no_bids if likely else book.yes_bids)[-1].count))
    assert np.median(favoured) > 1.5 * np.median(other)


def test_volume_and_open_interest_are_what_takers_made(
    feed: SimulatedMarketFeed, settled: Sequence[Ladder]
) -> None:
    sides: set[str] = set()
    fractional = 0
    for listed in settled[::11]:
        for ticker, quotes in life(feed, listed):
            trades = feed.trades(ticker, listed.opens_at - MINUTE, listed.closes_at)
            ends = [trade.at for trade in trades]
            running = [Decimal(0)]
            for trade in trades:
                running.append(running[-1] + trade.count)
            for quote in quotes:
                so_far = bisect_right(ends, quote.at)
                assert quote.volume == running[so_far]
                assert quote.last == (trades[so_far - 1].yes_price if so_far else None)
                assert quote.open_interest is not None
                assert 0 <= quote.open_interest <= running[so_far]
            for trade in trades:
                hit = feed.quote(ticker, trade.at)
                assert hit is not None
                assert trade.yes_price == (hit.yes_ask if trade.taker_side == "yes" else hit.yes_bid)
                assert trade.count > 0
                fractional += trade.count % 1 != 0
                sides.add(trade.taker_side)
            assert len({trade.trade_id for trade in trades}) == len(trades)
    assert sides == {"yes", "no"}
    assert fractional > 100


def test_takers_take_no_more_than_the_touch(feed: SimulatedMarketFeed, settled: Sequence[Ladder]) -> None:
    for listed in settled[::40]:
        for bracket in listed.brackets:
            for trade in feed.trades(bracket.ticker, listed.opens_at, listed.closes_at):
                before = feed.book(bracket.ticker, trade.at - timedelta(milliseconds=1))
                after = feed.book(bracket.ticker, trade.at)
                taken = [
                    old[-1].count - new[-1].count
                    for old, new in ((before.yes_bids, after.yes_bids), (before.no_bids, after.no_bids))
                    if old and new
                ]
                assert trade.count in taken


def test_nothing_moves_during_maintenance(feed: SimulatedMarketFeed, settled: Sequence[Ladder]) -> None:
    paused = 0
    for listed in settled:
        pauses = weekly_pauses(listed.opens_at, listed.closes_at)
        inside = [pause for pause in pauses if listed.opens_at < pause.starts_at < listed.closes_at]
        for pause in inside[: 1 if listed.series_ticker == "KXHIGHNY" else 0]:
            paused += 1
            for bracket in listed.brackets:
                window = (bracket.ticker, pause.starts_at, pause.ends_at - timedelta(milliseconds=1))
                assert list(feed.quotes(*window)) == []
                assert list(feed.trades(*window)) == []
    assert paused >= 5
    assert within(
        datetime(2026, 11, 5, 8, tzinfo=UTC),
        weekly_pauses(datetime(2026, 11, 5, tzinfo=UTC), datetime(2026, 11, 6, tzinfo=UTC)),
    )


def test_makers_distribution_is_students_with_six_degrees_of_freedom() -> None:
    points = np.array([-math.inf, -8.0, -1.0, 0.0, 0.3, 2.5, 30.0, math.inf])
    np.testing.assert_allclose(student_cdf(points), student.cdf(points, 6), atol=1e-12)


def standings(
    feed: SimulatedMarketFeed, settled: Sequence[Ladder], before_close: timedelta
) -> tuple[np.ndarray, np.ndarray]:
    """Mids and results of every market, one row per event, at one instant of each."""
    mids, results = [], []
    for listed in settled:
        outcome = feed.outcome(listed.event_ticker)
        assert outcome is not None
        at = listed.closes_at - before_close
        mids.append([mid(feed.quote(bracket.ticker, at)) for bracket in listed.brackets])
        results.append([float(bracket.ticker == outcome.winning_ticker) for bracket in listed.brackets])
    return np.array(mids), np.array(results)


@pytest.mark.parametrize("hours", [6, 30])
def test_mids_are_calibrated(feed: SimulatedMarketFeed, settled: Sequence[Ladder], hours: int) -> None:
    mids, results = standings(feed, settled, timedelta(hours=hours))
    assert abs(mids.sum(axis=1).mean() - 1) < 0.02
    edges = [0.0, 0.05, 0.15, 0.3, 0.5, 0.75, 1.0]
    for low, high in pairwise(edges):
        chosen = (mids >= low) & (mids < high)
        n = int(chosen.sum())
        if n < 30:
            continue
        expected, seen = mids[chosen].mean(), results[chosen].mean()
        noise = math.sqrt(max(expected * (1 - expected), 0.002) / n)
        assert abs(seen - expected) < 3.5 * noise + 0.005, (low, n, expected, seen)


def test_market_knows_more_than_the_public_forecast(
    feed: SimulatedMarketFeed, truth: Martingale, settled: Sequence[Ladder]
) -> None:
    before_close = timedelta(hours=24)
    mids, results = standings(feed, settled, before_close)
    implied = np.clip(mids / mids.sum(axis=1, keepdims=True), 0.005, 1)
    gains = []
    for listed, p_market, won in zip(settled, implied, results, strict=True):
        city, at = city_of_series(listed.series_ticker), listed.closes_at - before_close
        forecast_f = truth.forecast_high_f(city, listed.event_date, at)
        assert forecast_f is not None
        left = truth.best_mu_sigma(city, listed.event_date, at)[1]
        sd = math.sqrt(left**2 + PUBLIC_SD_F**2)
        p_public = [
            gaussian(bracket.lowest_f, bracket.highest_f, forecast_f, sd) for bracket in listed.brackets
        ]
        gains.append(math.log(p_market[won == 1][0]) - math.log(max(np.array(p_public)[won == 1][0], 0.005)))
    assert np.mean(gains) > 3 * np.std(gains) / math.sqrt(len(gains))


def gaussian(low_f: int | None, high_f: int | None, mean_f: float, sd_f: float) -> float:
    above = 1.0 if high_f is None else normal_cdf((high_f + 0.5 - mean_f) / sd_f)
    return above - (0.0 if low_f is None else normal_cdf((low_f - 0.5 - mean_f) / sd_f))


def normal_cdf(z: float) -> float:
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def share_priced_early(feed: SimulatedMarketFeed, truth: Martingale, listed: Ladder) -> float:
    """How much of the moves after revisions is in the price within 15 minutes: about 1, or about 0 where makers lag."""
    early = full = 0.0
    city = city_of_series(listed.series_ticker)
    pauses = weekly_pauses(listed.opens_at, listed.closes_at)
    for issued, _ in truth.revisions(city, listed.event_date, listed.closes_at - timedelta(hours=1)):
        if issued <= listed.opens_at or any(
            within(issued + step * MINUTE, pauses) for step in range(0, 45, 5)
        ):
            continue
        for bracket in listed.brackets:
            before, soon, late = (
                mid(feed.quote(bracket.ticker, issued + minutes * MINUTE)) for minutes in (-1, 15, 40)
            )
            early += (soon - before) * (late - before)
            full += (late - before) ** 2
    return early / full


def test_makers_lag_on_the_stated_share_of_events_and_nowhere_else(
    feed: SimulatedMarketFeed, truth: Martingale, settled: Sequence[Ladder]
) -> None:
    late = {listed.event_ticker: makers_lag(SEED, listed.event_ticker) for listed in settled}
    share = sum(late.values()) / len(late)
    assert abs(share - LAG_SHARE) < 3 * math.sqrt(LAG_SHARE * (1 - LAG_SHARE) / len(late))
    for listed in settled[::2]:
        priced = share_priced_early(feed, truth, listed)
        assert priced < 0.3 if late[listed.event_ticker] else priced > 0.7, (listed.event_ticker, priced)


def test_inefficiency_is_stated_in_one_sentence() -> None:
    assert INEFFICIENCY.count(".") == 1
    assert "15 %" in INEFFICIENCY
    assert "20 minutes" in INEFFICIENCY
    assert SimulatedMarketFeed.inefficiency == INEFFICIENCY


def digest(seed: int) -> str:
    """Everything a fresh feed says of one day's events."""
    feed = SimulatedMarketFeed(Martingale(seed), seed, CITIES, FIRST_DAY)
    told = hashlib.sha256()
    for listed in feed.ladders(datetime(2026, 10, 20, tzinfo=UTC))[:10]:
        told.update(repr((listed, feed.outcome(listed.event_ticker))).encode())
        for ticker, quotes in life(feed, listed):
            told.update(repr(quotes).encode())
            told.update(repr(feed.trades(ticker, listed.opens_at, listed.closes_at)).encode())
            told.update(repr(feed.book(ticker, listed.closes_at - STEP)).encode())
    return told.hexdigest()


def test_same_seed_is_the_same_world_in_another_process() -> None:
    program = "from tests.sandbox.world.test_market_prices import digest; print(digest(7))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "1234"},
    )
    assert done.stdout.strip() == digest(7)
    assert digest(8) != digest(7)


def test_answer_does_not_depend_on_what_was_asked_before(truth: Martingale) -> None:
    at = datetime(2026, 10, 22, 20, tzinfo=UTC)
    fresh, busy = (SimulatedMarketFeed(truth, SEED, CITIES, FIRST_DAY) for _ in range(2))
    tickers = [bracket.ticker for listed in busy.ladders(at)[:20] for bracket in listed.brackets]
    for ticker in tickers:
        busy.quote(ticker, at + timedelta(days=9))
        busy.book(ticker, at - timedelta(hours=3))
    assert [fresh.quote(ticker, at) for ticker in reversed(tickers)] == [
        busy.quote(ticker, at) for ticker in reversed(tickers)
    ]


def test_quotes_are_the_changes_of_the_quote(feed: SimulatedMarketFeed, settled: Sequence[Ladder]) -> None:
    (listed,) = (found for found in settled if found.event_ticker == "KXHIGHNY-26NOV12")
    for ticker, quotes in life(feed, listed):
        figures = [(q.yes_bid, q.yes_ask, q.last, q.volume, q.open_interest) for q in quotes]
        assert all(one != next_ for one, next_ in pairwise(figures))
        assert feed.quote(ticker, listed.opens_at - MINUTE) is None
        for before, after in pairwise(quotes):
            assert feed.quote(ticker, after.at - timedelta(milliseconds=1)) == before
        halfway = quotes[len(quotes) // 2].at
        assert [
            *feed.quotes(ticker, listed.opens_at - MINUTE, halfway),
            *feed.quotes(ticker, halfway, listed.closes_at),
        ] == list(quotes)


def test_poll_of_all_open_markets_is_fast_once_warm(truth: Martingale) -> None:
    feed = SimulatedMarketFeed(truth, SEED, CITIES, FIRST_DAY)
    at = datetime(2026, 10, 28, 20, tzinfo=UTC)
    trading = [found for found in feed.ladders(at) if found.opens_at <= at < found.closes_at]
    cold = [elapsed_s(lambda event=event: feed.quote(event.brackets[0].ticker, at)) for event in trading]
    assert sorted(cold)[len(cold) // 2] < 0.1

    def poll() -> None:
        for event in trading:
            for bracket in event.brackets:
                feed.quote(bracket.ticker, at)
                feed.book(bracket.ticker, at)

    assert min(elapsed_s(poll) for _ in range(3)) < 0.05


def elapsed_s(action: object) -> float:
    assert callable(action)
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
