"""Story 3.5: what the client makes of the service's answers."""

from datetime import datetime, timedelta, timezone

import pytest

from milkbot.core.config import Config
from milkbot.core.errors import Malformed, Refused, Unreachable
from tests.weather.bodies import (
    CHI,
    NOON,
    celsius,
    feature,
    grid_body,
    grid_path,
    observations_body,
    observations_path,
    points_body,
    points_path,
)
from tests.weather.nws_stub import Answer, NwsStub
from tests.weather.test_cli_report import FINAL, PRELIMINARY
from weather.clients.nws.client import NwsClient

PRODUCT = "b60036c1-2f33-429f-b44e-12771d69898{}"
LIST = "/products/types/CLI/locations/MDW"


def forecast_body() -> dict[str, object]:
    periods = [
        {"startTime": (NOON + timedelta(hours=12 * n)).isoformat(), "isDaytime": n % 2 == 0, "temperature": temp_f,
         "temperatureUnit": "F", "name": name, "shortForecast": "Sunny"}
        for n, (name, temp_f) in enumerate([("Today", 80), ("Tonight", 60), ("Thursday", 75)])
    ]  # fmt: skip
    return {"properties": {"updateTime": (NOON - timedelta(hours=1)).isoformat(), "periods": periods}}


@pytest.mark.story("3.5", 1)
@pytest.mark.story("3.5", 5)
def test_get_forecast_when_asked_for_a_cell_then_its_periods_come_in_time_order(
    nws: NwsStub, client: NwsClient
) -> None:
    nws.on(f"{grid_path()}/forecast", Answer(body=forecast_body()))
    forecast = client.get_forecast("LOT", CHI.nws_grid_x, CHI.nws_grid_y)
    assert [(p.name, p.temp_f, p.is_daytime) for p in forecast.periods] == [
        ("Today", 80, True), ("Tonight", 60, False), ("Thursday", 75, True),
    ]  # fmt: skip
    assert forecast.issued_at == NOON - timedelta(hours=1)


def test_get_hourly_when_asked_then_it_is_the_hourly_address(nws: NwsStub, client: NwsClient) -> None:
    nws.on(f"{grid_path()}/forecast/hourly", Answer(body=forecast_body()))
    assert len(client.get_hourly("LOT", CHI.nws_grid_x, CHI.nws_grid_y).periods) == 3


@pytest.mark.story("3.5", 2)
def test_get_observation_when_the_newest_record_is_unusable_then_the_latest_usable_comes(
    nws: NwsStub, client: NwsClient
) -> None:
    nws.on(
        observations_path(),
        Answer(
            body=observations_body(
                feature(NOON, None),
                feature(NOON - timedelta(minutes=5), 22),
                feature(NOON - timedelta(minutes=10), 21),
            )
        ),
    )
    observation = client.get_observation("KMDW")
    assert observation is not None
    assert (observation.temp_c, observation.temp_f, observation.observed_at) == (
        22.0,
        72,
        NOON - timedelta(minutes=5),
    )


@pytest.mark.parametrize("features", [[], [feature(value=148.89)], [feature(station="KORD")]])
def test_get_observation_when_nothing_is_usable_then_none(
    features: list[dict[str, object]], nws: NwsStub, client: NwsClient
) -> None:
    nws.on(observations_path(), Answer(body=observations_body(*features)))
    assert client.get_observation("KMDW") is None


def test_get_observations_when_asked_then_the_limit_is_sent(nws: NwsStub, client: NwsClient) -> None:
    nws.on(observations_path(), Answer(body=observations_body(feature())))
    client.get_observations("KMDW", limit=25)
    assert nws.asked() == [f"{observations_path()}?limit=25"]


def test_get_observations_when_asked_since_a_time_then_it_is_sent_in_utc(
    nws: NwsStub, client: NwsClient
) -> None:
    nws.on(observations_path(), Answer(body=observations_body(feature())))
    client.get_observations("KMDW", since=datetime(2025, 5, 14, 0, 0, tzinfo=timezone(timedelta(hours=-6))))
    assert nws.asked() == [f"{observations_path()}?limit=150&start=2025-05-14T06%3A00%3A00Z"]


