"""Money goes back: all, in parts, never more than was paid, above the threshold only after votes."""

import asyncio
from typing import Any

import pytest

from grace.kit.tx import Principal
from tests.fixtures.cards import Till


async def paid_invoice(till: Till, amount: str = "1000.00", card: str = "pm_card_visa", **more: Any) -> dict[str, Any]:
    """An invoice paid by a stored card."""
    invoice = await till.invoice(amount, **more)
    await till.keep_card(card, client=more.get("client_id", "client_abc"))
    assert (await till.process(invoice))["paid"] is True
    await till.settle()
    await till.hurry()
    return invoice


async def test_all_of_it(till: Till) -> None:
    invoice = await paid_invoice(till)
    done = await till.refund(invoice)
    assert (done["success"], done["status"], done["requires_approval"], done["amount"]) == (
        True,
        "succeeded",
        False,
        1000,
    )
    await till.settle()
    assert (await till.status(invoice))["status"] == "refunded"
    assert await till.balances() == {"clearing": -2930, "processor_fees": 2930}
    client = await till.get("/api/v1/clients/client_abc")
    assert client["lifetime_value"] == 0
    [payment] = (await till.get("/api/v1/payments"))["items"]
    assert (payment["status"], payment["refunded"]) == ("refunded", True)
    assert (await till.get(f"/api/v1/refunds/{done['refund_id']}"))["status"] == "succeeded"


async def test_in_parts_and_never_more(till: Till) -> None:
    invoice = await paid_invoice(till)
    await till.refund(invoice, "300.00")
    await till.settle()
    assert (await till.status(invoice))["status"] == "paid"
    refused = await till.refund(invoice, "700.01", status=409)
    assert refused["type"].endswith("over-refund")
    assert refused["refundable"] == 700
    await till.refund(invoice, "700.00")
    await till.settle()
    assert (await till.status(invoice))["status"] == "refunded"
    await till.refund(invoice, status=409)
    assert till.sandbox.state()["payments"][0]["refunded"] == 100_000


async def test_tax_goes_back_in_proportion(till: Till) -> None:
    line = {"description": "Work", "quantity": 1, "unit_price": "99.99", "tax_rate": 19}
    draft = await till.post("/api/v1/invoices", {"client_id": "client_abc", "lines": [line]})
    issued = await till.post(f"/api/v1/invoices/{draft['id']}/issue")
    invoice = {"invoice_id": issued["id"]}
    await till.keep_card()
    await till.process(invoice)
    await till.settle()
    await till.hurry()
    before = await till.balances()
    assert (before["revenue"], before["tax_payable"]) == (9999, 1900)
    for amount in ("33.33", "33.33"):
        await till.refund(invoice, amount)
    middle = await till.balances()
    assert middle["revenue"] + middle["tax_payable"] == 9999 + 1900 - 6666
    await till.refund(invoice)
    await till.settle()
    after = await till.balances()
    assert "revenue" not in after
    assert "tax_payable" not in after
    assert "refunds_in_flight" not in after


