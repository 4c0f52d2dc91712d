"""The plan of a year: who comes when, and what becomes of it. The same seed and size give the same plan.

Days are numbers of half-weeks from the beginning; `DAYS` of them are the year. Everything is drawn from generators of
its own names, so that one opportunity does not change because another one does.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Literal

from grace.app.example import words
from grace.app.example.people import COUNTRIES, FIRST_NAMES, LAST_NAMES, PLACES, TRADES

DAYS = 104
MONTH = 9
"""Half-weeks of a month, more or less."""

Fate = Literal["won", "declined", "lost", "silent", "open", "draft", "waiting", "unqualified", "quiet"]
How = Literal["card", "transfer", "parts", "part", "unpaid", "declined", "secure", "insecure"]
Refund = Literal["partial", "full", "approved", "held"]
Size = Literal["small", "whole"]

FATES: dict[Size, dict[Fate, int]] = {
    "whole": {
        "won": 40, "declined": 18, "lost": 12, "silent": 6, "open": 8, "draft": 3, "waiting": 2, "unqualified": 37,
        "quiet": 24,
    },
    "small": {
        "won": 6, "declined": 1, "lost": 1, "silent": 1, "open": 1, "draft": 1, "waiting": 1, "unqualified": 2,
        "quiet": 1,
    },
}  # fmt: skip
SOURCES = ("website", "referral", "linkedin", "upwork", "email", "website", "api", "referral", "fiverr", "cold_email")
SMALL_SOURCES = ("cold_email", "fiverr", "import", "email", "fiverr", "cold_email", "api")
HOWS: tuple[How, ...] = (
    "card", "card", "transfer", "card", "declined", "parts", "secure", "card", "card", "insecure", "transfer", "unpaid",
    "card", "secure", "part", "card",
)  # fmt: skip
DELAYS = (0, 1, 2, 2, 3, 3, 4, 6, 8, 11)
"""Half-weeks until an invoice is paid; it is due after four."""
SCORES = (10, 9, 10, 8, 9, 10, 7, 9, 6, 10, 8, 3, 9, 5)
_REFUNDS: dict[int, Refund] = {3: "partial", 9: "full", 15: "partial", 21: "partial", 27: "full"}
LARGE = Decimal(24000)
"""The budget of whom more than 10,000 USD is paid back."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person of a company, and the currency in which it pays for running care."""

    name: str
    email: str
    company: str
    industry: str
    country: str
    timezone: str
    currency: str


@dataclass(frozen=True, slots=True)
class Payment:
    """How an invoice is paid, and how many half-weeks after it came."""

    how: How
    after: int


@dataclass(frozen=True, slots=True)
class Work:
    """What becomes of a sale: its pace, money, rating, and what follows."""

    pace: int
    deposit: bool
    payments: tuple[Payment, ...]
    score: int | None
    comment: str
    refund: Refund | None = None
    care: tuple[Payment, ...] = ()
    care_amount: Decimal = Decimal(0)
    again: "Opportunity | None" = None


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A lead: who, what, from where, when, and what becomes of it."""

    name: str
    contact: Contact
    source: str
    day: int
    wish: str
    requirements: str
    project_type: str | None
    budget: Decimal | None
    timeline: str | None
    fate: Fate
    reason: str
    negotiated: bool
    patience: int
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole year; `rates` are units per US dollar by half-week and currency."""

    seed: int
    size: Size
    opportunities: tuple[Opportunity, ...]
    rates: tuple[dict[str, Decimal], ...]


def make_plan(seed: int, size: Size = "whole") -> Plan:
    """Draw the year."""
    dice = Random(f"{seed} plan")  # noqa: S311 - a story, no secret
    fates = [fate for fate, number in FATES[size].items() for _ in range(number)]
    dice.shuffle(fates)
    contacts = _contacts(Random(f"{seed} contacts"), len(fates))  # noqa: S311
    made = [_opportunity(seed, number, fate, contacts[number]) for number, fate in enumerate(fates)]
    won = sorted((one for one in made if one.fate == "won"), key=lambda one: one.day)
    worked = {one.name: replace(one, work=_work(seed, size, one, place)) for place, one in enumerate(won)}
    for place, refund in enumerate(("approved", "held") if size == "whole" else ("held",)):
        name = won[1 + place].name if refund == "approved" else _late(won).name
        worked[name] = _large(worked[name], refund)
    opportunities = sorted((worked.get(one.name, one) for one in made), key=lambda one: (one.day, one.name))
    return Plan(seed, size, tuple(opportunities), _rates(seed))


def _late(won: list[Opportunity]) -> Opportunity:
    """One whose invoice is paid well before the year ends."""
    return next(one for one in reversed(won) if one.day <= DAYS - 34)


def _large(one: Opportunity, refund: str) -> Opportunity:
    """A large project, invoiced at once and paid in time, of which much is paid back later."""
    assert one.work is not None
    kind: Refund = "approved" if refund == "approved" else "held"
    work = replace(one.work, deposit=False, payments=(Payment("card", 1),), refund=kind, pace=5)
    wish = words.WISHES["app"]
    return replace(one, wish="app", requirements=wish.text.format(n=1200), project_type="app", budget=LARGE, work=work)


