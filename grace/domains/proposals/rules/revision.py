"""What a person changes in an offer: which deliverables stay, their titles, hours and rates, new ones, the discount."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from grace.kit.money import MAX_MINOR
from grace.providers.architect.port import Deliverable, WorkKind
from grace.providers.architect.pricing import Fit, Line, with_discount


@dataclass(frozen=True, slots=True)
class RevisedLine:
    """A deliverable of the revised offer: `number` is the one that it keeps, None for a new one."""

    number: int | None
    title: str
    hours: int
    rate_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """What the offer is to be; what is not in `lines` is dropped. `version` is the one that the caller saw."""

    version: int
    lines: tuple[RevisedLine, ...]
    discount_minor: int = 0
    title: str | None = None
    valid_until: date | None = None


def read_deliverable(stored: Mapping[str, Any]) -> Deliverable:
    """A deliverable from a proposal's row."""
    lists = {name: tuple(stored[name]) for name in ("includes", "acceptance")}
    return Deliverable(**{**stored, **lists, "kind": WorkKind(stored["kind"])})


def revise_scope(
    stored: Sequence[Deliverable],
    left_out: Sequence[Deliverable],
    revision: Revision,
    *,
    hourly_rate_minor: int,
    budget_minor: int | None,
) -> tuple[tuple[Deliverable, ...], Fit]:
    """The deliverables with their new prices, and the price of the whole.

    A new line that is called like something that was left out brings that in again. Raises ValueError for a
    number that is not there or named twice, for an amount that is too large, and for a discount that leaves nothing.
    """
    known = {one.number: one for one in stored}
    numbers = [line.number for line in revision.lines if line.number is not None]
    if len(numbers) > len(set(numbers)) or not known.keys() >= set(numbers):
        raise ValueError("a deliverable is kept by its number, once")
    spare = {one.title.casefold(): one for one in left_out}
    scope = [
        _revised(line, known[line.number] if line.number is not None else spare.get(line.title.casefold()),
                 hourly_rate_minor)
        for line in revision.lines
    ]  # fmt: skip
    if sum(one.list_price_minor for one in scope) > MAX_MINOR:
        raise ValueError("the price is larger than Grace books")
    fit = with_discount(
        [Line(one.hours, one.rate_minor) for one in scope],
        discount_minor=revision.discount_minor,
        budget_minor=budget_minor,
    )
    priced = tuple(replace(one, price_minor=price) for one, price in zip(scope, fit.prices_minor, strict=True))
    return priced, fit


def _revised(line: RevisedLine, before: Deliverable | None, hourly_rate_minor: int) -> Deliverable:
    usual = before.rate_minor if before else hourly_rate_minor
    rate = usual if line.rate_minor is None else line.rate_minor
    price = line.hours * rate
    same = before or Deliverable(0, WorkKind.CUSTOM, line.title, "", (), (), line.hours, 1, rate, price, price)
    return replace(
        same,
        title=line.title,
        hours=line.hours,
        rate_minor=rate,
        list_price_minor=price,
        price_minor=price,
        optional=same.optional and line.number is not None,
    )
