"""Rows as they were and as they are."""

from typing import Any


def changed(before: Any, after: Any) -> list[str]:
    """The names of the fields in which two row dataclasses of a kind differ."""
    return [name for name in after.__dataclass_fields__ if getattr(after, name) != getattr(before, name)]
