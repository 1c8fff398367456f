"""What a log line shows, in both formats, and what it never shows."""

import io
import json
import logging
import logging.config
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

import milkbot.logger
from milkbot.logger import logging_config

SECRET = "hunter2hunter2"
FORMATS = ["json", "text"]


class Log:
    """A logger set up by `logging_config`, writing to memory."""

    def __init__(self, level: str, log_format: str, known: frozenset[str] = frozenset()) -> None:
        settings = logging_config(level, log_format, known)
        configurator = logging.config.DictConfigurator(settings)
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(configurator.configure_formatter(settings["formatters"]["line"]))
        self.handler.addFilter(configurator.configure_filter(settings["filters"]["redact"]))
        # Not from getLogger: apart from the process's own tree of loggers.
        self.logger = logging.Logger("milkbot.test", settings["root"]["level"])  # noqa: LOG001
        self.logger.addHandler(self.handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def json_log() -> Log:
    return Log("DEBUG", "json")


@pytest.fixture
def text_log() -> Log:
    return Log("DEBUG", "text")


@pytest.fixture(params=FORMATS)
def any_log(request: pytest.FixtureRequest) -> Log:
    return Log("DEBUG", request.param, frozenset({SECRET}))


@pytest.fixture(params=FORMATS)
def blind_log(request: pytest.FixtureRequest) -> Log:
    """Knows no secret by value: names and shapes must do."""
    return Log("DEBUG", request.param)


@pytest.mark.story("1.2", 5)
def test_logger_is_importable_by_its_name() -> None:
    assert isinstance(milkbot.logger.logger, logging.Logger)
    assert milkbot.logger.logger.name == "milkbot"


@pytest.mark.story("1.2", 1)
def test_json_line_has_the_named_keys_and_the_extras(json_log: Log) -> None:
    json_log.logger.info("cycle done", extra={"city": "CHI", "markets": 6, "cash": Decimal("10.5")})
    (entry,) = json_log.entries
    at = datetime.fromisoformat(entry.pop("at"))
    assert at.utcoffset() == timedelta(0)
    assert entry == {
        "level": "INFO",
        "logger": "milkbot.test",
        "message": "cycle done",
        "city": "CHI",
        "markets": 6,
        "cash": "10.5",
    }


@pytest.mark.story("1.2", 1)
def test_readable_line_is_time_level_message_extras(text_log: Log) -> None:
    text_log.logger.warning("cycle late", extra={"city": "CHI", "age_s": 75})
    clock, _, rest = text_log.text.partition(" ")
    assert re.fullmatch(r"\d\d:\d\d:\d\dZ", clock)
    assert rest == "WARNING cycle late  city=CHI age_s=75\n"


def test_json_line_keeps_an_extra_that_bears_a_fixed_name(json_log: Log) -> None:
    json_log.logger.info("settled", extra={"at": "noon", "level": "high", "logger": "x", "traceback": "none"})
    (entry,) = json_log.entries
    assert entry["level"] == "INFO"
    assert entry["logger"] == "milkbot.test"
    assert (entry["extra_at"], entry["extra_level"]) == ("noon", "high")
    assert (entry["extra_logger"], entry["extra_traceback"]) == ("x", "none")


ODD_EXTRAS: dict[str, object] = {
    "nan": float("nan"),
    "infinity": float("inf"),
    "odd keys": {("a", 1): {2: b"\xff"}},
    "set": {1, 2},
    "object": object(),
    "function": lambda: None,
    "lone surrogate": "\ud800",
    "control characters": "a\nb\x00",
}


@pytest.mark.parametrize("value", ODD_EXTRAS.values(), ids=ODD_EXTRAS.keys())
def test_json_line_is_parseable_whatever_the_extra(json_log: Log, value: object) -> None:
    json_log.logger.info("odd", extra={"value": value})

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    entry = json.loads(json_log.text, parse_constant=refuse)
    assert "value" in entry
    assert json_log.text.count("\n") == 1


@pytest.mark.story("1.2", 2)
@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_lines_below_the_configured_level_are_not_written(level: str) -> None:
    log = Log(level, "json")
    for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        log.logger.log(getattr(logging, name), name)
    written = [entry["message"] for entry in log.entries]
    assert written[0] == level
    assert written[-1] == "CRITICAL"


def test_logging_config_sends_the_framework_through_the_same_filter() -> None:
    settings = logging_config("INFO", "json")
    assert settings["root"]["handlers"] == ["stderr"]
    assert settings["handlers"]["stderr"]["filters"] == ["redact"]
    for name in ("django", "django.server"):
        assert settings["loggers"][name] == {"handlers": [], "propagate": True}


@dataclass
class Login:
    user: str
    password: str


class Pair(NamedTuple):
    user: str
    token: str


class Loud:
    """An object that says its secret."""

    def __repr__(self) -> str:
        return f"Loud(api_key={SECRET!r})"


@pytest.mark.story("1.2", 3)
@pytest.mark.parametrize("name", ["key", "api_key", "token", "access_token", "password", "DB_PASSWORD"])
def test_secret_under_a_telling_name_is_not_written(blind_log: Log, name: str) -> None:
    written_out, by_name = f"started with {name}={SECRET}", f"started with %({name})s"
    blind_log.logger.info(written_out)
    blind_log.logger.info("started with %s", {name: SECRET})
    blind_log.logger.info(by_name, {name: SECRET})
    blind_log.logger.info("started with %s=%s", name, SECRET)
    blind_log.logger.info("started", extra={name: SECRET})
    blind_log.logger.info("started", extra={"settings": [{"deep": {name: SECRET}}]})
    assert SECRET not in blind_log.text
    assert blind_log.text.count("[redacted]") >= 6


@pytest.mark.parametrize(
    "value",
    [
        Login("bob", SECRET),
        Pair("bob", SECRET),
        Loud(),
        {"headers": [("Authorization", SECRET)]},
        f"password={SECRET}".encode(),
        f"https://bob:{SECRET}@host/x",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
        RuntimeError(f"token={SECRET}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_secret_inside_an_object_is_not_written(blind_log: Log, value: object) -> None:
    blind_log.logger.info("as argument %s", value)
    blind_log.logger.info("as repr %r", value)
    blind_log.logger.info("among others %s %s", 1, value)
    blind_log.logger.info("in a list %s", [value])
    blind_log.logger.info("as extra", extra={"value": value})
    blind_log.logger.info(value)
    assert SECRET not in blind_log.text
    assert blind_log.text.count("as argument") == 1


def _fail() -> None:
    try:
        raise KeyError(f"token={SECRET}")
    except KeyError as inner:
        raise RuntimeError(f"could not reach postgresql://bot:{SECRET}@db/x") from inner


def test_secret_in_a_chain_of_exceptions_is_not_written_but_both_are_told(blind_log: Log) -> None:
    try:
        _fail()
    except RuntimeError:
        blind_log.logger.exception("cycle failed")
    assert SECRET not in blind_log.text
    for part in ("cycle failed", "KeyError", "RuntimeError: could not reach", "direct cause", "in _fail"):
        assert part in blind_log.text


def test_secret_in_an_exception_group_is_not_written(blind_log: Log) -> None:
    group = ExceptionGroup("two faults", [ValueError(f"api_key={SECRET}"), OSError("unplugged")])
    blind_log.logger.error("failed", exc_info=group)
    assert SECRET not in blind_log.text
    assert "unplugged" in blind_log.text


def test_known_secret_is_not_written_wherever_it_stands(any_log: Log) -> None:
    try:
        raise ValueError(f"odd {SECRET}")
    except ValueError:
        any_log.logger.exception("plain %s", SECRET, extra={"city": SECRET, SECRET: 1}, stack_info=True)
    assert SECRET not in any_log.text
    assert "ValueError: odd [redacted]" in any_log.text


def test_known_secret_with_characters_that_get_escaped_is_not_written() -> None:
    secret = 'pa"ss\\wörd\n1'
    for log_format in FORMATS:
        log = Log("INFO", log_format, frozenset({secret}))
        log.logger.info("%r and %s", secret, json.dumps({"x": secret}))
        assert "wörd" not in log.text
        assert "rd\\n1" not in log.text


def test_short_known_secret_does_not_eat_ordinary_words() -> None:
    log = Log("INFO", "text", frozenset({"dev", ""}))
    log.logger.info("developer device")
    assert "developer device" in log.text


def test_stack_info_is_written_without_secrets(json_log: Log) -> None:
    token = SECRET
    json_log.logger.info("where", stack_info=True)
    (entry,) = json_log.entries
    assert entry["stack"].startswith("Stack (most recent call last):")
    assert token not in json_log.text


@pytest.mark.parametrize(
    ("template", "args", "expected"),
    [
        ("%d markets, %.2f s, %s", (6, 0.5, Decimal("0.43")), "6 markets, 0.50 s, 0.43"),
        ("%.3f", (Fraction(1, 3),), "0.333"),
        ("%(city)s %(n)03d", ({"city": "CHI", "n": 7},), "CHI 007"),
        ("100%", (), "100%"),
        ("%s", (("a", "b"),), "('a', 'b')"),
        ("%s of %s", ("intent_key", "CHI"), "intent_key of CHI"),
    ],
)
def test_harmless_arguments_are_written_as_given(
    json_log: Log, template: str, args: tuple[Any, ...], expected: str
) -> None:
    json_log.logger.info(template, *args)
    assert json_log.entries[0]["message"] == expected


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("template", "args"),
    [
        ("%d", ("six",)),
        ("%s %s", ("only one",)),
        ("%(a)s", ({"b": 1},)),
        ("none", ("too", "many")),
        ("%s", (Mute(),)),
    ],
)
def test_arguments_that_do_not_fit_neither_raise_nor_vanish(
    blind_log: Log, template: str, args: tuple[Any, ...]
) -> None:
    blind_log.logger.info(template, *args)
    assert "arguments do not fit" in blind_log.text
    assert template in blind_log.text


def test_arguments_that_do_not_fit_are_written_without_secrets(blind_log: Log) -> None:
    blind_log.logger.info("%d %d", {"password": SECRET}, f"token={SECRET}")
    assert SECRET not in blind_log.text
    assert "arguments do not fit" in blind_log.text


def test_message_that_is_no_text_is_written(json_log: Log) -> None:
    json_log.logger.info({"city": "CHI", "token": SECRET})
    assert json_log.entries[0]["message"] == "{'city': 'CHI', 'token': [redacted]}"


def test_readable_line_from_outside_cannot_pose_as_a_record_or_steer_the_terminal(text_log: Log) -> None:
    forged = "bad\n12:00:00Z INFO    all is well\x1b[2J"
    text_log.logger.info("service said %s", forged, extra={"body": forged})
    lines = text_log.text.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("    ")
    assert "\x1b" not in text_log.text
    assert "body=bad\\n12:00:00Z" in text_log.text


def test_record_passed_on_to_other_handlers_is_redacted_too(json_log: Log) -> None:
    seen: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    json_log.logger.addHandler(Keep())
    json_log.logger.info("token=%s", SECRET, extra={"api_key": SECRET})
    assert SECRET not in repr(seen[0].__dict__)


def test_redaction_of_a_traceback_another_handler_formatted_first(json_log: Log) -> None:
    record = logging.makeLogRecord({"msg": "late", "exc_text": f"ValueError: token={SECRET}"})
    json_log.handler.handle(record)
    assert SECRET not in json_log.text
    assert "ValueError" in json_log.entries[0]["traceback"]


@pytest.fixture(autouse=True)
def _logging_errors_are_loud() -> Iterator[None]:
    """A handler that fails would print and go on: here that is a failed test."""
    handle_error = logging.Handler.handleError

    def fail(self: logging.Handler, record: logging.LogRecord) -> None:
        raise

    logging.Handler.handleError = fail  # type: ignore[method-assign]
    yield
    logging.Handler.handleError = handle_error  # type: ignore[method-assign]
