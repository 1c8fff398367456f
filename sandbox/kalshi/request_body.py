"""Request bodies as the exchange decodes them: JSON into typed fields, then rules on the fields.

What cannot be decoded is refused in the flat shape with the decoder's words, what breaks a rule in the nested one.
Null counts as absent and unknown fields are ignored, both as the exchange does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from starlette.requests import Request

from sandbox.kalshi.errors import ApiError, coded
from sandbox.kalshi.wire import JsonObject, well_formed

FieldType = Literal["string", "bool", "int64"]

MAX_BODY_BYTES: Final = 1_000_000
INT64: Final = 2**63
KINDS: Final = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


@dataclass(frozen=True, slots=True)
class BodySchema:
    """Fields of one request body, those that must be there and not empty, and the words some of them allow."""

    name: str
    fields: Mapping[str, FieldType]
    required: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def parse(self, decoded: Any, path: str = "") -> JsonObject:
        """The known fields of a decoded body. Raises ApiError 400 as the exchange does."""
        if not isinstance(decoded, dict):
            raise undecodable(f"json: cannot unmarshal {_kind(decoded)} into Go value of type {self.name}")
        found = {
            name: self._typed(f"{path}{name}", kind, decoded[name])
            for name, kind in self.fields.items()
            if decoded.get(name) is not None
        }
        for name in self.required:
            if found.get(name) in (None, ""):
                raise self._broken(name, "required")
        for name, allowed in self.choices.items():
            if name in found and found[name] not in allowed:
                raise self._broken(name, "oneof")
        return found

    def _typed(self, path: str, kind: FieldType, value: Any) -> Any:
        if kind == "int64" and _is_whole(value):
            return int(value)
        if kind == "string" and isinstance(value, str):
            return well_formed(value)
        if kind == "bool" and isinstance(value, bool):
            return value
        what = f"number {value}" if kind == "int64" and _kind(value) == "number" else _kind(value)
        raise undecodable(
            f"json: cannot unmarshal {what} into Go struct field {self.name}.{path} of type {kind}"
        )

    def _broken(self, name: str, tag: str) -> ApiError:
        title = "".join(part.title() for part in name.split("_"))
        return invalid_parameters(
            f"Key: '{self.name}.{title}' Error:Field validation for '{title}' failed on the '{tag}' tag"
        )


async def decoded_body(request: Request) -> Any:
    """The request's JSON. Raises ApiError 400 when there is none."""
    body = await request.body()
    if not body:
        raise undecodable("EOF")
    if len(body) > MAX_BODY_BYTES:
        raise undecodable("http: request body too large")
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise undecodable("invalid character in JSON body") from None


def list_of(schema: BodySchema, decoded: Any, name: str = "orders") -> list[JsonObject]:
    """The items of a batch. One that cannot be decoded refuses all. Raises ApiError 400."""
    holder = f"Batch{schema.name}"
    if not isinstance(decoded, dict):
        raise undecodable(f"json: cannot unmarshal {_kind(decoded)} into Go value of type {holder}")
    items = decoded.get(name)
    if items is None:
        raise invalid_parameters(f"Key: '{holder}.{name.title()}' Error: failed on the 'required' tag")
    if not isinstance(items, list):
        kind = _kind(items)
        raise undecodable(f"json: cannot unmarshal {kind} into Go struct field {holder}.{name} of type []")
    return [schema.parse(item, f"{name}.") for item in items]


def undecodable(details: str) -> ApiError:
    """The flat shape of a body that is not what the decoder expects."""
    return ApiError(400, {"code": "bad_request", "message": "bad request", "details": details})


def invalid_parameters(details: str) -> ApiError:
    """The nested shape of a field that breaks a rule."""
    return coded(400, "invalid_parameters", "invalid parameters", details)


def _kind(value: Any) -> str:
    return KINDS.get(type(value), "null")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -INT64 <= value < INT64


def _no_constant(text: str) -> Any:
    raise ValueError(text)
