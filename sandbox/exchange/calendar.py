"""Which markets there are, what they live through, and when nothing trades: the world's plan and what controls changed."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sandbox.exchange.book import Market
from sandbox.exchange.state import OrderedPause
from sandbox.exchange.types import MarketLife, Outcome, PauseKind
from sandbox.feeds import Ladder, MarketFeed, Pause
from sandbox.kalshi.lifecycle import LISTED_BEFORE_OPENING, SETTLEMENT_TIMER, Lifecycle, finalization_time

PLANNED_AHEAD: Final = timedelta(days=7)


class Calendar:
    """The world's ladders and pauses as far as they have been asked for."""

    def __init__(self, feed: MarketFeed, markets: Mapping[str, Market], now: datetime) -> None:
        """`markets` are those that members or controls came to, as they stand at every later time."""
        self._feed = feed
        self._markets = markets
        self._ladders: dict[str, Ladder] = {}
        self._events: set[str] = set()
        self._asked_on = now - timedelta(days=1)
        self._pauses: list[Pause] = []
        self._planned_until: datetime | None = None

    def newly_listed(self, at: datetime) -> list[Ladder]:
        """Ladders that were not known before; the world is asked once a day."""
        if at.date() == self._asked_on.date():
            return []
        self._asked_on = at
        found = [one for one in self._feed.ladders(at) if one.event_ticker not in self._events]
        self._events.update(one.event_ticker for one in found)
        self._ladders.update({bracket.ticker: one for one in found for bracket in one.brackets})
        return found

    def newly_planned(self, at: datetime) -> list[Pause]:
        """The world's pauses that were not known before, looking a week ahead of `at`."""
        if self._planned_until and at < self._planned_until:
            return []
        known = {one.starts_at for one in self._pauses}
        asked = self._feed.pauses(self._planned_until or at, at + PLANNED_AHEAD)
        found = [one for one in asked if one.starts_at not in known]
        self._pauses += found
        self._planned_until = at + PLANNED_AHEAD
        return found

    def ladder(self, ticker: str, at: datetime) -> Ladder | None:
        """The ladder of a market that is listed at `at`."""
        found = self._ladders.get(ticker)
        return found if found and found.opens_at - LISTED_BEFORE_OPENING <= at else None

    def paused(self, ordered: Sequence[OrderedPause], at: datetime) -> PauseKind | None:
        """What stands still at `at`."""
        for one in reversed(ordered):
            if one.starts_at <= at and (one.ends_at is None or at < one.ends_at):
                return one.kind
        index = bisect_right(self._pauses, at, key=lambda pause: pause.starts_at)
        return "trading" if index and at < self._pauses[index - 1].ends_at else None

    def world_at(self, ordered: Sequence[OrderedPause], at: datetime) -> datetime:
        """The instant whose world is shown at `at`: in a pause that a control ordered, that of its beginning."""
        for one in reversed(ordered):
            if one.starts_at <= at and (one.ends_at is None or at < one.ends_at):
                return one.starts_at
        return at

    def life(self, ladder: Ladder, ticker: str, at: datetime) -> MarketLife:
        """A market's moments that have come by `at`, and its status."""
        market = self._markets.get(ticker)
        determined_at, finalized_at, result = self._decided(ladder, ticker, market, at)
        closed_at = market.set_closed_at if market else None
        moments = Lifecycle(
            created_at=ladder.opens_at - LISTED_BEFORE_OPENING,
            opens_at=ladder.opens_at,
            closes_at=closed_at or ladder.closes_at,
            determined_at=determined_at,
            finalized_at=finalized_at,
        )
        status = moments.status(at)
        return MarketLife(
            ticker=ticker,
            event_ticker=ladder.event_ticker,
            opens_at=moments.opens_at,
            closes_at=moments.closes_at,
            determined_at=determined_at,
            finalized_at=finalized_at if status == "finalized" else None,
            status=status,
            result=result,
        )

    def chosen_winner(self, ladder: Ladder, at: datetime) -> str | None:
        """The market of an event that a control has let win by `at`."""
        for bracket in ladder.brackets:
            market = self._markets.get(bracket.ticker)
            if (
                market
                and market.set_result == "yes"
                and market.set_determined_at
                and market.set_determined_at <= at
            ):
                return bracket.ticker
        return None

    def _decided(
        self, ladder: Ladder, ticker: str, market: Market | None, at: datetime
    ) -> tuple[datetime | None, datetime | None, Outcome | None]:
        """When it was determined and will be finalized, and the result: the controls' word before the world's."""
        if market and market.set_determined_at and market.set_determined_at <= at:
            due = market.set_finalized_at or market.set_determined_at + SETTLEMENT_TIMER
            return market.set_determined_at, due, market.set_result
        due = finalization_time(ladder)
        outcome = self._feed.outcome(ladder.event_ticker) if at >= due - SETTLEMENT_TIMER else None
        if outcome is None:
            return None, None, None
        winner = self.chosen_winner(ladder, at) or outcome.winning_ticker
        result: Outcome = "yes" if winner == ticker else "no"
        return due - SETTLEMENT_TIMER, (market and market.set_finalized_at) or due, result
