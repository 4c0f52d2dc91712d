"""Money that came beyond what was due: it goes back, is spent elsewhere, and is never lost or given out twice."""

import asyncio
from typing import Any

import psycopg
import pytest

from grace.trust.ledger.check import check
from tests.fixtures.cards import Till

FEE = 320  # of a charge of 100.00


async def overpaid(till: Till, by_hand: str = "70.00", *, card: str = "pm_card_visa") -> dict[str, Any]:
    """An invoice of 100.00 whose payer confirmed a card for all of it while some of it came by bank."""
    invoice = await till.invoice("100.00")
    intent = await till.intent(invoice)
    await till.confirm(intent, card)
    body = {"invoice_id": invoice["invoice_id"], "amount": by_hand, "method": "bank_transfer"}
    await till.post("/api/v1/payments/manual", body)
    await settled(till)
    return invoice


async def paid_although_void(till: Till) -> dict[str, Any]:
    """A void invoice whose payer was quicker with the card."""
    invoice = await till.invoice("100.00")
    await till.confirm(await till.intent(invoice))
    await till.post(f"/api/v1/invoices/{invoice['invoice_id']}/void", {"reason": "mistake"})
    await settled(till)
    return invoice


async def settled(till: Till) -> None:
    await till.settle()
    await till.hurry()
    async with till.workspace.tx() as tx:
        assert await check(tx) == []


async def refund_at_stripe(till: Till, amount: int | None = None) -> Any:
    [charge] = await till.rows("select charge from payment_attempt where excess_minor > 0")
    form = f"charge={charge['charge']}" + (f"&amount={amount}" if amount else "")
    return await asyncio.to_thread(till.sandbox.post, "/v1/refunds", form)


async def spend(till: Till, invoice: dict[str, Any], amount: str | None = None, *, status: int = 200) -> Any:
    return await till.post(f"/api/v1/invoices/{invoice['invoice_id']}/apply-credit", {"amount": amount}, status=status)


async def credit(till: Till) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await till.get("/api/v1/clients/client_abc"))["credit"]
    return found


async def test_it_is_shown(till: Till) -> None:
    invoice = await overpaid(till)
    told = await till.get(f"/api/v1/invoices/{invoice['invoice_id']}")
    assert (told["amount_paid"], told["amount_overpaid"]) == (100, 70)
    assert (await till.status(invoice))["amount_overpaid"] == 70
    assert await credit(till) == [{"currency": "USD", "amount": 70}]
    [account] = (await till.get("/api/v1/clients/client_abc/statement"))["accounts"]
    assert (account["closing_balance"], account["credit_closing_balance"]) == (0, 70)
    assert [(line["kind"], line["amount"]) for line in account["credit_lines"]] == [("overpaid", 70)]


async def test_the_excess_goes_back_first_and_takes_no_revenue(till: Till) -> None:
    invoice = await overpaid(till)
    await till.refund(invoice, "50.00")
    await settled(till)
    assert (await till.balances())["customer_credit"] == 2000
    await till.refund(invoice, "20.00")
    await settled(till)
    assert await till.balances() == {"clearing": 10_000 - FEE, "processor_fees": FEE, "revenue": 10_000}
    assert till.sandbox.state()["payments"][0]["refunded"] == 7000
    assert (await till.status(invoice))["status"] == "paid"
    assert (await till.get("/api/v1/clients/client_abc"))["lifetime_value"] == 100


async def test_without_an_amount_all_of_it_goes_back(till: Till) -> None:
    invoice = await overpaid(till)
    assert (await till.refund(invoice))["amount"] == 170
    await settled(till)
    assert await till.balances() == {"clearing": -FEE, "processor_fees": FEE}
    assert (await till.status(invoice))["status"] == "refunded"
    assert (await till.refund(invoice, "0.01", status=409))["refundable"] == 0


