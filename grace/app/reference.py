"""The API reference at /docs: every door from the OpenAPI document, as one plain page without scripts."""

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
class DoorPage:
    """A door as the page shows it."""

    method: str
    path: str
    description: str
    fields: list[Field]
    answer: list[str]


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
    success = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
    answer = list(_resolved(document, success).get("properties", {}))
    return DoorPage(method, path, operation.get("description", ""), fields, answer)


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
