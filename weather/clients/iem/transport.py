"""One GET against the Iowa Environmental Mesonet's archive: paced, bounded in time and size, never repeated here.

The service allows one request a second from an address and answers 503 when it is busy (nws-and-settlement.md 4).
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode, urlsplit

import requests

from milkbot.core import clock
from milkbot.core.config import LOOPBACK_HOSTS
from milkbot.core.errors import ConfigError, Malformed, OutsideError, Refused, Unreachable
from milkbot.core.retry_after import seconds_asked

SOURCE: Final = "iem"
IEM_URL: Final = "https://mesonet.agron.iastate.edu"
BETWEEN_REQUESTS_S: Final = 1.5
MAX_BODY_BYTES: Final = 40_000_000
"""A month of five-minute readings with their texts is a tenth of it."""
CONNECT_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 120.0
"""An archive works out a month of rows before it sends the first."""
TOTAL_TIMEOUT_S: Final = 300.0
_CHUNK_BYTES: Final = 65_536

Query = Sequence[tuple[str, str]]


class IemTransport:
    """Fetches texts below `base_url`, at least `between_s` seconds apart.

    Raises Unreachable (no whole answer, 5xx, 429; `retry_after_s` says what the service asked for), Refused (other
    4xx), Malformed (a redirect, too large, no UTF-8), and ConfigError for a host elsewhere that is spoken to in clear.
    """

    def __init__(
        self,
        base_url: str,
        user_agent: str,
        *,
        between_s: float = BETWEEN_REQUESTS_S,
        sleep: Callable[[float], None] = time.sleep,
        wall_now: Callable[[], datetime] = clock.wall_now,
    ) -> None:
        parts = urlsplit(base_url)
        is_local = parts.hostname in LOOPBACK_HOSTS
        if not is_local and parts.scheme != "https":
            raise ConfigError(f"{base_url} must begin with https: only this machine is spoken to in clear.")
        self._base_url = base_url.rstrip("/")
        self._between_s = between_s
        self._sleep = sleep
        self._wall_now = wall_now
        self._next_at = clock.monotonic()
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "gzip"})
        self._session.trust_env = not is_local

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def get_text(self, path: str, query: Query) -> str:
        """The text at `path`. Waits for its turn first."""
        self._wait_for_turn()
        where = f"GET {path}"
        try:
            with self._session.get(
                f"{self._base_url}{path}?{urlencode(query)}",
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _content(response, where)
                _raise_for(response, content, where, self._wall_now())
        except requests.RequestException as error:
            raise Unreachable(SOURCE, f"{where} got no whole answer ({type(error).__name__})") from None
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed(SOURCE, f"{where} is no text in UTF-8") from None

    def _wait_for_turn(self) -> None:
        wait_s = self._next_at - clock.monotonic()
        if wait_s > 0:
            self._sleep(wait_s)
        self._next_at = clock.monotonic() + self._between_s


def _content(response: requests.Response, where: str) -> bytes:
    deadline, content = clock.monotonic() + TOTAL_TIMEOUT_S, bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise Malformed(SOURCE, f"{where} is larger than {MAX_BODY_BYTES} bytes")
        if clock.monotonic() > deadline:
            raise Unreachable(SOURCE, f"{where} took too long to arrive")
    told = response.headers.get("Content-Length", "")
    if told.isdigit() and "Content-Encoding" not in response.headers and len(content) < int(told):
        raise Unreachable(SOURCE, f"{where} broke off after {len(content)} of {told} bytes")
    return bytes(content)


def _raise_for(response: requests.Response, content: bytes, where: str, now: datetime) -> None:
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    text = " ".join(content[:200].decode("utf-8", "replace").split())[:120]
    message = f"{where} answered HTTP {status}: {text}"
    if status < HTTPStatus.BAD_REQUEST:
        raise Malformed(SOURCE, f"{where} answered HTTP {status}, not a text")
    error: OutsideError
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        error = Unreachable(SOURCE, message)
    else:
        error = Refused(SOURCE, message, status=status)
    error.retry_after_s = seconds_asked(response.headers.get("Retry-After"), now)
    raise error
