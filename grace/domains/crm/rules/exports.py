"""Reading other CRMs' exports: which column is meant by its header, which stage by its word, how much by its text."""

import re
from collections.abc import Mapping, Sequence

from grace.domains.crm.rules.stages import Stage

# Headers by field, the surest first. `first_name` and `last_name` make a name together.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "external_id": (
        "external id", "lead id", "lead number", "lead no", "opportunity id", "deal id", "record id", "prospect id",
        "contact id", "id",
    ),
    "client_id": ("client id", "customer id", "account id", "company id"),
    "name": ("name", "full name", "contact name", "lead name", "client name", "customer name", "contact"),
    "first_name": ("first name", "given name", "firstname"),
    "last_name": ("last name", "surname", "family name", "lastname"),
    "email": ("email", "e mail", "email address", "e mail address", "work email", "contact email"),
    "company": ("company", "company name", "account", "account name", "organization", "organisation"),
    "source": ("lead source", "source", "original source", "channel"),
    "stage": ("stage", "deal stage", "lead stage", "pipeline stage", "lead status"),
    "industry": ("industry", "sector"),
    "country": ("country", "country region"),
    "timezone": ("timezone", "time zone"),
    "address": ("address", "billing address", "mailing address"),
    "tax_id": ("tax id", "vat", "vat id", "vat number", "gstin"),
    "budget": ("budget",),
    "budget_range": ("budget range",),
    "value_estimate": (
        "value estimate", "estimated value", "deal value", "close value", "amount", "deal amount", "opportunity amount",
        "expected revenue", "value",
    ),
    "project_type": ("project type", "service", "product", "deal type"),
    "requirements": ("requirements", "description", "details", "message", "project description"),
    "timeline": ("timeline", "timeframe", "time frame"),
    "notes": ("notes", "note", "comments", "comment", "remarks"),
    "lost_reason": ("lost reason", "loss reason", "closed lost reason"),
    "created_at": (),
    "closed_at": (),
}  # fmt: skip

# What others call their stages. Won is this product's word for a signed contract: the lead is at work.
_STAGE_WORDS: Mapping[Stage, str] = {
    Stage.LEAD: "new|open|prospect|prospecting|incoming|unqualified|raw|subscriber|not contacted|attempted to contact",
    Stage.QUALIFIED: (
        "qualification|engaging|engaged|contacted|working|mql|sql|marketing qualified lead|sales qualified lead"
        "|appointment scheduled|qualified to buy|discovery|needs analysis|nurturing|interested|meeting|demo"
    ),
    Stage.PROPOSAL: (
        "quote|quoted|proposal sent|proposal made|proposal price quote|value proposition|presentation scheduled"
    ),
    Stage.NEGOTIATION: "negotiating|negotiation review|negotiations started|decision maker bought in",
    Stage.CONTRACT: "contract sent|verbal|verbal commitment|commit",
    Stage.ACTIVE: "won|closed won|deal won|signed|converted|in progress",
    Stage.DELIVERED: "done|completed|complete",
    Stage.PAID: "invoiced and paid|closed paid",
    Stage.REPEAT: "returning|returning client",
    Stage.LOST: "closed lost|deal lost|dead|disqualified|rejected|junk|junk lead|lost lead|not interested",
}
_STAGES = {word: stage for stage, words in _STAGE_WORDS.items() for word in (stage.value.lower(), *words.split("|"))}
_NOTHING = frozenset({"", "-", "null", "n/a", "#n/a", "nan"})
_AMOUNT = re.compile(r"[A-Z]{0,3}[^\w.,+-]?(\d[\d.,' ]*)[^\w.,+-]?[A-Z]{0,3}", re.IGNORECASE)


def match_headers(columns: Sequence[str], *, given: Mapping[str, str]) -> dict[str, str]:
    """The column of each field: those that are `given` (an empty one leaves the field out), else by the header.

    No column serves two fields unless both are given.
    """
    taken = set(given.values())
    by_words = {_words(column): column for column in reversed(columns) if column not in taken}
    found = {field: column for field, column in given.items() if column}
    for field, headers in HEADERS.items():
        column = next((by_words[words] for words in headers if words in by_words), None)
        if field not in given and column is not None and column not in found.values():
            found[field] = column
    return {field: found[field] for field in HEADERS if field in found}


def stage_of(text: str) -> Stage | None:
    """The stage that another CRM's word means; None for a word that is not known."""
    return _STAGES.get(_words(text))


def is_nothing(text: str) -> bool:
    """Whether a cell's text means that nothing is known."""
    return text.strip().casefold() in _NOTHING


def plain_amount(text: str) -> str:
    """The digits of an amount as exports write it: `$12,000.50`, `12.000,50 EUR`, `1'200`. ValueError for others.

    The later of two kinds of separators is the decimal point; a single one before exactly three digits separates
    thousands when it is a comma.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise ValueError("not an amount")
    digits = found[1].strip().replace("'", "").replace(" ", "")
    point = max(digits.rfind("."), digits.rfind(","))
    if point < 0:
        return digits
    mark, other = digits[point], "," if digits[point] == "." else "."
    thousands = digits.count(mark) > 1 or (mark == "," and other not in digits and len(digits) - point == 4)
    return digits.replace(".", "").replace(",", "") if thousands else digits.replace(other, "").replace(mark, ".")


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))
