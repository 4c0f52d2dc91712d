"""Public ids: a prefix and the 26 Crockford characters of a UUID v7 (RFC 9562), lower case.

They are stored as they are shown, so that a log line, a row and an answer name the same thing.
"""

import os
import re
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SHAPE = re.compile(r"^[a-z]{2,8}_[0-9a-hjkmnp-tv-z]{26}$")


def new_id(prefix: str) -> str:
    """A new id, ordered by the millisecond of its making: `new_id("in")` → `in_…`."""
    value = (
        (time.time_ns() // 1_000_000) << 80
        | 0x7 << 76
        | int.from_bytes(os.urandom(10)) & 0x0FFF_3FFF_FFFF_FFFF_FFFF
        | 0x8000_0000_0000_0000
    )
    return prefix + "_" + "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the form of a public id with this prefix."""
    return text.startswith(prefix + "_") and _SHAPE.match(text) is not None


def number_of(reference: str | int) -> int | None:
    """The per-workspace number that a reference can mean: an integer, or text of digits alone."""
    if isinstance(reference, int):
        return reference if 0 < reference < 2**63 else None
    return int(reference) if reference.isascii() and reference.isdigit() and len(reference) <= 18 else None
