"""What the exchange offers, once parsed. Frozen; prices are Decimal dollars 0-1 on the YES book, None when absent."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from milkbot.core.frozen import Frozen, OftenMade
from milkbot.core.money import CENT, ONE, ZERO

_MILLIONTH: Final = Decimal("0.000001")
_COUNTS_END: Final = Decimal(10**12)


def checked_price(value: Decimal) -> Decimal:
    """`value`, if a market can quote it: between 0 and 1 dollar, in millionths. Raises ValueError."""
    if not ZERO < value < ONE:
        raise ValueError(f"{value} is not between 0 and 1")
    if value % _MILLIONTH:
        raise ValueError(f"{value} is finer than a millionth")
    return value


def checked_count(value: Decimal) -> Decimal:
    """`value`, if it can be a number of contracts: not negative, below 10^12, in hundredths. Raises ValueError."""
    if not ZERO <= value < _COUNTS_END:
        raise ValueError(f"{value} is not between 0 and {_COUNTS_END}")
    if value % CENT:
        raise ValueError(f"{value} is finer than a hundredth")
    return value


Price = Annotated[Decimal, AfterValidator(checked_price)]
"""A quotable price: strictly between 0 and 1 dollar. 0.0000 and 1.0000 on the wire mean "nobody is quoting"."""
Count = Annotated[Decimal, AfterValidator(checked_count)]


class StrikeType(StrEnum):
    LESS = "less"
    BETWEEN = "between"
    GREATER = "greater"


class MarketStatus(StrEnum):
    """The exchange's words. UNRECOGNIZED stands for any new one: such a market is held, never traded."""

    INITIALIZED = "initialized"
    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"
    UNRECOGNIZED = "unrecognized"


class Bracket(Frozen):
    """A market's set of whole degrees °F, both ends inclusive; None is an open end."""

    ticker: str
    low_f: int | None
    high_f: int | None

    def holds(self, value_f: int) -> bool:
        return (self.low_f is None or value_f >= self.low_f) and (
            self.high_f is None or value_f <= self.high_f
        )

    @property
    def label(self) -> str:
        """`74° to 75°`, `73° or below`, `80° or above`."""
        if self.low_f is None:
            return f"{self.high_f}° or below"
        if self.high_f is None:
            return f"{self.low_f}° or above"
        return f"{self.low_f}° to {self.high_f}°"


class Ladder(Frozen):
    """All brackets of an event, coldest first. Only `markets.domain.ladder` builds one, and only if it partitions."""

    event_ticker: str
    brackets: tuple[Bracket, ...] = Field(min_length=2)

    def bracket(self, ticker: str) -> Bracket | None:
        return next((bracket for bracket in self.brackets if bracket.ticker == ticker), None)


class PriceLevel(Frozen):
    price: Price
    count: Decimal = Field(gt=0)


class OrderBook(Frozen):
    """Resting interest on the YES book: bids best (highest) first, asks best (lowest) first."""

    ticker: str
    bids: tuple[PriceLevel, ...] = ()
    asks: tuple[PriceLevel, ...] = ()

    @property
    def best_bid(self) -> PriceLevel | None:
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> PriceLevel | None:
        return self.asks[0] if self.asks else None


class PriceRange(Frozen):
    """Legal prices are start, start + step, ... up to end."""

    start: Decimal = Field(ge=0, le=1)
    end: Decimal = Field(ge=0, le=1)
    step: Decimal = Field(gt=0, le=1)


class FeeType(StrEnum):
    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"


class FeeSchedule(Frozen):
    """How a series (or an event that overrides it) charges. Read from the exchange, never assumed."""

    fee_type: FeeType
    multiplier: Decimal = Field(ge=0, le=10)


class SettlementSource(StrEnum):
    NWS_CLI = "nws_cli"
    WEATHER_COMPANY = "weather_company"


class SettlementRule(Frozen):
    """What an event's own text says it settles on."""

    source: SettlementSource
    cli_code: str | None
    """The (CLIxxx) token of the text; None in NWS-era texts that name only the site."""
    site_text: str = ""


