"""One signed HTTP exchange with Kalshi, any method, never repeated: bounded in time and size, without redirects.

What the outside does arrives as one of three errors: Unsent (provably nothing left), Unreachable (no complete answer:
it may have been done), Malformed (an answer that is not the API's). Nothing of `requests` leaves this module.
"""

import email.utils
import ssl
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit

import requests
from urllib3 import Timeout
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError

from markets.clients.kalshi.deadline import CONNECT_TIMEOUT_S, DeadlineAdapter, GuardedBody
from markets.clients.kalshi.errors import SOURCE, Unsent
from markets.clients.kalshi.signing import Signer
from markets.domain.account_types import AccountLimits, EndpointCosts
from milkbot.core import clock
from milkbot.core.config import LOOPBACK_HOSTS
from milkbot.core.errors import ConfigError, Malformed, Unreachable
from milkbot.core.retry_after import seconds_asked

MAX_BODY_BYTES: Final = 20 * 1024 * 1024
MAX_SKEW_S: Final = 3.0
"""Beyond this we do not trade. Signatures are refused somewhere between 10 and 30 s (kalshi-api.md 1)."""
_BELIEVED_SKEW: Final = timedelta(days=1)
"""A clock is set wrong by zones, not by years: beyond this the header is junk, and nothing is signed by it."""
_CHUNK_BYTES: Final = 64 * 1024
_POOL_SIZE: Final = 24
"""Connections kept open: more than any caller reads side by side, so that none is thrown away after one use."""

Query = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """A complete HTTP answer, nothing of `requests` in it."""

    status: int
    body: bytes
    retry_after_s: float | None = None
    """What a Retry-After header asked for."""


class Budget(Protocol):
    """Decides when a call may leave. Raises Unsent when it would have to wait too long."""

    def spend(self, method: str, path: str, items: int = 1) -> None: ...

    def note_limit(self, method: str) -> None: ...

    def adopt(self, limits: AccountLimits, costs: EndpointCosts) -> None: ...


