"""Exchange rates, dated, against the US dollar; thresholds are measured with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from grace.kit.errors import Forbidden, Invalid
from grace.kit.money import InvalidMoney, check_currency, exact
from grace.kit.tx import Tx
from grace.trust.audit import service as audit
from grace.trust.governance.facts import RatesSet
from grace.trust.governance.models import ExchangeRate

MAX_ROWS = 10_000
_COLUMNS = {"currency", "per_usd", "on_date"}


@dataclass(frozen=True, slots=True)
class RejectedRate:
    """A row (counted from 1) that was not taken, and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportedRates:
    """How many rates were stored, and the rows that were not."""

    stored: int
    rejected: list[RejectedRate]


async def import_rates(tx: Tx, rows: Iterable[Mapping[str, Any]]) -> ImportedRates:
    """Store rates: `currency`, `per_usd` (units of it that a dollar buys), `on_date` (ISO date).

    A rate for the same currency and day replaces the former; a later row wins. Only owners, admins and the
    system may: a rate moves thresholds. Rows that are wrong are returned with the reason.
    """
    principal = tx.principal
    if principal.kind != "system" and not (principal.kind == "user" and principal.roles & {"owner", "admin"}):
        raise Forbidden("Only an owner or admin sets exchange rates.")
    good: dict[tuple[str, date], ExchangeRate] = {}
    rejected: list[RejectedRate] = []
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS:
            raise Invalid(f"At most {MAX_ROWS} rates at a time.")
        try:
            rate = _read(row, today=tx.now.date())
        except (InvalidMoney, ValueError) as error:
            rejected.append(RejectedRate(number, str(error)))
        else:
            good[rate.currency, rate.on_date] = rate
    await _store(tx, [good[key] for key in sorted(good)])
    return ImportedRates(len(good), rejected)


def _read(row: Mapping[str, Any], *, today: date) -> ExchangeRate:
    if set(row) != _COLUMNS:
        raise ValueError(f"A rate has the columns {', '.join(sorted(_COLUMNS))}.")
    currency = check_currency(str(row["currency"]).strip())
    if currency == "USD":
        raise ValueError("USD is the measure itself.")
    if not isinstance(row["per_usd"], str | int | Decimal):
        raise ValueError("per_usd is not an exact number.")
    per_usd = exact(row["per_usd"].strip() if isinstance(row["per_usd"], str) else row["per_usd"])
    if not Decimal("1e-9") <= per_usd <= Decimal("1e9"):
        raise ValueError("per_usd is not between 0.000000001 and 1000000000.")
    given = row["on_date"]
    on_date = given if isinstance(given, date) else date.fromisoformat(str(given).strip())
    if on_date > today:
        raise ValueError("The day of the rate is still to come.")
    return ExchangeRate(currency, on_date, per_usd)


async def _store(tx: Tx, rates: list[ExchangeRate]) -> None:
    keys = {"currencies": [rate.currency for rate in rates], "dates": [rate.on_date for rate in rates]}
    former = await tx.all(
        ExchangeRate,
        "select currency, on_date, per_usd from exchange_rate join"
        " unnest(%(currencies)s::text[], %(dates)s::date[]) as given (currency, on_date)"
        " using (currency, on_date) order by currency, on_date for update of exchange_rate",
        **keys,
    )
    await tx.execute(
        "insert into exchange_rate (currency, on_date, per_usd)"
        " select * from unnest(%(currencies)s::text[], %(dates)s::date[], %(rates)s::numeric[])"
        " on conflict (currency, on_date) do update set per_usd = excluded.per_usd,"
        " recorded_at = clock_timestamp()",
        rates=[rate.per_usd for rate in rates],
        **keys,
    )
    await _tell(tx, rates)
    before = {(rate.currency, rate.on_date): rate for rate in former}
    for rate in rates:
        subject = ("exchange_rate", f"{rate.currency} {rate.on_date}")
        audit.record(
            tx,
            action="set_rate",
            subject=subject,
            before=before.get((rate.currency, rate.on_date)),
            after=rate,
        )


async def _tell(tx: Tx, rates: list[ExchangeRate]) -> None:
    for row in await tx.all(
        dict,
        "select s.currency, s.since::text, (select min(on_date)::text from exchange_rate r"
        " where r.currency = s.currency and r.on_date > s.last) as until from (select currency, min(day) as since,"
        " max(day) as last from unnest(%(currencies)s::text[], %(days)s::date[]) as given (currency, day)"
        " group by currency) s order by s.currency",
        currencies=[rate.currency for rate in rates],
        days=[rate.on_date for rate in rates],
    ):
        tx.emit(RatesSet(**row))
