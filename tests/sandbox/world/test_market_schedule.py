"""Events have the real series' tickers, strikes and times."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.clients.kalshi.parse import parse_event
from markets.domain.ladder import build_ladder
from markets.domain.settlement_rules import check_strikes, parse_rule
from milkbot.core.cities import city_of_series as city_of_house
from sandbox.cities import CITIES, City, city_of_series
from sandbox.feeds import Bracket, Ladder
from sandbox.kalshi.listing import event_json, market_json, planned_listing
from sandbox.world.market import SimulatedMarketFeed
from sandbox.world.market_pauses import weekly_pauses
from sandbox.world.market_schedule import (
    brackets,
    closes_at,
    day_of,
    event_of,
    event_ticker,
    finalized_at,
    ladder,
    opens_at,
)
from tests.sandbox.world.martingale import Martingale

NEW_YORK = city_of_series("KXHIGHNY")
DAYS = st.dates(date(2026, 1, 5), date(2028, 1, 5))


def test_strikes_of_the_recorded_new_york_ladder() -> None:
    assert brackets("KXHIGHNY-26OCT02", 81) == (
        Bracket("KXHIGHNY-26OCT02-T81", "less", None, 81),
        Bracket("KXHIGHNY-26OCT02-B81.5", "between", 81, 82),
        Bracket("KXHIGHNY-26OCT02-B83.5", "between", 83, 84),
        Bracket("KXHIGHNY-26OCT02-B85.5", "between", 85, 86),
        Bracket("KXHIGHNY-26OCT02-B87.5", "between", 87, 88),
        Bracket("KXHIGHNY-26OCT02-T88", "greater", 88, None),
    )


@given(lowest_f=st.integers(-40, 130), high_f=st.integers(-80, 160))
def test_every_whole_degree_wins_exactly_one_bracket(lowest_f: int, high_f: int) -> None:
    ladder_of_day = brackets("KXHIGHDEN-27JAN15", lowest_f)
    assert sum(bracket.contains(high_f) for bracket in ladder_of_day) == 1
    assert len({bracket.ticker for bracket in ladder_of_day}) == 6
    assert {event_of(bracket.ticker) for bracket in ladder_of_day} == {"KXHIGHDEN-27JAN15"}


@pytest.mark.parametrize(
    ("day", "opening"),
    [
        (date(2026, 7, 15), datetime(2026, 7, 14, 14, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 10, 31, 14, tzinfo=UTC)),
        (date(2026, 11, 2), datetime(2026, 11, 1, 15, tzinfo=UTC)),
        (date(2026, 11, 21), datetime(2026, 11, 20, 15, tzinfo=UTC)),
        (date(2027, 3, 15), datetime(2027, 3, 14, 14, tzinfo=UTC)),
    ],
)
def test_event_opens_at_ten_in_new_york_the_day_before(day: date, opening: datetime) -> None:
    assert opens_at(day) == opening


def test_event_closes_at_the_end_of_the_local_standard_day() -> None:
    hours = {city.code: closes_at(city, date(2026, 7, 15)).time() for city in CITIES}
    assert hours == {
        **dict.fromkeys(("NYC", "MIA", "PHL", "BOS"), time(5)),
        **dict.fromkeys(("CHI", "AUS"), time(6)),
        "DEN": time(7),
        **dict.fromkeys(("LAX", "SEA", "SFO"), time(8)),
    }


@given(seed=st.integers(0, 10_000), day=DAYS, city=st.sampled_from(CITIES))
def test_event_is_paid_next_morning_an_hour_after_its_report_was_read(
    seed: int, day: date, city: City
) -> None:
    paid = finalized_at(seed, city, day, city.final_report_at(day))
    morning = datetime.combine(day + timedelta(days=1), time(0), UTC)
    minutes = (paid - morning) / timedelta(minutes=1)
    assert 11 * 60 + 18 <= minutes < 11 * 60 + 19 or 12 * 60 + 4 <= minutes < 12 * 60 + 5
    assert paid - timedelta(hours=1) > city.final_report_at(day)


@given(seed=st.integers(0, 10_000), late_min=st.integers(0, 2_000))
def test_event_waits_for_a_late_report(seed: int, late_min: int) -> None:
    day = date(2026, 11, 20)
    reported = NEW_YORK.final_report_at(day) + timedelta(minutes=late_min)
    paid = finalized_at(seed, NEW_YORK, day, reported)
    assert paid - timedelta(hours=1) >= reported + timedelta(minutes=15)
    assert paid - reported < timedelta(hours=26)
    assert (paid.hour, paid.minute) in {(11, 18), (12, 4)}


def test_ladder_is_centred_on_the_forecast_of_its_listing() -> None:
    truth = Martingale(7)
    for offset in range(60):
        day = date(2026, 10, 1) + timedelta(days=offset)
        found = ladder(truth, 7, NEW_YORK, day, NEW_YORK.final_report_at(day))
        centre_f = truth.forecast_high_f(NEW_YORK, day, found.opens_at - timedelta(minutes=30))
        (middle,) = (bracket for bracket in found.brackets if bracket.contains(centre_f or 0))
        assert middle in found.brackets[2:4]
        assert day_of(found.event_ticker) == day


def test_ladder_without_a_forecast_is_refused() -> None:
    class Silent(Martingale):
        def forecast_high_f(self, city: City, day: date, at: datetime) -> int | None:
            return None

    with pytest.raises(ValueError, match="no forecast for KXHIGHNY-26OCT01"):
        ladder(Silent(7), 7, NEW_YORK, date(2026, 10, 1), datetime(2026, 10, 2, 6, tzinfo=UTC))


@pytest.mark.parametrize("first_day", [date(2026, 8, 1), date(2026, 10, 20)])
def test_application_reads_every_ladder_and_its_rules(first_day: date) -> None:
    feed = SimulatedMarketFeed(Martingale(7), 7, CITIES, first_day)
    at = datetime.combine(first_day + timedelta(days=20), time(18), UTC)
    for listed in feed.ladders(at)[:200:9]:
        city = city_of_house(listed.series_ticker)
        assert city is not None
        event = parse_event(event_json(listed, market_records(feed, listed, listed.opens_at)), at)
        markets = [listing.market for listing in event.listings]
        assert len(build_ladder(event.event_ticker, markets).brackets) == 6
        for market in markets:
            parse_rule(market.rules_primary, city, event.event_date)
            check_strikes(market)


def market_records(feed: SimulatedMarketFeed, listed: Ladder, at: datetime) -> list[dict[str, object]]:
    """The wire's records of an event's markets."""
    outcome = feed.outcome(listed.event_ticker)
    return [
        market_json(feed, planned_listing(position, listed, bracket, outcome, at))
        for position, bracket in enumerate(listed.brackets)
    ]


def test_two_events_of_every_city_are_open_in_the_afternoon(feed: SimulatedMarketFeed) -> None:
    at = datetime(2026, 11, 12, 20, tzinfo=UTC)
    trading = [found.event_ticker for found in feed.ladders(at) if found.opens_at <= at < found.closes_at]
    both = (date(2026, 11, 12), date(2026, 11, 13))
    assert sorted(trading) == sorted(event_ticker(city, day) for city in CITIES for day in both)


def test_schedule_only_grows_and_never_moves(feed: SimulatedMarketFeed) -> None:
    early, late = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
    later, earlier = list(feed.ladders(late)), list(feed.ladders(early))
    assert later[: len(earlier)] == earlier
    assert later[-1].event_date == date(2026, 11, 22)
    assert feed.ladders(datetime(2026, 1, 1, tzinfo=UTC)) == []


def test_official_high_wins_its_bracket(
    feed: SimulatedMarketFeed, truth: Martingale, settled: Sequence[Ladder]
) -> None:
    for listed in settled:
        outcome = feed.outcome(listed.event_ticker)
        assert outcome is not None
        assert outcome.high_f == truth.high_f(city_of_series(listed.series_ticker), listed.event_date)
        paying = {record["ticker"] for record in paid_records(feed, listed) if record["result"] == "yes"}
        assert paying == {outcome.winning_ticker}


def paid_records(feed: SimulatedMarketFeed, listed: Ladder) -> list[dict[str, object]]:
    """The records of a settled event, without the work of its prices."""
    outcome, at = feed.outcome(listed.event_ticker), listed.closes_at + timedelta(days=1)
    entries = [
        planned_listing(position, listed, bracket, outcome, at)
        for position, bracket in enumerate(listed.brackets)
    ]
    return [{"ticker": entry.bracket.ticker, "result": entry.result} for entry in entries]


def test_unknown_tickers_have_neither_outcome_nor_prices(feed: SimulatedMarketFeed) -> None:
    at = datetime(2026, 11, 12, 20, tzinfo=UTC)
    for ticker in (
        "",
        "KXHIGHNY",
        "KXHIGHNY-NONSENSE",
        "KXHIGHXX-26NOV12",
        "KXHIGHNY-26JAN12",
        "KXHIGHNY-26NOV12-B999.5",
    ):
        assert feed.quote(ticker, at) is None
        assert list(feed.quotes(ticker, at - timedelta(days=1), at)) == []
        assert list(feed.trades(ticker, at - timedelta(days=1), at)) == []
        assert feed.book(ticker, at).yes_bids == ()
    assert feed.outcome("KXHIGHNY-26JAN12") is None


def test_maintenance_is_thursday_from_three_to_five_in_new_york() -> None:
    pauses = weekly_pauses(datetime(2026, 10, 28, tzinfo=UTC), datetime(2026, 11, 6, tzinfo=UTC))
    assert [(pause.starts_at, pause.ends_at) for pause in pauses] == [
        (datetime(2026, 10, 29, 7, tzinfo=UTC), datetime(2026, 10, 29, 9, tzinfo=UTC)),
        (datetime(2026, 11, 5, 8, tzinfo=UTC), datetime(2026, 11, 5, 10, tzinfo=UTC)),
    ]
    assert weekly_pauses(datetime(2026, 11, 5, 10, tzinfo=UTC), datetime(2026, 11, 6, tzinfo=UTC)) == ()
