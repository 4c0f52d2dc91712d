"""What goes out for an amount."""

from decimal import Decimal

import pytest

from grace.client.amounts import Amount, outgoing


@pytest.mark.parametrize(
    ("amount", "currency", "sent"),
    [
        (100.0, "usd", "100.00"),
        (0.1 + 0.2, "USD", "0.30"),
        (0.125, "usd", "0.12"),
        (0.135, "usd", "0.14"),
        (2.675, "usd", "2.68"),
        (1200.4999999999998, "usd", "1200.50"),
        (1500.5, "jpy", "1500"),
        (1501.5, "JPY", "1502"),
        (1.0005, "KWD", "1.000"),
        (1.0015, "KWD", "1.002"),
        (-3.0, "usd", "-3.00"),
        (1e22, "usd", "10000000000000000000000.00"),
    ],
)
def test_a_float_is_rounded_half_even_to_the_currencys_decimals(amount: float, currency: str, sent: str) -> None:
    found = outgoing(amount, currency)
    assert isinstance(found, Decimal)
    assert str(found) == sent


@pytest.mark.parametrize("amount", [100, Decimal("1.005"), "1.005"])
def test_what_is_exact_goes_out_as_it_is(amount: Amount) -> None:
    assert outgoing(amount, "usd") is amount


def test_the_server_says_what_is_wrong() -> None:
    assert outgoing(float("nan"), "usd") == "nan"
    assert outgoing(float("inf"), "usd") == "inf"
    assert outgoing(1.005, "xxx") == 1.005
