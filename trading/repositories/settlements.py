"""Settlements of one mode with the cash they moved. Append-only: what was booked wrongly is taken back by a new row."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import F, Max, Q, Sum

from markets.domain.types import MarketStatus
from markets.models import MarketRow
from milkbot.core.config import TradingMode
from milkbot.core.money import ZERO
from trading.domain.settling import (
    OVERDUE_AFTER,
    ROWS_LAG,
    YES_VALUE,
    FinalResult,
    Paid,
    Settlement,
    UnknownPayouts,
    payout_bounds,
    standing,
)
from trading.models import LedgerRow, PositionRow, SettlementRow
from trading.repositories.books import LedgerRepository

UNUSABLE: Final = Q(market__status=MarketStatus.FINALIZED) & (
    ~Q(market__result__in=YES_VALUE) | Q(market__settled_at=None)
)
"""Rows of final markets that we cannot pay out ourselves: `usable_result` of them is None."""


def usable_result(market: MarketRow) -> FinalResult | None:
    """A final market's result if we can pay it out; None for `scalar`, none, or any new word."""
    for result, yes_value in YES_VALUE.items():
        if market.result == result and market.settled_at is not None:
            return FinalResult(result, yes_value, market.settled_at, market.expiration_value)
    return None


def is_by_hand(settlements: Iterable[Settlement]) -> bool:
    """Whether what stands of a market was booked by hand."""
    stands = standing(tuple(settlements))
    return bool(stands) and all(each.result == "scalar" for each in stands)


class SettlementRepository:
    """Settlements of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def of_market(self, market_id: int) -> tuple[Settlement, ...]:
        """Everything booked for a market, in the order it was."""
        return tuple(self._of_markets([market_id])[market_id])

    @transaction.atomic
    def book(self, settlements: Iterable[Settlement], market_id: int, now: datetime) -> None:
        """Add bookings of a market after those it has, each with its movement of cash.

        The caller holds the market's position, so that two workers cannot number the same revision.
        """
        first = SettlementRow.objects.filter(mode=self._mode, market_id=market_id).count()
        for revision, settlement in enumerate(settlements, start=first):
            row = SettlementRow.objects.create(
                mode=self._mode,
                market_id=market_id,
                revision=revision,
                pnl=settlement.pnl,
                booked_at=now,
                **settlement.model_dump(),
            )
            LedgerRow.objects.create(
                mode=self._mode,
                kind=LedgerRow.Kind.SETTLEMENT,
                amount=settlement.payout,
                settlement=row,
                note="takes back an earlier result" if settlement.is_reversal else "",
                at=settlement.settled_at,
            )

    def tickers_since(self, settled_since: datetime) -> tuple[str, ...]:
        """Markets that were settled at or after `settled_since`: their results may still be amended."""
        rows = SettlementRow.objects.filter(mode=self._mode, settled_at__gte=settled_since)
        return tuple(rows.values_list("market__ticker", flat=True).distinct().order_by("market__ticker"))

    def wait_for_payout(self, now: datetime) -> bool:
        """Whether a position of a closed market will be paid out by itself: the exchange may have paid what is not
        booked yet. One that cannot be, or is overdue, is among `unknown_payouts`.
        """
        closed = Q(market__close_at__lte=now, market__close_at__gte=now - OVERDUE_AFTER)
        open_rows = PositionRow.objects.filter(closed, mode=self._mode, is_open=True)
        return open_rows.exclude(UNUSABLE).exists()

    def uncredited_payouts(self, now: datetime) -> tuple[Decimal, ...]:
        """Dollars by which each booking of a market within ROWS_LAG moved our cash: the exchange's may not have moved yet."""
        rows = SettlementRow.objects.filter(mode=self._mode, booked_at__gt=now - ROWS_LAG)
        moved = rows.values("market_id", "booked_at").annotate(dollars=Sum("payout"))
        return tuple(each["dollars"] for each in moved.order_by("booked_at", "market_id"))

    def unknown_payouts(self, now: datetime) -> UnknownPayouts | None:
        """What waits for a person to book it (`manage.py settle_by_hand`); None when nothing does."""
        overdue = Q(is_open=True, market__close_at__lt=now - OVERDUE_AFTER)
        rows = PositionRow.objects.filter(UNUSABLE | overdue, mode=self._mode).select_related("market")
        booked = self._of_markets(row.market_id for row in rows)
        tickers, least, most = [], ZERO, ZERO
        for row in rows:
            paid = booked[row.market_id]
            if not row.is_open and (not standing(paid) or is_by_hand(paid)):
                continue
            bounds = payout_bounds(row.count, paid)
            tickers.append(row.market.ticker)
            least, most = least + bounds[0], most + bounds[1]
        return UnknownPayouts(tuple(sorted(tickers)), least, most) if tickers else None

    def _of_markets(self, market_ids: Iterable[int]) -> defaultdict[int, list[Settlement]]:
        rows = SettlementRow.objects.filter(mode=self._mode, market_id__in=list(market_ids))
        found: defaultdict[int, list[Settlement]] = defaultdict(list)
        for row in rows.order_by("revision"):
            found[row.market_id].append(_to_settlement(row))
        return found

    def paid(self, ticker: str) -> Paid:
        """What one market came to."""
        sums = SettlementRow.objects.filter(mode=self._mode, market__ticker=ticker).aggregate(
            contracts=Sum("count", default=ZERO), payout=Sum("payout", default=ZERO)
        )
        return Paid(**sums)

    def booked(self, settled_since: datetime, *, settled_until: datetime) -> dict[str, Paid]:
        """What each market came to whose last settlement lies in that time, by ticker."""
        last = (
            SettlementRow.objects.filter(mode=self._mode)
            .values("market__ticker")
            .annotate(at=Max("settled_at"))
        )
        tickers = last.filter(at__range=(settled_since, settled_until)).values_list(
            "market__ticker", flat=True
        )
        fees = dict(
            PositionRow.objects.filter(mode=self._mode, market__ticker__in=tickers).values_list(
                "market__ticker", "fees"
            )
        )
        sums = (
            SettlementRow.objects.filter(mode=self._mode, market__ticker__in=tickers)
            .values(ticker=F("market__ticker"))
            .annotate(contracts=Sum("count"), paid=Sum("payout"))
        )
        return {
            row["ticker"]: Paid(row["contracts"], row["paid"], fees[row["ticker"]])
            for row in sums.order_by("ticker")
        }

    def never_booked(self, tickers: Iterable[str]) -> dict[str, Paid]:
        """Those of `tickers` that closed since our account was opened and of which we have neither a settlement nor an
        open position: in our books the account has nothing to be paid there.
        """
        opened_at = LedgerRepository(self._mode).opened_at()
        if opened_at is None:
            return {}
        booked = SettlementRow.objects.filter(mode=self._mode).values("market_id")
        held = PositionRow.objects.filter(mode=self._mode, is_open=True).values("market_id")
        markets = MarketRow.objects.filter(ticker__in=list(tickers), close_at__gt=opened_at)
        rows = markets.exclude(pk__in=booked).exclude(pk__in=held)
        return {ticker: Paid() for ticker in rows.values_list("ticker", flat=True)}


def _to_settlement(row: SettlementRow) -> Settlement:
    return Settlement.model_validate(
        {name: getattr(row, name) for name in Settlement.model_fields}, from_attributes=False
    )
