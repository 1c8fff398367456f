"""Results of backtests that never ran: ladders and trades of a world whose truth is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
from scipy.special import ndtr

from milkbot.core.arrays import Floats
from milkbot.core.scoring.crps import crps_normal
from trading.backtest.recorded_types import Fault, FileCount, ReadReport, RowNote
from trading.backtest.results import (
    BacktestOptions,
    BacktestResult,
    Counts,
    DepthOutcome,
    EquityPoint,
    Liquidity,
    ScoredLadder,
    Trade,
)
from trading.domain.types import Action, Side

FIRST = date(2025, 1, 1)
HOURS = (-4, 7, 10, 13, 16)
CITIES = ("CHI", "NYC")


@dataclass(frozen=True)
class World:
    """The high is Normal(centre, sigma) at every hour. The market knows that; the model errs as told."""

    days: int = 60
    cities: Sequence[str] = CITIES
    hours: Sequence[int] = HOURS
    sigma: float = 2.2
    model_bias: float = 0.0
    model_sigma: float = 2.2
    model_knows: float = 0.0
    """How much of the day's deviation from the centre the model has been told: 1 is all of it."""
    seed: int = 7


def ladders(world: World) -> tuple[ScoredLadder, ...]:
    """In the order of time."""
    chance = np.random.default_rng(world.seed)
    found = []
    for offset in range(world.days):
        for city in world.cities:
            centre = 70 + 8 * float(chance.standard_normal())
            settled = round(centre + world.sigma * float(chance.standard_normal()))
            found += list(_of_event(world, FIRST + timedelta(days=offset), city, centre, settled))
    return tuple(sorted(found, key=lambda one: (one.at, one.city)))


def one_ladder(
    probabilities: dict[str, tuple[float, ...]],
    outcome: int,
    day: date = FIRST,
    city: str = "CHI",
    hour: int = 10,
    pit: tuple[float, float] | None = None,
) -> ScoredLadder:
    """Three brackets, ≤69, 70–71, ≥72, told by hand."""
    return ScoredLadder(
        event_ticker=f"KXHIGH{city}-{day:%y%b%d}".upper(),
        city=city,
        event_date=day,
        at=datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(hours=hour),
        local_hour=hour,
        lead_hours=float(max(0, 15 - hour)),
        brackets=((None, 69), (70, 71), (72, None)),
        probabilities=probabilities,
        outcome=outcome,
        settle_f=None,
        pit=pit,
        mean_f=None,
        crps_f=None,
    )


def trade(
    *,
    day: date = FIRST,
    city: str = "CHI",
    side: Side = Side.YES,
    action: Action = Action.BUY,
    liquidity: Liquidity = Liquidity.TAKER,
    price: str = "0.30",
    count: str = "10",
    fee: str = "0.15",
    p_trade: float = 0.36,
    mid: str | None = "0.29",
    closing_mid: str | None = "0.40",
    outcome: bool | None = True,
    shares: dict[str, float] | None = None,
    hour: int = 10,
) -> Trade:
    """A fill at `hour` of the climate day in Chicago's standard time."""
    at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(hours=hour)
    event = f"KXHIGH{city}-{day:%y%b%d}".upper()
    return Trade(
        at=at,
        decided_at=at,
        event_ticker=event,
        city=city,
        event_date=day,
        ticker=f"{event}-B70.5",
        side=side,
        action=action,
        liquidity=liquidity,
        price=Decimal(price),
        count=Decimal(count),
        fee=Decimal(fee),
        p_trade=p_trade,
        p_model=p_trade + 0.02,
        mid=None if mid is None else Decimal(mid),
        closing_mid=None if closing_mid is None else Decimal(closing_mid),
        outcome=outcome,
        shares={"forecast_edge": 0.7, "climatology": 0.3} if shares is None else shares,
    )


def trades(world: World) -> tuple[Trade, ...]:
    """One fair bet a city and day at 30 cents, that paid one cent of spread and the fee."""
    chance = np.random.default_rng(world.seed + 1)
    days = [FIRST + timedelta(days=offset) for offset in range(world.days)]
    return tuple(
        trade(
            day=day,
            city=city,
            liquidity=Liquidity.TAKER if chance.random() < 0.7 else Liquidity.MAKER,
            closing_mid=f"{0.29 + 0.05 * float(chance.standard_normal()):.2f}",
            outcome=bool(chance.random() < 0.29),
            shares=(
                {"forecast_edge": 0.6, "intraday_nowcast": 0.4}
                if chance.random() < 0.6
                else {"late_lock": 1.0}
            ),
            hour=int(chance.integers(-6, 18)),
        )
        for day in days
        for city in world.cities
    )


