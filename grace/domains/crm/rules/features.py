"""The thirteen features of a lead, all known when it is captured: nothing learned later leaks into a score.

Amounts are `Decimal` in major units of their currency.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from grace.domains.crm.rules.identity import company_domain
from grace.domains.crm.rules.sources import normalise_source

# Where the bands of a budget begin, in US dollars or a unit of like worth.
BUDGET_BANDS = (Decimal(1), Decimal(1_000), Decimal(5_000), Decimal(20_000), Decimal(50_000))

# How many units buy about what one dollar buys, by order of magnitude only: bands need no exchange rate.
_UNITS_PER_DOLLAR: Mapping[str, int] = {
    "ARS": 1000, "BDT": 100, "CLP": 1000, "CNY": 5, "COP": 4000, "CZK": 20, "DKK": 5, "EGP": 50, "HKD":
    5, "HUF": 400, "IDR": 15000, "INR": 50, "ISK": 100, "JPY": 100, "KES": 100, "KRW": 1000, "KZT": 500,
    "LKR": 300, "MXN": 20, "NGN": 1000, "NOK": 10, "NPR": 100, "PHP": 50, "PKR": 250, "RSD": 100, "RUB":
    100, "SEK": 10, "THB": 30, "TRY": 40, "TWD": 30, "TZS": 2500, "UAH": 40, "UGX": 4000, "UZS": 10000,
    "VND": 25000, "ZAR": 20,
}  # fmt: skip

_INDUSTRIES: tuple[tuple[str, str], ...] = (
    (
        "technology",
        r"saas|software|technolog|tech|information technology|it services|cloud|ai\b|internet|telecom",
    ),
    ("finance", r"financ|fintech|bank|insur|investment|accounting"),
    ("healthcare", r"health|medical|pharma|biotech|clinic|hospital|dental"),
    ("ecommerce", r"e-?commerce|retail|online shop|consumer goods|fashion"),
    ("manufacturing", r"manufactur|industrial|engineering|automotive|machin|chemical|aerospace"),
    ("professional_services", r"consult|legal|law\b|agency|marketing|advertis|recruit|professional"),
    ("logistics", r"logistic|transport|shipping|supply chain|freight"),
    ("energy", r"energy|utilit|solar|oil\b|gas\b|renewable"),
    ("real_estate", r"real estate|property|construction|building"),
    ("media", r"media|entertain|publish|gaming|games|music|film"),
    ("hospitality", r"hospitality|hotel|restaurant|travel|tourism|food"),
    ("education", r"educat|school|universit|e-?learning|training"),
    ("public", r"government|public sector|non-?profit|ngo|charit"),
)
_INDUSTRY_PATTERNS = tuple((name, re.compile(rf"\b(?:{words})")) for name, words in _INDUSTRIES)

_URGENT = re.compile(r"\b(?:asap|urgent\w*|immediate\w*|right away|today|this week|yesterday)\b")
_SOON = re.compile(r"\b(?:days?|weeks?|this month|next month)\b")
_LATER = re.compile(r"\b(?:months?|quarter|q[1-4]|years?|flexible|no rush)\b")
_SPECIFICS = (
    re.compile(r"\d"),
    re.compile(r"\b(?:deadline|launch|go[- ]live|by (?:the )?(?:end|next|\w+day|\d)|within \d|weeks?|months?)\b"),
    re.compile(r"\b(?:integrat\w+|api|website|web ?shop|app|dashboard|migrat\w+|automat\w+|report\w*|portal|crm)\b"),
    re.compile(r"\b(?:because|so that|in order to|goal|currently|today we|problem|instead of|replace)\b"),
)
_MOST_TEXT = 20_000
_NUMBER = re.compile(
    r"(\d{1,15}(?:[,.']\d{1,3}| \d{3}(?!\d)){0,6})\s{0,2}"
    r"(k|thousand|m|mn|million|lac|lakhs?|cr|crores?)?(?![a-z])"
)
_MULTIPLES: Mapping[str, int] = {
    **dict.fromkeys(("k", "thousand"), 1_000),
    **dict.fromkeys(("lac", "lakh", "lakhs"), 100_000),
    **dict.fromkeys(("m", "mn", "million"), 1_000_000),
    **dict.fromkeys(("cr", "crore", "crores"), 10_000_000),
}


@dataclass(frozen=True, slots=True)
class Captured:
    """What is known of a lead when it arrives. Empty text counts as absent."""

    source: str
    name: str = ""
    email: str | None = None
    company: str | None = None
    industry: str | None = None
    budget: Decimal | None = None
    budget_range: str | None = None
    currency: str = "USD"
    requirements: str | None = None
    timeline: str | None = None
    project_type: str | None = None
    country: str | None = None
    timezone: str | None = None
    phone: str | None = None
    earlier_projects: int = 0


@dataclass(frozen=True, slots=True)
class Features:
    """The thirteen features; plain JSON values, stored with the score that they led to."""

    has_company: bool
    has_budget: bool
    industry: str
    source: str
    budget_band: int
    business_email: bool
    requirements_words: int
    requirements_specifics: int
    has_project_type: bool
    urgency: str
    country: str
    contact_completeness: int
    returning_client: bool

    def as_dict(self) -> dict[str, Any]:
        """Name and value of each feature, in their fixed order."""
        return asdict(self)


def extract_features(lead: Captured) -> Features:
    """The features of a captured lead; the same lead always gives the same features."""
    amount = lead.budget if lead.budget is not None else budget_from_range(lead.budget_range)
    words = (lead.requirements or "")[:_MOST_TEXT].casefold()
    contact = (" " in lead.name.strip(), bool(_clean(lead.email)), bool(_clean(lead.phone)))
    place = (bool(_clean(lead.country)), bool(_clean(lead.timezone)))
    return Features(
        has_company=bool(_clean(lead.company)),
        has_budget=amount is not None and amount > 0,
        industry=industry_group(lead.industry),
        source=normalise_source(lead.source) or "other",
        budget_band=budget_band(amount, currency=lead.currency),
        business_email=bool(lead.email and company_domain(lead.email)),
        requirements_words=min(len(words.split()), 500),
        requirements_specifics=sum(1 for pattern in _SPECIFICS if pattern.search(words)),
        has_project_type=bool(_clean(lead.project_type)),
        urgency=_urgency(lead.timeline),
        country=_clean(lead.country).upper()[:64] or "unknown",
        contact_completeness=sum((*contact, *place)),
        returning_client=lead.earlier_projects > 0,
    )


def budget_band(amount: Decimal | None, *, currency: str) -> int:
    """0 for no budget, then 1 to 5.

    Anything, and from 1,000, 5,000, 20,000 and 50,000 dollars of like worth.
    """
    if amount is None or amount <= 0:
        return 0
    scale = _UNITS_PER_DOLLAR.get(currency.upper(), 1)
    return max(1, sum(1 for start in BUDGET_BANDS if amount >= start * scale))


def budget_from_range(text: str | None) -> Decimal | None:
    """The cautious reading of a range: its lower end ("$5k-10k" is 5,000).

    Half of an upper limit alone ("under 4k").
    """
    folded = (text or "")[:200].casefold().replace("–", "-").replace("—", "-")
    found = [(_number(digits), unit) for digits, unit in _NUMBER.findall(folded)]
    if not found:
        return None
    amount, unit = found[0]
    if not unit and len(found) > 1 and found[1][0] >= amount:
        unit = found[1][1]
    value = amount * _MULTIPLES.get(unit, 1)
    upper_limit = len(found) == 1 and re.search(r"\b(?:under|below|up to|less than|max\w*|bis)\b|<", folded)
    return value / 2 if upper_limit else value


def industry_group(text: str | None) -> str:
    """One of the known groups of industries, `other` for a word that fits none, `unknown` for no word."""
    folded = _clean(text).casefold()[:200]
    if not folded:
        return "unknown"
    for name, pattern in _INDUSTRY_PATTERNS:
        if folded.replace(" ", "_") == name or pattern.search(folded):
            return name
    return "other"


def _number(digits: str) -> Decimal:
    plain = digits.replace("'", "").replace(" ", "")
    decimals = re.search(r"[.,](\d{1,2})$", plain)
    if decimals is None:
        return Decimal(re.sub(r"[.,]", "", plain))
    whole = re.sub(r"[.,]", "", plain[: decimals.start()])
    return Decimal(f"{whole}.{decimals[1]}")


def _urgency(timeline: str | None) -> str:
    folded = _clean(timeline).casefold()[:500]
    if not folded:
        return "unknown"
    for word, pattern in (("now", _URGENT), ("later", _LATER), ("soon", _SOON)):
        if pattern.search(folded):
            return word
    return "stated"


def _clean(text: str | None) -> str:
    return (text or "").strip()
