"""Rows behind figures as they are shown: paged by place, each with what it adds."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from grace.insight.figures import Figure, Part, Span
from grace.insight.reading import InsightRow
from grace.insight.schemas import RowOut
from grace.kit import paging
from grace.kit.errors import Invalid
from grace.kit.money import to_major
from grace.kit.tx import Tx

Place = tuple[datetime, str, str]


def place_of(row: InsightRow) -> Place:
    """Where a row stands in the order."""
    return row.at, row.noun, row.key


def page_of(found: Sequence[InsightRow], *, limit: int) -> tuple[list[InsightRow], str | None]:
    """From at most `limit + 1` rows: those to show, and where the next page begins."""
    shown = list(found[:limit])
    if len(found) <= limit:
        return shown, None
    at, noun, key = place_of(shown[-1])
    return shown, paging.encode(f"{at.isoformat()} {noun} {key}")


def after_row(cursor: str | None) -> Place | None:
    """The place in a cursor; Invalid for one that is not of such a list."""
    position = paging.after_id(cursor)
    if position is None:
        return None
    try:
        at, noun, key = position.split(" ")
        when = datetime.fromisoformat(at)
    except ValueError as error:
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor") from error
    if when.tzinfo is None:
        raise Invalid("The cursor is not one of ours.", type="invalid-cursor")
    return when, noun, key


def row_out(tx: Tx, figure: Figure, span: Span, row: InsightRow) -> RowOut:
    """What a row is, and what it adds to the figure above (`value`) and below (`weight`)."""
    above, below = figure.times(span)
    value = _adds(tx, figure.top, row) if above.holds(row.at) else Decimal(0)
    weight = _adds(tx, figure.under, row) if figure.under and below.holds(row.at) else Decimal(0)
    money = bool(row.currency)
    return RowOut(
        id=row.subject,
        kind=row.measure,
        at=row.at,
        client_id=row.client_id,
        source=row.source,
        what=row.what,
        currency=row.currency or None,
        amount=to_major(row.amount_minor, row.currency) if money else Decimal(row.amount_minor),
        value=value,
        weight=weight or Decimal(0),
    )


def _adds(tx: Tx, part: Part, row: InsightRow) -> Decimal | None:
    added = part.of_row(row.what, row.place, row.amount_minor, row.value_minor)
    if added is None:
        return None
    return to_major(added, tx.workspace.currency) if part.of == "value" else Decimal(added)
