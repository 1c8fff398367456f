"""One HTTP conversation with the exchange: signed when a key exists, bounded in time and size, retried for reads.

Only our own errors leave: Unreachable (no answer, server error), Refused (a definite no), Malformed (not the API).
"""

import email.utils
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from tenacity.nap import sleep as tenacity_sleep
from tenacity.wait import wait_base

from markets.clients.kalshi.errors import SOURCE, RateLimited, error_from_answer
from markets.clients.kalshi.signing import Signer
from milkbot.core import clock
from milkbot.core.config import LOOPBACK_HOSTS
from milkbot.core.errors import ConfigError, Malformed, Unreachable
from milkbot.logger import logger

ATTEMPTS: Final = 3
MAX_BODY_BYTES: Final = 20 * 1024 * 1024
MAX_NESTING: Final = 40
CONNECT_TIMEOUT_S: Final = 3.0
DEFAULT_READ_TIMEOUT_S: Final = 10.0
_CHUNK_BYTES: Final = 64 * 1024
_POOL_SIZE: Final = 16
"""Connections kept open: more than any caller reads side by side, so that none is thrown away after one use."""

Query = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """A complete HTTP answer, nothing of `requests` in it."""

    status: int
    body: bytes


class Transport:
    """GETs JSON below `base_url` (which ends in /trade-api/v2). Safe to use from several threads.

    `now` gives wall time, for the signature and the skew. `wait` and `sleep` are the pauses between attempts.
    Raises ConfigError when the key must not be shown to the host of `base_url`.
    """

    def __init__(
        self,
        base_url: str,
        signer: Signer | None = None,
        *,
        now: Callable[[], datetime] = clock.wall_now,
        wait: wait_base | None = None,
        sleep: Callable[[float], None] = tenacity_sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        parts = urlsplit(self.base_url)
        if signer is not None and not signer.may_sign_for(parts.hostname):
            raise ConfigError(
                f"This Kalshi key must not be used at {parts.hostname}: demo and live are separate."
            )
        self._root = parts.path
        self._signer = signer
        self._now = now
        self._wait = wait or wait_exponential_jitter(multiplier=0.5, max=4.0)
        self._sleep = sleep
        self._skew_s: float | None = None
        self._session = _new_session(is_local=parts.hostname in LOOPBACK_HOSTS)

    @property
    def is_signing(self) -> bool:
        return self._signer is not None

    @property
    def skew_s(self) -> float | None:
        """Exchange's clock minus ours in seconds by the last `Date` header (whole seconds); None before any answer."""
        return self._skew_s

    def close(self) -> None:
        """Release the connections."""
        self._session.close()

    def get_json(
        self,
        path: str,
        query: Query = (),
        *,
        read_timeout_s: float = DEFAULT_READ_TIMEOUT_S,
        server_errors_speak: bool = False,
    ) -> dict[str, Any]:
        """The JSON object at `path` (below the base URL), numbers as int or Decimal.

        Up to three attempts with exponential backoff while the exchange is unreachable or its token bucket is empty.
        With `server_errors_speak` a 5xx answer that holds a JSON object is returned too (exchange status).
        """
        for attempt in self._retrying(path):
            with attempt:
                answer = self._get(path, query, read_timeout_s)
                if answer.status >= 500 and server_errors_speak and answer.body.lstrip().startswith(b"{"):
                    return decode_object(answer.body, path)
                if answer.status >= 400:
                    raise error_from_answer(answer.status, answer.body, f"GET {path}")
                return decode_object(answer.body, path)
        raise AssertionError("unreachable: tenacity re-raises the last error")

    def _retrying(self, path: str) -> Retrying:
        return Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait,
            sleep=self._sleep,
            retry=retry_if_exception_type((Unreachable, RateLimited)),
            before_sleep=lambda state: logger.info(
                "kalshi read is tried again", extra={"path": path, "attempt": state.attempt_number}
            ),
            reraise=True,
        )

    def _get(self, path: str, query: Query, read_timeout_s: float) -> Answer:
        sent_at = self._now()
        deadline = clock.monotonic() + CONNECT_TIMEOUT_S + read_timeout_s
        headers: dict[str, str] = {}
        if self._signer is not None:
            headers.update(self._signer.headers("GET", self._root + path, _milliseconds(sent_at)))
        try:
            with self._session.get(
                self.base_url + path,
                params=list(query),
                headers=headers,
                timeout=(CONNECT_TIMEOUT_S, read_timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                self._measure_skew(response.headers.get("Date"), sent_at)
                if 300 <= response.status_code < 400:
                    # A redirect would carry the signature elsewhere, and the API has none.
                    raise Malformed(
                        SOURCE, f"GET {path} answered with a redirect (HTTP {response.status_code})"
                    )
                body = b"".join(_read_bounded(response.iter_content(_CHUNK_BYTES), path, deadline))
                return Answer(response.status_code, body)
        except requests.RequestException as error:
            raise Unreachable(SOURCE, f"GET {path} got no answer ({type(error).__name__})") from None

    def _measure_skew(self, date_header: str | None, sent_at: datetime) -> None:
        try:
            theirs = email.utils.parsedate_to_datetime(date_header or "")
        except ValueError:
            return
        ours = sent_at + (self._now() - sent_at) / 2
        self._skew_s = (theirs.replace(tzinfo=theirs.tzinfo or UTC) - ours).total_seconds()


def decode_object(body: bytes, where: str) -> dict[str, Any]:
    """A JSON object whose numbers are exact. Raises Malformed for anything else, however hostile."""
    try:
        decoded: object = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError):
        raise Malformed(SOURCE, f"{where} is not JSON: {body[:60]!r}") from None
    if not isinstance(decoded, dict):
        raise Malformed(SOURCE, f"{where} is no JSON object")
    _check_nesting(decoded, where)
    return decoded


def _check_nesting(decoded: object, where: str) -> None:
    level = [decoded]
    for _ in range(MAX_NESTING):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise Malformed(SOURCE, f"{where} is nested more than {MAX_NESTING} deep")


def _children(parent: object) -> Iterator[object]:
    members = parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ()
    return (member for member in members if isinstance(member, dict | list))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _read_bounded(chunks: Iterator[bytes], where: str, deadline: float) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise Malformed(SOURCE, f"{where} is larger than {MAX_BODY_BYTES // 1024 // 1024} MB")
        if clock.monotonic() > deadline:
            # The read timeout restarts with every byte; a dripping answer must end all the same.
            raise Unreachable(SOURCE, f"{where} took too long to arrive")
        yield chunk


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _new_session(*, is_local: bool) -> requests.Session:
    session = requests.Session()
    session.headers.update({"Accept": "application/json", "Accept-Language": "en", "User-Agent": "milkbot"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = not is_local
    # Otherwise a .netrc of the machine would add credentials of its own.
    session.auth = lambda request: request
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=_POOL_SIZE, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
