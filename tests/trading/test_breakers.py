"""Breakers: what trips them, what they hold, and who may let go."""

from datetime import timedelta
from decimal import Decimal

import pytest

from milkbot.core.config import TradingMode
from tests.factories import NOON, CycleFactory, OrderEventFactory, OrderFactory
from trading.breakers import apply_trips, clear_locks, count_rejects, daily_pnl
from trading.controls import ensure_controls, get_trading_state, set_trading_state
from trading.domain.breakers import (
    MOST_REJECTS,
    RULES,
    Breaker,
    Facts,
    Trip,
    check_daily_loss,
    check_rejects,
    check_skew,
    trips,
)
from trading.domain.types import TradingState
from trading.models import LockRow, OperatorActionRow, RiskEventRow
from trading.repositories.accounts import Valuation, locked_scopes

SHADOW, DEMO = TradingMode.SHADOW, TradingMode.DEMO
MINUTE = timedelta(minutes=1)
STALE = Trip(Breaker.WEATHER_STALE, "no refresh for 16 min", "CHI")
LOSS = Trip(Breaker.DAILY_LOSS, "lost $250.00 today, the limit is $250")


def valued(realized: str, unrealized: str) -> Valuation:
    return Valuation(cash=Decimal(10_000), realized_pnl=Decimal(realized), unrealized_pnl=Decimal(unrealized))


def test_quiet_facts_trip_nothing() -> None:
    assert trips(Facts()) == ()


def test_each_fact_trips_its_own_breaker_once() -> None:
    bad = Facts(
        stale_weather={"CHI": "16 min"},
        stale_prices={"DEN": "3 min"},
        skew_s=-3.1,
        rejects=MOST_REJECTS,
        day_pnl=Decimal(-250),
        overdue=("DEMO:CHI",),
    )

    assert [(trip.breaker, trip.scope) for trip in trips(bad)] == [
        (Breaker.WEATHER_STALE, "CHI"),
        (Breaker.PRICES_STALE, "DEN"),
        (Breaker.CLOCK_SKEW, "*"),
        (Breaker.REJECT_RATE, "*"),
        (Breaker.DAILY_LOSS, "*"),
        (Breaker.ORDER_UNKNOWN, "*"),
    ]


@pytest.mark.parametrize("breaker", Breaker)
def test_every_breaker_halts_and_waits_for_a_person_as_the_design_says(breaker: Breaker) -> None:
    passes_by_itself = {Breaker.WEATHER_STALE, Breaker.PRICES_STALE, Breaker.CLOCK_SKEW}
    holds_without_a_halt = passes_by_itself | {Breaker.REJECT_RATE}

    assert RULES[breaker].needs_person is (breaker not in passes_by_itself)
    assert RULES[breaker].halts is (breaker not in holds_without_a_halt)


@pytest.mark.story("4.5", 2)
@pytest.mark.parametrize(
    ("pnl", "trips_"), [("-249.99", False), ("-250", True), ("-250.01", True), ("300", False)]
)
def test_daily_loss_trips_at_250_dollars_exactly(pnl: str, trips_: bool) -> None:
    assert bool(check_daily_loss(Decimal(pnl))) is trips_


@pytest.mark.parametrize(
    ("skew_s", "trips_"), [(None, False), (3.0, False), (-3.0, False), (3.5, True), (-90.0, True)]
)
def test_skew_trips_beyond_three_seconds_either_way(skew_s: float | None, trips_: bool) -> None:
    assert bool(check_skew(skew_s)) is trips_


@pytest.mark.story("4.5", 4)
def test_reject_rate_trips_at_five_in_the_window() -> None:
    assert not check_rejects(MOST_REJECTS - 1)
    assert check_rejects(MOST_REJECTS)[0].breaker is Breaker.REJECT_RATE


def test_trip_with_many_causes_names_the_first_three() -> None:
    (trip,) = trips(Facts(overdue=("a", "b", "c", "d", "e")))

    assert trip.message == "a; b; c and 2 more"


@pytest.mark.django_db
@pytest.mark.story("4.5", 3)
def test_rejects_are_counted_in_a_sliding_window_of_their_own_mode() -> None:
    for number, age in enumerate([MINUTE, 9 * MINUTE, 10 * MINUTE, 11 * MINUTE]):
        order = OrderFactory.create()
        OrderEventFactory.create(
            order=order, version=number, to_state="REJECTED", event="reject", at=NOON - age
        )
    filled = OrderFactory.create()
    OrderEventFactory.create(order=filled, to_state="FILLED", event="fill_all", at=NOON)

    assert count_rejects(SHADOW, NOON) == 2
    assert count_rejects(DEMO, NOON) == 0


