"""Refusals in the body shapes the exchange really uses: nested, bare message, plain text."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.exchange.types import Refusal


class ApiError(Exception):
    """A refusal: HTTP status and JSON body."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(body)
        self.status = status
        self.body = body


def coded(status: int, code: str, message: str | None = None, details: str | None = None) -> ApiError:
    """The nested shape `{"error": {"code", "message"?, "details"?}}` of most refusals."""
    fields = {"code": code, "message": message, "details": details}
    return ApiError(status, {"error": {name: value for name, value in fields.items() if value is not None}})


def invalid_parameter(operation: str, parameter: str, tag: str) -> ApiError:
    """The bare shape `{"msg": ...}` of a parameter outside its bounds; `tag` is the rule that failed, such as `lte`."""
    name = "".join(part.title() for part in parameter.split("_"))
    return ApiError(
        400,
        {
            "msg": f"Parameter validation failed for {operation}: Key: '{operation}Params.{name}' "
            f"Error:Field validation for '{name}' failed on the '{tag}' tag"
        },
    )


def refusal(refused: Refusal) -> ApiError:
    """What the matching engine refused, in the nested shape."""
    message = refused.message or refused.code.replace("_", " ")
    return coded(refused.status, refused.code, message, refused.details)


def too_many_requests() -> ApiError:
    """The token bucket is empty; nothing tells when to come back."""
    return ApiError(429, {"error": "too many requests"})


def not_found() -> ApiError:
    """The record does not exist."""
    return coded(404, "not_found", "not found")


async def api_error_response(_request: HTTPConnection, error: Exception) -> Response:
    """Exception handler for `ApiError`."""
    assert isinstance(error, ApiError)
    return JSONResponse(error.body, status_code=error.status)


async def refusal_response(_request: Request, error: Exception) -> Response:
    """Exception handler for `Refusal`."""
    assert isinstance(error, Refusal)
    answer = refusal(error)
    return JSONResponse(answer.body, status_code=answer.status)


async def http_error_response(_request: Request, error: Exception) -> Response:
    """Exception handler for what routing refuses: unknown paths and methods answer in plain text."""
    assert isinstance(error, HTTPException)
    text = "404 page not found" if error.status_code == 404 else error.detail
    return PlainTextResponse(text, status_code=error.status_code, headers=error.headers)
