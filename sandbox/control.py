"""The control panel: freeze the market, pause and settle, order faults, read and move the clock. For tests and for people,
not part of either service."""

from collections.abc import Callable
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.exchange.types import Outcome, PauseKind, Refusal
from sandbox.faults import FaultSpec
from sandbox.kalshi.commands import Close, Determine, Finalize, Freeze, Pause, Resume, Thaw
from sandbox.kalshi.venue import Venue

MAX_SPEED: Final = 100_000

Json = dict[str, Any]


class _ClearOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    match: str | None = None


class _ClockOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    speed: float | None = Field(default=None, gt=0, le=MAX_SPEED)
    to: AwareDatetime | None = None


class _NoOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _PauseOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: PauseKind = "trading"


class _MarketOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ticker: str


class _ResultOrder(_MarketOrder):
    result: Outcome


class ControlPanel:
    """Carries out orders on the stage and the exchange. `publish` is called after the clock has been changed."""

    def __init__(self, venue: Venue, publish: Callable[[], object]) -> None:
        self._venue = venue
        self._stage = venue.stage
        self._publish = publish
        self._verbs: dict[str, Callable[[Json], None]] = {
            "freeze": self._freeze,
            "thaw": self._thaw,
            "fault": self._fault,
            "clear": self._clear,
            "clock": self._clock,
            "pause": self._pause,
            "resume": self._resume,
            "close": self._close,
            "determine": self._determine,
            "finalize": self._finalize,
        }

    def routes(self) -> list[Route]:
        """`/control` and `/healthz`."""
        return [
            Route("/control", self.state, methods=["GET"]),
            Route("/control", self.order, methods=["POST"]),
            Route("/healthz", self.health, methods=["GET"]),
        ]

    async def state(self, _request: Request) -> JSONResponse:
        """World time, what is frozen or paused, which faults are in force."""
        return JSONResponse(self._state())

    async def health(self, _request: Request) -> JSONResponse:
        """The loop answers."""
        return JSONResponse({"status": "ok", "world_now": self._stage.now().isoformat()})

    async def order(self, request: Request) -> JSONResponse:
        """`{"do": verb, ...}`; answers with the state after it, or 400 with the reason."""
        try:
            order = await request.json()
        except ValueError:
            return _refused("the body is not JSON")
        verb = self._verbs.get(str(order.pop("do", ""))) if isinstance(order, dict) else None
        if verb is None:
            return _refused(f"do must be one of {', '.join(self._verbs)}")
        try:
            verb(order)
        except ValidationError as error:
            return _refused("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()))
        except (ValueError, Refusal) as error:
            return _refused(str(error))
        return JSONResponse(self._state())

    def _state(self) -> Json:
        stage = self._stage
        self._venue.now()
        return {
            "world_now": stage.now().isoformat(),
            "clock": stage.clock.as_json(),
            "frozen_at": stage.frozen_at and stage.frozen_at.isoformat(),
            "paused": self._venue.exchange.paused(),
            "faults": [fault.as_json() for fault in stage.faults.active()],
        }

    def _freeze(self, order: Json) -> None:
        _NoOrder.model_validate(order)
        self._venue.do(Freeze())

    def _thaw(self, order: Json) -> None:
        _NoOrder.model_validate(order)
        self._venue.do(Thaw())

    def _fault(self, order: Json) -> None:
        self._stage.faults.add(FaultSpec.model_validate(order))

    def _clear(self, order: Json) -> None:
        self._stage.faults.clear(_ClearOrder.model_validate(order).match)

    def _clock(self, order: Json) -> None:
        wanted = _ClockOrder.model_validate(order)
        if wanted.speed is None and wanted.to is None:
            return
        stage, wall = self._stage, self._stage.wall()
        stage.clock = stage.clock.restarted(
            wall, wanted.to or stage.clock.at(wall), wanted.speed or stage.clock.speed
        )
        self._publish()

    def _pause(self, order: Json) -> None:
        kind = _PauseOrder.model_validate(order).kind
        self._venue.do(Pause(kind))

    def _resume(self, order: Json) -> None:
        _NoOrder.model_validate(order)
        self._venue.do(Resume())

    def _close(self, order: Json) -> None:
        ticker = _MarketOrder.model_validate(order).ticker
        self._venue.do(Close(ticker))

    def _determine(self, order: Json) -> None:
        wanted = _ResultOrder.model_validate(order)
        self._venue.do(Determine(wanted.ticker, wanted.result))

    def _finalize(self, order: Json) -> None:
        ticker = _MarketOrder.model_validate(order).ticker
        self._venue.do(Finalize(ticker))


def _refused(reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status_code=400)
