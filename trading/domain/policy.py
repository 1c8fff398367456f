"""The numbers a decision is bound by. One frozen object each, so a replay can name exactly what applied."""

from datetime import timedelta
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from milkbot.core.constants import MAX_SPREAD_CENTS, MAX_UNCERTAINTY


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Policy(_Frozen):
    """Gates and sizing (probability-and-sizing.md 5.2, decisions.md on PRD 4.2)."""

    max_spread: Decimal = Decimal(MAX_SPREAD_CENTS) / 100
    min_displayed: Decimal = Decimal(4)
    """Contracts that must stand at the touch before we trust the price."""
    max_share_of_displayed: Decimal = Decimal("0.25")
    max_uncertainty: float = MAX_UNCERTAINTY
    min_edge_taker: Decimal = Decimal("0.03")
    min_edge_maker: Decimal = Decimal("0.02")
    min_edge_share_of_cost: Decimal = Decimal("0.08")
    adverse_selection: Decimal = Decimal("0.01")
    """Dollars a contract that a quote loses to who knows more, beside what it must promise (5.2, 5.4): it fills more
    often when it should not."""
    implausible_disagreement: float = 0.20
    """Against everyone by more than this, without an observation they lack, the likeliest cause is our own fault."""
    news_lasts: timedelta = timedelta(minutes=15)
    """For this long after a reading the market may not have priced it, and may be contradicted."""
    min_confidence: float = 0.25
    kelly_fraction: Decimal = Decimal("0.25")
    lock_per_trade: Decimal = Decimal(25)
    """Dollars on one market once the day looks settled: what is left to lose there is in no distribution."""
    lock_max_cost: Decimal = Decimal("0.98")
    """Nothing dearer is taken before the preliminary report: at 0.99 there is 0.9¢ to gain against 0.13 to 0.25¢ of
    basis risk and the model's own error (probability-and-sizing.md 4)."""
    max_price_age: timedelta = timedelta(minutes=2)
    no_entry_before_close: timedelta = timedelta(minutes=15)
    max_lead_hours: float = 60
    max_chase: Decimal = Decimal("0.05")
    """Never pay more than this above the price the wish was first decided at, however often it is superseded."""
    resting_life: timedelta = timedelta(minutes=4)
    """A resting order expires by itself after this, so that one we lost sight of ends without us."""
    renew_before: timedelta = timedelta(minutes=2)
    """Longer than a cycle, so that every order is looked at before it expires."""
    min_resting_life: timedelta = timedelta(minutes=1)
    """A quote that would have to leave the book sooner is not posted: no turn would look at it again."""
    supersede_after: timedelta = timedelta(minutes=1)
    max_generations: int = 60
    """Of one wish. Each release takes a quote out of the book: the hourly readings of a day and the forecasts and reports of
    two are some 35; the rest is for what the market does."""
    ask_again_within: timedelta = timedelta(minutes=2)
    """An order without an answer is asked for again under its own id for this long after it was decided."""
    whole_day_until_hour: int = 10
    """Local standard hour of the event's day from which a forecast of the whole day says too little: by then the
    market watches the thermometer, and we do not yet (intraday conditioning is a strategy of its own)."""


class Limits(_Frozen):
    """Caps in dollars at risk. They count worst case: open positions at cost plus every order that may still fill."""

    per_trade: Decimal = Field(default=Decimal(100), gt=0)
    per_event: Decimal = Field(default=Decimal(250), gt=0)
    per_city: Decimal = Field(default=Decimal(350), gt=0)
    per_cluster: Decimal = Field(default=Decimal(400), gt=0)
    total: Decimal = Field(default=Decimal(800), gt=0)
    total_share_of_bankroll: Decimal = Field(default=Decimal("0.08"), gt=0, le=1)
    max_positions: int = Field(default=80, gt=0)
    """Four of six brackets in each of the twenty events that ten cities have open. The dollars above bound the loss, and
    the same dollars over more positions are no more risk; holding more than this is a fault of ours, not a view."""
