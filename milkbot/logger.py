"""`from milkbot.logger import logger`: one log for every process, with secrets taken out before anything is written."""

import logging
import logging.config
import traceback
from typing import Any, Final

from pythonjsonlogger.json import JsonFormatter

from milkbot.core.redaction import REDACTED, is_secret_name, redact, redact_text

logger: Final = logging.getLogger("milkbot")

_STANDARD_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class RedactingFilter(logging.Filter):
    """Rewrites a record in place: message and arguments, extras, exception text, stack."""

    def __init__(self, known_secrets: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self._known = frozenset(secret for secret in known_secrets if len(secret) >= 6)

    def filter(self, record: logging.LogRecord) -> bool:
        record.args = redact(record.args, self._known) if record.args else record.args
        try:
            record.msg, record.args = redact_text(record.getMessage(), self._known), None
        except (TypeError, ValueError, KeyError):
            record.msg, record.args = redact_text(f"{record.msg!r} (arguments do not fit)", self._known), None
        for name, value in list(record.__dict__.items()):
            if name not in _STANDARD_ATTRIBUTES:
                record.__dict__[name] = REDACTED if is_secret_name(name) else redact(value, self._known)
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = redact_text("".join(traceback.format_exception(*record.exc_info)), self._known)
            record.exc_info = None
        if record.stack_info:
            record.stack_info = redact_text(record.stack_info, self._known)
        return True


class ReadableFormatter(logging.Formatter):
    """`12:30:01 INFO milkbot  cycle done  city=CHI markets=6` for a person at a terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        extras = {k: v for k, v in record.__dict__.items() if k not in _STANDARD_ATTRIBUTES}
        line = super().format(record)
        if not extras:
            return line
        first, *rest = line.split("\n")
        return "\n".join([f"{first}  {' '.join(f'{k}={v}' for k, v in extras.items())}", *rest])


class MilkbotJsonFormatter(JsonFormatter):
    """One JSON object a line, readable by jq. Keys: at, level, logger, message, then the extras."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "at", "levelname": "level", "name": "logger", "exc_info": "traceback"},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )


def logging_config(level: str, log_format: str, known_secrets: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The `LOGGING` setting. `log_format` is "json" or "text"."""
    formatter = MilkbotJsonFormatter if log_format == "json" else ReadableFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "filters": {"redact": {"()": RedactingFilter, "known_secrets": known_secrets}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["redact"]}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {"urllib3": {"level": "INFO"}, "django.db.backends": {"level": "INFO"}},
    }