@pytest.mark.django_db
@pytest.mark.story("4.5", 1)
def test_daily_pnl_is_realized_and_unrealized_since_new_yorks_midnight() -> None:
    midnight = NOON.replace(hour=5, minute=0)
    for at, realized, unrealized in [
        (midnight - timedelta(days=1), "-500", "0"),
        (midnight - MINUTE, "-40", "15"),
        (midnight + MINUTE, "-60", "0"),
    ]:
        CycleFactory.create(
            started_at=at,
            cash=Decimal(9000),
            realized_pnl=Decimal(realized),
            unrealized_pnl=Decimal(unrealized),
        )

    assert daily_pnl(SHADOW, valued("-100", "-30"), NOON) == Decimal(-105)
    assert daily_pnl(SHADOW, valued("-100", "-30"), midnight - timedelta(days=3)) == Decimal(-130)


@pytest.mark.django_db
@pytest.mark.story("4.5", 2)
@pytest.mark.story("4.5", 5)
def test_loss_halts_until_a_person_resets_it() -> None:
    ensure_controls(SHADOW, NOON)
    apply_trips(SHADOW, [LOSS], NOON)
    for minute in range(1, 10):
        apply_trips(SHADOW, [], NOON + minute * MINUTE)

    assert get_trading_state(SHADOW) is TradingState.HALTED
    assert locked_scopes(SHADOW) == {"*"}
    lock = LockRow.objects.get()
    assert (lock.needs_person, lock.from_own_trading) == (True, True)

    assert clear_locks(SHADOW, actor="ann", user_id=None, reason="looked at it", now=NOON + 11 * MINUTE) == 1
    assert locked_scopes(SHADOW) == set()
    assert get_trading_state(SHADOW) is TradingState.HALTED, "resuming is a step of its own"
    assert OperatorActionRow.objects.filter(action="clear_locks").get().before == {"locks": ["DAILY_LOSS *"]}


@pytest.mark.django_db
def test_loss_after_a_reset_counts_from_the_reset() -> None:
    ensure_controls(SHADOW, NOON)
    apply_trips(SHADOW, [LOSS], NOON)
    CycleFactory.create(
        started_at=NOON, cash=Decimal(9000), realized_pnl=Decimal(-260), unrealized_pnl=Decimal(0)
    )
    clear_locks(SHADOW, actor="ann", user_id=None, reason="go on", now=NOON + MINUTE)

    assert daily_pnl(SHADOW, valued("-270", "0"), NOON + 2 * MINUTE) == Decimal(-10)


@pytest.mark.django_db
def test_lock_that_ends_by_itself_needs_three_clean_cycles_in_a_row() -> None:
    ensure_controls(SHADOW, NOON)
    rounds: list[tuple[list[Trip], set[str]]] = [
        ([STALE], {"CHI"}),
        ([], {"CHI"}),
        ([], {"CHI"}),
        ([STALE], {"CHI"}),
        ([], {"CHI"}),
        ([], {"CHI"}),
        ([], set()),
    ]

    for minute, (tripped, held) in enumerate(rounds):
        apply_trips(SHADOW, tripped, NOON + minute * MINUTE)
        assert locked_scopes(SHADOW) == held, f"in cycle {minute}"
    assert get_trading_state(SHADOW) is TradingState.ACTIVE, "one city's weather halts nobody"
    assert LockRow.objects.count() == 1
    assert RiskEventRow.objects.filter(event_type="WEATHER_STALE", city_code="CHI").count() == 1


@pytest.mark.django_db
def test_halt_is_told_once_however_often_it_trips() -> None:
    ensure_controls(SHADOW, NOON)
    for minute in range(3):
        apply_trips(SHADOW, [LOSS], NOON + minute * MINUTE)

    assert OperatorActionRow.objects.filter(action="set_trading_state").count() == 1
    assert RiskEventRow.objects.count() == 1


@pytest.mark.django_db
def test_breaker_of_one_mode_leaves_the_other_alone() -> None:
    for mode in (SHADOW, DEMO):
        ensure_controls(mode, NOON)
    apply_trips(DEMO, [LOSS], NOON)

    assert get_trading_state(SHADOW) is TradingState.ACTIVE
    assert locked_scopes(SHADOW) == set()


@pytest.mark.django_db
def test_clearing_asks_for_a_reason_and_leaves_other_locks() -> None:
    ensure_controls(SHADOW, NOON)
    apply_trips(SHADOW, [LOSS, STALE, Trip(Breaker.REJECT_RATE, "5 orders rejected")], NOON)

    with pytest.raises(ValueError, match="say why"):
        clear_locks(SHADOW, actor="ann", user_id=None, reason=" ", now=NOON)
    cleared = clear_locks(
        SHADOW, actor="ann", user_id=None, reason="fixed", now=NOON, code=Breaker.REJECT_RATE.value
    )

    assert cleared == 1
    assert set(LockRow.objects.filter(cleared_at__isnull=True).values_list("code", flat=True)) == {
        "DAILY_LOSS",
        "WEATHER_STALE",
    }


@pytest.mark.django_db
def test_switch_turned_back_while_the_lock_stands_does_not_trade() -> None:
    ensure_controls(SHADOW, NOON)
    apply_trips(SHADOW, [LOSS], NOON)
    set_trading_state(
        mode=SHADOW, state=TradingState.ACTIVE, actor="ann", user_id=None, reason="hasty", now=NOON
    )

    assert locked_scopes(SHADOW) == {"*"}
