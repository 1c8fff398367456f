"""Every fault of the weather service, in one city of ten: it stops and says so, the others trade on, it comes back."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings as DjangoSettings

from tests.e2e.faulty_weather import CITIES, PATIENT, Service, Trader, weather_service
from trading.domain.breakers import CLEAN_CYCLES
from trading.models import IntentRow
from weather.cache import WeatherCache
from weather.clients.nws.transport import TransportPolicy
from weather.domain.types import CityWeather
from weather.repositories import WeatherRepository
from weather.services import CityFetcher, refresh_climate_reports

pytestmark = pytest.mark.django_db

SICK = "LAX"
"""The city of every fault: it finds a trade at each time below, as SFO does."""
STATION = "/stations/KLAX"
GRID = "/gridpoints/LOX/149,41"
POINT = "/points/33.9381,-118.3889"

SOUND_AT = datetime(2026, 5, 12, 5, 39, tzinfo=UTC)
SICK_AT = SOUND_AT + timedelta(minutes=21)
AFTER = timedelta(minutes=6)
"""From a fault's end to the next refresh."""
BLIND_AT = SOUND_AT + timedelta(minutes=102)
HOUR_OF_READINGS = 13
BLOCKING = frozenset({"WEATHER_STALE", "ISSUANCE_OLD"})
HASTY = TransportPolicy(sleep=lambda _: None, read_timeout_s=1, attempts=2)
TOO_SLOW_S = 1.5


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with weather_service(SOUND_AT, tmp_path_factory.mktemp("world")) as service:
        yield service


@pytest.fixture
def service(shared_service: Service) -> Iterator[Service]:
    """The service at SOUND_AT, without a fault."""
    shared_service.wall.now = SOUND_AT
    yield shared_service
    shared_service.order("clear")


@pytest.fixture
def fresh_trader(
    service: Service, settings: DjangoSettings, caplog: pytest.LogCaptureFixture
) -> Iterator[Trader]:
    """A trader that knows nothing yet. Nothing in a test may fail in a way nobody foresaw."""
    settings.ROOT_URLCONF = "milkbot.urls.public"
    yield Trader(service, WeatherCache(CityFetcher(service.client())))
    assert [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.ERROR] == []


@pytest.fixture
def trader(fresh_trader: Trader) -> Trader:
    """A trader that has read and stored all cities at SOUND_AT."""
    service = fresh_trader.service
    fetch, fetch_sick = (CityFetcher(service.client(policy)) for policy in (PATIENT, HASTY))

    def read(code: str, now: datetime, held: CityWeather | None) -> CityWeather:
        """While the fault is there every city is asked over the wire; before and after, only the one that had it."""
        if now != SOUND_AT and code == SICK:
            return fetch_sick(code, now, held)
        if now == SICK_AT:
            return fetch(code, now, held)
        if (code, now) not in service.read:
            service.read[code, now] = fetch(code, now, None)
        return service.read[code, now]

    def an_hour_of(code: str, now: datetime, held: CityWeather | None) -> CityWeather:
        """Storing the readings of half a day, of ten cities and in every test, would cost more than all else."""
        weather = read(code, now, held)
        return weather.model_copy(update={"observations": weather.observations[:HOUR_OF_READINGS]})

    fresh_trader.cache = WeatherCache(an_hour_of)
    assert fresh_trader.refresh(SOUND_AT) == {}
    return fresh_trader


def intents() -> set[str]:
    """Cities that have traded."""
    return set(IntentRow.objects.values_list("city_code", flat=True))


@dataclass(frozen=True)
class Fault:
    """A fault of the grid: its kind, what health says of it, and where it strikes."""

    kind: str
    words: str
    path: str = GRID


