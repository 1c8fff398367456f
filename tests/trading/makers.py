"""Typed, keyword-only makers of frozen domain values: one Chicago event with six brackets, everything adjustable."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from markets.domain.types import (
    Board,
    BoardMarket,
    Bracket,
    FeeSchedule,
    FeeType,
    Market,
    MarketSnapshot,
    MarketStatus,
    OrderBook,
    PriceLevel,
    PriceRange,
    SettlementRule,
    SettlementSource,
    StrikeType,
)
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.config import TradingMode
from trading.domain.inputs import Account, Circumstances, CityView
from trading.domain.keys import client_order_id
from trading.domain.policy import Limits, Policy
from trading.domain.supersede import Standing
from trading.domain.types import (
    Action,
    BookSide,
    Fill,
    Intent,
    Order,
    OrderState,
    Side,
    TimeInForce,
    book_side_of,
)
from trading.domain.weights import Horizon, unlearned
from weather.domain.types import DayHigh, DistKind, Outlook, WeatherSnapshot

CHI = load_cities()["CHI"]
DAY = date(2025, 5, 14)
NOW = datetime(2025, 5, 14, 1, 0, tzinfo=UTC)
"""19:00 CST on the evening before the event's climate day."""
CLOSE = datetime(2025, 5, 15, 4, 59, tzinfo=UTC)
EVENT = "KXHIGHCHI-25MAY14"
FEES = FeeSchedule(fee_type=FeeType.QUADRATIC, multiplier=Decimal(1))
BRACKETS = (
    Bracket(ticker=f"{EVENT}-T71", low_f=None, high_f=70),
    Bracket(ticker=f"{EVENT}-B71.5", low_f=71, high_f=72),
    Bracket(ticker=f"{EVENT}-B73.5", low_f=73, high_f=74),
    Bracket(ticker=f"{EVENT}-B75.5", low_f=75, high_f=76),
    Bracket(ticker=f"{EVENT}-B77.5", low_f=77, high_f=78),
    Bracket(ticker=f"{EVENT}-T78", low_f=79, high_f=None),
)
FAIR_QUOTES = (
    ("0.02", "0.03"),
    ("0.07", "0.09"),
    ("0.21", "0.23"),
    ("0.31", "0.33"),
    ("0.23", "0.25"),
    ("0.12", "0.14"),
)
"""About N(75.5, 2.7): nothing to trade."""
ALONE = unlearned(dict.fromkeys(Horizon, (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)))
"""Weights that leave the market out: what is asked of gates, sizes and caps does not depend on how opinions pool."""


