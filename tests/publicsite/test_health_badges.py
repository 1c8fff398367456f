"""Health in words: what differs from a quiet day, and when each part last succeeded."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from analytics.public import ComponentHealth, PublicLock, PublicWeather
from milkbot.core.health import Component
from publicsite.health import Badge, build_badges, build_signs
from publicsite.times import Times
from tests.factories import NOON

TIMES = Times(now=NOON, wall_now=NOON)


def health(
    component: Component = Component.NWS_API, *, ok: bool = True, last_ok_at: datetime | None = NOON
) -> ComponentHealth:
    silent = last_ok_at is None or NOON - last_ok_at > timedelta(minutes=20)
    return ComponentHealth(
        component=component,
        ok=ok,
        last_ok_at=last_ok_at,
        message="host 10.0.0.7 refused",
        degraded=silent or not ok,
        degraded_after_s=1200,
    )


def weather(*fetched_minutes_ago: int) -> Mapping[str, PublicWeather]:
    cities = ("NYC", "CHI", "DEN")
    return {
        city: PublicWeather(
            city=city,
            station="KMDW",
            observed_temp_c=None,
            observed_at=None,
            highs=(),
            issued_at=None,
            fetched_at=NOON - timedelta(minutes=minutes),
        )
        for city, minutes in zip(cities, fetched_minutes_ago, strict=False)
    }


def lock(city: str | None) -> PublicLock:
    return PublicLock(
        scope=city or "*",
        city=city,
        code="SKEW",
        message="",
        needs_person=False,
        from_own_trading=False,
        locked_at=NOON,
    )


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        (weather(1, 15), "Weather"),
        (weather(1, 22), "Weather: CHI stale 22 min"),
        (weather(30, 22, 1), "Weather: 2 cities stale"),
    ],
)
def test_weather_badge_names_the_city_whose_refresh_fails(
    reports: Mapping[str, PublicWeather], words: str
) -> None:
    (badge,) = build_badges([health()], reports, [], TIMES)

    assert badge == Badge(words, "" if words == "Weather" else "warn")


def test_weather_badge_of_a_silent_service_stays_red_however_old_the_cities_are() -> None:
    silent = health(last_ok_at=NOON - timedelta(hours=2))

    assert build_badges([silent], weather(1, 120), [], TIMES) == (Badge("Weather: nothing for 2 h", "bad"),)


@pytest.mark.parametrize(
    ("locks", "words"),
    [
        ([lock("CHI")], "1 city locked"),
        ([lock("CHI"), lock("CHI"), lock("NYC")], "2 cities locked"),
        ([lock("CHI"), lock(None)], "All cities locked"),
    ],
)
def test_locks_are_counted_in_cities(locks: list[PublicLock], words: str) -> None:
    assert build_badges([health()], {}, locks, TIMES)[1:] == (Badge(words, "bad"),)


@pytest.mark.story("6.7", 1)
@pytest.mark.story("6.7", 2)
@pytest.mark.parametrize(
    ("entry", "last_ok", "message", "level"),
    [
        (health(), "18:00 UTC", "working", ""),
        (health(ok=False), "18:00 UTC", "failing", "warn"),
        (health(last_ok_at=NOON - timedelta(days=1)), "13 May, 18:00 UTC", "nothing for 24 h", "bad"),
        (health(last_ok_at=None), "n/a", "not heard of yet", "bad"),
    ],
)
def test_sign_of_life_tells_last_success_and_a_message_without_our_hosts(
    entry: ComponentHealth, last_ok: str, message: str, level: str
) -> None:
    (sign,) = build_signs([entry], NOON)

    assert (sign.name, sign.last_ok, sign.message, sign.level) == ("Weather", last_ok, message, level)
