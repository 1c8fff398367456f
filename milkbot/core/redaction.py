"""Keeps secrets out of logs: by the name they stand under, by their shape, and by their registered value."""

import re
from collections.abc import Mapping
from typing import Any, Final

REDACTED: Final = "[redacted]"

_SECRET_NAME = re.compile(r"key|token|password|passwd|secret|authorization|signature|credential|dsn", re.IGNORECASE)
# Names that contain a secret-looking word but carry none, and are needed to read a log.
_HARMLESS_NAMES = frozenset({"intent_key", "key_id_hint", "idempotency_key", "natural_key", "unique_key", "keys"})

_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL)
_URL_PASSWORD = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"""(?P<name>["']?[\w.-]*(?:key|token|password|passwd|secret|authorization|signature|credential)[\w.-]*["']?)
        (?P<sep>\s*[=:]\s*)
        (?P<value>"[^"]*"|'[^']*'|(?:bearer|basic)\s+\S+|[^\s,;)}\]]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a value under this name must not be shown."""
    lowered = name.strip("\"'").lower()
    return lowered not in _HARMLESS_NAMES and bool(_SECRET_NAME.search(lowered))


def redact_text(text: str, known_secrets: frozenset[str] = frozenset()) -> str:
    """`text` with private keys, URL passwords, `name=value` secrets and every known secret value replaced."""
    for secret in known_secrets:
        text = text.replace(secret, REDACTED)
    text = _PEM.sub(REDACTED, text)
    text = _URL_PASSWORD.sub(rf"\g<scheme>:{REDACTED}@", text)
    text = _ASSIGNMENT.sub(_redact_assignment, text)
    return _BEARER.sub(rf"\1 {REDACTED}", text)


def redact(value: Any, known_secrets: frozenset[str] = frozenset()) -> Any:
    """`value` made safe to log: mappings and sequences are walked, strings are scanned, other objects pass."""
    if isinstance(value, str):
        return redact_text(value, known_secrets)
    if isinstance(value, bytes):
        return redact_text(value.decode(errors="replace"), known_secrets)
    if isinstance(value, Mapping):
        return {
            key: REDACTED if isinstance(key, str) and is_secret_name(key) else redact(item, known_secrets)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)(redact(item, known_secrets) for item in value)
    return value


def _redact_assignment(match: re.Match[str]) -> str:
    if not is_secret_name(match["name"]):
        return match[0]
    return f"{match['name']}{match['sep']}{REDACTED}"
