"""What figures are by brute force: every row of the nouns' own tables, looked at one by one."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction

from grace.domains.crm.rules.stages import LINE, OPEN, Stage
from grace.insight.figures import MONTH, Span
from grace.kit.money import DIGITS
from grace.kit.tx import Tx


@dataclass(frozen=True)
class Entry:
    """An entry of the ledger."""

    purpose: str
    kind: str
    reversed: bool
    owner: str | None
    currency: str
    minor: int
    at: datetime

    @property
    def is_payment(self) -> bool:
        """What a client paid and nobody took back."""
        return self.purpose == "receivable" and self.kind in ("payment_received", "credit_spent") and not self.reversed


@dataclass(frozen=True)
class Books:
    """Everything that was booked, who stands for whom, and what money is worth."""

    entries: list[Entry]
    standing: dict[str, str]
    rates: dict[str, list[tuple[date, Fraction]]]

    @classmethod
    async def of(cls, tx: Tx) -> "Books":
        """As it is now."""
        entries = await tx.all(
            Entry,
            "select purpose, kind, exists (select from payment where id = memo and reversed_at is not null) as reversed"
            ", owner, e.currency, -e.amount_minor as minor, event_at as at from ledger_entry e"
            " join ledger_posting p on p.id = posting_id join ledger_account a on a.id = account_id",
        )
        points = {row["id"]: row["merged_into"] for row in await tx.all(dict, "select id, merged_into from client")}
        standing = {}
        for client in points:
            stands = client
            while points[stands]:
                stands = points[stands]
            standing[client] = stands
        rates: dict[str, list[tuple[date, Fraction]]] = {"USD": [(date.min, Fraction(1))]}
        for row in await tx.all(dict, "select currency, on_date, per_usd from exchange_rate order by on_date"):
            rates.setdefault(row["currency"], []).append((row["on_date"], Fraction(row["per_usd"])))
        return cls(entries, standing, rates)

    def worth(self, entry: Entry) -> int | None:
        """In US cents, rounded half away from zero."""
        if entry.currency == "USD":
            return entry.minor
        known = [r for day, r in self.rates.get(entry.currency, []) if day <= entry.at.astimezone(UTC).date()]
        if not known:
            return None
        exact = Fraction(abs(entry.minor), 10 ** DIGITS[entry.currency]) / known[-1] * 100
        whole = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
        return whole if entry.minor > 0 else -whole

    def revenue(self, span: Span, *, kinds: tuple[str, ...] | None = None, clients: set[str] | None = None) -> int:
        """Credits of revenue accounts."""
        return sum(
            self.worth(e) or 0
            for e in self.entries
            if e.purpose == "revenue"
            and span.holds(e.at)
            and (kinds is None or e.kind in kinds)
            and (clients is None or self.standing.get(e.owner or "") in clients)
        )

    def paid_out(self, span: Span) -> int:
        """Credits of the business's own accounts that are refunds or what a provider keeps."""
        return sum(
            self.worth(e) or 0
            for e in self.entries
            if e.purpose in ("bank", "clearing")
            and span.holds(e.at)
            and (e.kind == "processor_fee" or e.kind.startswith("refund_"))
        )

    def first_payments(self) -> dict[str, datetime]:
        """When each client that stands for itself paid first."""
        first: dict[str, datetime] = {}
        for e in self.entries:
            if e.is_payment and e.owner:
                stands = self.standing.get(e.owner, e.owner)
                first[stands] = min(first.get(stands, e.at), e.at)
        return first


async def expected(tx: Tx, span: Span) -> dict[str, tuple[int, int]]:
    """What the rows of figures come to above and below, by the figure's name."""
    books = await Books.of(tx)
    won = {client for client, at in books.first_payments().items() if span.holds(at)}
    month, former = span.before(MONTH), span.before(MONTH, back=1)
    payments = [e for e in books.entries if e.is_payment]
    volume = [books.worth(e) or 0 for e in payments if span.holds(e.at)]
    found = {
        "total_revenue": (books.revenue(span), 0),
        "month_revenue": (books.revenue(month), 0),
        "growth_rate_30d": (books.revenue(month), books.revenue(former)),
        "refunded": (-books.revenue(span, kinds=("refund_ordered",)), 0),
        "payment_volume": (sum(volume), 0),
        "average_payment": (sum(volume), len(volume)),
        "payments": (len(volume), 0),
        "customers": (len(won), 0),
        "avg_lifetime_value": (books.revenue(Span(None, None, span.now), clients=won), len(won)),
    }
    return found | await _leads(tx, span) | await _others(tx, span)


async def _leads(tx: Tx, span: Span) -> dict[str, tuple[int, int]]:
    leads = [row for row in await tx.all(dict, "select * from lead") if span.holds(row["created_at"])]
    reached: dict[str, int] = {}
    first_won: dict[str, datetime] = {}
    for move in await tx.all(dict, "select lead_id, to_stage, at from lead_move order by id"):
        place = LINE.index(Stage(move["to_stage"])) if move["to_stage"] in LINE else -1
        reached[move["lead_id"]] = max(reached.get(move["lead_id"], -1), place)
        if place >= LINE.index(Stage.ACTIVE):
            first_won.setdefault(move["lead_id"], move["at"])
    proposal = LINE.index(Stage.PROPOSAL)
    verdicts = []
    for row in await tx.all(dict, "select id, lost_at, qualification_data as data from lead"):
        ended = row["lost_at"] or first_won.get(row["id"])
        if ended and span.holds(ended) and "score" in row["data"]:
            verdicts.append(row["data"]["score"]["qualified"] is (row["lost_at"] is None))
    days = [row["converted_at"] - row["created_at"] for row in leads if row["converted_at"]]
    return {
        "leads_captured": (len(leads), 0),
        "pipeline_value": (sum(row["value_estimate_minor"] for row in leads if row["stage"] in OPEN), 0),
        "conversion_proposal": (
            sum(reached[row["id"]] > proposal for row in leads),
            sum(reached[row["id"]] >= proposal for row in leads),
        ),
        "conversion_rate": (sum(row["id"] in first_won for row in leads), len(leads)),
        "qualification_accuracy": (sum(verdicts), len(verdicts)),
        "velocity_days": (sum(round(d.total_seconds()) for d in days), len(days)),
    }


async def _others(tx: Tx, span: Span) -> dict[str, tuple[int, int]]:
    clients = await tx.all(dict, "select created_at from client where merged_into is null")
    last: dict[tuple[str, str], tuple[datetime, int]] = {}
    for row in await tx.all(dict, "select * from survey_answer order by revision"):
        last[row["project_id"], row["contact"]] = (row["answered_at"], row["score"])
    scores = [score for at, score in last.values() if span.holds(at)]
    tried = [
        "succeeded" if row["state"] == "succeeded" else "failed"
        for row in await tx.all(dict, "select created_at, state, failure_code from payment_attempt")
        if span.holds(row["created_at"])
        and (row["state"] in ("succeeded", "refused") or row["failure_code"] is not None)
    ]
    return {
        "clients": (sum(span.holds(row["created_at"]) for row in clients), 0),
        "satisfaction": (sum((s >= 9) - (s <= 6) for s in scores), len(scores)),
        "average_score": (sum(scores), len(scores)),
        "payment_success_rate": (tried.count("succeeded"), len(tried)),
    }
