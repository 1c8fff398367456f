"""One GET against a service that behaves as badly as the real one did."""

import logging

import pytest

from milkbot.core.errors import Malformed, OutsideError, Refused, Unreachable
from tests.weather.conftest import MakeTransport
from tests.weather.nws_stub import Answer, NwsStub

OK = Answer(body={"answer": 42})
BROKEN = Answer(
    500,
    {
        "type": "urn:noaa:nws:api:UnexpectedProblem",
        "status": 500,
        "detail": "An unexpected problem.",
        "correlationId": "493c3a1d",
    },
)


def problem(status: int, kind: str, **headers: str) -> Answer:
    return Answer(status, {"type": f"https://api.weather.gov/problems/{kind}", "status": status}, headers)


@pytest.mark.story("3.5", 4)
def test_get_json_when_500_twice_then_the_third_try_answers_after_growing_waits(
    nws: NwsStub, make_transport: MakeTransport, waits: list[float]
) -> None:
    nws.on("/grid", BROKEN, BROKEN, OK)
    assert make_transport().get_json("grid") == {"answer": 42}
    assert len(nws.asked("/grid")) == 3
    assert len(waits) == 2
    assert 1 <= waits[0] <= 2 <= waits[1] <= 5


@pytest.mark.story("3.5", 4)
def test_get_json_when_500_stays_then_it_is_unreachable_after_three_tries_and_the_correlation_id_is_logged(
    nws: NwsStub, make_transport: MakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    nws.on("/grid", BROKEN)
    with caplog.at_level(logging.WARNING), pytest.raises(Unreachable, match="UnexpectedProblem") as raised:
        make_transport().get_json("grid")
    assert raised.value.source == "nws"
    assert len(nws.asked("/grid")) == 3
    assert {record.__dict__.get("correlation_id") for record in caplog.records} == {"493c3a1d"}


@pytest.mark.parametrize(
    ("asked", "waited"), [(None, 5), ("12", 12), ("3", 5), ("9999", 30), ("soon", 5), ("-1", 5)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_get_json_when_told_to_come_later_then_it_waits_at_least_five_seconds_and_never_for_ever(
    status: int,
    asked: str | None,
    waited: float,
    nws: NwsStub,
    make_transport: MakeTransport,
    waits: list[float],
) -> None:
    headers = {} if asked is None else {"Retry-After": asked}
    nws.on("/grid", problem(status, "UnavailableWebService", **headers), OK)
    assert make_transport().get_json("grid") == {"answer": 42}
    assert waits == [waited]


@pytest.mark.parametrize("kind", ["ForecastGridExpired", "ForecastGridInvalid", "ForecastMissingData"])
def test_get_json_when_the_grid_has_expired_then_it_is_not_asked_again(
    kind: str, nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", problem(503, kind))
    with pytest.raises(Unreachable, match=kind):
        make_transport().get_json("grid")
    assert len(nws.asked("/grid")) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_get_json_when_4xx_then_it_is_refused_at_once(
    status: int, nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", problem(status, "InvalidPoint"))
    with pytest.raises(Refused) as raised:
        make_transport().get_json("grid")
    assert (raised.value.status, raised.value.code, raised.value.source) == (status, "InvalidPoint", "nws")
    assert len(nws.asked("/grid")) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>nginx</html>",
        b"",
        b'{"cut": ',
        b"[1, 2]",
        b"null",
        b'{"t": NaN}',
        b'{"t": Infinity}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_get_json_when_200_is_no_json_object_then_it_is_malformed(
    body: bytes, nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", Answer(200, body))
    with pytest.raises(Malformed) as raised:
        make_transport().get_json("grid")
    assert raised.value.source == "nws"
    assert len(nws.asked("/grid")) == 1


def test_get_json_when_an_html_page_comes_with_502_then_it_is_unreachable(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", Answer(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}))
    with pytest.raises(Unreachable, match="502"):
        make_transport().get_json("grid")


def test_get_json_when_the_answer_is_slow_then_it_times_out_and_tries_again(
    nws: NwsStub, make_transport: MakeTransport, waits: list[float]
) -> None:
    nws.on("/grid", Answer(body={}, delay_s=0.3), OK)
    assert make_transport(read_timeout_s=0.1).get_json("grid") == {"answer": 42}
    assert len(waits) == 1


def test_get_json_when_the_connection_breaks_then_it_is_unreachable(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", Answer(hang_up=True))
    with pytest.raises(Unreachable, match="/grid"):
        make_transport().get_json("grid")
    assert len(nws.asked("/grid")) == 3


def test_get_json_when_the_answer_is_too_large_then_it_is_malformed(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", Answer(body={"pad": "x" * 2000}))
    with pytest.raises(Malformed, match="larger than 1000 bytes"):
        make_transport(max_bytes=1000).get_json("grid")


def test_get_json_when_the_last_byte_does_not_come_in_time_then_it_is_unreachable(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", OK)
    with pytest.raises(Unreachable, match="ReadTimeout"):
        make_transport(total_timeout_s=-1).get_json("grid")


def test_get_json_when_redirected_on_the_same_host_then_it_follows(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/points/41.7840,-87.7550", Answer(301, b"", {"Location": "/points/41.784,-87.755"}))
    nws.on("/points/41.784,-87.755", OK)
    assert make_transport().get_json("points/41.7840,-87.7550") == {"answer": 42}


@pytest.mark.parametrize(
    "location", ["http://example.org/grid", "https://127.0.0.1/grid", "//example.org/grid", ""]
)
def test_get_json_when_redirected_to_another_host_then_it_does_not_go_there(
    location: str, nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", Answer(302, b"", {"Location": location}))
    with pytest.raises(Malformed, match="redirects to another host"):
        make_transport().get_json("grid")


def test_get_json_when_redirected_in_a_circle_then_it_stops(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", Answer(302, b"", {"Location": "/grid"}))
    with pytest.raises(Malformed, match="redirects"):
        make_transport().get_json("grid")
    assert len(nws.asked("/grid")) == 4


def test_get_json_when_asked_again_then_the_condition_is_sent_and_304_is_the_value_unchanged(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    modified = "Wed, 14 May 2025 16:00:00 GMT"
    nws.on(
        "/grid", Answer(body={"answer": 42}, headers={"ETag": '"a1"', "Last-Modified": modified}), Answer(304)
    )
    transport = make_transport()
    assert transport.get_json("grid") == transport.get_json("grid") == {"answer": 42}
    assert nws.headers_of(1)["if-none-match"] == '"a1"'
    assert nws.headers_of(1)["if-modified-since"] == modified
    assert "if-none-match" not in nws.headers_of(0)


def test_get_json_when_the_value_changes_then_the_new_one_is_remembered(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on(
        "/grid",
        Answer(body={"answer": 1}, headers={"ETag": '"1"'}),
        Answer(body={"answer": 2}, headers={"ETag": '"2"'}),
        Answer(304),
    )
    transport = make_transport()
    assert [transport.get_json("grid")["answer"] for _ in range(3)] == [1, 2, 2]
    assert nws.headers_of(2)["if-none-match"] == '"2"'


def test_get_json_when_304_comes_unasked_then_it_is_malformed(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", Answer(304))
    with pytest.raises(Malformed, match="304"):
        make_transport().get_json("grid")


def test_get_json_when_immutable_then_it_is_asked_for_once(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/products/1", OK)
    transport = make_transport()
    answers = [transport.get_json("products/1", is_immutable=True) for _ in range(2)]
    assert answers == [{"answer": 42}] * 2
    assert len(nws.asked("/products/1")) == 1


def test_get_json_when_sent_then_the_agent_names_us_and_no_cookie_returns(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    nws.on("/grid", Answer(body={}, headers={"Set-Cookie": "track=me"}))
    transport = make_transport()
    transport.get_json("grid")
    transport.get_json("grid")
    assert nws.headers_of(1)["user-agent"] == "(milkbot tests, nobody@example.org)"
    assert "cookie" not in nws.headers_of(1)


def test_get_json_when_it_fails_then_only_our_errors_come_out(
    nws: NwsStub, make_transport: MakeTransport
) -> None:
    transport = make_transport()
    for answer in (
        BROKEN,
        Answer(404, b""),
        Answer(200, b"{"),
        Answer(hang_up=True),
        Answer(204, b""),
        Answer(418, b""),
    ):
        nws.on("/grid", answer)
        with pytest.raises(OutsideError):
            transport.get_json("grid")
