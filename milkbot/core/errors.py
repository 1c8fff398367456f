"""Errors shared by every app. Each message says what was wrong and, where a person can act, what to do."""

from typing import Any


class MilkbotError(Exception):
    """Base of all errors raised on purpose. They survive pickling, which carries them between worker processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class ConfigError(MilkbotError):
    """Configuration is missing or contradicts itself; the start stops here."""


class OutsideError(MilkbotError):
    """A service outside could not be used. `source` names it, for health and logs."""

    retry_after_s: float | None = None
    """Seconds for which the service asked to be left alone; None where it did not say."""

    def __init__(self, source: str, message: str) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source


class Unreachable(OutsideError):
    """No answer, or a server error after the allowed retries: the truth is unknown, try again later."""


class Refused(OutsideError):
    """A definite no (HTTP 4xx). Asking again unchanged will not help."""

    def __init__(self, source: str, message: str, *, status: int, code: str | None = None) -> None:
        super().__init__(source, message)
        self.status = status
        self.code = code


class Malformed(OutsideError):
    """An answer came, but it is not what the service promises. Nothing of it was used."""


class BadMarketData(MilkbotError):
    """One market or event cannot be traded as described; `code` is the reason shown to people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def _rebuild(kind: type[MilkbotError], args: tuple[Any, ...], attributes: dict[str, Any]) -> MilkbotError:
    """An error as it was, without calling constructors that take other arguments than `Exception` keeps."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(attributes)
    return error
