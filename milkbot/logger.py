"""`from milkbot.logger import logger`: one log for every process, with secrets taken out before anything is written."""

import json
import logging
import logging.config
import time
import traceback
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime
from typing import Any, Final

from milkbot.core.redaction import REDACTED, is_secret_name, redact, redact_text

logger: Final = logging.getLogger("milkbot")

SHORTEST_KNOWN_SECRET: Final = 6
"""A shorter value would be struck out of the middle of ordinary words."""

_STANDARD_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), 127)}
_LINE_BREAKS = {10: "\\n", 0x2028: "\\u2028", 0x2029: "\\u2029", 0x85: "\\x85"}


class RedactingFilter(logging.Filter):
    """Rewrites a record in place: message and arguments, extras, exception text, stack. Never raises."""

    def __init__(self, known_secrets: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._known = _as_they_may_appear(known_secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._message(record), None
        for name, value in _extras(record).items():
            del record.__dict__[name]
            record.__dict__[self._text(name)] = (
                REDACTED if is_secret_name(name) else redact(value, self._known)
            )
        # Formatters print `exc_text` when it is there, so the exception itself may stay for other handlers.
        if isinstance(record.exc_info, tuple) and record.exc_info[0] is not None:
            record.exc_text = self._text("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
        elif record.exc_text:
            record.exc_text = self._text(record.exc_text)
        if record.stack_info:
            record.stack_info = self._text(record.stack_info)
        return True

    def _message(self, record: logging.LogRecord) -> str:
        template, args = record.msg, record.args
        try:
            record.args = self._arguments(args)
            return self._text(record.getMessage())
        except Exception:  # noqa: BLE001 - an odd argument must not stop the program that logs it
            return self._text(f"{redact(template)} (arguments do not fit: {redact(args, self._known)!r})")

    def _arguments(self, args: Any) -> Any:
        """Containers are searched by name; numbers and other objects keep their type for `%d` and `%.2f`."""
        if isinstance(args, Mapping):
            return {
                name: REDACTED if is_secret_name(str(name)) else self._argument(v) for name, v in args.items()
            }
        return tuple(self._argument(value) for value in args) if isinstance(args, tuple) else args

    def _argument(self, value: Any) -> Any:
        is_container = isinstance(value, Mapping | list | tuple | set | frozenset) or is_dataclass(value)
        return redact(value, self._known) if is_container else value

    def _text(self, text: str) -> str:
        return redact_text(text, self._known)


class ReadableFormatter(logging.Formatter):
    """`12:30:01Z INFO    cycle done  city=CHI markets=6` for a person at a terminal; times are UTC."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%SZ")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {name}={_on_one_line(str(value))}" for name, value in _extras(record).items())
        line = super().formatMessage(record).translate(_CONTROL_CHARACTERS)
        # Text from outside must not be able to start a line that looks like a record of its own.
        return line.replace("\n", "\n    ") + (f" {extras}" if extras else "")


class MilkbotJsonFormatter(logging.Formatter):
    """One JSON object a line. Keys: at (UTC), level, logger, message, the extras, then traceback and stack.

    An extra that bears one of those names is kept under `extra_<name>`.
    """

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        tail = {"traceback": self._traceback(record), "stack": record.stack_info}
        for name, value in _extras(record).items():
            entry[f"extra_{name}" if name in entry or name in tail else name] = value
        entry.update({name: text for name, text in tail.items() if text})
        return json.dumps(entry, default=str)

    def _traceback(self, record: logging.LogRecord) -> str | None:
        if record.exc_text or not record.exc_info:
            return record.exc_text
        return self.formatException(record.exc_info)


def logging_config(
    level: str, log_format: str, known_secrets: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The `LOGGING` setting. `log_format` is "json" or "text"; `known_secrets` are struck out wherever they appear."""
    formatter = MilkbotJsonFormatter if log_format == "json" else ReadableFormatter
    # Django gives some of its loggers handlers of their own, which know nothing of secrets: all lines go one way.
    through_root: dict[str, Any] = {"handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "filters": {"redact": {"()": RedactingFilter, "known_secrets": known_secrets}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "django": through_root,
            "django.server": through_root,
            "urllib3": {"level": "INFO"},
            "websockets": {"level": "INFO"},  # below it, handshakes with their signatures
            "django.db.backends": {"level": "INFO"},
        },
    }


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD_ATTRIBUTES}


def _as_they_may_appear(secrets: frozenset[str]) -> frozenset[str]:
    """Each secret long enough to be told from a word, as itself and as `repr` and JSON escape it."""
    long_enough = [secret for secret in secrets if len(secret) >= SHORTEST_KNOWN_SECRET]
    return frozenset(
        form for secret in long_enough for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1])
    )


def _on_one_line(text: str) -> str:
    return text.translate(_CONTROL_CHARACTERS | _LINE_BREAKS)
