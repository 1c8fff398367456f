"""The exchange as a whole: whether it trades now and when it will not."""

from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.kalshi.handlers import asynchronous
from sandbox.kalshi.venue import Venue
from sandbox.kalshi.wire import JsonObject, timestamp

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SCHEDULED_AHEAD: Final = timedelta(days=28)


class ExchangeStatus:
    """The handlers; each answers for the world's present."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[Route]:
        """Paths below the API's root."""
        return [
            Route("/exchange/status", asynchronous(self.status), methods=["GET"]),
            Route("/exchange/schedule", asynchronous(self.schedule), methods=["GET"]),
        ]

    def status(self, _request: Request) -> JSONResponse:
        """Trading stands still in every pause, cancels too in one of the whole exchange."""
        now = self._venue.now()
        paused = self._venue.exchange.paused()
        pause = next((one for one in self._venue.market.pauses(now, now) if one.starts_at <= now), None)
        switches: JsonObject = {
            "exchange_active": paused != "exchange",
            "trading_active": paused is None,
            "intra_exchange_transfers_active": True,
        }
        shard = {"exchange_index": 0, "description": "Catch-all shard"} | switches
        resumes = {"exchange_estimated_resume_time": timestamp(pause.ends_at)} if pause else {}
        return JSONResponse(switches | resumes | {"exchange_index_statuses": [shard]})

    def schedule(self, _request: Request) -> JSONResponse:
        """Open around the clock but for the world's pauses of the next four weeks."""
        now = self._venue.now()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        week = {
            "start_time": timestamp(today - timedelta(days=30)),
            "end_time": timestamp(today + timedelta(days=365)),
        }
        hours = {day: [{"open_time": "00:00", "close_time": "00:00"}] for day in WEEKDAYS}
        windows = [
            {"start_datetime": timestamp(pause.starts_at), "end_datetime": timestamp(pause.ends_at)}
            for pause in self._venue.market.pauses(now, now + SCHEDULED_AHEAD)
        ]
        return JSONResponse({"schedule": {"standard_hours": [week | hours], "maintenance_windows": windows}})
