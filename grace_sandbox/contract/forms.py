"""Decodes `a[b][0]=c` bodies and query strings into nested hashes; every leaf is still text.

Lists stay hashes with the keys 0, 1, 2…: only the contract knows whether a list or a hash was meant.
"""

import re
from urllib.parse import parse_qsl

Value = str | dict[str, "Value"]

MAX_DEPTH = 12
MAX_FIELDS = 2000


class MalformedForm(ValueError):
    """The body cannot be read as a form: wrong bytes, too deep, too many fields, or one key used in two
    ways.
    """


def decode_form(text: str) -> dict[str, Value]:
    """Nested hashes of a form body; `a[]=` counts on from the items that `a` has."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise MalformedForm(str(error)) from error
    root: dict[str, Value] = {}
    for key, value in pairs:
        _insert(root, _split(key), value, key)
    return root


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
