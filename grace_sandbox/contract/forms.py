"""Decodes `a[b][0]=c` bodies and query strings into nested values; every leaf is still text."""

import re
from urllib.parse import parse_qsl

Value = str | dict[str, "Value"] | list["Value"]

MAX_DEPTH = 12
MAX_FIELDS = 2000


class MalformedForm(ValueError):
    """The body cannot be read as a form: wrong bytes, too deep, too many fields, or one key used in two
    ways.
    """


def decode_form(text: str) -> dict[str, Value]:
    """Nested values of a form body; hashes whose keys are 0, 1, 2… become lists."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise MalformedForm(str(error)) from error
    root: dict[str, Value] = {}
    for key, value in pairs:
        _insert(root, _split(key), value, key)
    return {key: _listed(value) for key, value in root.items()}


def _split(key: str) -> list[str]:
    head, bracket, rest = key.partition("[")
    if not bracket:
        return [key]
    parts = re.findall(r"([^\[\]]*)\](?:\[|$)", rest)
    if not head or "[" + "][".join(parts) + "]" != bracket + rest or len(parts) > MAX_DEPTH:
        raise MalformedForm(f"Invalid parameter name: {key}")
    return [head, *parts]


def _insert(root: dict[str, Value], parts: list[str], value: str, key: str) -> None:
    place: Value = root
    for index, part in enumerate(parts):
        if not isinstance(place, dict):
            raise MalformedForm(f"Invalid parameter name: {key}")
        name = part or str(len(place))
        if index == len(parts) - 1:
            if isinstance(place.get(name), dict):
                raise MalformedForm(f"Invalid parameter name: {key}")
            place[name] = value
        else:
            place = place.setdefault(name, {})


def _listed(value: Value) -> Value:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(item) for key, item in value.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner
