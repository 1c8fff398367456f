"""The National Blend's station texts as files of a folder, mounted at `/nbm`: each run from fifty minutes after its hour."""

from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.nbm.text import run_text
from sandbox.stage import Stage

ROOT = "/nbm"
PUBLISHED_AFTER: Final = timedelta(minutes=50)
KEPT: Final = timedelta(days=2)


def blend_app(stage: Stage) -> Starlette:
    """One file a run, as long as the run is kept."""

    async def run(request: Request) -> Response:
        day, hour, file = (request.path_params[name] for name in ("day", "hour", "file"))
        try:
            run_at = datetime.strptime(f"{day}{hour}", "%Y%m%d%H").replace(tzinfo=UTC)
        except ValueError:
            return PlainTextResponse("Not Found", 404)
        age = stage.now() - run_at
        if file != f"blend_nbstx.t{hour}z" or not PUBLISHED_AFTER <= age <= KEPT:
            return PlainTextResponse("Not Found", 404)
        return PlainTextResponse(run_text(stage.weather.cities(), stage.weather, run_at))

    return Starlette(routes=[Route("/blend.{day}/{hour}/text/{file}", run)])
