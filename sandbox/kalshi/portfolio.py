"""What a signed customer may read about the account."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.kalshi.auth import Gatekeeper
from sandbox.kalshi.wire import dollars, timestamp
from sandbox.stage import Stage

BASIC_READ_TOKENS = 200
BASIC_WRITE_TOKENS = 100


class Portfolio:
    """The handlers; each needs a signature."""

    def __init__(self, stage: Stage, gatekeeper: Gatekeeper) -> None:
        self._stage = stage
        self._gatekeeper = gatekeeper

    def routes(self) -> list[Route]:
        """Paths below the API's root."""
        return [
            Route("/portfolio/balance", self.balance, methods=["GET"]),
            Route("/account/limits", self.limits, methods=["GET"]),
            Route("/exchange/user_data_timestamp", self.user_data_timestamp, methods=["GET"]),
        ]

    async def balance(self, request: Request) -> JSONResponse:
        """Available cash; nothing is held while no order can be placed."""
        account = self._gatekeeper.require(request, self._stage.wall())
        amount = dollars(account.balance)
        return JSONResponse(
            {
                "balance": int(account.balance * 100),
                "balance_dollars": amount,
                "balance_breakdown": [{"exchange_index": 0, "balance": amount}],
                "portfolio_value": 0,
                "updated_ts": int(self._stage.now().timestamp()),
            }
        )

    async def limits(self, request: Request) -> JSONResponse:
        """The Basic tier's token buckets."""
        self._gatekeeper.require(request, self._stage.wall())
        buckets = {"read": BASIC_READ_TOKENS, "write": BASIC_WRITE_TOKENS}
        sizes = {name: {"bucket_capacity": tokens, "refill_rate": tokens} for name, tokens in buckets.items()}
        return JSONResponse({"usage_tier": "basic", "grants": []} | sizes)

    async def user_data_timestamp(self, _request: Request) -> JSONResponse:
        """How far account data have caught up: to now."""
        return JSONResponse({"as_of_time": timestamp(self._stage.now())})
