"""Typed, keyword-only makers of stored rows for the tests of the faces (views, pages, console)."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from markets.models import EventRow, MarketRow, MarketSnapshotRow
from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from milkbot.models import InstallationRow
from trading.domain.types import Action, OrderState, Side, TradingState, book_side_of
from trading.models import (
    ControlsRow,
    CycleRow,
    FillRow,
    IntentRow,
    LedgerRow,
    OrderEventRow,
    OrderRow,
    PositionRow,
    SignalRow,
)
from weather.models import ObservationRow, WeatherSnapshotRow

DAY = date(2025, 5, 14)
NOON = datetime(2025, 5, 14, 18, 0, tzinfo=UTC)
"""Noon in Chicago's standard time."""
CHICAGO_CLOSE = datetime(2025, 5, 15, 5, 59, tzinfo=UTC)
LADDER = ((None, 71), (72, 73), (74, 75), (76, 77), (78, 79), (80, None))
SHADOW = TradingMode.SHADOW


def label_of(low_f: int | None, high_f: int | None) -> str:
    if low_f is None:
        return f"{high_f}° or below"
    return f"{low_f}° or above" if high_f is None else f"{low_f}° to {high_f}°"


def publish(*, mode: TradingMode = SHADOW, world: str = "recorded world, May 2025") -> ControlsRow:
    """The published mode's switch, and the installation the banner names."""
    InstallationRow.objects.get_or_create(
        defaults={"profile": "recorded", "world": world, "created_at": NOON}
    )
    return ControlsRow.objects.create(
        mode=mode, state=TradingState.ACTIVE.value, changed_at=NOON, is_published=True
    )


def make_event(
    *, city: str = "CHI", day: date = DAY, close_at: datetime = CHICAGO_CLOSE, refusal: str = ""
) -> EventRow:
    return EventRow.objects.create(
        event_ticker=f"KXHIGH{city}-{day:%y%b%d}".upper(),
        series_ticker=f"KXHIGH{city}",
        city_code=city,
        event_date=day,
        close_at=close_at,
        refusal=refusal,
        refusal_text=f"{refusal} in words" if refusal else "",
        first_seen_at=close_at - timedelta(days=2),
    )


def make_market(
    event: EventRow, low_f: int | None, high_f: int | None, *, status: str = "active", result: str = ""
) -> MarketRow:
    final = status == "finalized"
    return MarketRow.objects.create(
        event=event,
        ticker=f"{event.event_ticker}-{low_f}-{high_f}",
        city_code=event.city_code,
        event_date=event.event_date,
        low_f=low_f,
        high_f=high_f,
        label=label_of(low_f, high_f),
        status=status,
        open_at=event.close_at - timedelta(days=2),
        close_at=event.close_at,
        result=result,
        expiration_value="75" if final else "",
        settled_at=event.close_at + timedelta(hours=9) if final else None,
    )


def make_ladder(
    event: EventRow, *, status: str = "active", winner: tuple[int, int] | None = None
) -> list[MarketRow]:
    """The six markets of an event, coldest first."""
    markets = []
    for bounds in LADDER:
        result = "" if winner is None else ("yes" if bounds == winner else "no")
        markets.append(make_market(event, *bounds, status=status, result=result))
    return markets


def make_snapshot(
    market: MarketRow,
    *,
    bid: str | None = "0.40",
    ask: str | None = "0.42",
    at: datetime = NOON,
    volume: str = "1000",
) -> MarketSnapshotRow:
    return MarketSnapshotRow.objects.create(
        market=market,
        city_code=market.city_code,
        captured_at=at,
        last_seen_at=at,
        status=market.status,
        yes_bid=Decimal(bid) if bid else None,
        yes_bid_size=Decimal(10) if bid else None,
        yes_ask=Decimal(ask) if ask else None,
        yes_ask_size=Decimal(10) if ask else None,
        volume=Decimal(volume),
        open_interest=Decimal(0),
    )


