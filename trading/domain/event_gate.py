"""What stops a whole city-day: the exchange's side first, then ours."""

from datetime import timedelta

from milkbot.core.climate_day import standard_time
from trading.domain.gates import PASSED, Gate
from trading.domain.inputs import EVERYWHERE, CityView, EventContext
from trading.domain.strategies.intraday_nowcast import nowcast_silence
from trading.domain.types import ReasonCode


def check_event(view: CityView, event: EventContext) -> Gate:
    """The first reason not to trade any bracket of the event, most fundamental first."""
    board, around = event.board, event.around
    if board.refusal is not None:
        return Gate(False, _refusal_code(board.refusal), board.refusal_text)
    if board.fees is None:
        return Gate(False, ReasonCode.FEES_UNKNOWN, "the series charges in a way we cannot compute")
    if not around.exchange_trading:
        return Gate(False, ReasonCode.EXCHANGE_PAUSED, "the exchange has paused trading")
    if not around.account_known:
        return Gate(
            False, ReasonCode.ACCOUNT_UNSURE, "the account could not be read, or differs from our books"
        )
    return _check_weather(view, event) and _check_locks(event) and _check_outlook(view, event)


def _check_locks(event: EventContext) -> Gate:
    """After the weather, so that a lock speaks only when its cause no longer speaks for itself."""
    if {EVERYWHERE, event.city.code, event.board.event_ticker} & event.around.locked_scopes:
        return Gate(False, ReasonCode.LOCKED, "a breaker holds it")
    return PASSED


def _check_weather(view: CityView, event: EventContext) -> Gate:
    weather, now = view.weather, event.around.now
    if weather is None:
        return Gate(False, ReasonCode.FORECAST_MISSING, "no weather has been read")
    if weather.is_stale(now):
        return Gate(
            False,
            ReasonCode.WEATHER_STALE,
            f"fetched {(now - weather.captured_at) // timedelta(minutes=1)} min ago",
        )
    if weather.issuance_blocks(now):
        issued = f"{weather.issued_at:%d %b %H:%MZ}" if weather.issued_at else "never"
        return Gate(False, ReasonCode.ISSUANCE_OLD, f"forecast issued {issued}")
    return PASSED


def _check_outlook(view: CityView, event: EventContext) -> Gate:
    """A forecast speaks of this event, not too early; once the day shows its own high it must be one that looks."""
    event_date, policy = event.board.event_date, event.around.policy
    outlook = view.outlooks.get(event_date)
    if outlook is None:
        return Gate(False, ReasonCode.FORECAST_MISSING, f"no forecast high for {event_date}")
    if outlook.lead_hours > policy.max_lead_hours:
        return Gate(False, ReasonCode.LEAD_TOO_LONG, f"{outlook.lead_hours:.0f} h ahead")
    offset = event.city.std_offset_hours
    if outlook.nowcast is not None and nowcast_silence(outlook, event.around.now, offset) is None:
        return PASSED  # it knows the night as well: its maximum is in the maximum so far
    if is_under_way(event):
        hour = standard_time(event.around.now, offset).hour
        return Gate(
            False, ReasonCode.DAY_UNDER_WAY, f"{hour:02d} h {event.city.std_zone}: the day shows its own high"
        )
    return _check_night(view, event)


def is_under_way(event: EventContext) -> bool:
    """Whether the day shows its own high by now: nothing that does not look at its readings is acted on."""
    now, offset, event_date = event.around.now, event.city.std_offset_hours, event.board.event_date
    local = standard_time(now, offset)
    begun = local.hour >= event.around.policy.whole_day_until_hour
    return local.date() > event_date or (local.date() == event_date and begun)


def _check_night(view: CityView, event: EventContext) -> Gate:
    """The hours before the day's morning are forecast or were measured: a warm midnight may hold the high."""
    highs = view.weather.highs if view.weather else ()
    if any(high.day == event.board.event_date and not high.knows_night for high in highs):
        return Gate(
            False,
            ReasonCode.FORECAST_INCOMPLETE,
            "hours before its morning are in no forecast and no reading",
        )
    return PASSED


def _refusal_code(refusal: str) -> ReasonCode:
    return ReasonCode(refusal) if refusal in ReasonCode.__members__ else ReasonCode.BAD_MARKET_DATA
