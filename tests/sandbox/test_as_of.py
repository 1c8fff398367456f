"""Nothing is served before it was known: changing the future changes no byte of the present."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.feeds import Outcome
from sandbox.kalshi.lifecycle import SETTLEMENT_TIMER, finalization_time
from sandbox.recorded import RecordedDay
from tests.sandbox.stages import CHICAGO, client_at

OPENS = datetime(2026, 5, 18, 14, tzinfo=UTC)
MOMENTS = st.integers(-120, 60 * 60).map(lambda minutes: OPENS + timedelta(minutes=minutes))
PATHS = (
    "/trade-api/v2/events?with_nested_markets=true",
    "/trade-api/v2/series/KXHIGHCHI?include_volume=true",
    "/trade-api/v2/markets/KXHIGHCHI-26MAY19-B74.5/orderbook",
    "/trade-api/v2/series/KXHIGHCHI/markets/KXHIGHCHI-26MAY19-B74.5/candlesticks"
    "?start_ts=1779000000&end_ts=1790000000&period_interval=60",
    "/nws/gridpoints/LOT/72,69",
    "/nws/gridpoints/LOT/72,69/forecast",
    "/nws/gridpoints/LOT/72,69/forecast/hourly",
    "/nws/stations/KMDW/observations",
    "/nws/products/types/CLI/locations/MDW",
)


def with_another_future(day: RecordedDay, at: datetime) -> RecordedDay:
    """The same past, but every fact that becomes known after `at` is different or gone."""
    determined = finalization_time(day.ladder) - SETTLEMENT_TIMER <= at
    other = Outcome("KXHIGHCHI-26MAY19-T77", 90)
    return replace(
        day,
        outcome=day.outcome if determined else other,
        quotes={
            ticker: tuple(
                (
                    quote
                    if quote.at <= at
                    else replace(quote, yes_bid=None, yes_ask=Decimal("0.99"), volume=Decimal(10**6))
                )
                for quote in quotes
            )
            for ticker, quotes in day.quotes.items()
        },
        forecasts=tuple(row for row in day.forecasts if row.available_at <= at),
        hourly=tuple(
            row if row.available_at <= at else replace(row, temp_f=Decimal(5)) for row in day.hourly
        ),
        highs_f={
            date: high if CHICAGO.final_report_at(date) <= at else high + 20
            for date, high in day.highs_f.items()
        },
    )


def told(day: RecordedDay, at: datetime) -> list[tuple[int, bytes]]:
    client = client_at(day, at)
    answers = [client.get(path) for path in PATHS]
    return [
        (answer.status_code, answer.content)
        for answer in answers
        if "problem" not in answer.headers["content-type"]
    ]


@settings(max_examples=15, deadline=None)
@given(at=MOMENTS)
def test_answers_do_not_depend_on_what_becomes_known_later(invented_day: RecordedDay, at: datetime) -> None:
    assert told(invented_day, at) == told(with_another_future(invented_day, at), at)


def test_the_other_future_differs_once_it_has_come(invented_day: RecordedDay) -> None:
    now, later = OPENS, OPENS + timedelta(hours=47)
    assert told(invented_day, later) != told(with_another_future(invented_day, now), later)


@settings(max_examples=25, deadline=None)
@given(at=MOMENTS)
def test_update_time_is_never_in_the_future(invented_day: RecordedDay, at: datetime) -> None:
    properties = client_at(invented_day, at).get("/nws/gridpoints/LOT/72,69").json()["properties"]
    assert datetime.fromisoformat(properties["updateTime"]) <= at
