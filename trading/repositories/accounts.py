"""The account as decisions and the equity curve need it: cash, what is at risk where, what it is worth now."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal

from django.db.models import Sum
from pydantic import BaseModel, ConfigDict

from markets.domain.tickers import series_of
from markets.domain.types import MarketSnapshot, MarketStatus
from markets.models import MarketRow
from markets.repositories import LastShown, MarketRepository
from milkbot.core.cities import city_of_series, load_cities
from milkbot.core.config import TradingMode
from milkbot.core.money import ZERO
from trading.domain import pnl
from trading.domain.inputs import Account
from trading.domain.risk import Holding, MarketPlace, add_up
from trading.domain.types import OPEN_STATES, Position
from trading.models import LockRow, PositionRow
from trading.repositories.books import LedgerRepository, PositionRepository, reserved_by_orders
from trading.repositories.external import ExternalOrderRepository, ExternalPositionRepository
from trading.repositories.orders import OrderRepository


class Valuation(BaseModel):
    """The account in dollars. realized is net of every fee; equity = starting capital + realized + unrealized."""

    model_config = ConfigDict(frozen=True)

    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal


def read_account(mode: TradingMode, event_tickers: Iterable[str]) -> Account:
    """What we own and may still owe, orders placed by hand included, and how every wish for the events stands.

    What is held in markets we do not follow is exposure and nothing else: its cost has left the ledger as external cash.
    """
    positions = PositionRepository(mode).open()
    reserved = (*reserved_by_orders(mode, OPEN_STATES, positions), *ExternalOrderRepository(mode).exposures())
    elsewhere = ExternalPositionRepository(mode).exposures()
    tickers = {r.market_ticker for r in (*reserved, *elsewhere)} | {p.market_ticker for p in positions}
    places = _places(tickers)
    at_risk = [Holding(p.market_ticker, places[p.market_ticker], p.at_risk) for p in positions]
    pending = [Holding(r.market_ticker, places[r.market_ticker], r.amount) for r in reserved]
    gone = [Holding(e.market_ticker, places[e.market_ticker], e.amount) for e in elsewhere]
    cash = LedgerRepository(mode).cash()
    return Account(
        cash=cash - sum((holding.at_risk for holding in pending), ZERO),
        bankroll=cash + sum((holding.at_risk for holding in at_risk), ZERO),
        exposure=add_up([*at_risk, *pending, *gone]),
        holdings={position.market_ticker: position.count for position in positions},
        standings=OrderRepository(mode).standings(event_tickers),
    )


def value_account(mode: TradingMode) -> Valuation:
    """Mark the account to the newest quotes we stored: after the close a position keeps its last price until it pays.

    A side of a book that went missing keeps its last price for `pnl.HELD_OVER`: one empty list is no loss.
    """
    positions = PositionRepository(mode).open()
    touches = _touches(positions)
    totals = PositionRow.objects.filter(mode=mode).aggregate(realized=Sum("realized_pnl"), fees=Sum("fees"))
    return Valuation(
        cash=LedgerRepository(mode).cash(),
        realized_pnl=(totals["realized"] or ZERO) - (totals["fees"] or ZERO),
        unrealized_pnl=sum(
            (pnl.unrealized(position, *touches[position.market_ticker]) for position in positions), ZERO
        ),
    )


def locked_scopes(mode: TradingMode) -> frozenset[str]:
    """City codes and event tickers that breakers hold now."""
    return frozenset(
        LockRow.objects.filter(mode=mode, cleared_at__isnull=True).values_list("scope", flat=True)
    )


def _places(tickers: set[str]) -> dict[str, MarketPlace]:
    cities = load_cities()
    rows = MarketRow.objects.filter(ticker__in=tickers).values_list(
        "ticker", "event__event_ticker", "city_code"
    )
    known = {ticker: MarketPlace(event, city, cities[city].cluster) for ticker, event, city in rows}
    return {ticker: known.get(ticker) or _place_by_name(ticker) for ticker in tickers}


def _place_by_name(ticker: str) -> MarketPlace:
    """Where a market belongs that was never stored: of another series than our cities', nowhere but in the total."""
    city = city_of_series(series_of(ticker))
    event = ticker.rpartition("-")[0]
    return MarketPlace(event, city.code, city.cluster) if city else MarketPlace(event, "", "")


def _touches(positions: Sequence[Position]) -> dict[str, pnl.Touch]:
    """What each position's market is valued at; both sides None for one whose prices were never stored."""
    repository = MarketRepository()
    quotes = repository.latest_snapshots([position.market_ticker for position in positions])
    stuck = [
        quote.ticker
        for position in positions
        if (quote := quotes.get(position.market_ticker)) is not None
        and (quote.yes_bid if position.count > 0 else quote.yes_ask) is None
    ]
    last = repository.last_shown(stuck) if stuck else {}
    return {
        position.market_ticker: _touch(quotes.get(position.market_ticker), last.get(position.market_ticker))
        for position in positions
    }


def _touch(quote: MarketSnapshot | None, last: LastShown | None) -> pnl.Touch:
    if quote is None:
        return pnl.Touch(None, None)
    touch = pnl.Touch(quote.yes_bid, quote.yes_ask)
    if last is None:
        return touch
    longest = pnl.HELD_OVER if quote.status is MarketStatus.ACTIVE else timedelta.max
    before = pnl.Touch(
        last.yes_bid if last.bid_ago is not None and last.bid_ago <= longest else None,
        last.yes_ask if last.ask_ago is not None and last.ask_ago <= longest else None,
    )
    return pnl.held_over(touch, before)
