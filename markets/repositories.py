"""Stores and finds what the exchange offered. Domain types in and out; rows never leave.

The number of SQL statements never depends on the number of markets.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from markets.domain.tickers import series_of
from markets.domain.types import (
    Board,
    BoardMarket,
    Listing,
    Market,
    MarketSnapshot,
    MarketStatus,
    PriceLevel,
    StrikeType,
)
from markets.models import EventRow, MarketRow, MarketSnapshotRow
from milkbot.core.errors import BadMarketData
from milkbot.core.money import ONE

RAW_LEVELS: Final = 5
"""Levels a side kept of each book. More would exceed the daily volume the design allows (60 MB for ten cities)."""
UNSETTLED_BATCH: Final = 500

_REOPENING: Final = (MarketStatus.DISPUTED, MarketStatus.AMENDED)

_QUOTES: Final = (
    "status",
    "yes_bid",
    "yes_bid_size",
    "yes_ask",
    "yes_ask_size",
    "last_price",
    "volume",
    "open_interest",
)
_EVENT_COLUMNS: Final = (
    "close_at",
    "settlement_source",
    "cli_code",
    "fee_type",
    "fee_multiplier",
    "refusal",
    "refusal_text",
)
_KEPT_IF_BLANK: Final = frozenset({"settlement_source", "cli_code", "fee_type", "fee_multiplier"})
"""What was known of an event stays known when a later reading is refused before it gets that far."""
_MARKET_COLUMNS: Final = (
    "strike_type",
    "low_f",
    "high_f",
    "label",
    "status",
    "open_at",
    "close_at",
    "result",
    "expiration_value",
    "settled_at",
    "exchange_index",
)


class KnownMarket(NamedTuple):
    """A stored market by its names."""

    pk: int
    ticker: str
    event_ticker: str
    city_code: str


class LastShown(NamedTuple):
    """The last bid and ask of a market's YES book, and how long ago each was shown; None where there never was one."""

    yes_bid: Decimal | None
    bid_ago: timedelta | None
    yes_ask: Decimal | None
    ask_ago: timedelta | None


