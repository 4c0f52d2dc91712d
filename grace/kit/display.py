"""Amounts and dates as people read them. For exact values in JSON see `money.to_major`."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

from grace.kit.money import DIGITS, to_minor

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


def format_amount(amount: Decimal, currency: str) -> str:
    """`$1,500.00`, of an amount in major units as the API's answers hold it; `−$20.00` of one that was given back."""
    minor = to_minor(abs(amount), currency)
    return format_money(-minor if amount < 0 else minor, currency)


def format_compact(amount_minor: int, currency: str) -> str:
    """`$61.0k`, `€1.2M`, `¥950`: for charts and boards, never where somebody decides about money."""
    size = Decimal(abs(amount_minor)).scaleb(-DIGITS[currency])
    for least, letter in ((Decimal("999950"), "M"), (Decimal("999.5"), "k")):
        if size >= least:
            size, unit = size / (1_000_000 if letter == "M" else 1000), letter
            break
    else:
        unit = ""
    number = f"{size:.1f}{unit}" if unit else f"{size:.0f}"
    minus = "\u2212" if amount_minor < 0 else ""
    symbol = _SYMBOLS.get(currency, f"{currency}\u00a0")
    return f"{minus}{symbol}{number}"


def format_day(at: date, zone: tzinfo = UTC) -> str:
    """`20 Nov 2026`; a time's day is that of the zone."""
    day = at.astimezone(zone) if isinstance(at, datetime) else at
    return f"{day.day} {_MONTHS[day.month - 1][:3]} {day.year}"


def format_clock(at: datetime, zone: tzinfo = UTC) -> str:
    """`14:54`."""
    return f"{at.astimezone(zone):%H:%M}"


def format_moment(at: datetime, zone: tzinfo = UTC, *, to_the_millisecond: bool = False) -> str:
    """`20 Nov 2026, 14:54 UTC`; `14:54:03.120 IST` to the millisecond."""
    there = at.astimezone(zone)
    clock = f"{there:%H:%M:%S}.{there.microsecond // 1000:03}" if to_the_millisecond else format_clock(at, zone)
    name = there.tzname() or ""
    return f"{format_day(at, zone)}, {clock} {name if name[:1].isalpha() else f'UTC{name}'}"


def format_relative(at: datetime, now: datetime, zone: tzinfo = UTC) -> str:
    """`now`, `2 min ago`, `in 5 h`, `3 days ago` within a week; beyond, the day."""
    seconds = (now - at).total_seconds()
    size = abs(seconds)
    if size >= 7 * 86400:
        return format_day(at, zone)
    if size < 60:
        return "now"
    text = f"{size // 60:.0f} min" if size < 3600 else f"{size // 3600:.0f} h"
    if size >= 86400:
        days = int(size // 86400)
        text = f"{days} day{'s' if days > 1 else ''}"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def format_last_day(before: datetime) -> str:
    """`20 Nov 2026`, the last day (UTC) of what holds until then."""
    return format_day(before - timedelta(microseconds=1))


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
