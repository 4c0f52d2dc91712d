"""The API reference at /docs: every door from the OpenAPI document, as one plain page without scripts."""

import json
import re
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from grace.kit.edge import PUBLIC, Doors
from grace.kit.pages import Pages

doors = Doors(tags=["System"])
_pages = Pages("grace.app")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a request."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A way to answer: its status, what it is, and the fields or media types it has."""

    status: str
    what: str
    fields: list[str]


@dataclass(frozen=True, slots=True)
class DoorPage:
    """A door as the page shows it."""

    method: str
    path: str
    description: str
    fields: list[Field]
    example: str
    answers: list[Said]
    permission: str | None
    anybody: bool


@doors.get("/docs", may=PUBLIC, hidden=True)
async def docs(request: Request) -> HTMLResponse:
    """The API reference."""
    document = request.app.openapi()
    groups: dict[str, list[DoorPage]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            page = _door(document, method.upper(), path, operation)
            groups.setdefault(operation.get("tags", ["System"])[0], []).append(page)
    response = _pages.render("docs.html", groups=sorted(groups.items()))
    response.headers["Cache-Control"] = "max-age=300"
    return response


def _door(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> DoorPage:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    request = _resolved(document, body)
    fields = [
        Field(parameter["name"], _type(parameter.get("schema", {})), parameter.get("required", False))
        for parameter in operation.get("parameters", [])
    ]
    required = request.get("required", [])
    fields += [Field(name, _type(schema), name in required) for name, schema in request.get("properties", {}).items()]
    return DoorPage(
        method,
        path,
        operation.get("description", ""),
        fields,
        _example(document, method, path, request, anybody="security" not in operation),
        [_said(document, status, answer) for status, answer in operation["responses"].items() if status[0] == "2"],
        operation.get("x-permission"),
        anybody="security" not in operation,
    )


def _example(document: dict[str, Any], method: str, path: str, request: dict[str, Any], *, anybody: bool) -> str:
    """The request as `curl` makes it, with the fields that it must have."""
    parts = ["curl"] + ([f"-X {method}"] if method not in ("GET", "POST") or (method == "POST" and not request) else [])
    parts += [f"$GRACE_URL{_address(path)}"]
    if not anybody:
        parts.append('-H "Authorization: Bearer $GRACE_API_KEY"')
    if request:
        body = {name: _sample(document, request["properties"][name]) for name in request.get("required", [])}
        parts += ['-H "Content-Type: application/json"', f"-d '{json.dumps(body)}'"]
    return " \\\n  ".join(parts)


def _address(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda named: "$" + named[1].upper(), path)


def _sample(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value of the kind that a field takes."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        return _sample(document, schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "array":
        return [_sample(document, schema.get("items", {}))]
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _sample(document, properties[name]) for name in schema.get("required", []) if name in properties}
    if schema.get("format") in ("date", "date-time"):
        return "2030-01-01" if schema["format"] == "date" else "2030-01-01T00:00:00Z"
    return {"integer": 1, "number": 100, "boolean": True}.get(kind or "", "…")


def _said(document: dict[str, Any], status: str, answer: dict[str, Any]) -> Said:
    content = answer.get("content", {})
    schema = _resolved(document, content.get("application/json", {}).get("schema", {}))
    media = [name for name in content if name != "application/json"]
    what = "" if answer.get("description") == "Successful Response" else answer.get("description", "")
    return Said(status, what, [*schema.get("properties", {}), *media])


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))