class MarketRepository:
    """Events, markets and their prices, in `ops`."""

    @transaction.atomic
    def save_boards(self, boards: Sequence[Board], now: datetime) -> dict[str, int]:
        """Store boards and prices seen at `now`; market ids by ticker.

        A snapshot row is written only when something changed since the latest one; otherwise its `last_seen_at` moves.
        A finalized market is never touched again.
        """
        event_ids = _upsert_events(boards, now)
        market_ids = _upsert_markets(boards, event_ids, now)
        entries = {entry.market.ticker: (board, entry) for board in boards for entry in board.markets}
        _store_snapshots(
            [
                _snapshot_row(market_ids[ticker], board.city_code, entry.snapshot, now, raw=_raw(entry))
                for ticker, (board, entry) in entries.items()
            ],
            now,
        )
        return market_ids

    @transaction.atomic
    def save_snapshot(self, snapshot: MarketSnapshot) -> None:
        """Store one market's prices, if they changed. Raises BadMarketData(UNKNOWN_MARKET) before its board is stored."""
        market = MarketRow.objects.filter(ticker=snapshot.ticker).only("pk", "city_code").first()
        if market is None:
            raise BadMarketData("UNKNOWN_MARKET", f"{snapshot.ticker} has not been stored with its event")
        at = snapshot.captured_at
        _store_snapshots([_snapshot_row(market.pk, market.city_code, snapshot, at, raw={})], at)

    def get_active_markets(self, city_code: str) -> list[MarketSnapshot]:
        """The latest prices of the city's active markets, by event day and strike."""
        markets = MarketRow.objects.filter(city_code=city_code, status=MarketStatus.ACTIVE)
        rows = _latest_rows(markets).order_by("market__event_date", "market__high_f", "market__low_f")
        return [_to_snapshot(row) for row in rows]

    def get_market(self, ticker: str) -> Market | None:
        """The market as last listed. Its price grid and rules are not stored: `price_ranges` is empty."""
        row = MarketRow.objects.select_related("event").filter(ticker=ticker).first()
        return to_market(row) if row else None

    def ids(self, tickers: Iterable[str]) -> dict[str, int]:
        """Row ids by ticker; markets that were never stored are left out."""
        return dict(MarketRow.objects.filter(ticker__in=list(tickers)).values_list("ticker", "pk"))

    def open_markets(self, event_tickers: Iterable[str]) -> tuple[KnownMarket, ...]:
        """The markets of these events that were ever stored and are not final."""
        rows = MarketRow.objects.filter(event__event_ticker__in=list(event_tickers))
        known = rows.exclude(status=MarketStatus.FINALIZED)
        columns = ("pk", "ticker", "event__event_ticker", "city_code")
        return tuple(KnownMarket(*values) for values in known.order_by("ticker").values_list(*columns))

    def tradable(self, city_codes: Sequence[str], now: datetime) -> tuple[str, ...]:
        """Tickers of the cities' active markets that have not closed at `now`."""
        rows = MarketRow.objects.filter(
            city_code__in=city_codes, status=MarketStatus.ACTIVE, close_at__gt=now
        )
        return tuple(rows.order_by("ticker").values_list("ticker", flat=True))

    def latest_snapshots(self, tickers: Sequence[str]) -> dict[str, MarketSnapshot]:
        """The latest prices by ticker; markets without any are left out."""
        rows = _latest_rows(MarketRow.objects.filter(ticker__in=tickers))
        return {row.market.ticker: _to_snapshot(row) for row in rows}

    def last_shown(self, tickers: Sequence[str]) -> dict[str, LastShown]:
        """By ticker, the last bid and ask that were stored, and how long before its latest prices each was last seen."""
        rows = (
            MarketRow.objects.filter(ticker__in=tickers)
            .annotate(
                bid=_newest("yes_bid", yes_bid__isnull=False),
                bid_at=_newest("last_seen_at", yes_bid__isnull=False),
                ask=_newest("yes_ask", yes_ask__isnull=False),
                ask_at=_newest("last_seen_at", yes_ask__isnull=False),
                seen_at=_newest("last_seen_at"),
            )
            .values_list("ticker", "bid", "bid_at", "ask", "ask_at", "seen_at")
        )
        return {
            ticker: LastShown(
                bid, seen_at - bid_at if bid_at else None, ask, seen_at - ask_at if ask_at else None
            )
            for ticker, bid, bid_at, ask, ask_at, seen_at in rows
        }

    def unsettled(self, now: datetime) -> tuple[str, ...]:
        """Tickers past their close at `now` and not final, the longest waiting first, at most 500."""
        rows = MarketRow.objects.exclude(status=MarketStatus.FINALIZED).filter(close_at__lt=now)
        return tuple(rows.order_by("close_at", "ticker").values_list("ticker", flat=True)[:UNSETTLED_BATCH])

    @transaction.atomic
    def apply_listings(self, listings: Sequence[Listing], now: datetime) -> tuple[str, ...]:
        """Follow the exchange's status, result, expiration value and times; tickers that became final by it.

        Listings of unknown markets are ignored. A final market moves only by a word that can follow a final one: a
        dispute, an amendment, or another final result. Any other listing of it is an old one.
        """
        listed = {listing.market.ticker: listing.market for listing in listings}
        known = MarketRow.objects.select_for_update().filter(ticker__in=listed).order_by("ticker")
        rows = [row for row in known if _may_follow(row, listed[row.ticker])]
        for row in rows:
            market = listed[row.ticker]
            row.status, row.result, row.expiration_value = (
                market.status,
                market.result,
                market.expiration_value,
            )
            row.close_at, row.settled_at = market.close_at, _settled_at(market, now)
        MarketRow.objects.bulk_update(
            rows, ["status", "result", "expiration_value", "close_at", "settled_at"]
        )
        return tuple(row.ticker for row in rows if row.status == MarketStatus.FINALIZED)


