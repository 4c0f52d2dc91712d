"""Every figure by name: of which rows it is the sum, over which time, and in which unit. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Literal

from grace.domains.crm.rules.stages import LINE, OPEN, Stage
from grace.kit.money import rounded, to_major

DAY_S = 86_400
MONTH = timedelta(days=30)
Unit = Literal["money", "count", "share", "percent", "points", "days", "per_day"]
DIGITS: Mapping[Unit, int] = MappingProxyType(
    {"count": 0, "share": 4, "percent": 2, "points": 2, "days": 1, "per_day": 4}
)


@dataclass(frozen=True, slots=True)
class Span:
    """A time from `start` to before `stop` (business time); None is without bound. `now` stands for an open end."""

    start: datetime | None
    stop: datetime | None
    now: datetime

    def before(self, length: timedelta, *, back: int = 0) -> "Span":
        """The span of a length that ends with this one, or `back` such spans earlier."""
        end = self.stop or self.now
        stop = self.stop if not back else end - length * back
        return Span(end - length * (back + 1), stop, self.now)

    def until(self) -> "Span":
        """All the time before this one begins."""
        return Span(None, self.start, self.now)

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return (self.start is None or self.start <= at) and (self.stop is None or at < self.stop)


@dataclass(frozen=True, slots=True)
class Sum:
    """Rows that are alike in every dimension, added up. `value_minor` leaves out the `unvalued` ones."""

    measure: str
    currency: str
    source: str
    what: str
    place: int
    n: int
    amount_minor: int
    value_minor: int
    unvalued: int
    unvalued_minor: int


@dataclass(frozen=True, slots=True)
class Part:
    """What a row adds: itself (`n`), its amount, or its value; times the weight of its kind, if its place suffices."""

    of: Literal["n", "amount", "value"] = "n"
    weights: Mapping[str, int] | None = None
    place: int = 0

    def weight(self, what: str, place: int) -> int:
        """How much a row of this kind counts."""
        if place < self.place:
            return 0
        return 1 if self.weights is None else self.weights.get(what, 0)

    def total(self, sums: Iterable[Sum]) -> int:
        """Over sums of rows."""
        columns = {"n": "n", "amount": "amount_minor", "value": "value_minor"}
        return sum(self.weight(s.what, s.place) * getattr(s, columns[self.of]) for s in sums)

    def of_row(self, what: str, place: int, amount_minor: int, value_minor: int | None) -> int | None:
        """Of one row; None for a value without a rate."""
        weight = self.weight(what, place)
        given = {"n": 1, "amount": amount_minor, "value": value_minor}[self.of]
        return given if given is None else weight * given


Window = Callable[[Span], Span]


def _same(span: Span) -> Span:
    return span


def _month(span: Span) -> Span:
    return span.before(MONTH)


def _month_before(span: Span) -> Span:
    return span.before(MONTH, back=1)


def _given_or_month(span: Span) -> Span:
    return span if span.start is not None else span.before(MONTH)


@dataclass(frozen=True, slots=True)
class Figure:
    """The sum of what rows of a measure add on top (over one time), divided by what they add below (over another).

    `growth`: by how much the one exceeds the other. `scale` is what the quotient is multiplied with.
    """

    name: str
    says: str
    unit: Unit
    measure: str
    top: Part
    under: Part | None = None
    scale: Decimal = Decimal(1)
    growth: bool = False
    top_time: Window = field(default=_same)
    under_time: Window = field(default=_same)

    def times(self, span: Span) -> tuple[Span, Span]:
        """When the rows above and those below lie."""
        return self.top_time(span), self.under_time(span)

    @property
    def formula(self) -> str:
        """In words, over the rows' `value` and `weight`."""
        if self.unit == "per_day":
            return "sum(value) / days"
        if self.under is None:
            return "sum(value)"
        if self.growth:
            return "100 * (sum(value) / sum(weight) - 1)"
        return (
            {1: "", 100: "100 * "}.get(int(self.scale), "")
            + "sum(value) / sum(weight)"
            + (f" / {DAY_S}" if self.unit == "days" else "")
        )

    def compute(self, top: int, under: int, *, span: Span, currency: str) -> Decimal | None:
        """The figure; None while the divisor is zero (or below, for growth)."""
        if self.unit == "per_day":
            days = _days(self.top_time(span))
            return None if days <= 0 else _to(Decimal(top) / days, DIGITS["per_day"])
        if self.under is None:
            return to_major(top, currency) if self.unit == "money" else Decimal(top)
        if under == 0 or (self.growth and under < 0):
            return None
        quotient = Decimal(top - under if self.growth else top) / under * self.scale
        if self.unit == "money":
            return to_major(rounded(quotient), currency)
        return _to(quotient, DIGITS[self.unit])


