"""Exchange rates and what they make of thresholds."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from grace.kit.errors import Forbidden, Invalid
from grace.kit.money import InvalidMoney
from grace.kit.tx import Principal
from grace.trust.governance.queries import usd_equivalent_minor
from grace.trust.governance.rules import MAX_LONG
from grace.trust.governance.service.rates import ImportedRates, import_rates
from tests.trust.governance.office import Office


def row(currency: str = "INR", per_usd: Any = "83", on_date: Any = "2025-06-01") -> dict[str, Any]:
    return {"currency": currency, "per_usd": per_usd, "on_date": on_date}


async def store(office: Office, *rows: dict[str, Any], who: Principal | None = None) -> ImportedRates:
    async with office.tx(who) if who else office.tx() as tx:
        return await import_rates(tx, rows)


async def today(office: Office) -> date:
    async with office.tx() as tx:
        return tx.now.date()


async def test_the_latest_rate_counts_and_the_worth_is_rounded_up(office: Office) -> None:
    day = await today(office)
    await store(
        office,
        row(per_usd="80", on_date=day - timedelta(days=3)),
        row(per_usd="83", on_date=day - timedelta(days=1)),
        row("jpy", Decimal("150.5"), str(day)),
    )
    async with office.tx() as tx:
        assert await usd_equivalent_minor(tx, 83_000_000, "INR") == 1_000_000
        assert await usd_equivalent_minor(tx, 83_000_001, "inr") == 1_000_001
        assert await usd_equivalent_minor(tx, 1, "JPY") == 1
        assert await usd_equivalent_minor(tx, 12_345, "USD") == 12_345


@pytest.mark.parametrize(("age_days", "known"), [(0, True), (7, True), (8, False)])
async def test_a_rate_older_than_seven_days_of_business_time_counts_as_none(
    office: Office, age_days: int, known: bool
) -> None:
    await store(office, row(on_date=await today(office)))
    async with office.tx(later=timedelta(days=age_days)) as tx:
        assert await usd_equivalent_minor(tx, 83, "INR") == (1 if known else MAX_LONG)


async def test_without_a_rate_every_threshold_is_passed(office: Office) -> None:
    async with office.tx() as tx:
        assert await usd_equivalent_minor(tx, 1, "EUR") == MAX_LONG
        with pytest.raises(InvalidMoney):
            await usd_equivalent_minor(tx, 1, "XXX")


async def test_a_correction_replaces_and_is_audited(office: Office) -> None:
    day = await today(office)
    await store(office, row(per_usd="1", on_date=day))
    await store(office, row(per_usd="83", on_date=day))
    async with office.tx() as tx:
        assert await usd_equivalent_minor(tx, 8300, "INR") == 100
    entries = await office.all("select action, subject_id from audit_entry where action = 'set_rate'")
    assert entries == [{"action": "set_rate", "subject_id": f"INR {day}"}] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        row("USD"),
        row("XXX"),
        row(""),
        row(per_usd="0"),
        row(per_usd="-1"),
        row(per_usd="NaN"),
        row(per_usd="1e400"),
        row(per_usd=1.5),
        row(per_usd=True),
        row(per_usd=None),
        row(per_usd="a"),
        row(per_usd="0.0000000001"),
        row(on_date="2025-13-01"),
        row(on_date="yesterday"),
        row(on_date=None),
        row(on_date="2999-01-01"),
        {"currency": "EUR"},
        {**row(), "more": 1},
    ],
    ids=str,
)
async def test_a_wrong_row_is_returned_with_its_reason_and_the_others_are_stored(
    office: Office, wrong: dict[str, Any]
) -> None:
    done = await store(office, row("EUR", "0.9"), wrong, row("GBP", "0.8"))
    assert (done.stored, [rejected.row for rejected in done.rejected]) == (2, [2])
    assert done.rejected[0].reason
    assert [r["currency"] for r in await office.all("select currency from exchange_rate order by 1")] == [
        "EUR",
        "GBP",
    ]


async def test_only_owners_admins_and_the_system_set_rates(office: Office) -> None:
    ann = await office.member("Ann", "owner")
    assert (await store(office, row(), who=ann)).stored == 1
    assert (await store(office, row(), who=await office.member("Bob", "admin"))).stored == 1
    for who in (await office.member("Mia", "member"), await office.member("Bot", "admin", owner=ann)):
        with pytest.raises(Forbidden):
            await store(office, row(), who=who)


async def test_an_import_has_a_limit_and_an_empty_one_does_nothing(office: Office) -> None:
    assert await store(office) == ImportedRates(0, [])
    with pytest.raises(Invalid):
        await store(office, *[row()] * 10_001)