def _may_follow(row: MarketRow, market: Market) -> bool:
    if row.status != MarketStatus.FINALIZED:
        return True
    says_other = (row.result, row.expiration_value) != (market.result, market.expiration_value)
    is_final = market.status is MarketStatus.FINALIZED and market.result != ""
    return market.status in _REOPENING or (is_final and says_other)


def _upsert_events(boards: Sequence[Board], now: datetime) -> dict[str, int]:
    stored = EventRow.objects.in_bulk([board.event_ticker for board in boards], field_name="event_ticker")
    changed = []
    for row in (_event_row(board, now) for board in boards):
        before = stored.get(row.event_ticker)
        if before is not None:
            for column in _KEPT_IF_BLANK:
                setattr(row, column, getattr(row, column) or getattr(before, column))
        if before is None or _differs(row, before, _EVENT_COLUMNS):
            changed.append(row)
    EventRow.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["event_ticker"], update_fields=_EVENT_COLUMNS
    )
    return {row.event_ticker: row.pk for row in (*stored.values(), *changed)}


def _upsert_markets(boards: Sequence[Board], event_ids: Mapping[str, int], now: datetime) -> dict[str, int]:
    tickers = [entry.market.ticker for board in boards for entry in board.markets]
    stored = MarketRow.objects.in_bulk(tickers, field_name="ticker")
    changed = []
    for board in boards:
        for entry in board.markets:
            row = _market_row(board, entry, event_ids[board.event_ticker], now)
            before = stored.get(row.ticker)
            is_open = before is None or before.status != MarketStatus.FINALIZED
            if is_open and (before is None or _differs(row, before, _MARKET_COLUMNS)):
                changed.append(row)
    MarketRow.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["ticker"], update_fields=_MARKET_COLUMNS
    )
    return {row.ticker: row.pk for row in (*stored.values(), *changed)}


def _store_snapshots(rows: Sequence[MarketSnapshotRow], now: datetime) -> None:
    markets = MarketRow.objects.filter(pk__in=[row.market_id for row in rows])
    latest = {row.market_id: row for row in _latest_rows(markets)}
    fresh, unchanged = [], []
    for row in rows:
        before = latest.get(row.market_id)
        if before is None:
            fresh.append(row)
        elif before.last_seen_at > row.captured_at:
            continue  # A slow reader came late: newer prices are stored already.
        elif _differs(row, before, _QUOTES):
            fresh.append(row)
        else:
            unchanged.append(before.pk)
    MarketSnapshotRow.objects.bulk_create(fresh)
    MarketSnapshotRow.objects.filter(pk__in=unchanged).update(last_seen_at=now)


def _latest_rows(markets: QuerySet[MarketRow]) -> QuerySet[MarketSnapshotRow]:
    """The newest snapshot of each market: one index probe per market, however long its history."""
    ids = markets.annotate(newest_id=_newest("pk")).values("newest_id")
    return MarketSnapshotRow.objects.filter(pk__in=ids).select_related("market__event")


def _newest(column: str, **shown: Any) -> Subquery:
    """A column of a market's newest snapshot among those that are as `shown`."""
    rows = MarketSnapshotRow.objects.filter(market=OuterRef("pk"), **shown)
    return Subquery(rows.order_by("-captured_at").values(column)[:1])


def _differs(row: Any, before: Any, columns: Iterable[str]) -> bool:
    return any(getattr(row, column) != getattr(before, column) for column in columns)


