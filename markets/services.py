"""What the rest of the house asks of the exchange: today's boards, and which markets have settled."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from markets.cache import BookCache, cache_from_config
from markets.clients.kalshi.history import KalshiHistory
from markets.clients.kalshi.market_data import TICKERS_PER_CALL, KalshiMarketData, client_from_config
from markets.domain.board import build_board
from markets.domain.trading_hours import maintenance_until
from markets.domain.types import Board, Event, ExchangeStatus, Listing, OrderBook, Series
from markets.repositories import MarketRepository
from milkbot import health
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.config import get_config
from milkbot.core.errors import MilkbotError, OutsideError, Unreachable
from milkbot.core.health import Component
from milkbot.logger import logger

SERIES_CACHED_FOR: Final = timedelta(hours=1)
_THREADS: Final = 21
"""Ten cities' events, their fees and the exchange's status, all asked at once: a round takes as long as its slowest."""

T = TypeVar("T")
StreamedBooks = Callable[[Sequence[str], datetime], Mapping[str, OrderBook]]
"""Books that need not be asked for at a time: those of the feed that are young enough."""


class BoardRound(BaseModel):
    """One reading of the exchange. `errors` says in words what failed: by city code, "exchange" or "order books"."""

    model_config = ConfigDict(frozen=True)

    boards: tuple[Board, ...]
    errors: dict[str, str]
    status: ExchangeStatus | None
    """None when the exchange did not say whether it trades: then nobody should."""
    skew_s: float | None = None
    """The exchange's clock minus ours in seconds by its last answer; None before any."""


class _CityReading(NamedTuple):
    city: CityConfig
    series: Series
    events: tuple[Event, ...]


