"""Holds answers against the exchange's OpenAPI file: every required field, no unknown one, every type."""

import re
from typing import Any, ClassVar

import yaml
from jsonschema import Draft4Validator, Draft202012Validator

Schema = dict[str, Any]


class Contract:
    """The file, parsed once. OpenAPI 3.0 says `nullable` where JSON Schema has a type, and ignores what is beside a $ref."""

    def __init__(self, text: str) -> None:
        document = yaml.safe_load(text)
        self._paths: dict[str, Any] = document["paths"]
        self._responses: dict[str, Any] = document["components"]["responses"]
        schemas = {name: _plain(schema) for name, schema in document["components"]["schemas"].items()}
        self._components = {"components": {"schemas": schemas}}

    def faults(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer; empty when it is as documented. `path` is below the API's root, without query."""
        operation = self._operation(method, path)
        response = operation["responses"].get(str(status))
        if response is None:
            return [f"{method} {path}: status {status} is not documented"]
        content = self._content(response)
        if content is None:
            return [] if body is None else [f"{method} {path}: a body where none is documented"]
        validator = Draft4Validator(self._components | _plain(content))
        return [
            f"{method} {path}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
            for error in validator.iter_errors(body)
        ]

    def _operation(self, method: str, path: str) -> Any:
        found = [
            operations[method.lower()]
            for template, operations in sorted(self._paths.items(), key=lambda item: item[0].count("{"))
            if method.lower() in operations and re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        ]
        assert found, f"{method} {path} is not documented"
        return found[0]

    def _content(self, response: Any) -> Any:
        if "$ref" in response:
            response = self._responses[response["$ref"].rpartition("/")[2]]
        content = response.get("content")
        return content and content["application/json"]["schema"]


def _plain(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    plain = {name: _plain(value) for name, value in schema.items() if name not in ("nullable", "example")}
    if isinstance(plain.get("properties"), dict) and plain.get("type") == "object":
        plain.setdefault("additionalProperties", False)
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


class StreamContract:
    """The AsyncAPI file's messages, found by their `type`."""

    NAMES: ClassVar[dict[str, str]] = {"user_order": "userOrder", "market_lifecycle_v2": "marketLifecycleV2"}

    def __init__(self, text: str) -> None:
        schemas = yaml.safe_load(text)["components"]["schemas"]
        # The document's pattern has no dot, its own examples and every half-degree bracket do.
        del schemas["marketTicker"]["pattern"]
        self._components = {"components": {"schemas": schemas}}

    def faults(self, message: Any) -> list[str]:
        """What is wrong with a message of the feed."""
        kind = message["type"]
        is_list = kind == "ok" and isinstance(message["msg"], list)
        words = kind.split("_")
        usual = words[0] + "".join(word.title() for word in words[1:])
        name = self.NAMES.get(kind, usual)
        replies = ("subscribed", "unsubscribed", "ok", "error")
        suffix = "ResponsePayload" if kind in replies else "Payload"
        schema = "listSubscriptionsResponsePayload" if is_list else f"{name}{suffix}"
        validator = Draft202012Validator(self._components | {"$ref": f"#/components/schemas/{schema}"})
        return [f"{kind}: {error.message[:300]}" for error in validator.iter_errors(message)]
