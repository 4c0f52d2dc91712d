"""A mistyped manual payment is taken back: books and invoice are as if it had not been."""

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from grace.domains.payments.queries import altered_payments
from grace.trust.ledger import queries as ledger
from grace.trust.ledger.check import check
from tests.fixtures.cards import Till
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.collect_cash.office import get, issued, pay

TAXED = {"description": "Work", "unit_price": "0.10", "tax_rate": 19}


async def paid(api: httpx.AsyncClient, invoice: dict[str, Any], amount: Any, **more: Any) -> dict[str, Any]:
    answer = await pay(api, invoice["id"], amount, **more)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def reverse(api: httpx.AsyncClient, payment: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = await api.post(f"/api/v1/payments/{payment['id']}/reverse", json={"reason": "typed twice"})
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def books(workspace: WorkspaceUnderTest) -> dict[str, int]:
    async with workspace.tx() as tx:
        assert await check(tx) == []
        return {line.purpose: line.balance_minor for line in await ledger.trial_balance(tx) if line.balance_minor}


async def test_as_if_it_had_not_been(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    invoice = await issued(api, TAXED)
    first = await paid(api, invoice, "0.05", reference="TX-1")
    await workspace.drain()
    before = await books(workspace)
    second = await paid(api, invoice, "0.07")
    assert (await get(api, invoice["id"]))["status"] == "paid"
    told = await reverse(api, second)
    assert (told["status"], told["reversal_reason"]) == ("failed", "typed twice")
    assert await books(workspace) == before
    stored = await get(api, invoice["id"])
    assert (stored["status"], stored["amount_paid"], stored["paid_at"]) == ("part_paid", 0.05, None)
    assert stored["transaction_id"] == first["id"]
    await reverse(api, first)
    stored = await get(api, invoice["id"])
    assert (stored["status"], stored["amount_due"], stored["transaction_id"]) == ("issued", 0.12, None)
    await workspace.drain()
    assert (await api.get("/api/v1/clients/client_abc")).json()["lifetime_value"] == 0
    await paid(api, invoice, "0.12", reference="TX-1")
    assert await books(workspace) == {"clearing": 12, "revenue": -10, "tax_payable": -2}
    async with workspace.tx() as tx:
        assert [found async for found in altered_payments(tx)] == []
        entries = await tx.value("select count(*) from audit_entry where action = 'reverse_payment'")
    assert entries == 2


async def test_whatever_is_taken_back_revenue_and_tax_come_out_whole(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    invoice = await issued(api, TAXED)
    parts = [await paid(api, invoice, "0.01") for _ in range(11)]
    for part in parts[::2]:
        await reverse(api, part)
    await paid(api, invoice, "0.05")
    await paid(api, invoice, "0.02")
    assert (await get(api, invoice["id"]))["status"] == "paid"
    assert await books(workspace) == {"clearing": 12, "revenue": -10, "tax_payable": -2}


async def test_once_and_only_what_stands_whole(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    invoice = await issued(api)
    payment = await paid(api, invoice, 60)
    path = f"/api/v1/payments/{payment['number']}/reverse"
    answers = await asyncio.gather(*(api.post(path, json={"reason": "typed twice"}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert (await reverse(api, payment, 409))["type"] == "/problems/not-reversible"
    other = await paid(api, invoice, 100)
    refund = {"invoice_id": invoice["id"], "reason": "unhappy", "amount": 1}
    assert (await api.post("/api/business/payments/refund", json=refund)).status_code == 200
    assert (await reverse(api, other, 409))["type"] == "/problems/not-reversible"
    await reverse(api, {"id": "pay_nobody"}, 404)
    assert (await api.post(f"/api/v1/payments/{other['id']}/reverse", json={"reason": ""})).status_code == 422
    async with workspace.tx() as tx:
        with pytest.raises(psycopg.errors.IntegrityError, match="only a manual payment"):
            await tx.execute(
                "update payment set status = 'failed', reversed_at = created_at, reversal_reason = 'no'"
                " where id = %(id)s",
                id=other["id"],
            )


async def test_what_came_by_card_is_refunded_instead(till: Till) -> None:
    invoice = await till.invoice("100.00")
    await till.keep_card()
    await till.process(invoice)
    [payment] = (await till.get("/api/v1/payments"))["items"]
    refused = await till.post(f"/api/v1/payments/{payment['id']}/reverse", {"reason": "no"}, status=409)
    assert refused["type"].endswith("not-reversible")


async def test_the_card_asks_for_it_again(till: Till) -> None:
    invoice = await till.invoice("100.00")
    await till.intent(invoice)
    body = {"invoice_id": invoice["invoice_id"], "amount": "40.00", "method": "cash"}
    payment = await till.post("/api/v1/payments/manual", body)
    await till.settle()
    await till.post(f"/api/v1/payments/{payment['id']}/reverse", {"reason": "no"})
    await till.settle()
    assert till.sandbox.state()["payments"][0]["amount"] == 10_000
