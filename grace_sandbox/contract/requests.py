"""Checks request parameters against the contract and converts their text to integers, booleans, lists and
hashes.

Enums that the SDK types as "these or any string" are closed: a value outside the list is refused.
"""

import re
from typing import Any, TypeGuard

from grace_sandbox.contract.forms import Value
from grace_sandbox.contract.source import (
    Choice,
    Enum,
    Field,
    Items,
    Keyed,
    Listing,
    Scalar,
    Struct,
    Type,
    fields,
)

# Free text that Stripe lets a caller empty with ""; every other parameter must be named emptyable by the SDK.
_FREE_TEXT = """
    description name email phone line1 line2 city state postal_code country carrier tracking_number cvc
    statement_descriptor statement_descriptor_suffix transfer_group
"""
FREE_TEXT = frozenset(_FREE_TEXT.split())


class Mismatch(Exception):
    """A parameter breaks the contract. `code` is Stripe's error code, or None where Stripe gives none."""

    def __init__(self, message: str, *, param: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.param, self.code = message, param, code


def check_params(
    struct: Struct | None, values: dict[str, Value], extra: dict[str, Field] | None = None
) -> dict[str, Any]:
    """The converted parameters of an operation; raises Mismatch. `extra` names fields that the SDK leaves
    out.
    """
    declared = {**(fields(struct) if struct else {}), **(extra or {})}
    return _check_fields(declared, values, "")


def _check_fields(declared: dict[str, Field], values: dict[str, Value], path: str) -> dict[str, Any]:
    unknown = [_join(path, key) for key in values if key not in declared]
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise Mismatch(
            f"Received unknown parameter{plural}: {', '.join(unknown)}",
            param=unknown[0],
            code="parameter_unknown",
        )
    for key, field in declared.items():
        if field.required and key not in values:
            param = _join(path, key)
            raise Mismatch(f"Missing required param: {param}.", param=param, code="parameter_missing")
    return {key: _convert(declared[key].type, value, _join(path, key)) for key, value in values.items()}


def _join(path: str, key: str) -> str:
    return f"{path}[{key}]" if path else key


def _convert(type_: Type, value: Value, path: str) -> Any:
    match type_:
        case Scalar(kind="any"):
            return value
        case Scalar(kind=kind):
            return _scalar(kind, value, path)
        case Enum(values=allowed):
            return _enum(allowed, value, path)
        case Items(of=of):
            if not _is_list(value):
                raise _not_empty(value, path) or Mismatch("Invalid array", param=path)
            return [_convert(of, value[key], _join(path, key)) for key in sorted(value, key=int)]
        case Keyed(of=of):
            if not isinstance(value, dict):
                raise _not_empty(value, path) or Mismatch("Invalid hash", param=path)
            return {key: item if item == "" else _convert(of, item, _join(path, key)) for key, item in value.items()}
        case Struct():
            if not isinstance(value, dict):
                raise _not_empty(value, path) or Mismatch("Invalid object", param=path)
            return _check_fields(fields(type_), value, path)
        case Choice(options=options):
            return _choice(options, value, path)
        case Listing():
            raise AssertionError("a list envelope is never a parameter")


def _scalar(kind: str, value: Value, path: str) -> Any:
    if not isinstance(value, str):
        raise Mismatch(f"Invalid {_WORDS[kind]}: {value}", param=path)
    if value == "" and not (kind == "str" and path.rpartition("[")[2].rstrip("]") in FREE_TEXT):
        raise _not_empty(value, path) or AssertionError
    if kind == "str":
        return value
    if kind == "bool" and value in ("true", "false"):
        return value == "true"
    if kind == "int" and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    if kind == "float" and re.fullmatch(r"-?\d{1,18}(\.\d{1,12})?", value):
        return value
    code = "parameter_invalid_integer" if kind == "int" else None
    raise Mismatch(f"Invalid {_WORDS[kind]}: {value}", param=path, code=code)


_WORDS = {"str": "string", "int": "integer", "float": "decimal", "bool": "boolean", "null": "null"}


def _enum(allowed: tuple[object, ...], value: Value, path: str) -> Any:
    for candidate in allowed:
        text = str(candidate).lower() if isinstance(candidate, bool) else str(candidate)
        if value == text:
            return candidate
    empty = _not_empty(value, path)
    if empty is not None:
        raise empty
    names = [str(candidate) for candidate in allowed if candidate != ""]
    listed = f"one of {', '.join(names[:-1])}, or {names[-1]}" if len(names) > 1 else "".join(names)
    raise Mismatch(f"Invalid {path}: must be {listed}", param=path)


def _choice(options: tuple[Type, ...], value: Value, path: str) -> Any:
    """The first alternative that fits; else the complaint of the alternative of the value's own shape."""
    closed = any(isinstance(option, Enum) and option.values != ("",) for option in options)
    tried = [option for option in options if not (closed and option == Scalar("str"))]
    complaints: list[tuple[bool, Mismatch]] = []
    for option in sorted(tried, key=lambda option: not isinstance(option, Enum)):
        try:
            return _convert(option, value, path)
        except Mismatch as mismatch:
            complaints.append((_same_shape(option, value), mismatch))
    fitting = [mismatch for same, mismatch in complaints if same]
    raise (fitting or [mismatch for _, mismatch in complaints])[-1 if value == "" else 0]


def _same_shape(option: Type, value: Value) -> bool:
    if isinstance(value, dict):
        return isinstance(option, Items if _is_list(value) else Struct | Keyed)
    return isinstance(option, Scalar) or (isinstance(option, Enum) and option.values != ("",))


def _is_list(value: Value) -> TypeGuard[dict[str, Value]]:
    return isinstance(value, dict) and all(key.isdecimal() for key in value)


def _not_empty(value: Value, path: str) -> Mismatch | None:
    if value != "":
        return None
    return Mismatch(
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a "
        f"parameter; however '{path}' cannot be unset. You should remove '{path}' from your request or "
        "supply a non-empty value.",
        param=path,
        code="parameter_invalid_empty",
    )
