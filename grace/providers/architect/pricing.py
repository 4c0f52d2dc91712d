"""The price of a scope: rate times hours, fitted to a budget by a limited discount, then by optional scope.

All amounts are integers in minor units. Shares are spread by largest remainder, so that lines always add
up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from grace.kit.money import split


@dataclass(frozen=True, slots=True)
class Line:
    """One deliverable as the price sees it; `optional` lines may be left out to meet the budget."""

    hours: int
    rate_minor: int
    optional: bool = False

    @property
    def list_price_minor(self) -> int:
        """Rate times hours, before any discount."""
        return self.hours * self.rate_minor


@dataclass(frozen=True, slots=True)
class Fit:
    """The result of fitting: which lines stay (by index), their prices, and what became of the budget."""

    kept: tuple[int, ...]
    prices_minor: tuple[int, ...]
    subtotal_minor: int
    discount_minor: int
    over_budget_minor: int

    @property
    def total_minor(self) -> int:
        """What the client pays: subtotal less discount."""
        return self.subtotal_minor - self.discount_minor


def fit_to_budget(lines: Sequence[Line], *, budget_minor: int | None, max_discount_percent: int) -> Fit:
    """Fit the lines to the budget. In this order, and no further than needed:

    a discount up to `max_discount_percent` of the subtotal; without optional lines, the last first; if the
    rest is still too dear, the full discount, and `over_budget_minor` says by how much.
    """
    if not lines:
        raise ValueError("there is nothing to price")
    if not 0 <= max_discount_percent <= 100:
        raise ValueError("max_discount_percent is 0 to 100")
    kept = list(range(len(lines)))
    while True:
        subtotal = sum(lines[index].list_price_minor for index in kept)
        most = subtotal * max_discount_percent // 100
        if budget_minor is None or subtotal - most <= budget_minor:
            break
        droppable = [index for index in kept if lines[index].optional]
        if not droppable or len(kept) == 1:
            break
        kept.remove(droppable[-1])
    wanted = 0 if budget_minor is None else max(0, subtotal - budget_minor)
    discount = min(wanted, most)
    return Fit(
        kept=tuple(kept),
        prices_minor=_discounted([lines[index].list_price_minor for index in kept], discount),
        subtotal_minor=subtotal,
        discount_minor=discount,
        over_budget_minor=wanted - discount,
    )


def with_discount(lines: Sequence[Line], *, discount_minor: int, budget_minor: int | None) -> Fit:
    """The price of lines as a person set them, all of them kept, less the discount that the person gives.

    Raises ValueError for a discount that leaves nothing to pay.
    """
    subtotal = sum(line.list_price_minor for line in lines)
    if not 0 <= discount_minor < subtotal:
        raise ValueError("the discount leaves nothing to pay")
    return Fit(
        kept=tuple(range(len(lines))),
        prices_minor=_discounted([line.list_price_minor for line in lines], discount_minor),
        subtotal_minor=subtotal,
        discount_minor=discount_minor,
        over_budget_minor=0 if budget_minor is None else max(0, subtotal - discount_minor - budget_minor),
    )


def discount_percent(fit_discount_minor: int, subtotal_minor: int) -> Decimal:
    """The discount in percent of the subtotal, cut to one decimal, never rounded up."""
    if subtotal_minor == 0:
        return Decimal(0)
    return Decimal(fit_discount_minor * 1000 // subtotal_minor) / 10


def share_out(total_minor: int, shares_percent: Sequence[int]) -> tuple[int, ...]:
    """The parts of a payment plan; the shares are whole percents that sum to 100."""
    if sum(shares_percent) != 100 or min(shares_percent) <= 0:
        raise ValueError("payment shares are positive and sum to 100")
    return tuple(split(total_minor, shares_percent))


def _discounted(prices: list[int], discount: int) -> tuple[int, ...]:
    if discount == 0:
        return tuple(prices)
    return tuple(price - part for price, part in zip(prices, split(discount, prices), strict=True))