class _SeriesCache:
    """Series change rarely and carry the fees: read once an hour per process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[tuple[str, str], tuple[datetime, Series]] = {}

    def get(self, client: KalshiMarketData, ticker: str, now: datetime) -> Series:
        """The series as read at most an hour before `now`."""
        key = (client.base_url, ticker)
        with self._lock:
            known = self._entries.get(key)
        if known is not None and timedelta() <= now - known[0] < SERIES_CACHED_FOR:
            return known[1]
        series = client.get_series(ticker)
        with self._lock:
            self._entries[key] = (now, series)
        return series


_series_cache = _SeriesCache()


@lru_cache(maxsize=1)
def default_client() -> KalshiMarketData:
    """The client of this process, made when first needed (after a worker has forked)."""
    return client_from_config(get_config())


@lru_cache(maxsize=1)
def _stream() -> tuple[BookCache | None, timedelta]:
    """Where this process finds streamed books, and how old one may be."""
    config = get_config()
    cache = cache_from_config(config) if config.stream_max_age_s else None
    return cache, timedelta(seconds=config.stream_max_age_s)


def streamed_books(tickers: Sequence[str], now: datetime) -> Mapping[str, OrderBook]:
    """The books of the feed that are young enough to be used; none where no feed is configured."""
    cache, max_age = _stream()
    return cache.fresh_books(tickers, now, max_age) if cache else {}


def read_boards(
    city_codes: Sequence[str],
    now: datetime,
    *,
    client: KalshiMarketData | None = None,
    streamed: StreamedBooks = streamed_books,
) -> BoardRound:
    """Read every open event of the cities, priced at `now`. A city that fails is named; the others go on.

    Two round trips: the exchange's status and every city's fees and events side by side, then the order books, 100
    markets to a call and the calls side by side, except those that the feed has just told (`streamed`). Markets whose
    books could not be read still come, with the quotes of their listings, and their board carries the refusal
    BOOKS_UNAVAILABLE.
    """
    exchange = client or default_client()
    cities = [load_cities()[code] for code in city_codes]
    errors: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="kalshi") as pool:
        status_call = pool.submit(exchange.get_status)
        readings = _read_cities(pool, exchange, cities, now, errors)
        status = _outcome(status_call, "exchange", errors)
        tickers = [
            listing.market.ticker for r in readings for event in r.events for listing in event.listings
        ]
        heard = streamed(tickers, now)
        books, unread = _read_books(
            pool, exchange, [ticker for ticker in tickers if ticker not in heard], errors
        )
        books.update(heard)
        board_calls = [
            (reading.city.code, pool.submit(_board, reading, event, books, unread, now))
            for reading in readings
            for event in reading.events
        ]
    made = (_outcome(call, code, errors) for code, call in board_calls)
    boards = tuple(board for board in made if board is not None)
    found = BoardRound(boards=boards, errors=errors, status=status, skew_s=exchange.skew_s)
    _report_health(found, now, any_city_read=bool(readings))
    return found


def refresh_unsettled(
    now: datetime, *, client: KalshiMarketData | None = None, settled: Sequence[str] = ()
) -> tuple[str, ...]:
    """Follow markets past their close until the exchange has paid them out; tickers that became final now.

    `settled` are final markets to be asked about as well: their results may have been amended. A market that has left
    the live lists is looked up in the archive. Raises Unreachable, Refused or Malformed when the exchange's
    lists cannot be read; nothing is stored then.
    """
    repository = MarketRepository()
    unsettled = repository.unsettled(now)
    tickers = [*unsettled, *sorted(set(settled) - set(unsettled))]
    if not tickers:
        return ()
    exchange = client or default_client()
    listings = exchange.list_listings(tickers)
    listed = {listing.market.ticker for listing in listings}
    archived = _archived(exchange, [ticker for ticker in unsettled if ticker not in listed], now)
    return repository.apply_listings([*listings, *archived], now)


def _archived(exchange: KalshiMarketData, tickers: Sequence[str], now: datetime) -> list[Listing]:
    """The markets of these that the archive holds: after some weeks a settled market is listed nowhere else.

    One that cannot be had holds up no other; an archive out of reach is asked again in the next round.
    """
    archive = KalshiHistory(exchange.transport, lambda: now)
    found = []
    for ticker in tickers:
        try:
            found.append(archive.get_archived_market(ticker))
        except Unreachable as error:
            logger.warning("the archive is out of reach", extra={"tickers": len(tickers), "why": str(error)})
            break
        except OutsideError as error:
            logger.warning(
                "a closed market is neither listed nor archived",
                extra={"ticker": ticker, "why": str(error)},
            )
    return found


def _read_cities(
    pool: Executor,
    client: KalshiMarketData,
    cities: Sequence[CityConfig],
    now: datetime,
    errors: dict[str, str],
) -> list[_CityReading]:
    """The cities of which both fees and events could be read."""
    calls = [
        (
            city,
            pool.submit(_series_cache.get, client, city.kalshi_series, now),
            pool.submit(client.list_events, city.kalshi_series, status="open"),
        )
        for city in cities
    ]
    readings = []
    for city, series_call, events_call in calls:
        series = _outcome(series_call, city.code, errors)
        events = _outcome(events_call, city.code, errors)
        if series is not None and events is not None:
            readings.append(_CityReading(city, series, tuple(events)))
    return readings


def _read_books(
    pool: Executor, client: KalshiMarketData, tickers: Sequence[str], errors: dict[str, str]
) -> tuple[dict[str, OrderBook], frozenset[str]]:
    """Books by ticker, and the tickers of the calls that failed: one call's failure leaves the others' books."""
    chunks = [tickers[start : start + TICKERS_PER_CALL] for start in range(0, len(tickers), TICKERS_PER_CALL)]
    calls = [pool.submit(client.get_orderbooks, chunk) for chunk in chunks]
    books: dict[str, OrderBook] = {}
    unread: set[str] = set()
    for chunk, call in zip(chunks, calls, strict=True):
        found = _outcome(call, "order books", errors)
        if found is None:
            unread.update(chunk)
        else:
            books.update(found)
    return books, frozenset(unread)


def _board(
    reading: _CityReading, event: Event, books: Mapping[str, OrderBook], unread: frozenset[str], now: datetime
) -> Board:
    board = build_board(reading.city, event, books, reading.series.fees, now)
    without = any(listing.market.ticker in unread for listing in event.listings)
    if without and board.refusal is None:
        text = "the order books could not be read"
        board = board.model_copy(update={"refusal": "BOOKS_UNAVAILABLE", "refusal_text": text})
    if board.refusal is not None:
        logger.warning(
            "board refused",
            extra={"event_ticker": board.event_ticker, "refusal": board.refusal, "why": board.refusal_text},
        )
    return board


def _outcome(call: Future[T], name: str, errors: dict[str, str]) -> T | None:
    """What `call` returned; None, and a line in `errors`, when it failed. A fault of ours stops the others as little."""
    error = call.exception()
    if error is None:
        return call.result()
    if isinstance(error, MilkbotError):
        errors[name] = str(error)
        logger.warning("the exchange could not be read", extra={"part": name, "fault": str(error)})
    else:
        errors[name] = f"failed: {type(error).__name__}"
        logger.error("reading the exchange failed", exc_info=error, extra={"part": name})
    return None


def _report_health(found: BoardRound, now: datetime, *, any_city_read: bool) -> None:
    """The exchange's sign of life. Its weekly maintenance and hours without open markets are known, no alarm."""
    status, rests_until = found.status, maintenance_until(now)
    notes = [f"{name}: {text}" for name, text in found.errors.items()]
    if rests_until is not None:
        notes.insert(0, f"scheduled maintenance until {rests_until:%H:%MZ}")
    elif status is not None and not status.trading_active:
        expected = f", to resume about {status.resumes_at:%d %b %H:%MZ}" if status.resumes_at else ""
        notes.insert(0, f"trading is paused{expected}")
    elif not notes and not found.boards:
        notes.append("no market is open")
    serves = status is not None and status.trading_active and any_city_read
    health.beat(Component.KALSHI_API, ok=rests_until is not None or serves, message="; ".join(notes))
