"""Where each trade's profit came from, exactly, and the same by strategy, city, hour, side, liquidity and price.

Source: project reference on probability and sizing, section 6.7. Every part is in dollars, and a trade's parts add up to
its P&L without a rest.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.money import ONE, ZERO
from trading.backtest.results import MARKET, Trade

_P_STEP: Final = Decimal("0.000001")
"""Probabilities are rounded to this before they meet money: sums stay exact."""
_BANDS: Final = (
    (Decimal("0.10"), "below 10¢"),
    (Decimal("0.30"), "10¢ to 29¢"),
    (Decimal("0.50"), "30¢ to 49¢"),
    (Decimal("0.70"), "50¢ to 69¢"),
    (Decimal("0.90"), "70¢ to 89¢"),
)
_DEAREST: Final = "90¢ and more"
_HOURS: Final = ((0, "day before"), (9, "0:00 to 8:59"), (15, "9:00 to 14:59"))
_EVENING: Final = "15:00 and later"


@dataclass(frozen=True, slots=True)
class Attribution:
    """Dollars. edge + slippage + fee + drift + outcome = pnl, exactly."""

    edge: Decimal
    """What we believed we had: p_trade over the mid when deciding; over the price paid, where there was no mid."""
    slippage: Decimal
    """From that mid to the price paid: half the spread for a taker, mostly a gain for a maker."""
    fee: Decimal
    drift: Decimal
    """From p_trade to the market's last mid: what the market, knowing more, made of our belief. 0 without a last mid."""
    outcome: Decimal
    """From there to 0 or 1: chance, if the last price was right."""

    @property
    def pnl(self) -> Decimal:
        return self.edge + self.slippage + self.fee + self.drift + self.outcome

    @property
    def closing_line(self) -> Decimal:
        """What the trade was worth at the market's last mid, before fees: it converges long before P&L does."""
        return self.edge + self.slippage + self.drift

    def __add__(self, other: "Attribution") -> "Attribution":
        return Attribution(
            self.edge + other.edge,
            self.slippage + other.slippage,
            self.fee + other.fee,
            self.drift + other.drift,
            self.outcome + other.outcome,
        )


NOTHING: Final = Attribution(ZERO, ZERO, ZERO, ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Slice:
    """Settled trades that have something in common."""

    name: str
    trades: int
    events: int
    contracts: Decimal
    paid: Decimal
    """Mean price of a contract of the side taken, dollars."""
    won: Decimal
    """Share of contracts whose side paid. Compare it with `paid`: alone it says nothing."""
    parts: Attribution


def attribute(trade: Trade) -> Attribution | None:
    """None while the outcome is not known."""
    if trade.outcome is None:
        return None
    signed = trade.count if trade.buys_yes else -trade.count
    believed = Decimal(trade.p_trade).quantize(_P_STEP)
    paid_out = Decimal(trade.outcome)
    mid = trade.price if trade.mid is None else trade.mid
    last = believed if trade.closing_mid is None else trade.closing_mid
    return Attribution(
        edge=signed * (believed - mid),
        slippage=signed * (mid - trade.price),
        fee=-trade.fee,
        drift=signed * (last - believed),
        outcome=signed * (paid_out - last),
    )


def total(trades: Iterable[Trade]) -> Attribution:
    """Of all that are settled."""
    found = NOTHING
    for trade in trades:
        found += attribute(trade) or NOTHING
    return found


def by_date(trades: Iterable[Trade]) -> Mapping[date, Attribution]:
    """Of the settled ones, by climate day of their events, in order."""
    days: dict[date, Attribution] = defaultdict(lambda: NOTHING)
    for trade in trades:
        if (parts := attribute(trade)) is not None:
            days[trade.event_date] += parts
    return dict(sorted(days.items()))


def slices(trades: Sequence[Trade]) -> dict[str, tuple[Slice, ...]]:
    """Settled trades by each of the six views; every view holds each of them once."""
    settled = [trade for trade in trades if trade.outcome is not None]
    views: dict[str, Callable[[Trade], str]] = {
        "strategy": led_by,
        "city": lambda trade: trade.city,
        "hour": decided_in,
        "side": lambda trade: "toward YES" if trade.buys_yes else "toward NO",
        "liquidity": lambda trade: trade.liquidity.value,
        "price": price_band,
    }
    return {view: _sliced(settled, name) for view, name in views.items()}


def led_by(trade: Trade) -> str:
    """Of our strategies the one whose opinion weighed most in the decision; the market has no strategy."""
    ours = {name: share for name, share in trade.shares.items() if name != MARKET}
    return max(sorted(ours), key=lambda name: ours[name], default="unknown")


def decided_in(trade: Trade) -> str:
    """The part of the climate day, in local standard time, in which the order was decided."""
    start, _ = climate_day_bounds(trade.event_date, load_cities()[trade.city].std_offset_hours)
    hour = (trade.decided_at - start).total_seconds() / 3600
    return next((name for until, name in _HOURS if hour < until), _EVENING)


def price_band(trade: Trade) -> str:
    """By what a contract of the side taken cost."""
    return next((name for below, name in _BANDS if cost_of(trade) < below), _DEAREST)


def cost_of(trade: Trade) -> Decimal:
    """Dollars for one contract of the side the trade moved toward, before fees."""
    return trade.price if trade.buys_yes else ONE - trade.price


def _sliced(trades: Sequence[Trade], name_of: Callable[[Trade], str]) -> tuple[Slice, ...]:
    groups: dict[str, list[Trade]] = defaultdict(list)
    for trade in trades:
        groups[name_of(trade)].append(trade)
    return tuple(_slice(name, found) for name, found in sorted(groups.items(), key=_place))


def _place(group: tuple[str, list[Trade]]) -> tuple[int, str]:
    """Bands and hours in their own order, all else by name."""
    name, _ = group
    ordered = [*(label for _, label in _BANDS), _DEAREST, *(label for _, label in _HOURS), _EVENING]
    return (ordered.index(name) if name in ordered else 0), name


def _slice(name: str, trades: Sequence[Trade]) -> Slice:
    contracts = sum((trade.count for trade in trades), ZERO)
    won = sum((trade.count for trade in trades if trade.outcome is trade.buys_yes), ZERO)
    return Slice(
        name=name,
        trades=len(trades),
        events=len({trade.event_ticker for trade in trades}),
        contracts=contracts,
        paid=sum((trade.count * cost_of(trade) for trade in trades), ZERO) / contracts,
        won=won / contracts,
        parts=total(trades),
    )
