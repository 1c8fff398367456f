"""The skill panel: whether our forecast beats the market's price of the same instant, in words first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analytics.public import SkillDay
from analytics.skill.bands import BAND_HOURS
from analytics.skill.comparing import compare
from analytics.skill.forest import Forest, Mark, build_forest, build_mark
from analytics.skill.instants import FIRST_HOUR
from publicsite import words

SHOWN_DAYS: Final = 60


@dataclass(frozen=True)
class SkillPanel:
    """`total` is over all hours, `forest` by four hours of the event's day."""

    total: Mark
    forest: Forest
    last_day: str


def build_panel(days: Sequence[SkillDay]) -> SkillPanel | None:
    """The panel of released `days`, oldest first; None while there is none."""
    if not days:
        return None
    bands = sorted({day.band for day in days if day.band is not None})
    lines = [compare(band_words(band), [day for day in days if day.band == band]) for band in bands]
    return SkillPanel(
        total=build_mark(compare("All hours", [day for day in days if day.band is None])),
        forest=build_forest(lines),
        last_day=words.day_words(days[-1].event_date),
    )


def band_words(band: int) -> str:
    """The hours of a band, local standard time: "20:00 to 23:59, day before"."""
    first = FIRST_HOUR + BAND_HOURS * band
    hours = f"{first % 24:02d}:00 to {first % 24 + BAND_HOURS - 1:02d}:59"
    return f"{hours}, day before" if first < 0 else hours
