"""Reads: JSON objects from the exchange, tried again while that can help.

Only our own errors leave: Unreachable (no answer, server error), Refused (a definite no), Malformed (not the API).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from tenacity import Retrying, retry_if_exception_type, wait_exponential_jitter
from tenacity.nap import sleep as tenacity_sleep
from tenacity.wait import wait_base

from markets.clients.kalshi.conversation import Answer, Budget, Conversation, Query
from markets.clients.kalshi.decoding import decode_object
from markets.clients.kalshi.errors import CLOCK_CODE, RateLimited, error_from_answer, read_error
from markets.clients.kalshi.signing import Signer
from milkbot.core import clock
from milkbot.core.errors import Unreachable
from milkbot.logger import logger

ATTEMPTS: Final = 3
SLOW_S: Final = 1.5
"""A read whose attempts have waited longer than this is not tried again: several in one turn would outlast it."""
DEFAULT_READ_TIMEOUT_S: Final = 10.0


class Transport:
    """GETs JSON below `base_url` (which ends in /trade-api/v2). Safe to use from several threads.

    `now` gives wall time, for the signature and the skew. `wait` and `sleep` are the pauses between the `attempts` of a
    read, which end once they have waited `slow_s`. All calls go through `conversation`, which orders may share. Raises
    ConfigError as Conversation does.
    """

    def __init__(
        self,
        base_url: str,
        signer: Signer | None = None,
        *,
        now: Callable[[], datetime] = clock.wall_now,
        budget: Budget | None = None,
        wait: wait_base | None = None,
        sleep: Callable[[float], None] = tenacity_sleep,
        attempts: int = ATTEMPTS,
        slow_s: float = SLOW_S,
    ) -> None:
        self.conversation = Conversation(base_url, signer, now=now, budget=budget)
        self._wait = wait or wait_exponential_jitter(multiplier=0.5, max=4.0)
        self._sleep = sleep
        self._attempts = attempts
        self._slow_s = slow_s

    @property
    def base_url(self) -> str:
        return self.conversation.base_url

    @property
    def is_signing(self) -> bool:
        return self.conversation.is_signing

    @property
    def skew_s(self) -> float | None:
        """Exchange's clock minus ours in seconds by the last `Date` header (whole seconds); None before any answer."""
        return self.conversation.skew_s

    def close(self) -> None:
        """Release the connections."""
        self.conversation.close()

    def get_json(
        self,
        path: str,
        query: Query = (),
        *,
        read_timeout_s: float = DEFAULT_READ_TIMEOUT_S,
        server_errors_speak: bool = False,
    ) -> dict[str, Any]:
        """The JSON object at `path` (below the base URL), numbers as int or Decimal.

        As many attempts as allowed with exponential backoff while the exchange is unreachable or its token bucket is empty,
        unless it is slow as well: then the next turn asks again. A signature refused for its time is made anew, once, by
        the exchange's own clock. With `server_errors_speak` a 5xx answer that holds a JSON object is returned too
        (exchange status).
        """
        waited: list[float] = []
        for attempt in self._retrying(path, waited):
            with attempt:
                begun = clock.monotonic()
                try:
                    answer = self._get(path, query, read_timeout_s)
                finally:
                    waited.append(clock.monotonic() - begun)
                if answer.status >= 500 and server_errors_speak and answer.body.lstrip().startswith(b"{"):
                    return decode_object(answer.body, path)
                if answer.status >= 400:
                    error = error_from_answer(answer.status, answer.body, f"GET {path}")
                    error.retry_after_s = answer.retry_after_s
                    raise error
                return decode_object(answer.body, path)
        raise AssertionError("unreachable: tenacity re-raises the last error")

    def _retrying(self, path: str, waited: Sequence[float]) -> Retrying:
        return Retrying(
            stop=lambda state: state.attempt_number >= self._attempts or sum(waited) > self._slow_s,
            wait=self._wait,
            sleep=self._sleep,
            retry=retry_if_exception_type((Unreachable, RateLimited)),
            before_sleep=lambda state: logger.info(
                "kalshi read is tried again", extra={"path": path, "attempt": state.attempt_number}
            ),
            reraise=True,
        )

    def _get(self, path: str, query: Query, read_timeout_s: float) -> Answer:
        answer = self.conversation.exchange("GET", path, query=query, timeout_s=read_timeout_s)
        if answer.status == 401 and read_error(answer.body).word == CLOCK_CODE and self.conversation.resync():
            logger.warning("this machine's clock is wrong", extra={"skew_s": self.skew_s})
            answer = self.conversation.exchange("GET", path, query=query, timeout_s=read_timeout_s)
        return answer
