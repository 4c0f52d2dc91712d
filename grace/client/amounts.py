"""Amounts on their way to the server: a float is rounded half-even to the currency's decimals, once."""

from decimal import ROUND_HALF_EVEN, Decimal

from grace.kit.money import DIGITS

Amount = float | int | Decimal | str
"""Major units. A float is a convenience and is rounded; anything else is exact and goes out as it is."""


def outgoing(amount: Amount, currency: str) -> Amount:
    """What is sent for `amount`. The digits that a float shows count: 2.675 USD is a tie and goes out as 2.68.

    A float that is no number, and one in an unknown currency, goes out unrounded: the server says what is wrong.
    """
    digits = DIGITS.get(currency.upper())
    if not isinstance(amount, float) or digits is None:
        return amount
    exact = Decimal(repr(amount))
    if not exact.is_finite():
        return str(amount)
    return exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
