"""The Retry-After header in its two forms, and what is none."""

from datetime import UTC, datetime

import pytest

from milkbot.core.retry_after import LONGEST_S, seconds_asked

NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        (" 17 ", 17.0),
        ("99999999999999", LONGEST_S),
        ("Fri, 20 Nov 2026 18:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2026 17:59:00 GMT", 0.0),
        ("Fri, 20 Nov 2099 18:00:00 GMT", LONGEST_S),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Fri, 99 Nov 2026 18:00:00 GMT", None),
    ],
)
def test_seconds_asked(header: str | None, seconds: float | None) -> None:
    assert seconds_asked(header, NOW) == seconds
