"""Two readings of one contract: our own summary of the calls we make, and the exchange's OpenAPI file."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.contract.recorder import Call

SCHEMAS: Final = Path(__file__).parent / "schema"
THEIRS: Final = "their.json"
Json = dict[str, Any]


class OurContract:
    """The summary in `schema/`."""

    def __init__(self) -> None:
        files = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json")}
        resources = [(name, Resource.from_contents(content)) for name, content in files.items()]
        self._registry: Registry[Any] = Registry().with_resources(resources)
        self._calls: list[Json] = files["calls.json"]["calls"]

    @property
    def names(self) -> list[str]:
        """Every call it knows."""
        return [_name(known) for known in self._calls]

    def name_of(self, call: Call) -> str | None:
        """Which call it is; None when our clients never make it."""
        known = self._known(call)
        return _name(known) if known else None

    def request_faults(self, call: Call) -> list[str]:
        """What is wrong with the request."""
        known = self._known(call)
        if known is None:
            return [f"{call.name} is no call we make"]
        body = known.get("body")
        if body is None and call.body is not None:
            return [f"{call.name} carries a body"]
        faults = self._faults(known["query"], dict(call.query))
        return faults + (self._faults(_within("calls.json", body), call.body) if body else [])

    def answer_faults(self, call: Call) -> list[str]:
        """What is wrong with the answer."""
        known = self._known(call)
        if known is None:
            return [f"{call.name} is no call we make"]
        if call.status >= 400:
            return self._faults({"$ref": "answers.json#/$defs/error"}, call.answer)
        wanted = known["answers"].get(str(call.status))
        return (
            self._faults({"$ref": wanted}, call.answer)
            if wanted
            else [f"HTTP {call.status} was not expected"]
        )

    def value_faults(self, reference: str, value: Any) -> list[str]:
        """What is wrong with a value that a file of the summary describes, such as `answers.json#/$defs/market`."""
        return self._faults({"$ref": reference}, value)

    def _known(self, call: Call) -> Json | None:
        return next((known for known in self._calls if call.is_of(known["method"], known["path"])), None)

    def _faults(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        return _faults(Draft202012Validator(schema, registry=self._registry), value)


class TheirContract:
    """The exchange's OpenAPI file (3.0)."""

    def __init__(self, document: Json) -> None:
        self._document: Json = _as_json_schema(document)
        resource = Resource.from_contents(self._document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(THEIRS, resource)

    def request_faults(self, call: Call) -> list[str]:
        """What is wrong with the request: unknown parameters, missing ones, values, body."""
        operation = self._operation(call)
        if operation is None:
            return [f"{call.name} is in no path of the contract"]
        asked = {each["name"]: each for each in self._parameters(operation) if each["in"] == "query"}
        faults = [f"{name} is no parameter" for name in call.query.keys() - asked.keys()]
        faults += [
            f"{name} is missing"
            for name, each in asked.items()
            if each.get("required") and name not in call.query
        ]
        for name in call.query.keys() & asked.keys():
            faults += self._parameter_faults(asked[name], call.query[name])
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return faults + ([f"{call.name} carries a body"] if call.body is not None else [])
        return faults + self._faults(content["schema"], call.body)

    def answer_faults(self, call: Call) -> list[str]:
        """What is wrong with the answer. Of an error it only has to name the status: its body differs on the wire."""
        operation = self._operation(call)
        if operation is None:
            return [f"{call.name} is in no path of the contract"]
        answer = operation["responses"].get(str(call.status))
        if answer is None:
            return [f"HTTP {call.status} is no answer of this call"]
        content = self._resolved(answer).get("content", {}).get("application/json")
        if content is None:
            return [] if call.answer is None else [f"HTTP {call.status} carries a body"]
        return self._faults(content["schema"], call.answer)

    def _operation(self, call: Call) -> Json | None:
        """A path without parameters wins over one with them."""
        fitting = [path for path in self._document["paths"] if call.is_of(call.method, path)]
        for path in sorted(fitting, key=lambda path: path.count("{")):
            operation: Json | None = self._document["paths"][path].get(call.method.lower())
            if operation is not None:
                return operation
        return None

    def _parameters(self, operation: Json) -> Iterator[Json]:
        return (self._resolved(each) for each in operation.get("parameters", []))

    def _parameter_faults(self, parameter: Json, given: str | list[str]) -> list[str]:
        schema = self._resolved(parameter["schema"])
        if schema.get("type") == "array":
            return self._faults(schema, given if isinstance(given, list) else [given])
        if isinstance(given, list):
            return [f"{parameter['name']} is given more than once"]
        value = _typed(given, schema.get("type"))
        return [f"{parameter['name']}: {fault}" for fault in self._faults(schema, value)]

    def _resolved(self, part: Json) -> Json:
        while "$ref" in part:
            found: Any = self._document
            for step in part["$ref"].removeprefix(f"{THEIRS}#/").split("/"):
                found = found[step]
            part = found
        return part

    def _faults(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        return _faults(Draft202012Validator(schema, registry=self._registry), value)


class TheirFeed:
    """The exchange's AsyncAPI file (3.0)."""

    def __init__(self, document: Json) -> None:
        read: Json = _as_json_schema(document)
        # Its pattern for tickers has no full stop; its own examples do.
        read["components"]["schemas"]["marketTicker"].pop("pattern")
        resource = Resource.from_contents(read, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(THEIRS, resource)

    def faults(self, schema: str, value: Any) -> list[str]:
        """What is wrong with a command or frame that the schema of that name describes."""
        reference = {"$ref": f"{THEIRS}#/components/schemas/{schema}"}
        return _faults(Draft202012Validator(reference, registry=self._registry), value)


def _faults(validator: Draft202012Validator, value: Any) -> list[str]:
    return [
        f"{'/'.join(map(str, each.absolute_path))}: {each.message[:300]}"
        for each in validator.iter_errors(value)
    ]


def _name(known: Json) -> str:
    return f"{known['method']} {known['path']}"


def _within(name: str, schema: Json) -> Json:
    """A schema whose references are meant inside the file `name`."""
    return {"$ref": name + schema["$ref"]}


def _typed(text: str, kind: str | None) -> object:
    """A query's text as the type that the contract names, where it is one."""
    if kind == "integer" and re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _as_json_schema(part: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema has a type null; descriptions and examples say nothing."""
    if isinstance(part, list):
        return [_as_json_schema(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return {"$ref": THEIRS + part["$ref"]}
    read = {
        name: _as_json_schema(each)
        for name, each in part.items()
        if not (name in ("description", "example") and isinstance(each, str))
    }
    if read.pop("nullable", None) is True:
        return {"anyOf": [read, {"type": "null"}]}
    return read