def dollars(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def make_book(ticker: str, bid: str | None, ask: str | None, size: str = "100") -> OrderBook:
    return OrderBook(
        ticker=ticker,
        bids=(PriceLevel(price=Decimal(bid), count=Decimal(size)),) if bid else (),
        asks=(PriceLevel(price=Decimal(ask), count=Decimal(size)),) if ask else (),
    )


def make_board_market(
    bracket: Bracket,
    *,
    bid: str | None,
    ask: str | None,
    size: str = "100",
    status: MarketStatus = MarketStatus.ACTIVE,
    captured_at: datetime = NOW,
    open_at: datetime = CLOSE - timedelta(hours=39),
    close_at: datetime = CLOSE,
) -> BoardMarket:
    event_ticker = bracket.ticker.rpartition("-")[0]
    return BoardMarket(
        market=Market(
            ticker=bracket.ticker,
            event_ticker=event_ticker,
            strike_type=StrikeType.BETWEEN,
            floor_strike=None,
            cap_strike=None,
            status=status,
            open_at=open_at,
            close_at=close_at,
            price_ranges=(PriceRange(start=Decimal(0), end=Decimal(1), step=Decimal("0.01")),),
        ),
        bracket=bracket,
        snapshot=MarketSnapshot(
            ticker=bracket.ticker,
            event_ticker=event_ticker,
            captured_at=captured_at,
            status=status,
            yes_bid=dollars(bid),
            yes_bid_size=Decimal(size) if bid else None,
            yes_ask=dollars(ask),
            yes_ask_size=Decimal(size) if ask else None,
            last_price=None,
            volume=Decimal(0),
            open_interest=Decimal(0),
        ),
        book=make_book(bracket.ticker, bid, ask, size),
    )


def make_board(
    *,
    quotes: Sequence[tuple[str | None, str | None]] = FAIR_QUOTES,
    size: str = "100",
    city: CityConfig = CHI,
    event_ticker: str = EVENT,
    event_date: date = DAY,
    fees: FeeSchedule | None = FEES,
    refusal: str | None = None,
    captured_at: datetime = NOW,
    close_at: datetime = CLOSE,
    status: MarketStatus = MarketStatus.ACTIVE,
) -> Board:
    brackets = [b.model_copy(update={"ticker": b.ticker.replace(EVENT, event_ticker)}) for b in BRACKETS]
    return Board(
        city_code=city.code,
        event_ticker=event_ticker,
        event_date=event_date,
        captured_at=captured_at,
        close_at=close_at,
        markets=tuple(
            make_board_market(
                bracket,
                bid=bid,
                ask=ask,
                size=size,
                status=status,
                captured_at=captured_at,
                close_at=close_at,
            )
            for bracket, (bid, ask) in zip(brackets, quotes, strict=True)
        ),
        fees=fees,
        rule=SettlementRule(source=SettlementSource.NWS_CLI, cli_code=city.cli_code),
        refusal=refusal,
        refusal_text=refusal or "",
    )


def make_weather(
    *,
    city: CityConfig = CHI,
    high_f: int = 75,
    day: date = DAY,
    captured_at: datetime = NOW,
    issued_at: datetime | None = NOW,
    knows_night: bool = True,
) -> WeatherSnapshot:
    return WeatherSnapshot(
        city_code=city.code,
        captured_at=captured_at,
        issued_at=issued_at,
        highs=(DayHigh(day=day, high_f=high_f, knows_night=knows_night),),
    )


def make_outlook(
    *,
    city: CityConfig = CHI,
    mu: float = 75.5,
    sigma: float = 2.7,
    lead_hours: float = 20,
    day: date = DAY,
    mu_se: float = 0.5,
) -> Outlook:
    return Outlook(
        city_code=city.code,
        event_date=day,
        made_at=NOW,
        issued_at=NOW,
        source="nws_grid",
        kind=DistKind.WHOLE_DAY,
        forecast_high_f=round(mu),
        mu=mu,
        sigma=sigma,
        mu_se=mu_se,
        ln_sigma_se=0.1,
        lead_hours=lead_hours,
        model_version="test",
    )


def make_view(
    *,
    city: CityConfig = CHI,
    board: Board | None = None,
    weather: WeatherSnapshot | None = None,
    outlook: Outlook | None = None,
    no_outlook: bool = False,
    no_weather: bool = False,
) -> CityView:
    board = board or make_board(city=city)
    outlooks = (
        {} if no_outlook else {board.event_date: outlook or make_outlook(city=city, day=board.event_date)}
    )
    return CityView(city, None if no_weather else weather or make_weather(city=city), outlooks, [board])


def make_account(
    *,
    cash: str = "10000",
    holdings: Mapping[str, Decimal] | None = None,
    standings: Mapping[str, Standing] | None = None,
) -> Account:
    return Account(
        cash=Decimal(cash), bankroll=Decimal(cash), holdings=holdings or {}, standings=standings or {}
    )


def around(
    *,
    now: datetime = NOW,
    mode: TradingMode = TradingMode.SHADOW,
    policy: Policy | None = None,
    limits: Limits | None = None,
    **changes: object,
) -> Circumstances:
    kept = Circumstances(now, mode, policy or Policy(), limits or Limits(), weights=ALONE)
    return kept._replace(**changes)  # type: ignore[arg-type]


def make_fill(
    *,
    number: int = 0,
    book_side: BookSide = BookSide.BID,
    count: str = "10",
    yes_price: str = "0.40",
    fee: str = "0.0168",
    ticker: str = BRACKETS[2].ticker,
    mode: TradingMode = TradingMode.SHADOW,
    at: datetime = NOW,
) -> Fill:
    return Fill(
        fill_id=f"fill-{number}",
        mode=mode,
        market_ticker=ticker,
        client_order_id=None,
        book_side=book_side,
        count=Decimal(count),
        yes_price=Decimal(yes_price),
        fee=Decimal(fee),
        is_taker=True,
        filled_at=at,
    )


def make_intent(
    *,
    ticker: str = BRACKETS[2].ticker,
    side: Side = Side.YES,
    action: Action = Action.BUY,
    count: str = "10",
    limit_price: str = "0.40",
    city: CityConfig = CHI,
    mode: TradingMode = TradingMode.SHADOW,
    generation: int = 0,
    decided_at: datetime = NOW,
    contributors: tuple[str, ...] = ("forecast_edge",),
) -> Intent:
    return Intent(
        mode=mode,
        city_code=city.code,
        market_ticker=ticker,
        event_ticker=EVENT,
        event_date=DAY,
        side=side,
        action=action,
        book_side=book_side_of(side, action),
        strategy="ensemble",
        contributors=contributors,
        generation=generation,
        count=Decimal(count),
        limit_price=Decimal(limit_price),
        max_cost=Decimal(count) * (Decimal(limit_price) + Decimal("0.02")),
        p_yes=0.5,
        decided_at=decided_at,
    )


def make_order(
    *, intent: Intent | None = None, state: OrderState = OrderState.NEW, count: str = "10"
) -> Order:
    intent = intent or make_intent(count=count)
    return Order(
        client_order_id=client_order_id(intent.intent_key),
        intent_key=intent.intent_key,
        mode=intent.mode,
        market_ticker=intent.market_ticker,
        book_side=intent.book_side,
        side=intent.side,
        action=intent.action,
        limit_price=intent.limit_price,
        count=intent.count,
        time_in_force=TimeInForce.IOC,
        state=state,
        created_at=intent.decided_at,
        updated_at=intent.decided_at,
    )