GRID_FAULTS = [
    Fault("5xx", "500 UnexpectedProblem An unexpected problem has occurred."),
    Fault("503_grid_expired", "503 ForecastGridExpired The requested forecast grid was issued 2026-05-11"),
    Fault("503_grid_invalid", "503 ForecastMissingData The forecast grid is missing data for time 2026-05"),
    Fault("503_unavailable", "503 UnavailableWebService The resource you requested is currently unavail"),
    Fault("404_no_grid", "404 NotFound"),
    Fault("429", "429 RateLimited"),
    Fault("html", "502 without problem body"),
    Fault("reset", "ConnectionError"),
    Fault("truncated", "ChunkedEncodingError"),
    Fault("truncated_gzip", "body is not JSON"),
    Fault("delay", "ReadTimeout"),
    Fault("stale_edge", "was issued 11 May 16:27Z, before the known one of 12 May 04:31Z"),
    Fault("old_grid", "before the known one of"),
    Fault("future_grid", "was issued in the future"),
    Fault("empty_periods", "holds no daytime maximum"),
    Fault("null_temperature", "holds no daytime maximum"),
    Fault("missing_property", "maxTemperature is missing"),
    Fault("unknown_unit", "unknown temperature unit 'wmoUnit:K'"),
    Fault("out_of_range", "temp_c 148.89"),
    Fault("no_offset", "not a time with offset"),
    Fault("moved_cell", "/gridpoints/LOX/149,48: 404", path=POINT),
]


@pytest.mark.parametrize("fault", GRID_FAULTS, ids=lambda fault: fault.kind)
def test_fault_of_one_grid_stops_that_city_alone_until_it_is_over(trader: Trader, fault: Fault) -> None:
    known = trader.stored(SICK)
    trader.service.spoil(fault.kind, fault.path, seconds=TOO_SLOW_S)
    errors = trader.refresh(SICK_AT)
    codes = trader.cycle()

    assert set(errors) == {SICK}
    assert codes.pop(SICK) == {"WEATHER_STALE"}
    assert not BLOCKING & set().union(*codes.values())
    assert "SFO" in intents()
    assert SICK not in intents()
    assert trader.stored(SICK) == known
    check_stopped_city_shows(trader, fault.words)

    trader.service.order("clear")
    check_recovery(trader)


def check_stopped_city_shows(trader: Trader, words: str) -> None:
    """The health component, the badge and the city's tile say which city, since when and why."""
    assert trader.health().startswith(f"9 of 10 cities; {SICK}: nws: ")
    assert words in trader.health()
    assert "Weather: LAX stale 21 min" in trader.page("health")
    tiles = trader.tiles()
    assert tiles.stale == {SICK}
    assert "NWS refresh fails since 9:39 PM. No trading until it succeeds." in tiles.words(SICK)


def check_recovery(trader: Trader) -> None:
    """The next refresh brings the city back; once its breaker has seen it well in three turns, it trades."""
    at = trader.now + AFTER
    assert trader.refresh(at) == {}
    for minutes in range(CLEAN_CYCLES):
        assert SICK not in intents()
        trader.service.wall.now = at + timedelta(minutes=minutes)
        codes = trader.cycle()
        if SICK in intents():
            break
    assert not BLOCKING & set().union(*codes.values())
    assert SICK in intents()
    assert trader.stored(SICK).captured_at == at
    assert trader.health() == "10 of 10 cities"
    assert "Weather: " not in trader.page("health")
    assert not trader.tiles().stale


@pytest.mark.story("9.4", 4)
def test_forecast_already_known_is_traded_on_for_a_quarter_of_an_hour(trader: Trader) -> None:
    trader.service.spoil("5xx", GRID)
    for minutes, codes in ((15, set()), (16, {"WEATHER_STALE"})):
        trader.refresh(SOUND_AT + timedelta(minutes=minutes))
        assert trader.cycle()[SICK] & BLOCKING == codes
        assert SICK in intents()
        assert trader.tiles().states[SICK] == ("stale" if codes else "open")


def test_old_grid_that_is_all_there_is_stops_the_city_by_its_own_age(fresh_trader: Trader) -> None:
    fresh_trader.service.spoil("old_grid", GRID)
    assert fresh_trader.refresh(SICK_AT) == {}
    codes = fresh_trader.cycle()

    assert codes.pop(SICK) == {"ISSUANCE_OLD"}
    assert not BLOCKING & set().union(*codes.values())
    assert intents() >= {"SFO"}
    assert SICK not in intents()
    assert fresh_trader.health().startswith(f"10 of 10 cities; {SICK}: forecast issued 08 May ")
    tiles = fresh_trader.tiles()
    assert tiles.stale == {SICK}
    assert "No trading until there is a newer one." in tiles.words(SICK)

    fresh_trader.service.order("clear")
    check_recovery(fresh_trader)


