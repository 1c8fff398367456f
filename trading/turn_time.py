"""Whether a turn's time may be traded on: no older than the last turn's, and not from a clock that ran away.

The exchange's clock judges: a turn dated far beyond it stores and sends nothing. Where nothing told the exchange's time such a
turn may be on record all the same. It sent nothing either, for an account that does not answer is never traded on, and
the first turn that knows better passes it over.
"""

from datetime import datetime, timedelta
from typing import Final

from milkbot.core.config import TradingMode
from milkbot.core.errors import MilkbotError
from milkbot.logger import logger
from trading.breakers import trip
from trading.domain.breakers import Breaker, Trip
from trading.domain.types import RiskEvent, Severity
from trading.models import CycleRow
from trading.repositories.risk_events import record_risk_event

FAR_OFF: Final = timedelta(minutes=5)
"""A clock that is wrong by less locks trading and is on record; within so long it is right again by itself."""


class StaleTurn(MilkbotError):
    """A later turn has already been taken; this one stored and sent nothing."""


class WrongClock(MilkbotError):
    """This turn's time lies far beyond the exchange's; it stored and sent nothing."""


def time_there(ours: datetime, skew_s: float | None) -> datetime | None:
    """The exchange's clock, when ours shows `ours` and its last answer was `skew_s` seconds from it."""
    return None if skew_s is None else ours + timedelta(seconds=skew_s)


def refuse_the_future(mode: TradingMode, now: datetime, there: datetime | None) -> None:
    """Raises WrongClock, and locks trading, when `now` is FAR_OFF beyond the exchange's time `there`."""
    if there is None or now - there <= FAR_OFF:
        return
    off = f"this turn's time, {now:%d %b %H:%M:%S}Z, lies far beyond the exchange's, {there:%d %b %H:%M:%S}Z"
    trip(mode, Trip(Breaker.CLOCK_SKEW, f"{off}: set our clock by NTP"), there)
    raise WrongClock(off)


def refuse_the_past(mode: TradingMode, now: datetime, there: datetime | None) -> None:
    """A turn that was held up, or a clock that stepped back, would decide on prices that are already history.

    Raises StaleTurn. A last turn whose time has not come by the exchange's clock, and will not for FAR_OFF, was none.
    """
    last = CycleRow.objects.filter(mode=mode).order_by("-pk").values_list("started_at", flat=True).first()
    if last is None or now >= last:
        return
    if there is None or last - there <= FAR_OFF:
        raise StaleTurn(f"this turn's time, {now:%H:%M:%S}, lies before the last one's, {last:%H:%M:%S}")
    passed_over = f"the last turn was dated {last:%d %b %H:%M:%S}Z by a wrong clock: passed over"
    logger.warning("a turn of a wrong clock is passed over", extra={"dated": last.isoformat()})
    record_risk_event(
        RiskEvent(
            at=now, severity=Severity.WARNING, event_type=Breaker.CLOCK_SKEW, mode=mode, message=passed_over
        )
    )
