"""A whole turn of the fast loop on real PostgreSQL; only the outside is passed in."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from markets.domain.types import Board, ExchangeStatus
from markets.models import MarketSnapshotRow
from markets.repositories import MarketRepository
from markets.services import BoardRound
from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from milkbot.core.health import Component
from milkbot.health import read_all
from tests.trading.makers import ALONE, BRACKETS, CHI, DAY, NOW, make_board, make_intent, make_weather
from trading.controls import set_trading_state
from trading.cycle import Settings, run_cycle
from trading.cycle_report import CycleReport, record_failure
from trading.domain.order_states import OrderEvent
from trading.domain.types import OrderState, TradingState
from trading.models import (
    CycleRow,
    DecisionRow,
    FillRow,
    IntentRow,
    LedgerRow,
    LockRow,
    OrderRow,
    PositionRow,
    RiskEventRow,
    SignalRow,
)
from trading.oms.lease import LeaseHeld, take_lease
from trading.reading import Sources
from trading.repositories.orders import Fenced, Lease, OrderRepository
from trading.turn_time import FAR_OFF, StaleTurn, WrongClock
from weather.domain.odds import outlook_probabilities
from weather.domain.outlook import make_outlook
from weather.domain.types import WeatherSnapshot
from weather.models import ForecastRow
from weather.services import WeatherRound

pytestmark = pytest.mark.django_db

SHADOW = TradingMode.SHADOW
HOLDER = "host-a/1/1.00"
FORECAST = make_outlook(CHI, make_weather(), DAY, NOW)
assert FORECAST is not None
FAIR = tuple(
    (f"{max(round(p_yes, 2) - 0.01, 0.01):.2f}", f"{max(round(p_yes, 2) - 0.01, 0.01) + 0.02:.2f}")
    for p_yes in outlook_probabilities(FORECAST, [(bracket.low_f, bracket.high_f) for bracket in BRACKETS])
)
"""Two cents round what the forecast itself says: nothing to trade."""
CHEAP = (*FAIR[:3], ("0.14", "0.16"), *FAIR[4:])
"""75-76 offered well below its worth, though not implausibly so."""
TARGET = BRACKETS[3].ticker
OPEN_EXCHANGE = ExchangeStatus(exchange_active=True, trading_active=True)


def settings_for(*cities: str) -> Settings:
    return Settings(mode=SHADOW, cities=cities or ("CHI",), capital=Decimal(10_000), weights=ALONE)


def sources(
    *boards: Board,
    weather: WeatherSnapshot | None = None,
    weather_errors: dict[str, str] | None = None,
    status: ExchangeStatus | None = OPEN_EXCHANGE,
    on_read: Callable[[], object] = lambda: None,
    skew_s: float | None = None,
) -> Sources:
    """The outside as it would answer at any time: boards and weather captured when asked."""

    def read_weather(codes: Sequence[str], now: datetime) -> WeatherRound:
        base = weather or make_weather()
        known = {
            code: base.model_copy(update={"city_code": code, "captured_at": now})
            for code in codes
            if code not in (weather_errors or {})
        }
        return WeatherRound(snapshots=known, errors=weather_errors or {})

    def read_boards(codes: Sequence[str], now: datetime) -> BoardRound:
        on_read()
        return BoardRound(
            boards=tuple(_captured(board, now) for board in boards), errors={}, status=status, skew_s=skew_s
        )

    return Sources(weather=read_weather, boards=read_boards)


def _captured(board: Board, now: datetime) -> Board:
    markets = tuple(
        market.model_copy(update={"snapshot": market.snapshot.model_copy(update={"captured_at": now})})
        for market in board.markets
    )
    return board.model_copy(update={"captured_at": now, "markets": markets})


def turn(*boards: Board, now: datetime = NOW, holder: str = HOLDER, **outside: object) -> CycleReport:
    boards = boards or (make_board(quotes=CHEAP),)
    return run_cycle(now, settings_for(), sources=sources(*boards, **outside), holder=holder)  # type: ignore[arg-type]


@pytest.mark.story("4.8", 1)
@pytest.mark.story("4.8", 4)
@pytest.mark.story("4.10", 1)
@pytest.mark.story("9.1", 2)
def test_cycle_goes_from_weather_and_prices_to_a_booked_fill() -> None:
    report = turn()

    assert (report.ok, report.cities, report.markets, report.signals) == (True, 1, 6, 6)
    assert (report.intents, report.fills) == (1, 1)
    fill = FillRow.objects.get()
    assert fill.order is not None
    assert (fill.yes_price, fill.order.state, fill.order.intent.city_code) == (
        Decimal("0.16"),
        "FILLED",
        "CHI",
    )
    position = PositionRow.objects.get()
    assert (position.count, position.cost) == (fill.count, fill.count * Decimal("0.16"))
    moves = sum(LedgerRow.objects.values_list("amount", flat=True))
    assert moves == 10_000 - position.cost - fill.fee


@pytest.mark.story("4.8", 3)
def test_cycle_stores_snapshots_forecast_signals_and_a_decision_for_every_market() -> None:
    turn()

    assert MarketSnapshotRow.objects.count() == 6
    assert ForecastRow.objects.count() == 1
    assert SignalRow.objects.count() == DecisionRow.objects.count() == 6
    assert set(DecisionRow.objects.values_list("code", flat=True)) == {"TRADE", "EDGE_BELOW_FLOOR"}


@pytest.mark.story("4.8", 2)
def test_cycle_runs_once_and_returns() -> None:
    reads: list[int] = []

    turn(on_read=lambda: reads.append(1))

    assert len(reads) == 1
    assert CycleRow.objects.count() == 1


@pytest.mark.story("4.8", 5)
def test_cycle_when_a_city_cannot_be_read_then_the_other_goes_on() -> None:
    nyc = load_cities()["NYC"]
    boards = (make_board(quotes=CHEAP), make_board(quotes=CHEAP, city=nyc, event_ticker="KXHIGHNY-25MAY14"))

    report = run_cycle(
        NOW,
        settings_for("CHI", "NYC"),
        sources=sources(*boards, weather_errors={"NYC": "nws: no answer"}),
        holder=HOLDER,
    )

    assert report.errors == ("NYC: nws: no answer",)
    assert set(FillRow.objects.values_list("order__intent__city_code", flat=True)) == {"CHI"}
    assert set(DecisionRow.objects.filter(city_code="NYC").values_list("code", flat=True)) == {
        "FORECAST_MISSING"
    }


def test_cycle_again_places_nothing_twice_and_covers_the_time_with_the_same_rows() -> None:
    turn()
    later = NOW + timedelta(minutes=1)
    report = turn(now=later)

    assert (report.intents, FillRow.objects.count(), OrderRow.objects.count()) == (0, 1, 1)
    assert MarketSnapshotRow.objects.count() == 6
    assert set(MarketSnapshotRow.objects.values_list("last_seen_at", flat=True)) == {later}
    changed = DecisionRow.objects.filter(decided_at=later).values_list("market__ticker", "code")
    assert list(changed) == [(TARGET, "INTENT_EXISTS")]
    assert set(SignalRow.objects.exclude(market__ticker=TARGET).values_list("seen_until", flat=True)) == {
        later
    }


def test_cycle_when_halted_then_decides_and_says_so() -> None:
    turn(make_board(quotes=FAIR))
    set_trading_state(
        mode=SHADOW, state=TradingState.HALTED, actor="op", user_id=None, reason="test", now=NOW
    )

    report = turn(now=NOW + timedelta(minutes=1))

    assert report.intents == 0
    assert report.codes["TRADING_HALTED"] == 1


@pytest.mark.parametrize("status", [None, ExchangeStatus(exchange_active=True, trading_active=False)])
def test_cycle_when_the_exchange_does_not_trade_then_nothing_is_wanted(status: ExchangeStatus | None) -> None:
    report = turn(status=status)

    assert report.codes == {"EXCHANGE_PAUSED": 6}


def test_cycle_values_the_account_and_leaves_a_sign_of_life() -> None:
    report = turn()

    row = CycleRow.objects.get()
    fill = FillRow.objects.get()
    assert report.valuation is not None
    assert row.realized_pnl == -fill.fee
    assert row.unrealized_pnl == fill.count * (Decimal("0.14") - Decimal("0.16"))
    assert row.cash == 10_000 - fill.count * Decimal("0.16") - fill.fee
    assert row.codes == {"TRADE": 1, "EDGE_BELOW_FLOOR": 5}
    assert read_all()[Component.TRADER].ok


@pytest.mark.story("4.9", 5)
def test_cycle_logs_and_stores_what_was_read_decided_sent_and_how_long_each_step_took(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="milkbot"):
        turn(weather_errors={"NYC": "nws: no answer"})

    (summary,) = (record.__dict__ for record in caplog.records if record.message == "cycle finished")
    said = {
        "mode": "SHADOW",
        "ok": True,
        "cities": 1,
        "markets": 6,
        "signals": 6,
        "intents": 1,
        "fills": 1,
        "codes": {"TRADE": 1, "EDGE_BELOW_FLOOR": 5},
        "errors": ["NYC: nws: no answer"],
    }
    assert said.items() <= summary.items()
    assert list(summary["timings_ms"]) == ["weather", "boards", "commit", "submit", "account"]
    (row,) = CycleRow.objects.values()
    assert (
        said | {"timings_ms": summary["timings_ms"], "duration_ms": summary["duration_ms"]}
    ).items() <= row.items()


def test_cycle_dry_run_stores_nothing_at_all() -> None:
    report = run_cycle(NOW, settings_for(), sources=sources(make_board(quotes=CHEAP)), dry_run=True)

    assert report.intents == 1
    for model in (IntentRow, SignalRow, DecisionRow, CycleRow, MarketSnapshotRow, LedgerRow):
        assert not model.objects.exists()


def test_cycle_of_a_second_trader_is_refused_before_it_reads() -> None:
    take_lease(SHADOW, "host-b/2/2.00")

    with pytest.raises(LeaseHeld):
        turn(on_read=lambda: pytest.fail("a refused trader must not read"))


def test_cycle_paused_in_the_middle_is_fenced_and_writes_nothing() -> None:
    """While it read, its lease ran out and another trader took over; resuming, it must not write an intent."""

    with pytest.raises(Fenced):
        turn(on_read=take_over)
    assert not IntentRow.objects.exists()
    assert not SignalRow.objects.exists(), "the turn's transaction was left half written"


def test_cycle_paused_in_the_middle_with_nothing_to_want_leaves_its_successor_alone() -> None:
    turn(make_board(quotes=FAIR))

    def meanwhile() -> None:
        successor = take_over()
        (order,) = OrderRepository(SHADOW).create(
            [make_intent(ticker=TARGET)], MarketRepository().ids([TARGET]), lease=successor
        )
        assert order.state is OrderState.NEW

    with pytest.raises(Fenced):
        turn(make_board(quotes=FAIR), now=NOW + timedelta(minutes=1), on_read=meanwhile)
    assert OrderRow.objects.get().state == "NEW"
    assert CycleRow.objects.count() == 1


def take_over() -> Lease:
    """Another trader's lease, as if ours had run out while it was paused."""
    take_lease(SHADOW, HOLDER, timedelta(seconds=-1))
    return take_lease(SHADOW, "host-b/2/2.00")


