"""Manual payments: never more than is due, never twice, always signed."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from grace.domains.payments.queries import PaymentFilter, altered_payments, is_genuine, payments
from grace.trust.ledger import queries as ledger
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.collect_cash.office import draft, get, issued, pay


async def test_more_than_is_due_is_refused(api: httpx.AsyncClient) -> None:
    invoice = await issued(api)
    answer = await pay(api, invoice["id"], "100.01")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/over-payment")
    assert (answer.json()["amount_due"], answer.json()["currency"]) == (100, "USD")
    await pay(api, invoice["id"], 60)
    assert (await pay(api, invoice["id"], "40.01")).json()["amount_due"] == 40
    assert (await pay(api, invoice["id"], 40)).status_code == 200
    late = await pay(api, invoice["id"], "0.01")
    assert (late.status_code, late.json()["type"]) == (409, "/problems/wrong-invoice-state")


async def test_a_draft_is_not_paid(api: httpx.AsyncClient) -> None:
    answer = await pay(api, (await draft(api))["id"], 1)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-invoice-state")


async def test_concurrent_payments_never_pay_too_much(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    invoice = await issued(api)
    answers = await asyncio.gather(*(pay(api, invoice["id"], 30) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 7
    stored = await get(api, invoice["id"])
    assert (stored["amount_paid"], stored["amount_due"], stored["status"]) == (90, 10, "part_paid")
    async with workspace.tx() as tx:
        assert await tx.value("select sum(amount_minor) from payment") == 9000
        owed = [line.balance_minor for line in await ledger.trial_balance(tx) if line.purpose == "receivable"]
    assert owed == [1000]


async def test_concurrent_payments_of_one_client_all_count_for_life(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    invoices = [await issued(api) for _ in range(6)]
    await asyncio.gather(*(pay(api, invoice["id"], 10) for invoice in invoices))
    await workspace.drain()
    assert (await api.get("/api/v1/clients/client_abc")).json()["lifetime_value"] == 60


async def test_a_reference_counts_once_for_an_invoice(api: httpx.AsyncClient) -> None:
    one, two = await issued(api), await issued(api)
    assert (await pay(api, one["id"], 10, reference="TX-1")).status_code == 200
    again = await pay(api, one["id"], 10, reference="TX-1")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/duplicate-payment")
    assert (await get(api, one["id"]))["amount_paid"] == 10
    assert (await pay(api, two["id"], 10, reference="TX-1")).status_code == 200
    assert (await pay(api, one["id"], 10, reference="TX-1", method="cash")).status_code == 200


async def test_a_repeated_key_pays_once(api: httpx.AsyncClient) -> None:
    invoice = await issued(api)
    body = {"invoice_id": invoice["id"], "amount": 10, "method": "cash"}
    headers = {"Idempotency-Key": "once"}
    answers = [await api.post("/api/v1/payments/manual", json=body, headers=headers) for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    assert (await get(api, invoice["id"]))["amount_paid"] == 10


async def test_small_parts_add_up_to_the_whole_revenue(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    invoice = await issued(api, {"description": "Work", "unit_price": "0.10", "tax_rate": 19})
    assert invoice["amount"] == 0.12
    for _ in range(12):
        assert (await pay(api, invoice["id"], "0.01")).status_code == 200
    async with workspace.tx() as tx:
        left = {line.purpose: line.balance_minor for line in await ledger.trial_balance(tx) if line.balance_minor}
    assert left == {"clearing": 12, "revenue": -10, "tax_payable": -2}


async def test_money_counts_from_when_it_came(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    invoice = await issued(api)
    came = datetime.now(UTC) - timedelta(days=30)
    payment = (await pay(api, invoice["id"], 100, received_at=came.isoformat())).json()
    assert payment["received_at"] == came.isoformat().replace("+00:00", "Z")
    assert (await get(api, invoice["id"]))["paid_at"] == payment["received_at"]
    lines = (await api.get("/api/v1/clients/client_abc/statement")).json()["accounts"][0]["lines"]
    assert [line["kind"] for line in lines] == ["payment_received", "invoice_issued"]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": "NaN"},
        {"amount": "1e40"},
        {"amount": "0.001"},
        {"amount": None},
        {"method": "barter"},
        {"method": None},
        {"reference": ""},
        {"reference": "x" * 129},
        {"received_at": "2020-01-01T00:00:00"},
        {"received_at": "1990-01-01T00:00:00Z"},
        {"received_at": "9999-12-31T00:00:00Z"},
        {"currency": "USD"},
        {"invoice_id": None},
        {"invoice_id": 1.5},
    ],
)
async def test_bad_input_is_refused_and_nothing_is_written(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest, change: dict[str, Any]
) -> None:
    invoice = await issued(api)
    body = {"invoice_id": invoice["id"], "amount": 10, "method": "cash"} | change
    answer = await api.post("/api/v1/payments/manual", json=body)
    assert answer.status_code == 422, answer.text
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from payment") == 0
        assert await tx.value("select count(*) from ledger_posting") == 1


async def test_a_payment_that_was_altered_is_found(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    for amount in (10, 20):
        assert len((await pay(api, (await issued(api))["id"], amount)).json()["verification_signature"]) <= 256
    async with workspace.tx() as tx:
        signer = await tx.one(dict, "select origin, public_key from audit_signer")
        some = await payments(tx, PaymentFilter(), sort="amount", after=None, limit=10)
        assert [payment async for payment in altered_payments(tx)] == []
    assert len(some) == 2
    for payment in some:
        assert is_genuine(payment, **signer)
        for changes in (
            {"amount_minor": payment.amount_minor + 1},
            {"invoice_id": "in_other"},
            {"received_at": payment.received_at + timedelta(microseconds=1)},
            {"verification_signature": some[0].verification_signature[:-4] + "AAA="},
            {"verification_signature": ""},
        ):
            assert not is_genuine(replace(payment, **changes), **signer)  # type: ignore[arg-type]
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("alter table payment disable trigger guard")
        await owner.execute("update payment set amount_minor = amount_minor + 1 where amount_minor = 1000")
    async with workspace.tx() as tx:
        assert [payment async for payment in altered_payments(tx)] == [some[0].id]


async def test_lists_are_filtered_and_sorted(api: httpx.AsyncClient) -> None:
    one, two = await issued(api, client_id="a"), await issued(api, client_id="b")
    for invoice, amount, method in ((one, 10, "cash"), (two, 20, "upi"), (one, 30, "upi")):
        assert (await pay(api, invoice["id"], amount, method=method)).status_code == 200

    async def amounts(**query: Any) -> list[Any]:
        return [item["amount"] for item in (await api.get("/api/v1/payments", params=query)).json()["items"]]

    assert await amounts() == [30, 20, 10]
    assert await amounts(invoice_id=one["id"], sort="amount") == [10, 30]
    assert await amounts(client_id="b") == [20]
    assert await amounts(method="upi", sort="-amount") == [30, 20]
    assert await amounts(status="refunded") == []
