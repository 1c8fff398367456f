"""Where on an event's columns a decision could act at all: an upper bound of what `decide` finds, by array.

Everything that stops a whole market without regard to the account is asked here with a small allowance for binary
noise; what the account adds (earlier orders, caps, depth) can only stop more. So a row that is not marked is a row on
which `decide` sends nothing, and a resting order that is kept here is one that a review keeps.
"""

from decimal import Decimal
from typing import NamedTuple

import numpy as np

from markets.domain.fees import TAKER_RATE
from markets.domain.types import FeeSchedule
from milkbot.core.arrays import Floats
from trading.backtest.event_sheet import ALLOWANCE, Bools, EventSheet
from trading.backtest.quote_history import MICROS, NOBODY, Int32s, micros_of
from trading.domain.policy import Policy


class Prospects(NamedTuple):
    """Of each row and bracket: whether a bid, and whether an ask, could be wanted; and what stood there."""

    bid: Bools
    ask: Bools
    p_yes: Floats
    """NaN where nobody has an opinion."""
    standard_error: Floats
    may_stay: Bools
    """Of each row and bracket: the event and the market may be traded, both sides are quoted, the spread is narrow enough,
    and nothing is due."""

    @property
    def rows(self) -> Bools:
        """Rows on which anything could be wanted."""
        return np.asarray((self.bid | self.ask).any(axis=1))


def prospects(
    sheet: EventSheet, fees: FeeSchedule, depth: Decimal, policy: Policy, *, may_rest: bool
) -> Prospects:
    """Where `decide` could want something, when `depth` contracts stand at every price; quotes only if it `may_rest`."""
    columns = sheet.columns
    p_yes, error = sheet.opinion
    if not is_deep(depth, policy):
        nowhere = np.zeros(columns.bid.shape, dtype=np.bool_)
        return Prospects(nowhere, nowhere, p_yes, error, nowhere)
    sound = _sound(sheet, policy)
    may = sound & sheet.is_confident[sheet.segment][:, None]
    bid, ask = columns.bid / MICROS, columns.ask / MICROS
    terms = _Terms(fees, policy, sheet.may_quote if may_rest else None)
    if sheet.candidates is not None:
        may &= sheet.candidates
    with np.errstate(invalid="ignore"):
        return Prospects(
            bid=may & _worth(p_yes, error, take=ask, rest=bid, terms=terms),
            ask=may & _worth(1 - p_yes, error, take=1 - bid, rest=1 - ask, terms=terms),
            p_yes=p_yes,
            standard_error=error,
            may_stay=sound & sheet.is_quiet[:, None],
        )


def is_deep(depth: Decimal, policy: Policy) -> bool:
    """Whether the share of the display that we take is a contract at all."""
    return depth >= policy.min_displayed and policy.max_share_of_displayed * depth >= 1


def _sound(sheet: EventSheet, policy: Policy) -> Bools:
    columns = sheet.columns
    spread = columns.ask - columns.bid
    narrow = (columns.bid != NOBODY) & (columns.ask != NOBODY) & (spread <= int(policy.max_spread * MICROS))
    last_us = micros_of(sheet.event.close_at - policy.no_entry_before_close)
    in_time = (columns.at <= last_us) & sheet.is_open[sheet.segment]
    return np.asarray(narrow & in_time[:, None])


class _Terms(NamedTuple):
    fees: FeeSchedule
    policy: Policy
    may_quote: Bools | None
    """Of each row; None where nothing ever may."""


def _worth(p_win: Floats, error: Floats, *, take: Floats, rest: Floats, terms: _Terms) -> Bools:
    """Whether buying at `take`, or resting at the touch `rest` of the own side, leaves the edge that is asked for.

    A quote that betters the touch costs more than one that joins it. The taker's fee is counted before its rounding up.
    """
    policy = terms.policy
    rate = float(TAKER_RATE * terms.fees.multiplier)
    cost = take + rate * take * (1 - take)
    share = float(policy.min_edge_share_of_cost)
    taker = p_win - cost >= _floor(float(policy.min_edge_taker), error, share * cost) - ALLOWANCE
    if terms.may_quote is None:
        return np.asarray(taker)
    least = _floor(float(policy.min_edge_maker), error, share * rest) + float(policy.adverse_selection)
    maker = p_win - rest >= least - ALLOWANCE
    return np.asarray(taker | (maker & terms.may_quote[:, None]))


def _floor(least: float, error: Floats, share: Floats) -> Floats:
    return np.maximum(np.maximum(least, error), share)


def passed_through(*, is_bid: bool, price_micros: int, bid: Int32s, ask: Int32s) -> Bools:
    """Where the other side stood strictly beyond a resting order's price: it must have filled. A touch proves nothing."""
    if is_bid:
        return np.asarray((ask != NOBODY) & (ask < price_micros))
    return np.asarray(bid > price_micros)


def surely_kept(
    prospects: Prospects, column: int, *, is_bid: bool, price_micros: int, policy: Policy
) -> Bools:
    """Rows on which a review of an order resting at this price keeps or renews it."""
    price = price_micros / MICROS if is_bid else 1 - price_micros / MICROS
    p_yes, error = prospects.p_yes[:, column], prospects.standard_error[:, column]
    p_win = p_yes if is_bid else 1 - p_yes
    floor = np.maximum(max(float(policy.min_edge_maker), float(policy.min_edge_share_of_cost) * price), error)
    floor = floor + float(policy.adverse_selection)
    with np.errstate(invalid="ignore"):
        return np.asarray(prospects.may_stay[:, column] & (p_win - price >= floor / 2 + ALLOWANCE))