def test_cycle_whose_time_lies_before_the_last_one_decides_nothing() -> None:
    turn(make_board(quotes=FAIR), now=NOW + timedelta(minutes=5))

    with pytest.raises(StaleTurn, match="before the last"):
        turn(make_board(quotes=CHEAP), now=NOW)
    assert not IntentRow.objects.exists()


def test_cycle_far_beyond_the_exchange_s_clock_leaves_nothing_but_a_lock() -> None:
    """Nor does a computed fill: the next turn is taken at the right time."""
    ahead = NOW + timedelta(hours=20)
    with pytest.raises(WrongClock, match="far beyond the exchange's"):
        turn(now=ahead, skew_s=-20 * 3600.0)

    assert not CycleRow.objects.exists()
    assert not IntentRow.objects.exists()
    assert not MarketSnapshotRow.objects.exists(), "no price is dated by it"
    assert LockRow.objects.get().locked_at == NOW
    turn(now=NOW, skew_s=0.0)
    assert CycleRow.objects.get().started_at == NOW


@pytest.mark.parametrize(
    ("late", "skew_s", "is_refused"),
    [(FAR_OFF, 0.0, True), (FAR_OFF + timedelta(seconds=1), 0.0, False), (timedelta(hours=20), None, True)],
)
def test_turn_whose_time_has_not_come_by_the_exchange_s_clock_is_passed_over(
    late: timedelta, skew_s: float | None, is_refused: bool
) -> None:
    """It was taken by a wrong clock while nothing told the exchange's; a last turn that was held up is none of them."""
    turn(make_board(quotes=FAIR), now=NOW + late)

    def again() -> None:
        turn(make_board(quotes=FAIR), now=NOW, skew_s=skew_s)

    if is_refused:
        with pytest.raises(StaleTurn):
            again()
        return
    again()
    assert RiskEventRow.objects.filter(event_type="CLOCK_SKEW").count() == 1
    with pytest.raises(StaleTurn):
        turn(make_board(quotes=FAIR), now=NOW - timedelta(seconds=1), skew_s=skew_s)