def make_order(
    market: MarketRow,
    *,
    side: Side = Side.YES,
    action: Action = Action.BUY,
    price: str = "0.41",
    count: str = "10",
    state: OrderState = OrderState.FILLED,
    mode: TradingMode = SHADOW,
    at: datetime = NOON,
) -> OrderRow:
    """An order with the intent it came from."""
    shared = {
        "mode": mode,
        "market": market,
        "side": side,
        "action": action,
        "book_side": book_side_of(side, action),
        "count": Decimal(count),
        "limit_price": Decimal(price),
    }
    intent = IntentRow.objects.create(
        **shared,
        intent_key=f"{mode}:{uuid.uuid4()}",
        city_code=market.city_code,
        event_date=market.event_date,
        strategy="ensemble",
        max_cost=Decimal(count),
        p_yes=0.5,
        decided_at=at,
        fencing=1,
    )
    order = OrderRow.objects.create(
        **shared,
        intent=intent,
        client_order_id=uuid.uuid4(),
        time_in_force="immediate_or_cancel",
        state=state,
        created_at=at,
        updated_at=at,
    )
    OrderEventRow.objects.create(order=order, version=1, to_state=state, event="made", at=at)
    return order


def make_fill(
    order: OrderRow | None, *, market: MarketRow | None = None, at: datetime = NOON, price: str = "0.41"
) -> FillRow:
    """A fill of `order`; with None, one placed by hand in `market`."""
    held = order.market if order else market
    assert held is not None
    return FillRow.objects.create(
        fill_id=str(uuid.uuid4()),
        mode=order.mode if order else SHADOW,
        order=order,
        market=held,
        book_side=order.book_side if order else "bid",
        count=order.count if order else Decimal(1),
        yes_price=Decimal(price),
        fee=Decimal("0.17"),
        is_taker=True,
        filled_at=at,
    )


def make_position(
    market: MarketRow, *, count: str = "10", cost: str = "4.10", at: datetime = NOON
) -> PositionRow:
    return PositionRow.objects.create(
        mode=SHADOW,
        market=market,
        count=Decimal(count),
        cost=Decimal(cost),
        is_open=True,
        opened_at=at,
        updated_at=at,
    )


def make_signal(
    market: MarketRow, *, p_yes: float = 0.5, at: datetime = NOON, mode: TradingMode = SHADOW
) -> SignalRow:
    return SignalRow.objects.create(
        mode=mode,
        market=market,
        city_code=market.city_code,
        event_date=market.event_date,
        made_at=at,
        seen_until=at,
        p_yes=p_yes,
        uncertainty=0.05,
        decision="HOLD",
    )


def make_deposit(*, amount: str = "10000", mode: TradingMode = SHADOW, at: datetime = NOON) -> LedgerRow:
    return LedgerRow.objects.create(mode=mode, kind="deposit", amount=Decimal(amount), at=at)


def make_cycle(
    *,
    at: datetime = NOON,
    realized: str | None = "0",
    unrealized: str = "0",
    mode: TradingMode = SHADOW,
    ok: bool = True,
) -> CycleRow:
    """A cycle; without `realized` one that failed before it knew the account."""
    failed = realized is None
    return CycleRow.objects.create(
        mode=mode,
        started_at=at,
        finished_wall_at=at + timedelta(seconds=1),
        duration_ms=840,
        ok=ok and not failed,
        cities=1,
        markets=6,
        signals=6,
        codes={"EDGE_BELOW_FLOOR": 6},
        errors=[] if ok and not failed else [{"city": "CHI", "error": "NWS answers 500"}],
        cash=None if failed else Decimal(10_000) + Decimal(realized or 0),
        realized_pnl=None if failed else Decimal(realized or 0),
        unrealized_pnl=None if failed else Decimal(unrealized),
    )


def make_weather(
    *,
    city: str = "CHI",
    at: datetime = NOON,
    highs: dict[date, int] | None = None,
    temp_c: float | None = 22.2,
    issued_at: datetime | None = None,
) -> WeatherSnapshotRow:
    observed = temp_c is not None
    return WeatherSnapshotRow.objects.create(
        city_code=city,
        captured_at=at,
        last_seen_at=at,
        issued_at=issued_at or at - timedelta(hours=3),
        highs=[{"day": day.isoformat(), "high_f": high} for day, high in (highs or {DAY: 75}).items()],
        station=load_cities()[city].settlement_station,
        observed_at=at - timedelta(minutes=6) if observed else None,
        observed_temp_c=temp_c,
        observed_is_metar=True if observed else None,
    )


def make_observation(
    *, temp_c: float, at: datetime, city: str = "CHI", is_metar: bool = True
) -> ObservationRow:
    return ObservationRow.objects.create(
        city_code=city,
        station=load_cities()[city].settlement_station,
        observed_at=at,
        temp_c=temp_c,
        is_metar=is_metar,
        received_at=at,
    )
