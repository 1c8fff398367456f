"""One GET against api.weather.gov: polite, bounded in time and size, and with only three ways to fail."""

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, before_sleep_log, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from milkbot.core import clock
from milkbot.core.config import LOOPBACK_HOSTS
from milkbot.core.errors import Malformed, OutsideError, Refused, Unreachable
from milkbot.logger import logger

SOURCE: Final = "nws"

_REDIRECTS: Final = frozenset({301, 302, 307, 308})
_ASK_LATER: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_CHUNK_BYTES: Final = 65_536
_REMEMBERED_ANSWERS: Final = 128
# An expired or invalid grid stays so for hours: asking again in five seconds only adds load. ("Forecast Grid Invalid"
# is a title; the type that comes with it is ForecastMissingData.)
_HOPELESS_PROBLEMS: Final = frozenset({"ForecastGridExpired", "ForecastGridInvalid", "ForecastMissingData"})


@dataclass(frozen=True, slots=True)
class TransportPolicy:
    """Limits of one request, in seconds and bytes. `sleep` is what a retry waits with."""

    connect_timeout_s: float = 5
    read_timeout_s: float = 10
    total_timeout_s: float = 30
    """For one answer, headers to last byte: a server that drips a byte at a time is not allowed to hold a thread."""
    attempts: int = 3
    first_wait_s: float = 1
    longest_wait_s: float = 5
    busy_wait_s: float = 5
    """After 429 and 503, unless the answer names a longer wait."""
    longest_busy_wait_s: float = 30
    max_bytes: int = 5_000_000
    max_redirects: int = 3
    sleep: Callable[[float], None] = time.sleep


class _TryAgain(Exception):
    """This attempt failed in a way that another may not; `outcome` is what to raise when none is left."""

    def __init__(self, outcome: OutsideError, wait_s: float | None = None) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class _Remembered:
    """An answer as bytes: parsed anew on use, ten cities of parsed grids would hold a hundred megabytes."""

    content: bytes
    conditions: Mapping[str, str]


