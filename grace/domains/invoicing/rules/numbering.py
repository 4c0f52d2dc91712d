"""Invoice numbers by a pattern, such as `INV-{YYYYMMDD}-{n}` or `{FY}/{n:05}`.

Besides letters, digits, `-` and `/` a pattern holds `{YYYYMMDD}`, `{YYYY}`, `{YY}`, `{MM}`, `{DD}` of the day
of issue, `{FY}` (its fiscal year: `2026-27`, or `2026` where the year begins in January) and once `{n}`, the
number, or `{n:05}`, padded with zeros. With `{FY}` the numbers begin at 1 in each fiscal year.
"""

import re
from dataclasses import dataclass
from datetime import date

LONGEST = 64
_TOKEN = re.compile(r"\{([A-Za-z]+)(?::0([1-9]))?\}")
_PLAIN = re.compile(r"[A-Za-z0-9/-]*")
_DATES = ("YYYYMMDD", "YYYY", "YY", "MM", "DD", "FY")


@dataclass(frozen=True, slots=True)
class Series:
    """A pattern, the month in which its fiscal year begins, and the longest number it may give."""

    pattern: str
    fiscal_year_starts: int = 1
    max_length: int = LONGEST


def fault(pattern: str) -> str | None:
    """What is wrong with a pattern; None when nothing is."""
    tokens = _TOKEN.findall(pattern)
    if [name for name, _ in tokens].count("n") != 1:
        return "a pattern has {n} once"
    if any(name not in (*_DATES, "n") or (width and name != "n") for name, width in tokens):
        return f"a pattern knows {{n}}, {{n:05}}, {', '.join('{' + name + '}' for name in _DATES)}"
    if not _PLAIN.fullmatch(_TOKEN.sub("", pattern)):
        return "a pattern has letters, digits, - and / besides its braces"
    return None


def period(series: Series, day: date) -> str:
    """Within what the numbers are counted: the fiscal year if the pattern shows it, else everything ('')."""
    return _fiscal_year(day, series.fiscal_year_starts) if "{FY}" in series.pattern else ""


def formatted(series: Series, day: date, n: int) -> str | None:
    """The number of the n-th invoice; None when it is longer than the series allows."""
    values = {
        "YYYYMMDD": f"{day:%Y%m%d}",
        "YYYY": f"{day:%Y}",
        "YY": f"{day:%y}",
        "MM": f"{day:%m}",
        "DD": f"{day:%d}",
        "FY": _fiscal_year(day, series.fiscal_year_starts),
    }
    number = _TOKEN.sub(lambda t: values.get(t[1]) or f"{n:0{t[2] or 1}d}", series.pattern)
    return number if len(number) <= series.max_length else None


def _fiscal_year(day: date, starts: int) -> str:
    first = day.year if day.month >= starts else day.year - 1
    return str(first) if starts == 1 else f"{first}-{(first + 1) % 100:02d}"
