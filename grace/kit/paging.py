"""Lists: pages by an opaque cursor over a stable order."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query

from grace.kit import json
from grace.kit.errors import Invalid, Malformed

T = TypeVar("T")
LARGEST_PAGE = 200

Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Rows a page.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before.")]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows and, when there are more, where the next page begins."""

    items: list[T]
    next_cursor: str | None


def page(rows: Sequence[T], *, limit: int, key: str) -> Page[T]:
    """From at most `limit + 1` rows in order; the cursor is the last shown row's `key` attribute."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return Page(shown, encode(getattr(shown[-1], key)) if more else None)


def encode(position: Any) -> str:
    """A cursor for a position."""
    return base64.urlsafe_b64encode(json.dumps([position]).encode()).decode().rstrip("=")


def decode(cursor: str | None) -> Any:
    """The position of a cursor; None for the first page; Invalid for anything that we did not make."""
    if cursor is None:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, Malformed) as error:
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor") from error
    position = value[0] if isinstance(value, list) and len(value) == 1 else None
    if not isinstance(position, str) and (type(position) is not int or not 0 <= position < 2**63):
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor")
    return position


@dataclass(frozen=True, slots=True)
class Ordering:
    """SQL of a sorted list: its `order by`, and the condition for what comes after the row `%(after)s`."""

    by: str
    after: str


def ordering(sort: str, *, table: str, columns: Mapping[str, str]) -> Ordering:
    """The order that `sort` names (`name`, or `-name` for descending), made total by the row's id.

    `table` is the table and its alias (`client c`), `columns` the SQL of each name, never null. The cursor
    of such a list is the last row's id (`page(…, key="id")`), so that its place is looked up, not sent.
    """
    name = sort.removeprefix("-")
    if name not in columns:
        raise Invalid(f"This list is not sorted by {name[:40]!r}, but by {', '.join(columns)}.", type="invalid-sort")
    alias = table.split()[-1]
    direction, sign = ("desc", "<") if sort.startswith("-") else ("asc", ">")
    place = f"{columns[name]}, {alias}.id"
    last = f"select {place} from {table} where {alias}.id = %(after)s"
    return Ordering(
        by=f"{columns[name]} {direction}, {alias}.id {direction}",
        after=f"(%(after)s::text is null or ({place}) {sign} ({last}))",
    )


def after_id(cursor: str | None) -> str | None:
    """The id in a cursor of a sorted list; Invalid for a cursor of another kind."""
    position = decode(cursor)
    if position is not None and not isinstance(position, str):
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor")
    return position


def number_in(cursor: str | None) -> int | None:
    """The number in a cursor of a list that is ordered by number; Invalid for a cursor of another kind."""
    position = decode(cursor)
    if position is not None and not isinstance(position, int):
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor")
    return position
