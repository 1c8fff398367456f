"""Sandboxes that stand still at a chosen world time, and the folder of the invented day."""

import asyncio
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from sandbox.accounts import Account
from sandbox.assembly import sandbox_app
from sandbox.cities import city_of_series
from sandbox.clock import WorldClock
from sandbox.recorded import RecordedDay
from sandbox.replay import Replay
from sandbox.stage import Stage

SAMPLE = Path(__file__).parents[2] / "sandbox" / "sample"
CHICAGO = city_of_series("KXHIGHCHI")


class Wall:
    """A machine's clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def stage_at(day: RecordedDay, at: datetime, depth: Decimal = Decimal(10)) -> Stage:
    """A stage whose world time is `at`."""
    replay = Replay(day, CHICAGO, depth)
    return Stage(replay, replay, WorldClock(at, at, 60.0), Wall(at))


class Client:
    """Talks to an ASGI application in this process: no socket, no redirects followed, exceptions come through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """One request; `given` is what httpx takes."""
        return asyncio.run(self._request(method, path, **given))

    async def _request(self, method: str, path: str, **given: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8002") as client:
            return await client.request(method, path, **given)

    def get(self, path: str, **given: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **given)


def client_of(stage: Stage, accounts: tuple[Account, ...] = ()) -> Client:
    """A client of the sandbox on `stage`."""
    return Client(sandbox_app(stage, accounts, lambda: None))


def client_at(day: RecordedDay, at: datetime) -> Client:
    """A client of the sandbox at world time `at`."""
    return client_of(stage_at(day, at))