class NwsTransport:
    """Fetches JSON objects. Safe to share between threads.

    Answers are remembered with their ETag or Last-Modified: a 304 is a fresh fetch with the value unchanged.
    Raises Unreachable (no answer, or 5xx and 429 after the allowed attempts), Refused (other 4xx) and Malformed (an
    answer that is no JSON object, too large, or a redirect that leaves the host).
    """

    def __init__(self, base_url: str, user_agent: str, policy: TransportPolicy | None = None) -> None:
        self._base_url = base_url.rstrip("/") + "/"
        self._policy = policy or TransportPolicy()
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._lock = threading.Lock()
        # With cookies off a Session's only shared state is its connection pool, which is made for threads.
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"User-Agent": user_agent})
        self._session.trust_env = urlsplit(self._base_url).hostname not in LOOPBACK_HOSTS
        self._session.mount(self._base_url, HTTPAdapter(pool_connections=1, pool_maxsize=16))

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def get_json(
        self, path: str, *, params: Mapping[str, str] | None = None, is_immutable: bool = False
    ) -> Mapping[str, Any]:
        """The JSON object at `path` below the base URL. What `is_immutable` is asked for once."""
        url = requests.Request("GET", urljoin(self._base_url, path), params=params).prepare().url
        assert url is not None
        known = self._recall(url) if is_immutable else None
        if known is not None:
            return _json_object(urlsplit(url).path, known.content)
        retrying = Retrying(
            stop=stop_after_attempt(self._policy.attempts),
            wait=self._wait_s,
            retry=retry_if_exception_type(_TryAgain),
            sleep=self._policy.sleep,
            before_sleep=before_sleep_log(logger, logging.INFO),
            reraise=True,
        )
        try:
            answer = retrying(self._attempt, url)
        except _TryAgain as last:
            raise last.outcome from last.__cause__
        body = _json_object(urlsplit(url).path, answer.content)
        if answer.conditions or is_immutable:
            self._remember(url, answer)
        return body

    def _wait_s(self, state: RetryCallState) -> float:
        backoff = wait_exponential_jitter(self._policy.first_wait_s, self._policy.longest_wait_s)(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_s if isinstance(error, _TryAgain) else None
        return backoff if asked is None else asked

    def _attempt(self, url: str) -> _Remembered:
        try:
            return self._follow(url)
        except requests.RequestException as error:
            outcome = Unreachable(SOURCE, f"{urlsplit(url).path}: {type(error).__name__}")
            raise _TryAgain(outcome) from error

    def _follow(self, url: str) -> _Remembered:
        target = url
        for _ in range(self._policy.max_redirects + 1):
            known = self._recall(url)
            with self._session.get(
                target,
                headers=known.conditions if known else None,
                timeout=(self._policy.connect_timeout_s, self._policy.read_timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code not in _REDIRECTS:
                    return self._read(response, known)
                target = _same_host(target, response.headers.get("Location", ""))
        raise Malformed(SOURCE, f"{urlsplit(url).path}: more than {self._policy.max_redirects} redirects")

    def _read(self, response: requests.Response, known: _Remembered | None) -> _Remembered:
        if response.status_code == HTTPStatus.NOT_MODIFIED and known is not None:
            return known
        content = self._content(response)
        if response.status_code != HTTPStatus.OK:
            self._raise_problem(response, content)
        return _Remembered(content, _conditions(response.headers))

    def _content(self, response: requests.Response) -> bytes:
        started, content = clock.monotonic(), bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            content += chunk
            if len(content) > self._policy.max_bytes:
                raise Malformed(
                    SOURCE, f"{_path(response)}: answer larger than {self._policy.max_bytes} bytes"
                )
            if clock.monotonic() - started > self._policy.total_timeout_s:
                raise requests.ReadTimeout("answer dripped in too slowly")
        return bytes(content)

    def _raise_problem(self, response: requests.Response, content: bytes) -> None:
        status, (code, detail, correlation_id) = response.status_code, _problem(content)
        logger.warning(
            "nws answered with a problem",
            extra={
                "status": status,
                "path": _path(response),
                "problem": code,
                "correlation_id": correlation_id,
            },
        )
        message = f"{_path(response)}: {status} {code or 'without problem body'} {detail}".rstrip()
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
            if status < HTTPStatus.BAD_REQUEST:
                raise Malformed(SOURCE, message)
            raise Refused(SOURCE, message, status=status, code=code)
        outcome = Unreachable(SOURCE, message)
        if code in _HOPELESS_PROBLEMS:
            raise outcome
        raise _TryAgain(outcome, self._busy_wait_s(response) if status in _ASK_LATER else None)

    def _busy_wait_s(self, response: requests.Response) -> float:
        asked = response.headers.get("Retry-After", "")
        wanted = float(asked) if asked.isascii() and asked.isdigit() else 0.0
        return min(max(wanted, self._policy.busy_wait_s), self._policy.longest_busy_wait_s)

    def _recall(self, url: str) -> _Remembered | None:
        with self._lock:
            return self._remembered.get(url)

    def _remember(self, url: str, answer: _Remembered) -> None:
        with self._lock:
            self._remembered.pop(url, None)
            self._remembered[url] = answer
            while len(self._remembered) > _REMEMBERED_ANSWERS:
                self._remembered.popitem(last=False)


def _conditions(headers: Mapping[str, str]) -> dict[str, str]:
    pairs = (("If-None-Match", headers.get("ETag")), ("If-Modified-Since", headers.get("Last-Modified")))
    return {name: value for name, value in pairs if value}


def _path(response: requests.Response) -> str:
    return urlsplit(response.url).path


def _same_host(url: str, location: str) -> str:
    target = urljoin(url, location)
    if not location or urlsplit(target)[:2] != urlsplit(url)[:2]:
        raise Malformed(SOURCE, f"{urlsplit(url).path}: redirects to another host")
    return target


def _json_object(path: str, content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Malformed(SOURCE, f"{path}: body is not JSON, starts {content[:40]!r}") from None
    if not isinstance(body, dict):
        raise Malformed(SOURCE, f"{path}: body is a {type(body).__name__}, not an object")
    return body


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _problem(content: bytes) -> tuple[str | None, str, str]:
    """Code, detail and correlation id of a problem body; empty when it is none (an HTML page, say)."""
    try:
        body = _json_object("", content)
    except Malformed:
        return None, "", ""
    kind, detail, correlation_id = (body.get(name) for name in ("type", "detail", "correlationId"))
    code = _printable(kind).replace(":", "/").rpartition("/")[2][:64] or None
    return code, _printable(detail)[:200], _printable(correlation_id)[:64]


def _printable(raw: object) -> str:
    return "".join(filter(str.isprintable, raw)) if isinstance(raw, str) else ""
