"""What there is to learn from: events that are over, and what was thought of them while they traded."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Count, Max, Q

from markets.domain.ladder import coldest_first
from markets.domain.types import Bracket, MarketStatus
from markets.models import EventRow, MarketRow
from milkbot.core.config import TradingMode
from trading.domain.types import EnsembleOutput
from trading.models import SignalRow

SEEN_WITHIN: Final = timedelta(minutes=15)
"""Of the instant: an opinion last seen longer ago was not known to hold any more."""


class Finished(NamedTuple):
    """An event whose result is final. Market ids are in the order of the ladder, coldest first."""

    event_ticker: str
    city_code: str
    event_date: date
    market_ids: tuple[int, ...]
    outcome: int
    """Place of the bracket that paid."""
    final_at: datetime


def finished_events(after: datetime, until: datetime, most: int) -> Iterator[Finished]:
    """Events whose last market became final after `after` and by `until`, in that order; not those without one winner."""
    is_open = Q(markets__settled_at__isnull=True) | Q(markets__result="")
    rows = (
        EventRow.objects.annotate(
            final_at=Max("markets__settled_at"), open_markets=Count("markets", filter=is_open)
        )
        .filter(open_markets=0, final_at__gt=after, final_at__lte=until)
        .order_by("final_at", "event_ticker")
        .prefetch_related("markets")
    )
    for row in rows[:most]:
        markets = sorted(row.markets.all(), key=_coldest_first)
        won = [place for place, market in enumerate(markets) if market.result == "yes"]
        finals = {market.status for market in markets} == {MarketStatus.FINALIZED.value}
        if finals and len(won) == 1:
            yield Finished(
                row.event_ticker,
                row.city_code,
                row.event_date,
                tuple(market.pk for market in markets),
                won[0],
                row.final_at,
            )


def opinions_at(
    mode: TradingMode, market_ids: Sequence[int], at: datetime
) -> tuple[EnsembleOutput, ...] | None:
    """What was thought of these markets at `at`, in their order; None when not all of them were thought of then."""
    rows = (
        SignalRow.objects.filter(mode=mode, market_id__in=market_ids, made_at__lte=at)
        .order_by("market_id", "-made_at", "-pk")
        .distinct("market_id")
        .values_list("market_id", "seen_until", "ensemble")
    )
    found: dict[int, Any] = {
        market_id: ensemble
        for market_id, seen_until, ensemble in rows
        if seen_until >= at - SEEN_WITHIN and ensemble is not None
    }
    if len(found) < len(market_ids):
        return None
    return tuple(EnsembleOutput.model_validate(found[market_id]) for market_id in market_ids)


def _coldest_first(market: MarketRow) -> tuple[int, int]:
    return coldest_first(Bracket(ticker=market.ticker, low_f=market.low_f, high_f=market.high_f))
