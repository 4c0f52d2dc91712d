"""Currencies, the bounds of a charge, and the fee of a charge. Every amount is an integer in minor units.

A charge costs 2.9 % of its amount, rounded half up, and 30 minor units (300 where the currency has three
decimals). Each currency settles in itself: the sandbox converts nothing.
"""

from grace_sandbox.stripe.errors import invalid

ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
# Written with two decimals for compatibility, charged only in whole units.
WHOLE_UNITS = frozenset(["isk", "ugx"])
_TWO_DECIMAL = """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad
    cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg
    huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mro mur mvr
    mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek
    sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer zar zmw
"""
CURRENCIES = frozenset(_TWO_DECIMAL.split()) | ZERO_DECIMAL | THREE_DECIMAL | WHOLE_UNITS

_MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500,
    "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
_DIGITS = {"idr": 12, "cop": 10, "huf": 10, "inr": 9}
_MAX_DIGITS = 8
FEE_BASIS_POINTS = 290
FEE_FIXED = 30


def check_currency(currency: str) -> str:
    """The currency in lower case; refuses one that Stripe does not know."""
    lower = currency.lower()
    if lower not in CURRENCIES:
        supported = ", ".join(sorted(CURRENCIES))
        raise invalid(
            f"Invalid currency: {lower}. Stripe currently supports these currencies: {supported}",
            param="currency",
        )
    return lower


def show(amount: int, currency: str) -> str:
    """The amount as Stripe's messages print it."""
    decimals = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    sign = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹"}.get(currency, "")
    whole, rest = divmod(amount, 10**decimals)
    text = f"{whole:,}" + (f".{rest:0{decimals}d}" if decimals else "")
    return f"{sign}{text}" if sign else f"{text} {currency.upper()}"


def check_amount(amount: int, currency: str, *, param: str = "amount") -> int:
    """The amount; refuses zero, less than the minimum, more than the maximum, and fractions that do not
    exist.
    """
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", param=param, code="parameter_invalid_integer")
    check_granularity(amount, currency, param=param)
    minimum = _MINIMUM.get(currency, 1)
    if amount < minimum:
        raise invalid(f"Amount must be at least {show(minimum, currency)}", param=param, code="amount_too_small")
    maximum = 10 ** _DIGITS.get(currency, _MAX_DIGITS) - 1
    if amount > maximum:
        raise invalid(f"Amount must be no more than {show(maximum, currency)}", param=param, code="amount_too_large")
    return amount


def check_granularity(amount: int, currency: str, *, param: str = "amount") -> None:
    """Three-decimal currencies are charged in tens, two-decimal ones without real cents in hundreds."""
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_UNITS else 1
    if amount % step:
        raise invalid(
            f"Invalid amount. Amounts in {currency.upper()} must be evenly divisible by {step}.",
            param=param,
            code="parameter_invalid_integer",
        )


def charge_fee(amount: int, currency: str) -> int:
    """What a charge of `amount` costs, never more than the amount."""
    fixed = FEE_FIXED * 10 if currency in THREE_DECIMAL else FEE_FIXED
    return min(amount, (amount * FEE_BASIS_POINTS + 5_000) // 10_000 + fixed)
