"""Money: an integer count of minor units and an ISO 4217 currency; never a binary float."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

MAX_MINOR = 10**17
"""The largest amount Grace books, in minor units: sums of many stay inside PostgreSQL's bigint."""
MAX_DIGITS = 30

_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD "
    "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG "
    "YER ZAR ZMW ZWG"
)
DIGITS: dict[str, int] = (
    dict.fromkeys(_TWO.split(), 2)
    | dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    )
    | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
)
"""Digits after the point of each currency (ISO 4217 table A.1)."""


class InvalidMoney(ValueError):
    """The amount or the currency cannot be money; the text says why."""


@dataclass(frozen=True, slots=True)
class Money:
    """`amount_minor` in the smallest unit of `currency` (upper case)."""

    amount_minor: int
    currency: str

    @classmethod
    def parse(cls, amount: Decimal | int | str, currency: str) -> "Money":
        """From major units. Refuses negative, non-finite, too precise or absurd amounts."""
        return cls(to_minor(amount, currency), check_currency(currency))

    @property
    def amount(self) -> Decimal:
        """In major units, with exactly the currency's digits."""
        return to_major(self.amount_minor, self.currency)

    def __str__(self) -> str:
        return f"{self.amount:,} {self.currency}"


def check_currency(currency: str) -> str:
    """The upper-case code, or InvalidMoney."""
    code = currency.upper()
    if code not in DIGITS:
        raise InvalidMoney(f"{currency[:10]!r} is not an ISO 4217 currency.")
    return code


def to_minor(amount: Decimal | int | str, currency: str) -> int:
    """Major units to minor units, exactly; see `Money.parse` for what is refused."""
    digits = DIGITS[check_currency(currency)]
    value = exact(amount)
    if value < 0:
        raise InvalidMoney("The amount is negative.")
    scaled = value.scaleb(digits)
    if scaled != scaled.to_integral_value():
        raise InvalidMoney(f"{currency.upper()} has {digits} decimals; the amount has more.")
    if scaled > MAX_MINOR:
        raise InvalidMoney("The amount is larger than Grace books.")
    return int(scaled)


def exact(amount: Decimal | int | str) -> Decimal:
    """A finite Decimal of at most 30 digits from a number's text."""
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        raise InvalidMoney("The amount is not an exact number.")
    if isinstance(amount, str) and ("_" in amount or not amount.isascii()):
        raise InvalidMoney("The amount is not a number.")  # Python's Decimal reads `1_000` and digits of every script
    try:
        value = Decimal(amount)
    except ArithmeticError as error:
        raise InvalidMoney("The amount is not a number.") from error
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise InvalidMoney("The amount is not finite.")
    if len(digits) > MAX_DIGITS or abs(exponent) > MAX_DIGITS:
        raise InvalidMoney(f"The amount has more than {MAX_DIGITS} digits.")
    return value


def to_major(amount_minor: int, currency: str) -> Decimal:
    """Minor units to major units with exactly the currency's digits (`150000`, USD → `1500.00`)."""
    return Decimal(amount_minor).scaleb(-DIGITS[currency])


def rounded(value: Decimal) -> int:
    """To an integer, half away from zero: the one rounding at the end of a line."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def split(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Share out by largest remainder: the parts sum to the whole; ties go to the earlier part.

    Weights are non-negative and not all zero; the amount may be negative.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative and not all zero")
    sign, amount = (-1, -amount_minor) if amount_minor < 0 else (1, amount_minor)
    parts = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in by_remainder[: amount - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def _amount(value: Any) -> Decimal:
    return exact(value)


Number = Annotated[Decimal, WithJsonSchema({"type": "number"}, mode="serialization")]
"""An exact number in an answer that is no amount: a quantity, a rate."""

Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": r"^\d{1,30}(\.\d{1,3})?$"},
            ]
        },
        mode="validation",
    ),
    WithJsonSchema({"type": "number"}, mode="serialization"),
]
"""An amount in major units over the wire: a JSON number or a string in, a JSON number out."""
