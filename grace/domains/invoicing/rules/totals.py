"""What lines come to: each rounded once at its end, tax once per rate, all half away from zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from grace.kit.money import MAX_MINOR, InvalidMoney

QUANTITY_DIGITS = 6
RATE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """What is invoiced: `quantity` times `unit_price_minor`, before tax at `tax_rate` percent."""

    description: str
    quantity: Decimal
    unit_price_minor: int
    tax_rate: Decimal = Decimal(0)

    @property
    def net_minor(self) -> int:
        """Without tax, rounded to the minor unit."""
        return divided(scaled(self.quantity, QUANTITY_DIGITS) * self.unit_price_minor, 10**QUANTITY_DIGITS)


@dataclass(frozen=True, slots=True)
class Tax:
    """One rate (percent) of an invoice: the net amount under it and the tax on their sum."""

    rate: Decimal
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of an invoice; `taxes` by rate, the highest first, without those of zero percent."""

    net_minor: int
    tax_minor: int
    total_minor: int
    taxes: tuple[Tax, ...]


def totals(lines: Sequence[Line]) -> Totals:
    """The sums; InvalidMoney when they are larger than Grace books."""
    by_rate: dict[Decimal, int] = {}
    for line in lines:
        by_rate[line.tax_rate] = by_rate.get(line.tax_rate, 0) + line.net_minor
    taxes = tuple(_tax(rate, by_rate[rate]) for rate in sorted(by_rate, reverse=True) if rate)
    net_minor, tax_minor = sum(by_rate.values()), sum(tax.tax_minor for tax in taxes)
    if net_minor + tax_minor > MAX_MINOR:
        raise InvalidMoney("The invoice is larger than Grace books.")
    return Totals(net_minor, tax_minor, net_minor + tax_minor, taxes)


def earned(*, net_minor: int, total_minor: int, paid_minor: int) -> int:
    """How much of what was paid is revenue, tax being the rest. Exact when all is paid."""
    return divided(net_minor * paid_minor, total_minor)


def divided(numerator: int, denominator: int) -> int:
    """The quotient of two non-negative integers, half away from zero."""
    return (2 * numerator + denominator) // (2 * denominator)


def scaled(value: Decimal, digits: int) -> int:
    """`value` times ten to the `digits`, which must be whole."""
    return int(value.scaleb(digits))


def _tax(rate: Decimal, net_minor: int) -> Tax:
    return Tax(rate, net_minor, divided(net_minor * scaled(rate, RATE_DIGITS), 100 * 10**RATE_DIGITS))
