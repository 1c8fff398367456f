"""One request to the archive over loopback: its turn, its limits, and the three ways to fail."""

from collections.abc import Iterator

import pytest

from milkbot.core.errors import ConfigError, Malformed, Refused, Unreachable
from tests.weather.nws_stub import Answer, NwsStub
from weather.clients.iem import transport as transport_module
from weather.clients.iem.transport import IemTransport

PATH = "/cgi-bin/request/mos.py"


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def iem(nws: NwsStub, naps: list[float]) -> Iterator[IemTransport]:
    made = IemTransport(nws.url, "(milkbot tests, none)", between_s=5, sleep=naps.append)
    yield made
    made.close()


def test_text_comes_as_it_was_sent(nws: NwsStub, iem: IemTransport) -> None:
    nws.on(PATH, Answer(body="runtime,ftime\n°\n".encode()))
    assert iem.get_text(PATH, [("station", "KMDW"), ("sts", "2025-05-01T00:00Z")]) == "runtime,ftime\n°\n"
    assert nws.asked() == [f"{PATH}?station=KMDW&sts=2025-05-01T00%3A00Z"]
    assert nws.headers_of(0)["user-agent"] == "(milkbot tests, none)"


def test_requests_keep_their_distance(nws: NwsStub, iem: IemTransport, naps: list[float]) -> None:
    nws.on(PATH, Answer(body=b""))
    iem.get_text(PATH, [])
    assert naps == []
    iem.get_text(PATH, [])
    assert naps == [pytest.approx(5, abs=1)]


@pytest.mark.parametrize(("status", "asked"), [(429, "17"), (503, "17"), (500, None), (502, "soon")])
def test_busy_service_says_how_long_it_wants_to_be_left_alone(
    nws: NwsStub, iem: IemTransport, status: int, asked: str | None
) -> None:
    headers = {"Retry-After": asked} if asked else {}
    nws.on(PATH, Answer(status, b"ERROR: server over capacity, please try later", headers))
    with pytest.raises(Unreachable, match="over capacity") as busy:
        iem.get_text(PATH, [])
    assert busy.value.retry_after_s == (17 if asked == "17" else None)
    assert len(nws.requests) == 1, "who asks again is not decided here"


def test_definite_no_is_refused(nws: NwsStub, iem: IemTransport) -> None:
    nws.on(PATH, Answer(422, b"too much"))
    with pytest.raises(Refused) as refusal:
        iem.get_text(PATH, [])
    assert refusal.value.status == 422


def test_answer_that_breaks_off_is_no_answer(nws: NwsStub, iem: IemTransport) -> None:
    nws.on(PATH, Answer(body=b"runtime,ftime\n", headers={"Content-Length": "900"}))
    with pytest.raises(Unreachable):
        iem.get_text(PATH, [])


def test_answer_that_never_comes_is_no_answer(nws: NwsStub, iem: IemTransport) -> None:
    nws.on(PATH, Answer(hang_up=True))
    with pytest.raises(Unreachable, match="no whole answer"):
        iem.get_text(PATH, [])


@pytest.mark.parametrize(
    "answer",
    [
        Answer(302, b"", {"Location": "https://elsewhere.example/"}),
        Answer(body=b"\xff\xfe"),
        Answer(body=b"x" * 2_000),
        Answer(204, b""),
    ],
    ids=["redirect", "no text", "too large", "nothing"],
)
def test_answer_that_is_no_text_is_malformed(
    nws: NwsStub, iem: IemTransport, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr(transport_module, "MAX_BODY_BYTES", 1_000)
    nws.on(PATH, answer)
    with pytest.raises(Malformed):
        iem.get_text(PATH, [])


def test_dripping_answer_is_given_up(
    nws: NwsStub, iem: IemTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "TOTAL_TIMEOUT_S", -1.0)
    nws.on(PATH, Answer(body=b"a,b\n"))
    with pytest.raises(Unreachable, match="took too long"):
        iem.get_text(PATH, [])


def test_nobody_else_is_spoken_to_in_clear() -> None:
    with pytest.raises(ConfigError, match="https"):
        IemTransport("http://mesonet.agron.iastate.edu", "(milkbot tests, none)")