def _event_row(board: Board, now: datetime) -> EventRow:
    return EventRow(
        event_ticker=board.event_ticker,
        series_ticker=series_of(board.event_ticker),
        city_code=board.city_code,
        event_date=board.event_date,
        close_at=board.close_at,
        settlement_source=board.rule.source.value if board.rule else "",
        cli_code=(board.rule.cli_code or "") if board.rule else "",
        fee_type=board.fees.fee_type.value if board.fees else "",
        fee_multiplier=board.fees.multiplier if board.fees else None,
        refusal=(board.refusal or "")[:40],
        refusal_text=board.refusal_text,
        first_seen_at=now,
    )


def _market_row(board: Board, entry: BoardMarket, event_id: int, now: datetime) -> MarketRow:
    market, bracket = entry.market, entry.bracket
    return MarketRow(
        event_id=event_id,
        ticker=market.ticker,
        city_code=board.city_code,
        event_date=board.event_date,
        strike_type=market.strike_type.value if market.strike_type else "",
        low_f=bracket.low_f,
        high_f=bracket.high_f,
        label=bracket.label,
        status=market.status.value,
        open_at=market.open_at,
        close_at=market.close_at,
        result=market.result,
        expiration_value=market.expiration_value,
        settled_at=_settled_at(market, now),
        exchange_index=market.exchange_index,
    )


def _settled_at(market: Market, now: datetime) -> datetime | None:
    """When it was settled; where the exchange does not say, when we first saw it final."""
    return market.settled_at or (now if market.status is MarketStatus.FINALIZED else None)


def _snapshot_row(
    market_id: int, city_code: str, snapshot: MarketSnapshot, now: datetime, *, raw: dict[str, object]
) -> MarketSnapshotRow:
    return MarketSnapshotRow(
        market_id=market_id,
        city_code=city_code,
        captured_at=snapshot.captured_at,
        last_seen_at=max(now, snapshot.captured_at),
        raw=raw,
        **{name: getattr(snapshot, name) for name in _QUOTES},
    )


def _raw(entry: BoardMarket) -> dict[str, object]:
    """The best levels of the book in the exchange's own form: YES bids and NO bids, best last."""
    return {
        "yes_dollars": _wire_levels(entry.book.bids, lambda price: price),
        "no_dollars": _wire_levels(entry.book.asks, lambda price: ONE - price),
    }


def _wire_levels(levels: Sequence[PriceLevel], to_wire: Callable[[Decimal], Decimal]) -> list[list[str]]:
    return [[str(to_wire(level.price)), str(level.count)] for level in reversed(levels[:RAW_LEVELS])]


def _to_snapshot(row: MarketSnapshotRow) -> MarketSnapshot:
    values = {name: getattr(row, name) for name in _QUOTES}
    values["status"] = MarketStatus(row.status)
    return MarketSnapshot(
        ticker=row.market.ticker,
        event_ticker=row.market.event.event_ticker,
        captured_at=row.captured_at,
        **values,
    )


def to_market(row: MarketRow) -> Market:
    strike_type = StrikeType(row.strike_type) if row.strike_type else None
    floor, cap = _strikes(strike_type, row.low_f, row.high_f)
    return Market(
        ticker=row.ticker,
        event_ticker=row.event.event_ticker,
        strike_type=strike_type,
        floor_strike=floor,
        cap_strike=cap,
        status=MarketStatus(row.status),
        open_at=row.open_at,
        close_at=row.close_at,
        price_ranges=(),
        result=row.result,
        expiration_value=row.expiration_value,
        settled_at=row.settled_at,
        exchange_index=row.exchange_index,
    )


def _strikes(
    strike_type: StrikeType | None, low_f: int | None, high_f: int | None
) -> tuple[Decimal | None, Decimal | None]:
    """Back from the bracket's whole degrees to strikes that mean the same bracket."""
    low = None if low_f is None else Decimal(low_f)
    high = None if high_f is None else Decimal(high_f)
    if strike_type is StrikeType.LESS and high is not None:
        return None, high + 1
    if strike_type is StrikeType.GREATER and low is not None:
        return low - 1, None
    return low, high