@pytest.mark.parametrize("times", [1, 3])
async def test_of_a_void_invoice_it_is_refunded_at_stripe(till: Till, times: int) -> None:
    """The whole charge was excess: there is no payment to take it from."""
    await paid_although_void(till)
    assert await credit(till) == [{"currency": "USD", "amount": 100}]
    till.sandbox.fault("webhook_duplicate", event_type="*refund*", times=times, count=None)
    await refund_at_stripe(till)
    await settled(till)
    till.sandbox.control("DELETE", "/_faults")
    assert await credit(till) == []
    assert await till.balances() == {"clearing": -FEE, "processor_fees": FEE}
    [refund] = (await till.get("/api/v1/refunds"))["items"]
    assert (refund["amount"], refund["status"], refund["ordered_by"]) == (100, "succeeded", None)
    assert await till.rows("select fact_id from reaction where state <> 'done'") == []


async def test_of_a_void_invoice_it_is_refunded_here(till: Till) -> None:
    invoice = await paid_although_void(till)
    assert (await till.refund(invoice))["status"] == "succeeded"
    await settled(till)
    assert await till.balances() == {"clearing": -FEE, "processor_fees": FEE}
    assert (await till.status(invoice))["status"] == "failed"


async def test_at_stripe_the_excess_goes_first_then_the_payment(till: Till) -> None:
    invoice = await overpaid(till)
    await refund_at_stripe(till, 8000)
    await settled(till)
    balances = await till.balances()
    assert "customer_credit" not in balances
    assert balances["revenue"] == 9000
    await refund_at_stripe(till)
    await settled(till)
    assert await till.balances() == {"clearing": 7000 - FEE, "processor_fees": FEE, "revenue": 7000}
    assert (await till.refund(invoice, "70.01", status=409))["refundable"] == 70


async def test_it_pays_another_invoice(till: Till) -> None:
    await overpaid(till)
    other = await till.invoice("50.00")
    applied = await spend(till, other)
    assert (applied["amount_applied"], applied["status"], applied["amount_due"]) == (50, "paid", 0)
    assert [(payment["method"], payment["amount"]) for payment in applied["payments"]] == [("credit", 50)]
    await settled(till)
    assert await credit(till) == [{"currency": "USD", "amount": 20}]
    third = await till.invoice("50.00")
    assert (await spend(till, third, "20.01", status=409))["credit"] == 20
    assert (await spend(till, third, "5.00"))["status"] == "part_paid"
    assert (await spend(till, third))["amount_applied"] == 15
    assert (await spend(till, third, status=409))["type"] == "/problems/no-credit"
    assert (await spend(till, other, status=409))["type"] == "/problems/wrong-invoice-state"
    assert (await spend(till, third, "30.01", status=409))["type"] == "/problems/over-payment"
    assert (await spend(till, third, "0.00", status=422))["type"] == "/problems/invalid-amount"
    await settled(till)
    balances = await till.balances()
    assert (balances["revenue"], "customer_credit" in balances) == (17_000, False)
    assert (await till.get("/api/v1/clients/client_abc"))["lifetime_value"] == 170
    rows = (await till.get("/api/v1/payments?method=credit"))["items"]
    assert [row["amount"] for row in rows] == [15, 5, 50]


async def test_credit_is_of_one_client_and_one_currency(till: Till) -> None:
    await overpaid(till)
    stranger = await till.invoice("50.00", client_id="client_other")
    assert (await spend(till, stranger, status=409))["credit"] == 0
    foreign = await till.invoice("50.00", currency="eur")
    await spend(till, foreign, status=409)
    await till.post("/api/v1/clients/client_other/merge", {"other": "client_abc"})
    assert (await spend(till, stranger))["status"] == "paid"
    await settled(till)
    assert (await till.get("/api/v1/clients/client_other"))["credit"] == [{"currency": "USD", "amount": 20}]