def _days(span: Span) -> Decimal:
    if span.start is None:
        return Decimal(0)
    return Decimal(((span.stop or span.now) - span.start) // timedelta(microseconds=1)) / (DAY_S * 10**6)


def _to(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def _some(*whats: str, times: int = 1) -> Mapping[str, int]:
    return MappingProxyType(dict.fromkeys(whats, times))


REFUNDS = ("refund_ordered", "refund_failed")
_VALUE, _COUNT, _HUNDRED = Part("value"), Part("n"), Decimal(100)
PLACES: Mapping[Stage, int] = MappingProxyType({stage: place for place, stage in enumerate(LINE, 1)})


def conversion_name(stage: Stage) -> str:
    """The figure that says which share of the leads in a stage went on."""
    return f"conversion_{stage.value.lower()}"


def _conversion(stage: Stage) -> Figure:
    place = PLACES[stage]
    says = f"The share of the leads captured in the time and that came to {stage.value} that came further."
    return Figure(conversion_name(stage), says, "share", "lead", Part(place=place + 1), Part(place=place))


_FIGURES: Collection[Figure] = (
    Figure("total_revenue", "Paid, less refunds, without tax.", "money", "revenue", _VALUE),
    Figure("month_revenue", "Revenue of the 30 days before the end.", "money", "revenue", _VALUE, top_time=_month),
    Figure(
        "growth_rate_30d", "By how much the revenue of the last 30 days exceeds that of the 30 before, in percent.",
        "percent", "revenue", _VALUE, _VALUE, _HUNDRED, True, _month, _month_before,
    ),
    Figure(
        "refunded", "Revenue given back, without tax.", "money", "revenue", Part("value", _some(*REFUNDS, times=-1)),
    ),
    Figure("payment_volume", "What clients paid towards invoices, with tax.", "money", "payment", _VALUE),
    Figure("payments", "How many payments came.", "count", "payment", _COUNT),
    Figure("average_payment", "Payment volume by payment.", "money", "payment", _VALUE, _COUNT),
    Figure(
        "payment_success_rate", "The share of the card payments tried in the time, and decided, that succeeded.",
        "share", "attempt", Part("n", _some("succeeded")), Part("n", _some("succeeded", "failed")),
    ),
    Figure("commission", "Commission earned.", "money", "commission", _VALUE),
    Figure("monthly_recurring_revenue", "Revenue of a month by subscriptions.", "money", "recurring", _VALUE),
    Figure("customers", "Clients whose first payment lies in the time.", "count", "customer", _COUNT),
    Figure(
        "customer_growth_rate", "Customers won in the time (or 30 days) by those there were before it, in percent.",
        "percent", "customer", _COUNT, _COUNT, _HUNDRED, False, _given_or_month,
        lambda span: _given_or_month(span).until(),
    ),
    Figure(
        "avg_lifetime_value", "Revenue up to today of the customers won in the time, by customer.",
        "money", "customer", _VALUE, _COUNT,
    ),
    Figure("clients", "Clients recorded in the time.", "count", "client", _COUNT),
    Figure("leads_captured", "Leads captured in the time.", "count", "lead", _COUNT),
    Figure(
        "lead_capture_rate", "Leads captured by day, over the time from `from`, else 30 days.", "per_day", "lead",
        _COUNT, top_time=_given_or_month,
    ),
    Figure(
        "pipeline_value", "What the leads captured in the time that are still open are estimated at.",
        "money", "lead", Part("value", _some(*(stage.value for stage in OPEN))),
    ),
    *(_conversion(stage) for stage in LINE),
    Figure(
        "conversion_rate", "The share of the leads captured in the time of which the contract was signed.",
        "share", "lead", Part(place=PLACES[Stage.ACTIVE]), _COUNT,
    ),
    Figure(
        "velocity_days", "Average days from capture to contract of the leads captured in the time.",
        "days", "cycle", Part("amount"), _COUNT, Decimal(1) / DAY_S,
    ),
    Figure(
        "qualification_accuracy", "The share of the scored leads won or lost in the time that ended as scored.",
        "share", "verdict", Part("n", _some("right")), _COUNT,
    ),
    Figure(
        "satisfaction", "Net promoter score of the answers in the time, −100 to 100.",
        "points", "survey", Part("n", MappingProxyType({"promoter": 1, "detractor": -1})), _COUNT, _HUNDRED,
    ),
    Figure("average_score", "Average of the answers in the time, 0 to 10.", "points", "survey", Part("amount"), _COUNT),
)  # fmt: skip
REGISTRY: Mapping[str, Figure] = MappingProxyType({figure.name: figure for figure in _FIGURES})