def _contacts(dice: Random, number: int) -> list[Contact]:
    """That many people of as many companies; no name and no company comes twice."""
    people = dice.sample([f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES], number)
    trades = [(trade, ending, place) for trade in TRADES for ending in trade.endings for place in PLACES]
    made = []
    for person, (trade, ending, place) in zip(people, dice.sample(trades, number), strict=True):
        company = f"{place} {ending}"
        country, currency, timezone = dice.choice(COUNTRIES)
        domain = company.lower().replace(" ", "-")
        email = f"{person.split()[0].lower()}@{domain}.example"
        made.append(Contact(person, email, company, trade.industry, country, timezone, currency))
    return made


def _opportunity(seed: int, number: int, fate: Fate, contact: Contact) -> Opportunity:
    dice = Random(f"{seed} lead {number}")  # noqa: S311
    day = _day(dice, fate)
    if fate == "unqualified":
        text, budget = dice.choice(words.SMALL_WISHES)
        contact = replace(contact, industry="other")
        source, wish, kind, timeline = dice.choice(SMALL_SOURCES), "", None, None
        amount = None if budget is None else Decimal(budget)
    else:
        trade = next(one for one in TRADES if one.industry == contact.industry)
        wish = dice.choice(trade.wishes)
        asked = words.WISHES[wish]
        text = asked.text.format(n=dice.choice((6, 12, 20, 35, 40, 80, 120, 250)))
        source, kind, timeline = SOURCES[number % len(SOURCES)], asked.project_type, asked.timeline
        amount = Decimal(dice.randrange(asked.least, asked.most, 50))
    return Opportunity(
        name=f"{number:03}",
        contact=contact,
        source=source,
        day=day,
        wish=wish,
        requirements=text,
        project_type=kind,
        budget=amount,
        timeline=timeline,
        fate=fate,
        reason=dice.choice(_REASONS.get(fate, ("",))),
        negotiated=dice.random() < 0.3,
        patience=dice.randrange(1, 5),
    )


_REASONS: dict[Fate, tuple[str, ...]] = {
    "declined": words.DECLINED,
    "lost": words.LOST,
    "unqualified": words.TOO_SMALL,
    "quiet": words.LOST,
}


def _day(dice: Random, fate: Fate) -> int:
    """More come later than earlier; what is still open at the end came in the last weeks."""
    if fate == "waiting":
        return DAYS - 1
    if fate in ("open", "draft"):
        return dice.randrange(DAYS - 8, DAYS - 2)
    return 1 + int((DAYS - 8) * dice.random() ** 0.8)


def _work(seed: int, size: Size, one: Opportunity, place: int) -> Work:
    dice = Random(f"{seed} work {one.name}")  # noqa: S311
    score = SCORES[place % len(SCORES)]
    how = HOWS[place % len(HOWS)]
    cared = size == "small" or one.contact.currency != "USD"
    care = tuple(Payment(HOWS[(place + month) % 12], dice.choice(DELAYS[:8])) for month in range(dice.randrange(2, 6)))
    refund = _REFUNDS.get(place)
    payments = (Payment(how, dice.choice(DELAYS)), Payment(HOWS[(place + 5) % len(HOWS)], dice.choice(DELAYS)))
    if refund or place % 3 == 0:
        payments = (Payment("card", payments[0].after), Payment("card", payments[1].after))
    return Work(
        pace=dice.randrange(4, 13),
        deposit=place % 4 == 1,
        payments=payments,
        score=None if dice.random() < 0.12 else score,
        comment=dice.choice(words.COMMENTS[score]),
        refund=refund,
        care=care if cared else (),
        care_amount=Decimal(dice.randrange(180, 640, 20)),
        again=_again(seed, one) if place % 3 == 0 else None,
    )


def _again(seed: int, one: Opportunity) -> Opportunity:
    """A second project of a satisfied client; its day counts from when its lead opens."""
    dice = Random(f"{seed} again {one.name}")  # noqa: S311
    trade = next(each for each in TRADES if each.industry == one.contact.industry)
    wish = dice.choice([each for each in trade.wishes if each != one.wish])
    asked = words.WISHES[wish]
    work = Work(
        pace=dice.randrange(4, 9),
        deposit=False,
        payments=(Payment("card", dice.choice(DELAYS)),),
        score=10,
        comment=dice.choice(words.COMMENTS[10]),
    )
    return replace(
        one,
        name=f"{one.name}-again",
        day=dice.randrange(2, 8),
        wish=wish,
        requirements=asked.text.format(n=dice.choice((6, 12, 20, 35, 40, 80))),
        project_type=asked.project_type,
        budget=Decimal(dice.randrange(asked.least, asked.most, 50)),
        timeline=asked.timeline,
        negotiated=False,
        work=work,
    )


def _rates(seed: int) -> tuple[dict[str, Decimal], ...]:
    """A walk of the rates, one step a half-week."""
    dice = Random(f"{seed} rates")  # noqa: S311
    now = {"EUR": Decimal("0.9240"), "GBP": Decimal("0.7870")}
    walked = []
    for _ in range(DAYS + 1):
        now = {code: rate + Decimal(dice.randrange(-30, 31)) / 10_000 for code, rate in now.items()}
        walked.append(dict(now))
    return tuple(walked)
