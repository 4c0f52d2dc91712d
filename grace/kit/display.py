"""Amounts and dates as people read them. For exact values in JSON see `money.to_major`."""

from datetime import date

from grace.kit.money import DIGITS

_SYMBOLS = {
    "AUD": "A$", "BRL": "R$", "CAD": "CA$", "CHF": "CHF\u00a0", "CNY": "CN¥", "EUR": "€", "GBP": "£",
    "HKD": "HK$", "ILS": "₪", "INR": "₹", "JPY": "¥", "KRW": "₩", "MXN": "MX$", "NZD": "NZ$", "PHP":
    "₱", "SGD": "S$", "TRY": "₺", "UAH": "₴", "USD": "$", "VND": "₫",
}  # fmt: skip
# Group separator, decimal point, whether the symbol comes after the number.
_FORMS = {
    "en": (",", ".", False),
    "de": (".", ",", True),
    "es": (".", ",", True),
    "it": (".", ",", True),
    "nl": (".", ",", False),
    "pt": (".", ",", False),
    "fr": ("\u202f", ",", True),
    "pl": ("\u00a0", ",", True),
    "sv": ("\u00a0", ",", True),
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def format_money(amount_minor: int, currency: str, *, locale: str = "en") -> str:
    """`$1,500.00`, `₹1,41,600.00`, `¥1,500`; `1.500,00 €` in German. An unknown locale is read as English.

    Indian rupees are always grouped the Indian way in English. The minus is U+2212.
    """
    group, point, after = _FORMS.get(locale.replace("_", "-").split("-")[0].lower(), _FORMS["en"])
    digits = DIGITS[currency]
    whole, fraction = divmod(abs(amount_minor), 10**digits)
    indian = currency == "INR" and group == ","
    number = group.join(_groups(str(whole), indian=indian))
    if digits:
        number += f"{point}{fraction:0{digits}d}"
    symbol = _SYMBOLS.get(currency, f"{currency}\u00a0")
    minus = "\u2212" if amount_minor < 0 else ""
    return f"{minus}{number}\u00a0{symbol.strip()}" if after else f"{minus}{symbol}{number}"


def format_date(day: date) -> str:
    """`20 November 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _groups(digits: str, *, indian: bool) -> list[str]:
    """Groups of three from the right; the Indian way, the first of three and all others of two."""
    size = 2 if indian else 3
    head, last = digits[:-3], digits[-3:]
    first = len(head) % size
    groups = [head[:first]] if first else []
    return [*groups, *(head[at : at + size] for at in range(first, len(head), size)), last]
