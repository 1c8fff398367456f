"""One event as anyone could have seen it at any moment while it traded: its board, its city's weather, its outlook."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from markets.domain.types import Board, BoardMarket, FeeSchedule, MarketSnapshot
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.money import ZERO
from trading.backtest.as_of import AsOf, displayed, recorded_book
from trading.backtest.calibrating import SourceHistory
from trading.backtest.ladder_source import ladder_high
from trading.backtest.quote_history import Quote, micros_of, moment
from trading.backtest.recorded_types import QUIET_AT_MOST, RecordedEvent
from trading.domain.inputs import CityView
from weather.domain.outlook import make_outlook
from weather.domain.types import Outlook, WeatherSnapshot


class EventPast:
    """An event as anyone could have seen it at any of its instants."""

    def __init__(self, as_of: AsOf, event: RecordedEvent) -> None:
        self.event = event
        self.city: CityConfig = load_cities()[event.city_code]
        self._as_of = as_of
        self._template = as_of.opening(event)
        self.releases = as_of.releases(event)
        self._histories = [as_of.recording.quotes[entry.market.ticker] for entry in self._template.markets]
        self._outlooks: dict[datetime, Outlook | None] = {}
        self._shown: dict[int, tuple[int, BoardMarket]] = {}
        """Of each market the place of the quote that was shown last, and what it was shown as."""
        self._weather: tuple[datetime, WeatherSnapshot | None] | None = None
        """As it was asked for last."""

    @cached_property
    def _said(self) -> SourceHistory:
        day = self.event.event_date
        return SourceHistory(self._as_of.recording, self.city.code, day, ladder_high(self.event))

    @property
    def refusal(self) -> str | None:
        """Why nothing of the event may be traded, if so."""
        return self._template.refusal

    @property
    def fees(self) -> FeeSchedule | None:
        """What the series charges; None when nobody can tell."""
        return self._template.fees

    @property
    def opening_board(self) -> Board:
        """The board at its opening, for what neither prices nor their age matter to."""
        return self._template

    @property
    def tickers(self) -> tuple[str, ...]:
        """Coldest first."""
        return tuple(entry.market.ticker for entry in self._template.markets)

    def places_at(self, now: datetime) -> list[int]:
        """Of each market the place of its newest quote in its history; -1 before the first."""
        micros = micros_of(now)
        return [history.place_at(micros) for history in self._histories]

    def board(self, places: Sequence[int], now: datetime) -> Board:
        """The board at `now`, when the newest quote of each market is the one at `places` of its history.

        The same as `AsOf.board`, at a fraction of its cost: what an event has at its opening is not checked again. When
        nothing has moved for too long nobody was recording, and the prices are as old as the last change.
        """
        micros = [
            int(history.at[place])
            for history, place in zip(self._histories, places, strict=True)
            if place >= 0
        ]
        changed_at = moment(max(micros)) if micros else now
        read_at = now if now - changed_at <= QUIET_AT_MOST else changed_at
        return self._template.changed(
            captured_at=now,
            markets=tuple([self._market(column, place, read_at) for column, place in enumerate(places)]),
        )

    def _market(self, column: int, place: int, read_at: datetime) -> BoardMarket:
        """With the quote at `place`. From one turn to the next most markets keep theirs."""
        known = self._shown.get(column)
        if known is not None and known[0] == place:
            entry = known[1]
            return entry.changed(snapshot=entry.snapshot.changed(captured_at=read_at))
        quote = self._histories[column][place] if place >= 0 else None
        entry = _board_market(self._template.markets[column], quote, self._as_of.depth, read_at)
        self._shown[column] = place, entry
        return entry

    def outlook(self, start: datetime) -> Outlook | None:
        """What was believed of the day from the start of a segment on. Asked for again, it is not made again."""
        if start not in self._outlooks:
            self._outlooks[start] = self._outlook(start)
        return self._outlooks[start]

    def _outlook(self, start: datetime) -> Outlook | None:
        snapshot = self.weather(start)
        if snapshot is None:
            return None
        calibration = self._as_of.calibration_at(start)
        day = self.event.event_date
        return make_outlook(self.city, snapshot, day, start, calibration, self._said.at(start))

    def has_readings(self, now: datetime) -> bool:
        """Whether anything is known of a day under way."""
        snapshot = self.weather(now)
        return snapshot is not None and snapshot.so_far is not None

    def view(self, board: Board, outlook: Outlook | None, now: datetime) -> CityView:
        """The city with this one board, as a decision sees it."""
        outlooks = {} if outlook is None else {self.event.event_date: outlook}
        releases = {self.event.event_date: self.releases}
        return CityView(self.city, self.weather(now), outlooks, (board,), releases)

    def weather(self, now: datetime) -> WeatherSnapshot | None:
        """What was forecast for the city, as far as anyone could know."""
        if self._weather is None or self._weather[0] != now:
            self._weather = now, self._as_of.snapshot(self.city, now)
        return self._weather[1]


def _board_market(entry: BoardMarket, quote: Quote | None, depth: Decimal, now: datetime) -> BoardMarket:
    market = entry.market
    bid, ask = (quote.yes_bid, quote.yes_ask) if quote else (None, None)
    bid_size, ask_size = displayed(quote, depth)
    snapshot = MarketSnapshot.of_checked(
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        captured_at=now,
        status=market.status,
        yes_bid=bid,
        yes_bid_size=bid_size,
        yes_ask=ask,
        yes_ask_size=ask_size,
        last_price=quote.last if quote else None,
        volume=(quote.volume if quote else None) or ZERO,
        open_interest=(quote.open_interest if quote else None) or ZERO,
    )
    book = recorded_book(market.ticker, bid, bid_size, ask, ask_size)
    return BoardMarket.of_checked(market=market, bracket=entry.bracket, snapshot=snapshot, book=book)
