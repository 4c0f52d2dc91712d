"""The contract at /openapi.json: what FastAPI reads from the doors, and what holds for all of them."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from grace.kit.edge import LINK, PUBLIC, SIGNED, SIGNED_IN, Door
from grace.kit.web import ProblemDocument

PROBLEM = "application/problem+json"
_REFUSALS = {
    "4XX": "Refused; nothing happened. `type` says why, docs/errors.md what to do.",
    "503": "Something that Grace needs does not answer; send the same request again.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body have one effect and the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


class Application(FastAPI):
    """FastAPI, whose contract also says how one is let in, how requests are repeated and what refusals look like."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if not self.openapi_schema:
            document = super().openapi()
            components = document.setdefault("components", {})
            components.setdefault("schemas", {})["ProblemDocument"] = ProblemDocument.model_json_schema()
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for route in self._doors():
                for method in route.methods or ():
                    _complete(document["paths"][route.path][method.lower()], method, route.rule.may)
            self.openapi_schema = document
        return self.openapi_schema

    def _doors(self) -> list[Door]:
        found = [context.original_route for context in iter_route_contexts(self.routes)]
        return [route for route in found if isinstance(route, Door) and route.include_in_schema]


def _complete(operation: dict[str, Any], method: str, may: str) -> None:
    reference = {"$ref": "#/components/schemas/ProblemDocument"}
    for status, description in _REFUSALS.items():
        operation["responses"][status] = {
            "description": description,
            "content": {PROBLEM: {"schema": reference}},
        }
    if may in (PUBLIC, SIGNED, LINK):
        return
    operation["security"] = [{"key": []}]
    if may != SIGNED_IN:
        operation["x-permission"] = may
    if method not in ("GET", "HEAD"):
        operation.setdefault("parameters", []).append(_KEY)
