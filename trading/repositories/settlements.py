"""Settlements of one mode with the cash they moved. Append-only: what was booked wrongly is taken back by a new row."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F, Max, Sum

from markets.models import MarketRow
from milkbot.core.config import TradingMode
from trading.domain.settling import Paid, Result, Settlement
from trading.models import LedgerRow, PositionRow, SettlementRow
from trading.repositories.books import LedgerRepository

_RESULTS: Final[dict[str, Result]] = {"yes": "yes", "no": "no"}


def usable_result(result: str) -> Result | None:
    """A result we can pay out; None for `scalar`, none, or any new word."""
    return _RESULTS.get(result)


class SettlementRepository:
    """Settlements of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def of_market(self, market_id: int) -> tuple[Settlement, ...]:
        """Everything booked for a market, in the order it was."""
        rows = SettlementRow.objects.filter(mode=self._mode, market_id=market_id).order_by("revision")
        return tuple(_to_settlement(row) for row in rows)

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
