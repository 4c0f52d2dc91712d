"""JSON with exact decimals: numbers are read as int or Decimal and written with the digits they have."""

import datetime
import enum
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import simplejson
from pydantic import BaseModel

from grace.kit.errors import Malformed

MAX_DEPTH = 32
MAX_NUMBER_DIGITS = 40


def loads(text: bytes | str) -> Any:
    """Parse, refusing what cannot be stored or computed with: NaN, NUL, lone surrogates, deep nesting.

    A name that comes twice in one object is refused too: two readers would take different values for it.
    """
    try:
        value = json.loads(
            text, parse_float=_decimal, parse_int=_int, parse_constant=_refuse_constant, object_pairs_hook=_unique
        )
    except RecursionError as error:
        raise Malformed("The JSON is nested too deeply.") from error
    except (ValueError, ArithmeticError) as error:
        raise Malformed(f"The body is not valid JSON: {error}") from error
    _check(value, MAX_DEPTH)
    return value


def stored(text: bytes | str) -> Any:
    """Parse what the database holds: it was looked through when it came."""
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any) -> str:
    """Compact text; Decimals keep their digits, models, dates and enums have their plain form."""
    text = simplejson.dumps(
        value,
        use_decimal=True,
        default=_plain,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        encoding=None,  # else bytes would be taken for text
    )
    return str(text)


def canonical(value: Any) -> str:
    """The same text for the same parsed value, however its names were ordered: what a request is known by."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except TypeError:  # a Decimal, which only the slower writer knows
        text = simplejson.dumps(value, use_decimal=True, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return str(text)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("a name comes twice in one object")
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_NUMBER_DIGITS or len(text) > MAX_NUMBER_DIGITS * 2:
        raise ValueError("a number has too many digits")
    return value


def _int(text: str) -> int:
    if len(text) > MAX_NUMBER_DIGITS:
        raise ValueError("a number has too many digits")
    return int(text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict | list):
        if depth == 0:
            raise Malformed("The JSON is nested too deeply.")
        for item in value:
            _check(item, depth - 1)
        if isinstance(value, dict):
            for item in value.values():
                _check(item, depth - 1)


def check_text(text: str) -> None:
    """Refuse text that PostgreSQL or UTF-8 cannot hold."""
    if "\x00" in text:
        raise Malformed("Text holds a NUL character.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Malformed("Text holds half of a surrogate pair.") from error
