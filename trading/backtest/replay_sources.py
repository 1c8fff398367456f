"""A recording as the outside of a cycle: what `run_cycle` reads from when it lives through a past."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from markets.domain.types import ExchangeStatus, Listing
from markets.services import BoardRound
from milkbot.core.cities import load_cities
from trading.backtest.as_of import ASSUMED_DEPTH, AsOf, paid_out_at
from trading.backtest.recorded_types import Recording
from trading.backtest.recorded_weather import DayWeather
from trading.reading import Sources
from weather.domain.types import WeatherSnapshot
from weather.services import WeatherRound


class ReplaySources:
    """Boards and weather of a recording as of any `now`. Holds no state: asked twice, it answers the same."""

    def __init__(
        self, recording: Recording, *, depth: Decimal = ASSUMED_DEPTH, day_weather: DayWeather | None = None
    ) -> None:
        self._as_of = AsOf(recording, depth=depth)
        self._day_weather = day_weather

    def sources(self) -> Sources:
        """What `run_cycle` reads from."""
        return Sources(weather=self.weather, boards=self.boards)

    def boards(self, city_codes: Sequence[str], now: datetime) -> BoardRound:
        """Every event of the cities that trades at `now`, priced by the newest quotes."""
        boards = tuple(
            self._as_of.board(event, now)
            for event in self._as_of.recording.events
            if event.city_code in city_codes and event.open_at <= now < event.close_at
        )
        status = ExchangeStatus(exchange_active=True, trading_active=True)
        return BoardRound(boards=boards, errors={}, status=status)

    def weather(self, city_codes: Sequence[str], now: datetime) -> WeatherRound:
        """For each city the newest forecast of every coming day; a city without any is an error, as live."""
        found = {code: self._snapshot(code, now) for code in city_codes}
        return WeatherRound(
            snapshots={code: snapshot for code, snapshot in found.items() if snapshot is not None},
            errors={
                code: "no forecast was available yet" for code, snapshot in found.items() if snapshot is None
            },
        )

    def _snapshot(self, city_code: str, now: datetime) -> WeatherSnapshot | None:
        snapshot = self._as_of.snapshot(load_cities()[city_code], now)
        if snapshot is None or self._day_weather is None:
            return snapshot
        return self._day_weather.amend(snapshot, now)

    def final_listings(self, after: datetime, until: datetime) -> tuple[Listing, ...]:
        """The markets paid out in (after, until], as the exchange lists them from then on."""
        return tuple(
            self._as_of.final_listing(event, entry, paid_out_at(event))
            for event in self._as_of.recording.events
            if event.is_decided and after < paid_out_at(event) <= until
            for entry in event.markets
        )