def result(
    world: World | None = None,
    *,
    traded: Sequence[Trade] | None = None,
    scored: Sequence[ScoredLadder] | None = None,
    read_report: ReadReport | None = None,
    seed: int = 7,
) -> BacktestResult:
    """A whole result. Equity follows the trades, an hour after each event's last fill."""
    world = world or World()
    traded = trades(world) if traded is None else traded
    return BacktestResult(
        options=BacktestOptions(
            first=FIRST,
            last=FIRST + timedelta(days=world.days - 1),
            cities=tuple(world.cities),
            strategy=None,
            seed=seed,
            assumed_depth=Decimal(10),
            capital=Decimal(1000),
        ),
        trades=tuple(traded),
        equity=tuple(_equity(traded)),
        scores=ladders(world) if scored is None else tuple(scored),
        decisions={"EDGE_BELOW_FLOOR": 812, "TRADE": len(traded), "SPREAD_WIDE": 97},
        depth=tuple(
            DepthOutcome(
                Decimal(depth),
                len(traded),
                Decimal(depth * 12),
                Decimal(depth * 3),
                Decimal(2),
                Decimal(-depth),
            )
            for depth in (1, 10, 50)
        ),
        counts=Counts(
            events=world.days * len(world.cities),
            skipped_events={"NO_QUOTES": 1},
            instants=4_000,
            snapshots=24_000,
            decided=300,
            intents=len(traded) + 3,
            orders_by_state={"FILLED": len(traded), "CANCELED": 3},
        ),
        read_report=read_report or spoiled_read(),
    )


def spoiled_read() -> ReadReport:
    """A reading in which one row was refused and one flagged."""
    return ReadReport(
        files={"quotes_A.csv": FileCount(rows=100, used=90, outside=9, refused=1)},
        refused={Fault.CROSSED: 1},
        flagged={Fault.UNSORTED: 1},
        notes=(
            RowNote("quotes_A.csv", 17, Fault.CROSSED, "bid 0.52 is not below ask 0.50"),
            RowNote("quotes_A.csv", 18, Fault.UNSORTED, "<b>comes after a later row</b>"),
        ),
    )


def _of_event(world: World, day: date, city: str, centre: float, settled: int) -> Iterator[ScoredLadder]:
    low = round(centre) - 4
    inner = tuple((low + 2 * place, low + 2 * place + 1) for place in range(4))
    brackets = ((None, low - 1), *inner, (low + 8, None))
    outcome = next(
        place
        for place, (bottom, top) in enumerate(brackets)
        if (bottom is None or settled >= bottom) and (top is None or settled <= top)
    )
    mean = centre + world.model_bias + world.model_knows * (settled - centre)
    pit = ndtr((np.asarray([settled - 0.5, settled + 0.5]) - mean) / world.model_sigma).tolist()
    tops = np.asarray([np.inf if top is None else top + 0.5 for _, top in brackets])
    fair = _steps(ndtr((tops - centre) / world.sigma))
    said = {
        "market": fair,
        "p_model": _steps(ndtr((tops - mean) / world.model_sigma)),
        "p_trade": _steps(ndtr((tops - (centre + mean) / 2) / max(world.sigma, world.model_sigma))),
        "flat": (1 / 6,) * 6,
        "climatology": _steps(ndtr((tops - 70) / 8)),
        "point_spread": _steps(ndtr((tops - centre - 1) / 3)),
    }
    for hour in world.hours:
        yield ScoredLadder(
            event_ticker=f"KXHIGH{city}-{day:%y%b%d}".upper(),
            city=city,
            event_date=day,
            at=datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(hours=hour),
            local_hour=hour,
            lead_hours=float(max(0, 15 - hour)),
            brackets=brackets,
            probabilities=said,
            outcome=outcome,
            settle_f=settled,
            pit=(pit[0], pit[1]),
            mean_f=mean,
            crps_f=float(crps_normal(mean, world.model_sigma, settled)),
        )


def _steps(cumulative: Floats) -> tuple[float, ...]:
    return tuple(np.diff(cumulative, prepend=0.0).tolist())


def _equity(traded: Sequence[Trade]) -> Iterator[EquityPoint]:
    equity = Decimal(1000)
    for one in sorted(traded, key=lambda one: one.at):
        equity += one.pnl or Decimal(0)
        yield EquityPoint(one.at + timedelta(hours=1), equity, equity)
