"""What of a change may enter a payload: plain values, and no secret."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

from grace.kit.rows import changed

REDACTED = "[redacted]"
MAX_DEPTH = 32
_AS_THEY_ARE = {type(None), bool, int, float}

_SECRET_NAME = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|secrets|token|tokens|apikey|api_keys?|auth_keys?|access_keys?"
    r"|private_keys?|signing_keys?|encryption_keys?|master_keys?|credentials?|authorization|cookies?"
    r"|totp|otp|pin|cvc|cvv|card_number|jwt|bearer)(_|$)"
)
_HARMLESS_NAME = re.compile(r"_(id|ids|at|count|kind|type|version|name|label|used|required|set|scopes)$")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_SECRET_VALUE = re.compile(
    r"\b(?:sk|rk)_(?:test|live)_\w{8,}|\bwhsec_\w{8,}|\bgrc_\w+_\w{16,}|\bpi_\w+_secret_\w+|\bSG\.[\w-]{16,}\.[\w-]+"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\b[Bb]earer\s+[\w.~+/-]{8,}=*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
)
_SHORTEST_SECRET = 13  # pi_x_secret_x


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a key is named like something that may never enter the log (`client_secret`, `apiKey`, …)."""
    words = _NOT_A_WORD.sub("_", _WORD_START.sub("_", name).lower()).strip("_")
    return _SECRET_NAME.search(words) is not None and _HARMLESS_NAME.search(words) is None


def redact_text(text: str) -> str:
    """Free text with everything that has the form of a key, a token or a private key taken out."""
    return _SECRET_VALUE.sub(REDACTED, text) if len(text) >= _SHORTEST_SECRET else text


@lru_cache(maxsize=1024)
def _fields(row: type[Any]) -> tuple[tuple[str, bool], ...]:
    """The names of a dataclass's fields, and whether each is a secret's."""
    return tuple((f.name, is_secret_name(f.name)) for f in fields(row))


def change(before: Any, after: Any) -> tuple[Any, Any]:
    """Both in JSON form: of two rows of a kind only what differs, a mapping as it was chosen."""
    if is_dataclass(after) and type(before) is type(after):
        differing = changed(before, after)
        before, after = ({name: getattr(row, name) for name in differing} for row in (before, after))
    return plain(before), plain(after)


def plain(value: Any, *, depth: int = MAX_DEPTH) -> Any:
    """The JSON form of `value`: dataclasses by field, decimals and times as text, secrets and bytes redacted.

    Raises TypeError for what has no form, ValueError for what is nested too deeply.
    """
    kind = type(value)
    if kind is str:
        return redact_text(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is datetime:
        return _text(value)
    if isinstance(value, Enum):
        return plain(value.value, depth=depth)
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, int | float):
        return value
    if depth == 0:
        raise ValueError("an audit payload is nested too deeply")
    if isinstance(value, Mapping):
        return {_key(name): _member(item, depth, secret=is_secret_name(name)) for name, item in value.items()}
    if is_dataclass(kind):
        return {name: _member(getattr(value, name), depth, secret=secret) for name, secret in _fields(kind)}
    if isinstance(value, list | tuple):
        return [plain(item, depth=depth - 1) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item, depth=depth - 1) for item in value)
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return REDACTED
    raise TypeError(f"{type(value).__name__} has no form in an audit payload")


def _member(value: Any, depth: int, *, secret: bool) -> Any:
    if secret and value is not None and not isinstance(value, bool):
        return REDACTED
    return plain(value, depth=depth - 1)


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError("the keys of an audit payload are text")
    return str(name)
