"""Slashes in ids: `/api/v1/clients/acme%2Feu` names the client `acme/eu`, `/api/v1/invoices/2026%2F00001` an invoice.

Servers decode `%2F` before a path is split into segments. So it is kept as a character that no id has until the door
is found, and is a slash again in the door's parameters.
"""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

_STANDS_IN = "\uffff"


def keep(scope: MutableMapping[str, Any]) -> None:
    """Before routing: a `%2F` of the path as it was sent does not part segments."""
    sent: bytes = scope.get("raw_path") or b""
    if b"%2F" in sent.upper():
        parts = sent.decode("ascii", "replace").replace("%2f", "%2F").split("%2F")
        scope["path"] = _STANDS_IN.join(unquote(part) for part in parts)


def restore(scope: MutableMapping[str, Any]) -> None:
    """After routing: slashes in the door's parameters."""
    parameters = scope.get("path_params", {})
    scope["path_params"] = {
        name: value.replace(_STANDS_IN, "/") if isinstance(value, str) else value for name, value in parameters.items()
    }
