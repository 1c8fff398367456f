"""The tile of a city in every state, from values alone."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.public import ForecastHigh, PublicLock, PublicMarket, PublicWeather
from milkbot.core.cities import load_cities
from publicsite.city_view import CityView, TileState
from publicsite.tiles import Tile, build_tile
from tests.factories import CHICAGO_CLOSE, DAY, LADDER, NOON, label_of

CHICAGO = load_cities()["CHI"]


def market(
    low_f: int | None = 74,
    high_f: int | None = 75,
    *,
    bid: str | None = "0.40",
    ask: str | None = "0.42",
    status: str = "active",
    result: str = "",
    refusal: str = "",
    seen_at: datetime | None = NOON,
    close_at: datetime = CHICAGO_CLOSE,
    event: str = "KXHIGHCHI-25MAY14",
    expiration_value: str = "",
) -> PublicMarket:
    return PublicMarket(
        ticker=f"{event}-{low_f}-{high_f}",
        event_ticker=event,
        city="CHI",
        event_date=DAY,
        refusal=refusal,
        refusal_text="The rules name another station." if refusal else "",
        label=label_of(low_f, high_f),
        low_f=low_f,
        high_f=high_f,
        close_at=close_at,
        status=status,
        result=result,
        expiration_value=expiration_value,
        settled_at=close_at + timedelta(hours=9) if result else None,
        last_seen_at=seen_at,
        yes_bid=Decimal(bid) if bid else None,
        yes_ask=Decimal(ask) if ask else None,
        volume=Decimal(1000),
    )


def weather(*, fetched_at: datetime = NOON, temp_c: float | None = 22.2) -> PublicWeather:
    return PublicWeather(
        city="CHI",
        station="KMDW",
        observed_temp_c=temp_c,
        observed_at=NOON - timedelta(minutes=6) if temp_c is not None else None,
        highs=(ForecastHigh(day=DAY, high_f=75),),
        issued_at=NOON - timedelta(hours=3, minutes=20),
        fetched_at=fetched_at,
    )


def tile(
    *markets: PublicMarket,
    report: PublicWeather | None = None,
    now: datetime = NOON,
    highest_c: float | None = None,
    ours: dict[str, float] | None = None,
) -> Tile:
    return build_tile(CityView(CHICAGO, markets, report), highest_c, ours or {}, now)


@pytest.mark.story("6.2", 2)
@pytest.mark.story("6.3", 2)
def test_open_tile_shows_prices_weather_and_countdown() -> None:
    hot, mild = market(76, 77, bid="0.10", ask="0.13"), market(74, 75, bid="0.54", ask="0.56")

    shown = tile(hot, mild, report=weather(), highest_c=21.1, ours={mild.ticker: 0.514})

    assert (shown.code, shown.name) == ("CHI", "Chicago")
    assert (shown.state, shown.status) == (TileState.OPEN, "Open")
    assert (shown.temperature, shown.observed) == ("72°", "6 min ago")
    assert (shown.high_so_far, shown.nws_high) == ("70°", "75°")
    assert [rung.price for rung in shown.rungs] == ["11.5¢", "55¢"]
    assert [(rung.bar, rung.tick, rung.ours) for rung in shown.rungs] == [
        ("11.5%", None, "ours n/a"),
        ("55.0%", "51.4%", "ours 51%"),
    ]
    assert [rung.is_favourite for rung in shown.rungs] == [False, True]
    assert shown.book == (("Bid", "54¢"), ("Ask", "56¢"), ("Spread", "2¢"), ("Volume", "2,000"))
    assert shown.note == "NWS issued it 8:40 AM, 3 h ago"
    assert (shown.closes, shown.countdown) == ("Closes 11:59 PM CST", "in 11 h 59 min")


@pytest.mark.parametrize(("hours", "state"), [(18, TileState.OPEN), (19, TileState.STALE)])
def test_forecast_too_old_to_trade_on_makes_the_tile_stale_however_fresh_its_fetch(
    hours: int, state: TileState
) -> None:
    report = weather().model_copy(update={"issued_at": NOON - timedelta(hours=hours)})

    shown = tile(market(), report=report)

    assert shown.state is state
    assert ("No trading until there is a newer one." in shown.note) == (state is TileState.STALE)


def test_bracket_that_nobody_offers_any_more_is_the_favourite() -> None:
    sold_out, cold = market(74, 75, bid="0.99", ask=None), market(72, 73, bid=None, ask="0.01")

    shown = tile(sold_out, cold, report=weather())

    assert [rung.is_favourite for rung in shown.rungs] == [True, False]
    assert shown.book[:3] == (("Bid", "99¢"), ("Ask", "n/a"), ("Spread", "n/a"))


def test_high_of_a_day_whose_forecast_has_ended_carries_its_own_age() -> None:
    last_said = ForecastHigh(day=DAY, high_f=74, issued_at=NOON - timedelta(hours=5))
    report = weather().model_copy(update={"highs": (last_said,)})

    shown = tile(market(), report=report)

    assert shown.nws_high == "74°"
    assert shown.note == "NWS high issued 7:00 AM, 5 h ago"


@pytest.mark.story("6.3", 4)
@pytest.mark.parametrize(
    ("bid", "ask", "price", "bar"),
    [
        (None, "0.01", "≤1¢", None),
        ("0.99", None, "≥99¢", "99.0%"),
        (None, None, "n/a", None),
        ("0.0150", "0.0250", "2¢", "2.0%"),
    ],
)
def test_rung_with_a_missing_side_says_what_is_known_and_never_zero(
    bid: str | None, ask: str | None, price: str, bar: str | None
) -> None:
    (rung,) = tile(market(bid=bid, ask=ask), report=weather()).rungs

    assert (rung.price, rung.bar) == (price, bar)


@pytest.mark.story("6.3", 4)
def test_tile_without_weather_says_na() -> None:
    shown = tile(market())

    assert (shown.temperature, shown.high_so_far, shown.nws_high) == ("n/a", "n/a", "n/a")
    assert shown.state is TileState.STALE


@pytest.mark.parametrize(
    ("shown", "state", "note"),
    [
        (tile(report=weather()), TileState.UNLISTED, "has not listed"),
        (tile(market(status="inactive"), report=weather()), TileState.PAUSED, "paused"),
        (tile(market(status="closed"), report=weather()), TileState.CLOSED, "Trading has ended"),
        (tile(market(), report=weather(), now=CHICAGO_CLOSE), TileState.CLOSED, "Trading has ended"),
        (tile(market(refusal="STATION_MISMATCH"), report=weather()), TileState.REFUSED, "another station"),
        (tile(market(bid=None, ask=None), report=weather()), TileState.UNQUOTED, "never as 0"),
        (
            tile(market(), report=weather(fetched_at=NOON - timedelta(minutes=15, seconds=1))),
            TileState.STALE,
            "NWS refresh fails since 11:44 AM",
        ),
        (
            tile(market(seen_at=NOON - timedelta(minutes=16)), report=weather()),
            TileState.STALE,
            "Prices are from 11:44 AM",
        ),
        (tile(market(seen_at=None, bid=None, ask=None), report=weather()), TileState.STALE, "No price"),
    ],
)
def test_tile_in_each_state_says_so_in_a_word_and_a_sentence(
    shown: Tile, state: TileState, note: str
) -> None:
    assert shown.state is state
    assert note in shown.note


def test_tile_at_fifteen_minutes_exactly_is_not_yet_stale() -> None:
    assert tile(market(), report=weather(fetched_at=NOON - timedelta(minutes=15))).state is TileState.OPEN


def test_settled_tile_shows_the_winner_and_the_official_high() -> None:
    final = {"status": "finalized", "expiration_value": "75.0"}
    shown = tile(
        market(76, 77, result="no", **final),  # type: ignore[arg-type]
        market(74, 75, result="yes", **final),  # type: ignore[arg-type]
        market(None, 73, result="no", **final),  # type: ignore[arg-type]
        report=weather(),
        now=CHICAGO_CLOSE + timedelta(hours=11),
        highest_c=21.0,
    )

    assert shown.state is TileState.SETTLED
    assert [(rung.price, rung.is_winner, rung.is_reached) for rung in shown.rungs] == [
        ("0¢", False, False),
        ("100¢", True, True),
        ("0¢", False, False),
    ]
    assert shown.book[:2] == (("Official", "75°"), ("Paid", "100¢"))
    assert (shown.closes, shown.countdown) == ("Settled 8:59 AM CST", "2 h ago")


@given(highest_c=st.floats(min_value=-40, max_value=50))
def test_ladder_with_a_reading_marks_one_bracket_reached_and_the_colder_ones_passed(highest_c: float) -> None:
    shown = tile(*(market(*bounds) for bounds in reversed(LADDER)), report=weather(), highest_c=highest_c)

    reached = [index for index, rung in enumerate(shown.rungs) if rung.is_reached]
    passed = [index for index, rung in enumerate(shown.rungs) if rung.is_passed]
    assert len(reached) == 1
    assert passed == list(range(reached[0] + 1, len(LADDER)))


def held_by(*, needs_person: bool = True, own: bool = False, message: str = "") -> PublicLock:
    return PublicLock(
        scope="CHI",
        city="CHI",
        code="LOSS_LIMIT" if own else "BASIS_MISMATCH",
        message=message,
        needs_person=needs_person,
        from_own_trading=own,
        locked_at=NOON - timedelta(hours=2),
    )


def locked_tile(lock: PublicLock, *, status: str = "active") -> Tile:
    return build_tile(CityView(CHICAGO, (market(status=status),), weather(), (lock,)), None, {}, NOON)


@pytest.mark.parametrize(
    ("lock", "note"),
    [
        (
            held_by(message="METAR and forecast disagree."),
            "Since 10:00 AM: METAR and forecast disagree. A person must clear it.",
        ),
        (held_by(own=True), "Since 10:00 AM: loss limit. A person must clear it."),
        (held_by(needs_person=False), "Since 10:00 AM: basis mismatch. Ends when the cause does."),
    ],
)
def test_locked_tile_says_since_when_why_and_who_ends_it(lock: PublicLock, note: str) -> None:
    shown = locked_tile(lock)

    assert (shown.state, shown.status, shown.level) == (TileState.LOCKED, "Locked", "bad")
    assert shown.note == note


def test_paused_tile_with_a_lock_is_locked_only_where_a_person_must_act() -> None:
    assert locked_tile(held_by(), status="inactive").state is TileState.LOCKED
    assert locked_tile(held_by(needs_person=False), status="inactive").state is TileState.PAUSED


def test_tile_of_yesterday_says_that_todays_event_is_not_listed() -> None:
    morning = NOON + timedelta(hours=20)
    settled = market(result="yes", status="finalized", expiration_value="75")

    shown = tile(settled, report=weather(fetched_at=morning), now=morning)

    assert (shown.state, shown.day) == (TileState.SETTLED, "Wed 14 May")
    assert shown.note == "Wed 14 May: official high 75°. Today's event is not listed yet."
    waiting = tile(market(status="closed"), report=weather(fetched_at=morning), now=morning)
    assert waiting.note == "Wed 14 May: awaiting the official high. Today's event is not listed yet."