class Conversation:
    """HTTP below `base_url` (which ends in /trade-api/v2). Safe to use from several threads.

    `now` gives wall time, for the signature and the skew. Raises ConfigError when the key must not be shown to the host
    of `base_url`, or when that host is not this machine and the connection would not be encrypted.
    """

    def __init__(
        self,
        base_url: str,
        signer: Signer | None = None,
        *,
        now: Callable[[], datetime] = clock.wall_now,
        budget: Budget | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        parts = urlsplit(self.base_url)
        is_local = parts.hostname in LOOPBACK_HOSTS
        if not is_local and parts.scheme != "https":
            raise ConfigError(
                f"{self.base_url} must begin with https: only this machine is spoken to in clear."
            )
        if signer is not None and not signer.may_sign_for(parts.hostname):
            raise ConfigError(
                f"This Kalshi key must not be used at {parts.hostname}: demo and live are separate."
            )
        self._root = parts.path
        self._signer = signer
        self._now = now
        self._budget = budget
        self._skew_s: float | None = None
        self._correction = timedelta()
        self._session = _new_session(is_local=is_local)

    @property
    def is_signing(self) -> bool:
        return self._signer is not None

    @property
    def key_id(self) -> str | None:
        return self._signer.key_id if self._signer else None

    @property
    def skew_s(self) -> float | None:
        """Exchange's clock minus ours in seconds by the last `Date` header (whole seconds); None before any answer."""
        return self._skew_s

    def close(self) -> None:
        """Release the connections."""
        self._session.close()

    def resync(self) -> bool:
        """Sign by the exchange's clock from now on, as its last answer told it; False if none did."""
        if self._skew_s is None:
            return False
        self._correction = timedelta(seconds=self._skew_s)
        return True

    def adopt(self, limits: AccountLimits, costs: EndpointCosts) -> None:
        """Count calls by these limits and costs from now on."""
        if self._budget is not None:
            self._budget.adopt(limits, costs)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        query: Query = (),
        body: bytes | None = None,
        items: int = 1,
        may_leave: Callable[[], bool] = lambda: True,
    ) -> Answer:
        """Send one request and read its whole answer. `items` counts what a batch is billed for.

        `timeout_s` bounds all of it once the budget lets it go: looking the name up, connecting, for which half of the time
        is allowed, and the answer to its last byte. `may_leave` is asked of a request with a body when it is dated and
        signed and its connection stands: however long names and handshakes took, what came too late is not sent. A process
        that is held up after that sends what is as old as its date. Raises Unsent on a no.
        """
        if self._budget is not None:
            self._budget.spend(method, path, items)
        sent_at = self._now()
        deadline = clock.monotonic() + timeout_s
        where = f"{method} {path}"
        last_look = _LastLook(may_leave, where)
        try:
            with self._session.request(
                method,
                self._url(path, query),
                data=None if body is None else GuardedBody(body, last_look),
                headers=self._headers(method, path, sent_at, has_body=body is not None),
                timeout=_timeout(timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                self._measure_skew(response.headers.get("Date"), sent_at)
                if 300 <= response.status_code < 400:
                    # A redirect would carry the signature elsewhere, and the API has none.
                    raise Malformed(SOURCE, f"{where} answered with a redirect (HTTP {response.status_code})")
                whole = b"".join(_read_bounded(response.iter_content(_CHUNK_BYTES), where, deadline))
                asked_s = seconds_asked(response.headers.get("Retry-After"), sent_at)
                answer = Answer(response.status_code, whole, asked_s)
        except requests.RequestException as error:
            if isinstance(error, requests.ReadTimeout):
                # Whoever went silent took the idle connections along: none of them is to be tried next.
                self._session.close()
            raise _as_ours(error, where, was_let_out=body is None or last_look.passed) from None
        if answer.status == 429 and self._budget is not None:
            self._budget.note_limit(method)
        return answer

    def _url(self, path: str, query: Query) -> str:
        return f"{self.base_url}{path}?{urlencode(query)}" if query else self.base_url + path

    def _headers(self, method: str, path: str, sent_at: datetime, *, has_body: bool) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} if has_body else {}
        if self._signer is not None:
            signed_at = int((sent_at + self._correction).timestamp() * 1000)
            headers.update(self._signer.headers(method, self._root + path, signed_at))
        return headers

    def _measure_skew(self, date_header: str | None, sent_at: datetime) -> None:
        """Junk changes nothing: an answer that came is never lost for its date."""
        ours = sent_at + (self._now() - sent_at) / 2
        try:
            theirs = email.utils.parsedate_to_datetime(date_header or "")
            skew = theirs.replace(tzinfo=theirs.tzinfo or UTC) - ours
        except (ValueError, OverflowError, TypeError):
            return
        if abs(skew) <= _BELIEVED_SKEW:
            self._skew_s = skew.total_seconds()


class _LastLook:
    """Asked when the connection stands; whether it was passed tells what cannot have left."""

    def __init__(self, may_leave: Callable[[], bool], where: str) -> None:
        self._may_leave = may_leave
        self._where = where
        self.passed = False

    def __call__(self) -> None:
        if not self._may_leave():
            raise Unsent(SOURCE, f"{self._where} was held up for too long to be sent")
        self.passed = True


def _timeout(total_s: float) -> Any:
    """urllib3's own type, which the types of requests do not know."""
    return Timeout(total=total_s, connect=min(CONNECT_TIMEOUT_S, total_s / 2))


def _as_ours(error: requests.RequestException, where: str, *, was_let_out: bool) -> Unreachable:
    """Unsent where no connection came about, or a body was not let out: only then is it proven that nothing was done."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if reason is not None and any(isinstance(part, ssl.SSLCertVerificationError) for part in reason.args):
        return Unsent(SOURCE, f"{where} was not sent: the host's certificate is not to be trusted")
    if not was_let_out or isinstance(reason, ConnectTimeoutError):
        return Unsent(SOURCE, f"{where} found no connection ({type(reason or error).__name__})")
    return Unreachable(SOURCE, f"{where} got no answer ({type(error).__name__})")


def _read_bounded(chunks: Iterator[bytes], where: str, deadline: float) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise Malformed(SOURCE, f"{where} is larger than {MAX_BODY_BYTES // 1024 // 1024} MB")
        if clock.monotonic() > deadline:
            # Behind a proxy only the wait for each byte is bounded; a dripping answer must end all the same.
            raise Unreachable(SOURCE, f"{where} took too long to arrive")
        yield chunk


def _new_session(*, is_local: bool) -> requests.Session:
    session = requests.Session()
    session.headers.update({"Accept": "application/json", "Accept-Language": "en", "User-Agent": "milkbot"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = not is_local
    # Otherwise a .netrc of the machine would add credentials of its own.
    session.auth = lambda request: request
    adapter = DeadlineAdapter(_POOL_SIZE)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
