"""Asks again, later and later, what could not be answered; waits as long as a service asked for."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from milkbot.core.errors import OutsideError, Refused, Unreachable

ATTEMPTS: Final = 6
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
LONGEST_ASKED_S: Final = 600.0
"""Of what a service asks for; after longer the part is left for another run."""
TOO_MANY: Final = 429

Answer = TypeVar("Answer")


class Patience:
    """Calls until an answer comes or `attempts` are spent; waits double from one second to a minute.

    `on_wait` is told how long and why. What another try cannot mend (a definite no, an answer that is not the
    service's) leaves at once.
    """

    def __init__(
        self,
        *,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
        on_wait: Callable[[float, str], None] = lambda _wait_s, _why: None,
    ) -> None:
        self._attempts = attempts
        self._sleep = sleep
        self._on_wait = on_wait

    def call(self, ask: Callable[[], Answer]) -> Answer:
        """The answer of `ask`. Raises the OutsideError of the last attempt."""
        wait_s = FIRST_WAIT_S
        for _ in range(self._attempts - 1):
            try:
                return ask()
            except (Unreachable, Refused) as error:
                pause_s = _pause_s(error, wait_s)
                self._on_wait(pause_s, str(error))
                self._sleep(pause_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        return ask()


def _pause_s(error: OutsideError, wait_s: float) -> float:
    """Raises the error when waiting is in vain."""
    if isinstance(error, Refused) and error.status != TOO_MANY:
        raise error
    asked_s = error.retry_after_s or 0.0
    if asked_s > LONGEST_ASKED_S:
        raise error
    return max(wait_s, asked_s)
