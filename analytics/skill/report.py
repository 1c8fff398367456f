"""Our score beside the market's at the same instants, by city, lead and hour, for who wants to see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from analytics.skill.comparing import Line, Pair, compare, compare_by
from analytics.skill.pairs import count_skipped, read_days, read_pairs
from milkbot.core.config import TradingMode
from trading.backtest.results import FLAT, P_MODEL, P_TRADE

SHOWN_FOR: Final = timedelta(days=90)
_LEADS: Final = ((0, "0 h, after the peak"), (6, "1 to 6 h"), (12, "7 to 12 h"), (27, "13 to 27 h"))
"""Most hours until the usual hour of the high, and how that is called."""


@dataclass(frozen=True, slots=True)
class Report:
    """Log losses in nats per event, each line's as `analytics.skill.comparing.Line` defines them."""

    mode: TradingMode
    forecaster: str
    since: date
    forecasters: tuple[Line, ...]
    """Over all hours: p_model, p_trade, flat, then every strategy."""
    by_hour: tuple[Line, ...]
    by_city: tuple[Line, ...]
    by_lead: tuple[Line, ...]
    skipped: dict[str, int]
    """Event hours at which the forecaster could not be scored, by reason."""

    @property
    def total(self) -> Line:
        """The forecaster over all hours."""
        return next(line for line in self.forecasters if line.label == self.forecaster)

    def as_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {
            "mode": self.mode.value,
            "forecaster": self.forecaster,
            "since": self.since.isoformat(),
            "forecasters": [line_as_json(line) for line in self.forecasters],
            "by_hour": [line_as_json(line) for line in self.by_hour],
            "by_city": [line_as_json(line) for line in self.by_city],
            "by_lead": [line_as_json(line) for line in self.by_lead],
            "skipped": self.skipped,
        }


def read_report(mode: TradingMode, forecaster: str, now: datetime, *, span: timedelta = SHOWN_FOR) -> Report:
    """The scores of `mode` over the climate days of the last `span`."""
    since = (now - span).date()
    pairs = read_pairs(mode, forecaster, since)
    days = read_days(mode, since)
    names = dict.fromkeys((P_MODEL, P_TRADE, FLAT, *days, forecaster))
    return Report(
        mode=mode,
        forecaster=forecaster,
        since=since,
        forecasters=tuple(compare(name, days.get(name, ())) for name in names),
        by_hour=by_hour(pairs),
        by_city=compare_by(pairs, lambda pair: pair.city_code, lambda pair: pair.city_code),
        by_lead=compare_by(pairs, lambda pair: _lead(pair)[0], lambda pair: _lead(pair)[1]),
        skipped=count_skipped(mode, forecaster, since),
    )


def by_hour(pairs: Iterable[Pair]) -> tuple[Line, ...]:
    """One line for each local standard hour, the day before's first."""
    return compare_by(pairs, lambda pair: pair.local_hour, lambda pair: hour_words(pair.local_hour))


def hour_words(local_hour: int) -> str:
    return f"{local_hour:02d}:00" if local_hour >= 0 else f"{local_hour + 24:02d}:00 day before"


def line_as_json(line: Line) -> dict[str, Any]:
    return {
        "label": line.label,
        "scores": line.scores,
        "events": line.events,
        "days": line.days,
        "ours": line.ours,
        "market": line.market,
        "difference": line.difference,
        "interval": list(line.interval) if line.interval else None,
        "sentence": line.sentence,
    }


def _lead(pair: Pair) -> tuple[int, str]:
    return next(found for found in _LEADS if pair.lead_hours <= found[0])
