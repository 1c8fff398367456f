"""How a simulated day is judged."""

from collections.abc import Sequence

import pytest

from benchmarks.day import MOST_GROWTH_MB, Day, Size, broken_limits, quarters, works_of_schedule
from milkbot.core.config import get_config
from trading.schedule import schedule


def day(*, grown_mb: float = 10, rss_mb: Sequence[float] = (100.0,) * 24) -> Day:
    before, after = Size(20_000_000, {}), Size(round(20_000_000 + grown_mb * 1_000_000), {})
    return Day(before, after, rss_mb, cycles=60 * len(rss_mb), faults=0, elapsed_s=1)


@pytest.mark.parametrize(
    ("lived", "words"),
    [
        (day(), []),
        (day(grown_mb=MOST_GROWTH_MB), []),
        (day(grown_mb=60.1), ["grew by 60.1 MB a day"]),
        (day(grown_mb=30.1, rss_mb=[100] * 12), ["grew by 60.2 MB a day"]),
        (day(rss_mb=[100.0] * 6 + [103] * 12 + [104.9] * 6), []),
        (day(rss_mb=[100.0] * 6 + [103] * 12 + [106] * 6), ["rose from 100.0 to 106.0 MB"]),
    ],
)
def test_day_is_judged_by_growth_and_memory(lived: Day, words: list[str]) -> None:
    sentences = broken_limits(lived)

    assert len(sentences) == len(words)
    assert all(word in sentence for word, sentence in zip(words, sentences, strict=True))


def test_quarters_of_a_single_hour_are_that_hour() -> None:
    assert quarters([7.0]) == (7.0, 7.0)


def test_day_knows_every_task_of_the_schedule() -> None:
    works = works_of_schedule(lambda now: None, "http://127.0.0.1:1")

    assert works.keys() == {entry.task for entry in schedule(get_config())}
