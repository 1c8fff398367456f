"""What the public may read: the delayed and live views, as frozen values. The only door publicsite has to data."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from django.db import models
from django.db.models import Count, F, Func, Max, Min, Q, Sum, Value
from pydantic import AwareDatetime, BaseModel, ConfigDict

from analytics.models import (
    HealthSummaryView,
    PublicBannerView,
    PublicEquityView,
    PublicLockView,
    PublicMarketView,
    PublicObservationView,
    PublicSignalView,
    PublicSkillView,
    PublicTradeView,
    PublicWeatherView,
)
from milkbot.core.config import TradingMode
from milkbot.core.health import Component
from milkbot.core.money import ZERO

_MOST_POINTS = 360
_FINEST_BIN = timedelta(minutes=1)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Banner(_Frozen):
    """Whose numbers these are. `world` is empty when the data are the live ones."""

    mode: TradingMode
    profile: str
    world: str


class PublicTrade(_Frozen):
    """One execution at least 60 minutes old; `price` dollars per contract of the side named."""

    city: str
    market_type: str
    side: str
    qty: Decimal
    price: Decimal
    fill_time: AwareDatetime


class EquityPoint(_Frozen):
    """The account at `at`, at least 60 minutes ago; dollars."""

    at: AwareDatetime
    total_equity: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal


class PublicMarket(_Frozen):
    """One bracket with its latest prices (dollars on the YES book; None when nobody quotes)."""

    ticker: str
    event_ticker: str
    city: str
    event_date: date
    refusal: str
    refusal_text: str
    label: str
    low_f: int | None
    high_f: int | None
    close_at: AwareDatetime
    status: str
    result: str
    expiration_value: str
    settled_at: AwareDatetime | None
    last_seen_at: AwareDatetime | None
    yes_bid: Decimal | None
    yes_ask: Decimal | None
    volume: Decimal | None


class ForecastHigh(_Frozen):
    """NWS forecast of one climate day's high, °F.

    `issued_at` is set where it is older than the forecast in force, which says nothing of that day any more.
    """

    day: date
    high_f: int
    issued_at: AwareDatetime | None = None


class PublicWeather(_Frozen):
    """The latest word on a city's weather."""

    city: str
    station: str
    observed_temp_c: float | None
    observed_at: AwareDatetime | None
    highs: tuple[ForecastHigh, ...]
    issued_at: AwareDatetime | None
    fetched_at: AwareDatetime

    def high_on(self, day: date) -> ForecastHigh | None:
        """What was last said of climate day `day`."""
        return next((entry for entry in self.highs if entry.day == day), None)


class PublicLock(_Frozen):
    """A hold on trading in `scope`: a city code, an event ticker, or `*` (then `city` is None).

    One that our own trading caused is seen as it stood 60 minutes ago, and without its words.
    """

    scope: str
    city: str | None
    code: str
    message: str
    needs_person: bool
    from_own_trading: bool
    locked_at: AwareDatetime


class TradeCount(_Frozen):
    """How much was traded: released executions and their contracts."""

    fills: int
    contracts: Decimal


class SkillDay(_Frozen):
    """A climate day's mean log losses over its events, nats. `band` counts four hours from noon of the day before; None is
    all hours together. Every event in it has been settled and scored for 60 minutes."""

    event_date: date
    band: int | None
    events: int
    scores: int
    our_loss: float
    market_loss: float

    @property
    def ours(self) -> float:
        return self.our_loss

    @property
    def market(self) -> float:
        return self.market_loss


class ComponentHealth(_Frozen):
    """A component's last sign of life, judged by the database at the moment of reading."""

    component: Component
    ok: bool
    last_ok_at: AwareDatetime | None
    message: str
    degraded: bool
    degraded_after_s: int


Row = TypeVar("Row", bound=BaseModel)


def _read(row: type[Row], rows: "models.QuerySet[Any, Any]") -> tuple[Row, ...]:
    return tuple(row.model_validate(values) for values in rows.values(*row.model_fields))