def test_grid_cut_short_holds_the_days_whose_night_it_leaves_out(trader: Trader) -> None:
    trader.service.spoil("partial_grid", GRID)
    trader.refresh(SICK_AT)
    codes = trader.cycle()

    assert "FORECAST_INCOMPLETE" in codes.pop(SICK)
    assert not BLOCKING & set().union(*codes.values())
    assert SICK not in intents()
    trader.service.order("clear")
    check_recovery(trader)


STATION_FAULTS = [
    "5xx",
    "html",
    "no_records",
    "missing_property",
    "out_of_range",
    "unknown_unit",
    "no_offset",
    "future_records",
    "stale_station",
]


@pytest.mark.parametrize("kind", STATION_FAULTS)
def test_fault_of_one_station_leaves_the_last_reading_to_age_in_sight(trader: Trader, kind: str) -> None:
    known = trader.stored(SICK).observation
    assert known is not None
    trader.service.spoil(kind, STATION)
    errors = trader.refresh(BLIND_AT)
    codes = trader.cycle()

    assert errors == {}
    assert trader.stored(SICK).observation == known
    assert not trader.stored(SICK).observation_usable(BLIND_AT)
    assert trader.health() == f"10 of 10 cities; {SICK}: last observation {known.observed_at:%d %b %H:%MZ}"
    assert "Temperature 1 h ago" in trader.tiles().words(SICK)
    # The forecast of the day to come does not depend on the thermometer: even this city trades on.
    assert not BLOCKING & set().union(*codes.values())
    assert SICK in intents()

    trader.service.order("clear")
    trader.refresh(BLIND_AT + AFTER)
    assert trader.health() == "10 of 10 cities"
    assert trader.stored(SICK).observation_usable(BLIND_AT + AFTER)


HARMLESS = [
    ("5xx", GRID, {"count": 2}),
    ("503_unavailable", GRID, {"count": 1}),
    ("429", STATION, {"count": 2}),
    ("5xx", POINT, {}),
    *[
        (kind, path, {})
        for kind in ("strings", "old_units", "fahrenheit", "local_offset")
        for path in (GRID, STATION)
    ],
    ("relative_icons", STATION, {}),
    ("repeated_records", STATION, {}),
    ("float_noise", STATION, {}),
]


@pytest.mark.parametrize(
    ("kind", "path", "more"), HARMLESS, ids=[f"{kind} {path}" for kind, path, _ in HARMLESS]
)
def test_fault_that_can_be_read_through_changes_nothing(
    service: Service, kind: str, path: str, more: dict[str, int]
) -> None:
    service.spoil(kind, path, **more)
    assert CityFetcher(service.client())(SICK, SOUND_AT) == service.read[SICK, SOUND_AT]


def test_null_temperature_is_read_from_the_metar_beside_it(service: Service) -> None:
    service.spoil("null_temperature", STATION)
    readings = CityFetcher(service.client())(SICK, SOUND_AT).observations
    assert readings == tuple(
        reading for reading in service.read[SICK, SOUND_AT].observations if reading.is_metar
    )
    assert len(readings) > 6


def test_records_without_text_count_as_whole_degrees(service: Service) -> None:
    service.spoil("no_metar_text", STATION)
    readings = CityFetcher(service.client())(SICK, SOUND_AT).observations
    assert {reading.observed_at for reading in readings} == {
        reading.observed_at for reading in service.read[SICK, SOUND_AT].observations
    }
    assert not any(reading.is_metar for reading in readings)


def test_reports_of_one_city_fail_alone_and_come_with_the_next_round(service: Service) -> None:
    service.wall.now = now = SOUND_AT + timedelta(hours=12)
    service.spoil("5xx", "/products/types/CLI/locations/LAX")
    failed = refresh_climate_reports(CITIES, now, client=service.client())
    assert set(failed.errors) == {SICK}
    assert failed.saved >= len(CITIES) - 1
    service.order("clear")
    mended = refresh_climate_reports(CITIES, now, client=service.client())
    assert mended.errors == {}
    assert mended.saved > 0
    assert WeatherRepository().get_final_report(SICK, SOUND_AT.date() - timedelta(days=1)) is not None
