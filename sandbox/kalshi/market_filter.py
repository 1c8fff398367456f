"""The filters of `GET /markets`, with the rule which of them exclude one another."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sandbox.kalshi.errors import coded
from sandbox.kalshi.lifecycle import STATUS_OF_FILTER
from sandbox.kalshi.listing import Listing
from sandbox.kalshi.query import Query

CREATED: Final = ("min_created_ts", "max_created_ts")
CLOSE: Final = ("min_close_ts", "max_close_ts")
SETTLED: Final = ("min_settled_ts", "max_settled_ts")
STATUSES_BESIDE: Final = {
    CREATED: frozenset({"", "unopened", "open"}),
    CLOSE: frozenset({"", "closed"}),
    SETTLED: frozenset({"", "settled"}),
}
BESIDE_UPDATED: Final = ("event_ticker", "tickers", "status", *CREATED, *CLOSE, *SETTLED)
MOMENTS: Final[dict[tuple[str, str], Callable[[Listing], datetime | None]]] = {
    CREATED: lambda listing: listing.life.created_at,
    CLOSE: lambda listing: listing.life.closes_at,
    SETTLED: lambda listing: listing.life.finalized_at if listing.status == "finalized" else None,
}


class MarketFilter:
    """Parses the filters of one call. Raises ApiError 400 for a combination that the exchange refuses."""

    def __init__(self, query: Query) -> None:
        self._event = query.text("event_ticker")
        self._series = query.text("series_ticker")
        self._tickers = query.words("tickers")
        self._status = query.choice("status", STATUS_OF_FILTER)
        self._mve = query.choice("mve_filter", ("only", "exclude"))
        self._min_updated = query.whole("min_updated_ts")
        self._bounds = {
            (low, high): (query.whole(low), query.whole(high))
            for low, high in MOMENTS
            if query.present((low, high))
        }
        self._refuse_contradictions(query)

    def _refuse_contradictions(self, query: Query) -> None:
        if len(self._bounds) > 1:
            raise coded(400, "invalid_parameters", "timestamp filters are mutually exclusive")
        for names in self._bounds:
            if self._status not in STATUSES_BESIDE[names]:
                raise coded(
                    400, "invalid_parameters", f"{names[0]} cannot be combined with status {self._status}"
                )
        if self._min_updated is None:
            return
        if query.present(BESIDE_UPDATED):
            raise coded(400, "invalid_parameters", "min_updated_ts cannot be combined with other filters")
        if self._series and self._mve != "exclude":
            raise coded(
                400, "invalid_parameters", "min_updated_ts with series_ticker requires mve_filter=exclude"
            )

    def matches(self, listing: Listing) -> bool:
        """Whether the market passes every filter."""
        return (
            self._mve != "only"
            and (not self._event or listing.ladder.event_ticker == self._event)
            and (not self._series or listing.ladder.series_ticker == self._series)
            and (not self._tickers or listing.bracket.ticker in self._tickers)
            and (not self._status or listing.status in STATUS_OF_FILTER[self._status])
            and self._in_time(listing)
        )

    def _in_time(self, listing: Listing) -> bool:
        if (
            self._min_updated is not None
            and listing.life.updated_at(listing.at).timestamp() <= self._min_updated
        ):
            return False
        for names, (low, high) in self._bounds.items():
            moment = MOMENTS[names](listing)
            if moment is None:
                return False
            seconds = moment.timestamp()
            if (low is not None and seconds <= low) or (high is not None and seconds >= high):
                return False
        return True
