"""Every error body on record means what the exchange said."""

import json
from pathlib import Path

import pytest

from markets.clients.kalshi.errors import RateLimited, error_from_answer
from milkbot.core.errors import Refused, Unreachable


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (400, '{"error":{"code":"invalid_order","message":"invalid order","details":"post only cross"}}', "invalid_order", "post only cross"),
        (400, '{"code":"bad_request","message":"json decode"}', "bad_request", "json decode"),
        (400, '{"msg":"Parameter validation failed"}', None, "Parameter validation failed"),
        (404, "404 page not found", None, "404 page not found"),
        (404, '{"error":{"code":"not_found"}}', "not_found", "not_found"),
        (403, "<html><body>blocked</body></html>", None, "HTTP 403"),
        (409, '["odd"]', None, "HTTP 409"),
        (409, '{"error":17}', None, "HTTP 409"),
    ],
)  # fmt: skip
def test_error_body_of_any_shape_is_a_refusal_with_its_code(
    status: int, body: str, code: str | None, words: str
) -> None:
    error = error_from_answer(status, body.encode(), "GET /x")
    assert isinstance(error, Refused)
    assert (error.source, error.status, error.code) == ("kalshi", status, code)
    assert words in str(error)
    assert "<html>" not in str(error)


def test_rate_limit_is_its_own_refusal_and_a_server_error_means_unknown() -> None:
    assert isinstance(error_from_answer(429, b'{"error":"too many requests"}', "GET /x"), RateLimited)
    assert isinstance(error_from_answer(503, b"<html>down</html>", "GET /x"), Unreachable)
    assert isinstance(error_from_answer(500, b"[" * 100_000, "GET /x"), Unreachable)


def test_every_recorded_error_body_is_understood(recorded_api: Path) -> None:
    checked = 0
    for meta_path in sorted(recorded_api.glob("*.meta.json")):
        status = json.loads(meta_path.read_text()).get("status")
        body_path = recorded_api / meta_path.name.replace(".meta.json", ".json")
        if not isinstance(status, int) or status < 400 or not body_path.exists():
            continue
        error = error_from_answer(status, body_path.read_bytes(), "GET /x")
        assert isinstance(error, Refused), body_path.name
        assert error.code or "Parameter validation" in str(error), body_path.name
        checked += 1
    assert checked >= 12


def test_every_error_body_of_the_snippets_is_understood(snippets: Path) -> None:
    for name, body in json.loads((snippets / "error_bodies_2026.json").read_text()).items():
        error = error_from_answer(int(name[:3]), json.dumps(body).encode(), "GET /x")
        assert isinstance(error, Refused)
        assert error.code
