"""What the exchange expected of a day when it laid its brackets: their middle, as a forecast.

Strikes are terms of a contract, public from its opening, and no price. The exchange lays them around a forecast of its
own, so that their middle stands in for the weather service's of that time where a recording has none (that of May 2025
has weaker ones, an imported archive only the National Blend's). Where the service speaks it is not heard: it would be an
older copy. Live needs none of this, nor does a past lived through the live cycle: the service's grid always speaks
there, or its forecast is stale and nothing is traded.

No number here or in `weather.domain.combining` was chosen for it. Its prior is the service's measured spread at the lead
of the opening, its bias starts as any source's, at 0 and as uncertain; both are learned like any other's.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from markets.domain.ladder import bracket_of
from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from trading.backtest.recorded_types import RecordedEvent
from weather.domain.brackets import middle_f
from weather.domain.calibration import PEAK_HOUR_LST
from weather.domain.combining import LADDER, SourceHigh

_WEATHER_SERVICE: Final = "nws"
"""What the names of its own forecasts begin with: the grid's, the bulletin's, the simulated one's."""
_HOUR: Final = timedelta(hours=1)


def ladder_high(event: RecordedEvent) -> SourceHigh | None:
    """The middle of the event's brackets, issued at its opening; None where no bracket is closed.

    Its errors are taken to be those of a forecast of the weather service of that lead until its own are known.
    """
    brackets = (bracket_of(entry.market) for entry in event.markets)
    middle = middle_f([(each.low_f, each.high_f) for each in brackets])
    if middle is None:
        return None
    start, _ = climate_day_bounds(event.event_date, load_cities()[event.city_code].std_offset_hours)
    lead_h = (start + PEAK_HOUR_LST * _HOUR - event.open_at) / _HOUR
    return SourceHigh(LADDER, middle, event.open_at, stands_at_h=lead_h)


def stands_in(ladder: SourceHigh, said: Iterable[SourceHigh], now: datetime) -> bool:
    """Whether the ladder had been laid by `now`, and nobody of the weather service is among those who spoke."""
    return ladder.issued_at <= now and not any(high.source.startswith(_WEATHER_SERVICE) for high in said)