def read_banner() -> Banner | None:
    """The published mode, or None while nothing is published."""
    return next(iter(_read(Banner, PublicBannerView.objects.all())), None)


def read_trades(limit: int = 100) -> tuple[PublicTrade, ...]:
    """The latest `limit` released executions, newest first; ties in a fixed order, so that a page is stable."""
    order = ("-fill_time", "city", "market_type", "side", "price", "qty")
    return _read(PublicTrade, PublicTradeView.objects.order_by(*order)[:limit])


def count_trades(since: datetime) -> TradeCount:
    """Released executions from `since` on."""
    rows = PublicTradeView.objects.filter(fill_time__gte=since)
    counted = rows.aggregate(fills=Count("*"), contracts=Sum("qty"))
    return TradeCount(fills=counted["fills"], contracts=counted["contracts"] or ZERO)


def read_locks() -> tuple[PublicLock, ...]:
    """Locks on trading, those a person must clear first, then the oldest; ties in a fixed order."""
    return _read(PublicLock, PublicLockView.objects.order_by("-needs_person", "locked_at", "scope", "code"))


def read_markets() -> tuple[PublicMarket, ...]:
    """Every bracket of the three newest events of each city: by city, newest event first, hottest bracket first."""
    order = ("city", "-event_date", F("low_f").desc(nulls_last=True))
    return _read(PublicMarket, PublicMarketView.objects.order_by(*order))


def read_weather() -> Mapping[str, PublicWeather]:
    """The latest weather by city code."""
    return {weather.city: weather for weather in _read(PublicWeather, PublicWeatherView.objects.all())}


def read_probabilities() -> Mapping[str, float]:
    """Our probability of YES by market ticker, as it stood 60 minutes ago."""
    return dict(PublicSignalView.objects.values_list("ticker", "p_yes"))


def read_highest_so_far(days: Mapping[str, tuple[datetime, datetime]]) -> Mapping[str, float]:
    """Highest METAR reading in °C per city between the bounds given for it (start inclusive, end exclusive).

    Five-minute records are left out: they carry whole °C, which can be one °F above what was measured.
    """
    bounds = Q()
    for city, (start, end) in days.items():
        bounds |= Q(city=city, observed_at__gte=start, observed_at__lt=end)
    if not bounds:
        return {}
    rows = PublicObservationView.objects.filter(bounds, is_metar=True).values("city")
    return dict(rows.annotate(highest=Max("temp_c")).order_by().values_list("city", "highest"))


def read_skill() -> tuple[SkillDay, ...]:
    """Released means of the last 60 climate days, oldest first."""
    return _read(SkillDay, PublicSkillView.objects.order_by("event_date", "band"))


def read_equity(since: datetime) -> tuple[EquityPoint, ...]:
    """Released account points from `since` on, oldest first: the last one of each of at most 360 equal bins.

    Binning happens in the database, so a month of minutes costs the page no more than an hour of them. A time without
    cycles is a time without points: nothing is filled in.
    """
    points = PublicEquityView.objects.filter(at__gte=since)
    span = points.aggregate(first=Min("at"), last=Max("at"))
    if span["first"] is None:
        return ()
    width = max((span["last"] - span["first"]) / _MOST_POINTS, _FINEST_BIN)
    binned = Func(
        Value(width), F("at"), Value(span["first"]), function="date_bin", output_field=models.DateTimeField()
    )
    chosen = points.annotate(bin=binned).order_by("bin", "-at").distinct("bin")
    # DISTINCT ON needs its column among the values.
    return tuple(
        EquityPoint.model_validate(values) for values in chosen.values("bin", *EquityPoint.model_fields)
    )


def read_health() -> tuple[ComponentHealth, ...]:
    """All six components in their fixed order, also those never heard of."""
    rows = {health.component: health for health in _read(ComponentHealth, HealthSummaryView.objects.all())}
    return tuple(rows[component] for component in Component if component in rows)