def test_get_points_when_asked_then_coordinates_have_four_decimals_and_no_trailing_zero(
    nws: NwsStub, client: NwsClient
) -> None:
    nws.on("/points/41.7842,-87.7553", Answer(body=points_body()))
    nws.on("/points/40,-73.9", Answer(body=points_body()))
    assert client.get_points(CHI.latitude, CHI.longitude).x == CHI.nws_grid_x
    assert client.get_points(40.0, -73.90000).office == "LOT"
    assert nws.asked()[0] == points_path()


def test_get_grid_when_the_answer_is_of_another_cell_then_it_is_refused(
    nws: NwsStub, client: NwsClient
) -> None:
    nws.on("/gridpoints/LOT/1,1", Answer(body=grid_body()))
    with pytest.raises(Malformed, match="answer is of"):
        client.get_grid("LOT", 1, 1)


def test_get_grid_when_whole_then_the_layers_are_read(nws: NwsStub, client: NwsClient) -> None:
    nws.on(grid_path(), Answer(body=grid_body()))
    grid = client.get_grid("LOT", CHI.nws_grid_x, CHI.nws_grid_y)
    assert grid.max_temperature[0].temp_c == pytest.approx(celsius(80))


def listed(*numbers: int) -> Answer:
    entries = [
        {"id": PRODUCT.format(n), "issuanceTime": (NOON + timedelta(hours=n)).isoformat()} for n in numbers
    ]
    return Answer(body={"@graph": entries})


def test_get_cli_reports_when_listed_then_they_are_read_newest_first_and_broken_ones_skipped(
    nws: NwsStub, client: NwsClient
) -> None:
    nws.on(LIST, listed(1, 3, 2))
    for number, text in ((1, PRELIMINARY), (2, "no report"), (3, FINAL)):
        nws.on(f"/products/{PRODUCT.format(number)}", Answer(body={"productText": text}))
    products = client.get_cli_reports("MDW")
    assert [product.report.is_final for product in products] == [True, False]
    assert products[0].text == FINAL
    client.get_cli_reports("MDW")
    assert (
        len(nws.asked("/products/b")) == 3
    )  # products never change: the second round asked for the list only


def test_get_cli_reports_when_the_product_is_another_stations_then_it_is_refused(
    nws: NwsStub, client: NwsClient
) -> None:
    nws.on(LIST, listed(1))
    nws.on(f"/products/{PRODUCT.format(1)}", Answer(body={"productText": FINAL.replace("CLIMDW", "CLIORD")}))
    with pytest.raises(Malformed, match="CLIORD"):
        client.get_cli_reports("MDW")


def test_client_when_the_service_fails_then_the_errors_are_ours(nws: NwsStub, client: NwsClient) -> None:
    nws.on(observations_path(), Answer(500, b"<html>"))
    with pytest.raises(Unreachable):
        client.get_observation("KMDW")
    with pytest.raises(Refused):
        client.get_cli_reports("MDW")


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get_grid("../x", 1, 1),
        lambda client: client.get_forecast("lot", 1, 1),
        lambda client: client.get_observations("KMDW/../../x"),
        lambda client: client.get_observations("KMDW", limit=0),
        lambda client: client.get_cli_reports("MDW?x"),
    ],
)
def test_client_when_asked_for_what_cannot_exist_then_nothing_is_sent(
    ask: object, nws: NwsStub, client: NwsClient
) -> None:
    with pytest.raises(ValueError):
        ask(client)  # type: ignore[operator]
    assert nws.asked() == []


def test_client_when_made_from_config_then_it_speaks_to_the_configured_service(nws: NwsStub) -> None:
    config = Config(
        database_url="postgresql://x@/x", nws_base_url=f"{nws.url}/nws", nws_contact="(me, me@example.org)"
    )
    nws.on("/nws/points/40,-73", Answer(body=points_body()))
    client = NwsClient.from_config(config)
    try:
        assert client.get_points(40, -73).office == "LOT"
    finally:
        client.close()
    assert nws.headers_of(0)["user-agent"] == "(me, me@example.org)"
