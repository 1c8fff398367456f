"""What a cycle knows that may stop trading, gathered for the breakers."""

from datetime import datetime

from milkbot.core.config import TradingMode
from trading.breakers import apply_trips, count_rejects, daily_pnl
from trading.domain.breakers import Facts, is_overdue, trips
from trading.domain.types import OrderState
from trading.reading import Reading
from trading.repositories.accounts import value_account
from trading.repositories.orders import OrderRepository


def guard(mode: TradingMode, reading: Reading, now: datetime, *, skew_s: float | None = None) -> None:
    """Trip what these facts trip, before anything is decided; the prices just stored value the account."""
    orders = OrderRepository(mode)
    unknown = orders.in_states([OrderState.UNKNOWN])
    lost_at = orders.unknown_since() if unknown else {}
    # One that an operator moved between the two reads is no longer unknown.
    since = [(order, lost_at[order.client_order_id]) for order in unknown if order.client_order_id in lost_at]
    facts = Facts(
        stale_weather={
            view.city.code: "its weather has not been refreshed for too long"
            for view in reading.views
            if view.weather is not None and view.weather.is_stale(now)
        },
        stale_prices=dict.fromkeys(reading.failed_prices, "its markets could not be read"),
        skew_s=skew_s,
        rejects=count_rejects(mode, now),
        day_pnl=daily_pnl(mode, value_account(mode), now),
        overdue=tuple(
            f"{order.intent_key} since {at:%H:%M:%S}" for order, at in since if is_overdue(order, now - at)
        ),
    )
    apply_trips(mode, trips(facts), now)