async def test_spent_and_given_back_at_once_it_is_only_there_once(till: Till) -> None:
    invoice = await overpaid(till)
    others = [await till.invoice("60.00") for _ in range(3)]
    refund = {"invoice_id": invoice["invoice_id"], "reason": "too much", "amount": "70.00"}
    await asyncio.gather(
        *(till.api.post(f"/api/v1/invoices/{other['invoice_id']}/apply-credit") for other in others),
        till.api.post("/api/business/payments/refund", json=refund),
    )
    await settled(till)
    [attempt] = await till.rows("select excess_left(id) as left_minor from payment_attempt where excess_minor > 0")
    assert attempt["left_minor"] == (await till.balances()).get("customer_credit", 0)
    assert attempt["left_minor"] in (0, 1000)


async def test_spent_credit_goes_back_to_its_card(till: Till) -> None:
    await overpaid(till)
    other = await till.invoice("50.00")
    await spend(till, other)
    await till.refund(other)
    await settled(till)
    assert till.sandbox.state()["payments"][0]["refunded"] == 5000
    assert (await till.status(other))["status"] == "refunded"
    assert (await till.balances())["revenue"] == 10_000


async def test_spent_credit_that_stripe_gives_back_unpays_what_it_paid(till: Till) -> None:
    await overpaid(till)
    other = await till.invoice("50.00")
    await spend(till, other)
    await refund_at_stripe(till)  # 100.00: 20.00 of credit, 30.00 of the first invoice, 50.00 of the other
    await settled(till)
    assert (await till.status(other))["status"] == "refunded"
    assert await till.balances() == {"clearing": 7000 - FEE, "processor_fees": FEE, "revenue": 7000}
    parts = await till.rows("select amount_minor, provider_refund from refund_part order by number")
    assert [part["amount_minor"] for part in parts] == [2000, 3000, 5000]
    assert len({part["provider_refund"] for part in parts}) == 1


async def test_ours_is_on_its_way_while_stripe_gives_all_of_it_back(till: Till) -> None:
    """What the provider did is booked as the client's debt, until ours fails: then nobody owes anything."""
    invoice = await paid_although_void(till)
    till.sandbox.fault("timeout_before", path="/v1/refunds")
    await till.refund(invoice, status=202)
    await refund_at_stripe(till)
    await till.settle()
    balances = await till.balances()
    assert (balances["receivable"], balances["refunds_in_flight"]) == (10_000, 10_000)
    await settled(till)
    assert await till.balances() == {"clearing": -FEE, "processor_fees": FEE}
    assert till.sandbox.state()["payments"][0]["refunded"] == 10_000


async def test_a_refund_of_an_excess_that_fails_is_credit_again(till: Till) -> None:
    invoice = await overpaid(till, card="pm_card_refundFail")
    await till.refund(invoice, "70.00")
    await till.settle()
    assert await credit(till) == []
    till.sandbox.move_clock(till.sandbox.state()["now"] + 3600)
    await settled(till)
    assert await credit(till) == [{"currency": "USD", "amount": 70}]


async def test_the_database_refuses_to_spend_it_twice(till: Till) -> None:
    await overpaid(till)
    other = await till.invoice("500.00")
    spent = (await spend(till, other, "50.00"))["payments"][0]["id"]
    copied = """insert into payment (id, invoice_id, client_id, provider, method, reference, currency, amount_minor,
        net_minor, status, received_at, recorded_by, verification_signature, created_at, excess_of)
        select replace(id, 'pay_0', 'pay_1'), invoice_id, client_id, provider, method, 'again', currency, %(amount)s, 0,
        status, received_at, recorded_by, verification_signature, created_at, {source}
        from payment where id = %(id)s returning id"""
    for source, amount, why in (("excess_of", 2001, "more credit"), ("null", 1, "credit_comes_from_an_excess")):
        with pytest.raises(psycopg.errors.IntegrityError, match=why):
            await till.rows(copied.format(source=source), id=spent, amount=amount)