def test_cycle_explains_a_market_that_its_event_no_longer_lists() -> None:
    board = make_board(quotes=FAIR)
    turn(board)
    rest = tuple(market for market in board.markets if market.market.ticker != TARGET)
    gone = board.model_copy(
        update={"markets": rest, "refusal": "EVENT_NOT_PARTITION", "refusal_text": "75 to 76 is missing"}
    )

    turn(gone, now=NOW + timedelta(minutes=1))

    newest = DecisionRow.objects.filter(market__ticker=TARGET).order_by("-decided_at")[0]
    assert (newest.code, newest.detail) == ("BAD_MARKET_DATA", "75 to 76 is missing")


@pytest.mark.story("9.1", 3)
@pytest.mark.parametrize("left_in", [OrderState.NEW, OrderState.SUBMITTED])
def test_cycle_after_a_crash_ends_the_order_that_was_left_and_books_nothing_for_it(
    left_in: OrderState,
) -> None:
    turn(make_board(quotes=FAIR))
    lease = take_lease(SHADOW, HOLDER)
    ids = MarketRepository().ids([TARGET])
    (order,) = OrderRepository(SHADOW).create(
        [make_intent(ticker=TARGET, limit_price="0.16")], ids, lease=lease
    )
    if left_in is OrderState.SUBMITTED:
        OrderRepository(SHADOW).transition(order, OrderEvent.SEND, at=NOW)

    turn(make_board(quotes=FAIR), now=NOW + timedelta(minutes=1))

    assert OrderRow.objects.get().state == "CANCELED"
    assert not FillRow.objects.exists()


def test_record_failure_leaves_a_row_and_a_failing_heartbeat() -> None:
    record_failure(NOW, SHADOW, RuntimeError("the disk is full"))

    row = CycleRow.objects.get()
    assert (row.ok, row.cash, row.errors) == (False, None, ["RuntimeError: the disk is full"])
    assert not read_all()[Component.TRADER].ok


def statements(count: int) -> int:
    """SQL statements of a second turn over `count` boards of six fairly priced markets, on an empty database."""
    boards = [
        make_board(quotes=FAIR, event_ticker=f"KXHIGHCHI-25MAY{day:02d}") for day in range(10, 10 + count)
    ]
    with transaction.atomic():
        run_cycle(NOW, settings_for(), sources=sources(*boards), holder=HOLDER)
        with CaptureQueriesContext(connection) as captured:
            run_cycle(NOW + timedelta(minutes=1), settings_for(), sources=sources(*boards), holder=HOLDER)
        transaction.set_rollback(True)
    return len(captured)


def test_cycle_needs_no_more_statements_when_the_markets_double() -> None:
    assert statements(4) == statements(8)