class Market(OftenMade):
    """One bracket as the exchange lists it: everything that does not change from minute to minute."""

    ticker: str
    event_ticker: str
    strike_type: StrikeType | None
    """None when the exchange sent a type we do not know: the event cannot be traded."""
    floor_strike: Decimal | None
    cap_strike: Decimal | None
    status: MarketStatus
    open_at: AwareDatetime
    close_at: AwareDatetime
    price_ranges: tuple[PriceRange, ...]
    rules_primary: str = ""
    result: str = ""
    """yes, no, scalar, or empty while undetermined."""
    expiration_value: str = ""
    settled_at: AwareDatetime | None = None
    exchange_index: int = 0


class MarketSnapshot(OftenMade):
    """A market's prices at one instant. Sizes are paired with their price: both present or both None."""

    ticker: str
    event_ticker: str
    captured_at: AwareDatetime
    status: MarketStatus
    yes_bid: Price | None
    yes_bid_size: Count | None
    yes_ask: Price | None
    yes_ask_size: Count | None
    last_price: Price | None
    volume: Count
    open_interest: Count

    @model_validator(mode="after")
    def _sides_are_paired_and_uncrossed(self) -> "MarketSnapshot":
        if (self.yes_bid is None) != (self.yes_bid_size is None):
            raise ValueError("yes_bid and yes_bid_size must be given together or not at all")
        if (self.yes_ask is None) != (self.yes_ask_size is None):
            raise ValueError("yes_ask and yes_ask_size must be given together or not at all")
        if self.yes_bid is not None and self.yes_ask is not None and self.yes_bid >= self.yes_ask:
            raise ValueError(f"crossed book: bid {self.yes_bid} is not below ask {self.yes_ask}")
        return self

    @property
    def spread(self) -> Decimal | None:
        """Ask minus bid in dollars; None when a side is absent."""
        if self.yes_bid is None or self.yes_ask is None:
            return None
        return self.yes_ask - self.yes_bid

    @property
    def mid(self) -> Decimal | None:
        if self.yes_bid is None or self.yes_ask is None:
            return None
        return (self.yes_bid + self.yes_ask) / 2


@dataclass(frozen=True, slots=True)
class Listing:
    """A market with its prices, as one answer of the exchange carried both. Each has been validated already."""

    market: Market
    snapshot: MarketSnapshot


class ListingFault(Frozen):
    """Something of an event that could not be read; the rest of the answer was used."""

    ticker: str
    code: str
    text: str


class Event(Frozen):
    """One city-day on the exchange with its markets. With `faults` its ladder is incomplete: shown, not traded."""

    event_ticker: str
    series_ticker: str
    event_date: date
    title: str = ""
    fee_override: FeeSchedule | None = None
    listings: tuple[Listing, ...] = ()
    faults: tuple[ListingFault, ...] = ()


class Series(Frozen):
    ticker: str
    title: str = ""
    fees: FeeSchedule | None
    """None when the exchange sent a fee type we cannot compute: nothing of the series is traded."""
    settlement_source_names: tuple[str, ...] = ()


class ExchangeStatus(Frozen):
    exchange_active: bool
    trading_active: bool
    resumes_at: AwareDatetime | None = None


class AccountIdentity(Frozen):
    """Whose key it is, as signed calls told: available cash in dollars and the token buckets of its tier.

    `scopes` are what the key may do, None when the exchange did not tell.
    """

    balance: Decimal
    usage_tier: str
    read_tokens_per_s: Decimal
    write_tokens_per_s: Decimal
    scopes: tuple[str, ...] | None = None

    @property
    def may_trade(self) -> bool | None:
        """Whether the key may place orders; None when nobody knows."""
        return None if self.scopes is None else bool({"write", "write::trade"} & set(self.scopes))

    @property
    def may_transfer(self) -> bool | None:
        """Whether the key may move money, which this bot never needs; None when nobody knows."""
        return None if self.scopes is None else bool({"write", "write::transfer"} & set(self.scopes))


class BoardMarket(OftenMade):
    """One bracket ready to be decided on."""

    market: Market
    bracket: Bracket
    snapshot: MarketSnapshot
    book: OrderBook


class Board(OftenMade):
    """What the exchange offers on one city-day, checked and complete: ladder, books, fees, settlement rule.

    `refusal` names why nothing here may be traded (EVENT_NOT_PARTITION, STATION_MISMATCH, ...); prices still show.
    """

    city_code: str
    event_ticker: str
    event_date: date
    captured_at: AwareDatetime
    close_at: AwareDatetime
    markets: tuple[BoardMarket, ...]
    fees: FeeSchedule | None
    rule: SettlementRule | None
    refusal: str | None = None
    refusal_text: str = ""