async def test_two_at_once_cannot_exceed_what_was_paid(till: Till) -> None:
    invoice = await paid_invoice(till)
    body = {"invoice_id": invoice["invoice_id"], "reason": "unhappy", "amount": "600.00"}
    answers = await asyncio.gather(*(till.api.post("/api/business/payments/refund", json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    await till.settle()
    assert till.sandbox.state()["payments"][0]["refunded"] == 60_000


async def test_of_a_manual_and_a_card_payment(till: Till) -> None:
    invoice = await till.invoice("100.00")
    await till.keep_card()
    body = {"invoice_id": invoice["invoice_id"], "amount": "40.00", "method": "cash"}
    await till.post("/api/v1/payments/manual", body)
    await till.process(invoice)
    await till.settle()
    await till.refund(invoice)
    await till.settle()
    await till.hurry()
    assert till.sandbox.state()["payments"][0]["refunded"] == 6000
    balances = await till.balances()
    assert balances.keys() == {"clearing", "processor_fees"}
    assert balances["clearing"] == -balances["processor_fees"]


async def test_above_the_threshold_parliament_votes(till: Till) -> None:
    invoice = await paid_invoice(till, "12000.00")
    held = await till.refund(invoice, "10000.01", status=202)
    assert (held["success"], held["requires_approval"], held["status"]) == (False, True, "awaiting_approval")
    assert till.sandbox.count("refund") == 0
    member = await parliament_member(till)
    async with till.workspace.tx(member) as tx:
        from grace.trust.governance.service.vote import vote

        outcome = await vote(tx, decision_id=held["decision_id"], approve=True, reason="fair")
        assert outcome.ran
    await till.settle()
    assert till.sandbox.state()["payments"][0]["refunded"] == 1_000_001


async def test_the_sum_counts_not_the_single_refund(till: Till) -> None:
    invoice = await paid_invoice(till, "12000.00")
    await parliament_member(till)
    await till.refund(invoice, "9999.99")
    held = await till.refund(invoice, "0.02", status=202)
    assert held["requires_approval"] is True
    await till.refund(invoice, "0.01")
    other = await paid_invoice(till, "50.00")
    held = await till.refund(other, "50.00", status=202)
    assert "client" in " ".join(held["reasons"])


async def test_merged_clients_are_one_client_to_the_threshold(till: Till) -> None:
    first = await paid_invoice(till, "9000.00")
    second = await paid_invoice(till, "9000.00", client_id="client_other")
    await parliament_member(till)
    await till.post("/api/v1/clients/client_abc/merge", {"other": "client_other"})
    await till.refund(second, "6000.00")
    held = await till.refund(first, "6000.00", status=202)
    assert "client" in " ".join(held["reasons"])
    await till.post("/api/v1/clients/client_abc/unmerge", {"other": "client_other"})
    await till.refund(first, "6000.00")


async def test_an_approver_named_by_the_proposer_is_ignored(till: Till) -> None:
    invoice = await paid_invoice(till, "12000.00")
    await parliament_member(till)
    held = await till.refund(invoice, status=202, approver="ceo@example.com")
    assert any("approver is ignored" in reason for reason in held["reasons"])
    assert till.sandbox.count("refund") == 0


async def test_a_refund_that_fails_later_is_the_business_s_again(till: Till) -> None:
    invoice = await paid_invoice(till, card="pm_card_refundFail")
    await till.refund(invoice)
    await till.settle()
    assert (await till.status(invoice))["status"] == "refunded"
    till.sandbox.move_clock(till.sandbox.state()["now"] + 3600)
    await till.settle()
    assert (await till.status(invoice))["status"] == "paid"
    assert (await till.balances())["revenue"] == 100_000
    assert (await till.get("/api/v1/clients/client_abc"))["lifetime_value"] == 1000
    [refund] = (await till.get("/api/v1/refunds"))["items"]
    assert refund["status"] == "failed"
    await till.keep_card()


async def test_a_refund_that_takes_its_time(till: Till) -> None:
    invoice = await paid_invoice(till, card="pm_card_pendingRefund")
    assert (await till.refund(invoice))["status"] == "pending"
    await till.settle()
    assert (await till.balances())["refunds_in_flight"] == 100_000
    till.sandbox.move_clock(till.sandbox.state()["now"] + 3600)
    await till.settle()
    assert (await till.status(invoice))["status"] == "refunded"
    assert "refunds_in_flight" not in await till.balances()


@pytest.mark.parametrize("times", [1, 2])
async def test_a_refund_made_at_the_provider_is_booked_once(till: Till, times: int) -> None:
    invoice = await paid_invoice(till)
    [charge] = await till.rows("select charge from payment_attempt")
    till.sandbox.fault("webhook_duplicate", event_type="*refund*", times=times, count=None)
    await asyncio.to_thread(till.sandbox.post, "/v1/refunds", f"charge={charge['charge']}&amount=25000")
    await till.settle()
    till.sandbox.control("DELETE", "/_faults")
    [refund] = (await till.get("/api/v1/refunds"))["items"]
    assert (refund["amount"], refund["status"], refund["ordered_by"]) == (250, "succeeded", None)
    assert (await till.balances())["revenue"] == 75_000
    await till.refund(invoice)
    await till.settle()
    assert till.sandbox.state()["payments"][0]["refunded"] == 100_000


async def test_what_was_refunded_elsewhere_meanwhile_is_refused(till: Till) -> None:
    """Ours is ordered while another takes all of it at the provider: ours ends, the books follow the provider."""
    invoice = await paid_invoice(till)
    [charge] = await till.rows("select charge from payment_attempt")
    till.sandbox.fault("webhook_delay", count=None, delay_ms=60_000)
    await asyncio.to_thread(till.sandbox.post, "/v1/refunds", f"charge={charge['charge']}")
    refused = await till.refund(invoice, status=409)
    assert refused["type"].endswith("refund-refused")
    till.sandbox.control("DELETE", "/_faults")
    await till.settle()
    assert (await till.status(invoice))["status"] == "refunded"
    assert "revenue" not in await till.balances()


async def parliament_member(till: Till) -> Principal:
    """A second person who may vote."""
    from grace.trust.identity.rules import Role
    from grace.trust.identity.service import people

    async with till.workspace.tx() as tx:
        made = await people.create_user(
            tx, email="second@example.com", name="Second", roles=[Role.ADMIN], parliament=True
        )
    return Principal("user", made.id, made.name, frozenset({"admin"}))
