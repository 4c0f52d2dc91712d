"""The ledger against the provider's balance: it agrees with all that Grace did, and every difference has a name."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from grace.flows.collect_cash import cards
from grace.flows.collect_cash.reconciling import reconcile
from grace.flows.collect_cash.schemas_reconciling import sentence
from grace.kit.errors import Invalid
from grace.providers.payments import port
from grace.providers.payments.port import Charge, Intent, Movement
from tests.fixtures.cards import DEADLINE_S, Till

Change = Callable[[Intent], Intent]


async def differences(till: Till, query: str = "") -> list[dict[str, Any]]:
    told = await till.get(f"/api/v1/reconciliation{query}")
    assert told["agrees"] == (told["differences"] == [])
    assert told["count"] == len(told["differences"])
    found: list[dict[str, Any]] = told["differences"]
    return found


async def settled(till: Till) -> None:
    await till.settle()
    await till.hurry()


async def believed_otherwise(till: Till, change: Change) -> None:
    """A card payment of 100.00 of which the provider's word was not what its balance says."""
    intent = await till.intent(await till.invoice("100.00"))
    await till.settle()
    till.sandbox.fault("webhook_lose", count=None)
    confirmed = await till.confirm(intent)
    async with till.workspace.tx() as tx:
        workspace = tx.workspace
    async with asyncio.timeout(DEADLINE_S):
        while True:  # the provider moves its balance a moment after the charge
            told = await port.cards().intent(workspace, confirmed["id"])
            if told.charge is not None and told.charge.movement is not None:
                break
    async with till.workspace.tx() as tx:
        await cards.believe(tx, change(told), asked_at=tx.real_now)
    till.sandbox.control("DELETE", "/_faults")
    await till.workspace.drain()


def moved_otherwise(**change: Any) -> Change:
    """The same with another movement."""

    def changed(intent: Intent) -> Intent:
        assert intent.charge is not None
        assert intent.charge.movement is not None
        return replace(intent, charge=replace(intent.charge, movement=replace(intent.charge.movement, **change)))

    return changed


def of_90(intent: Intent) -> Intent:
    """The same of 90.00."""
    assert intent.charge is not None
    return replace(intent, amount_minor=9000, charge=replace(intent.charge, amount_minor=9000))


async def test_it_agrees_with_all_that_was_done(till: Till) -> None:
    await till.invoice()
    await till.keep_card()
    for amount, refund in (("100.00", None), ("200.00", "50.00"), ("300.00", "300.00")):
        invoice = await till.invoice(amount)
        await till.process(invoice)
        if refund:
            await till.refund(invoice, refund)
    for client, card in (("client_slow", "pm_card_pendingRefund"), ("client_fails", "pm_card_refundFail")):
        invoice = await till.invoice("40.00", client_id=client)
        await till.keep_card(card, client=client)
        await till.process(invoice)
        await till.refund(invoice)
    overpaid = await till.invoice("100.00")
    await till.confirm(await till.intent(overpaid))
    body = {"invoice_id": overpaid["invoice_id"], "amount": "70.00", "method": "bank_transfer"}
    await till.post("/api/v1/payments/manual", body)
    await settled(till)
    [charge] = await till.rows("select charge from payment_attempt where excess_minor > 0")
    await asyncio.to_thread(till.sandbox.post, "/v1/refunds", f"charge={charge['charge']}&amount=8000")
    await settled(till)
    assert await differences(till) == []  # one refund is on its way, one was told as done
    till.sandbox.move_clock(till.sandbox.state()["now"] + 3600)
    await settled(till)
    told = await till.get("/api/v1/reconciliation")
    assert (told["agrees"], told["movements"]) == (True, 12)


async def test_money_that_came_without_grace(till: Till) -> None:
    customer = (await asyncio.to_thread(till.sandbox.post, "/v1/customers", "name=Somebody")).json()["id"]
    form = (
        f"amount=5000&currency=usd&customer={customer}&payment_method=pm_card_visa&confirm=true"
        "&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never"
    )
    made = (await asyncio.to_thread(till.sandbox.post, "/v1/payment_intents", form)).json()
    assert made.get("latest_charge"), made
    await settled(till)
    [difference] = await differences(till)
    assert (difference["kind"], difference["what"], difference["source"]) == (
        "missing_here",
        "charge",
        made["latest_charge"],
    )
    assert (difference["there"], difference["here"], difference["document"]) == (50, None, None)


@pytest.mark.parametrize("movement", ["txn_nowhere", None])
async def test_money_that_the_provider_does_not_know(till: Till, movement: str | None) -> None:
    await till.intent(await till.invoice("100.00"))
    [attempt] = await till.rows("select id, intent from payment_attempt")
    kept = Movement(movement, 10_000, 320, "USD") if movement is not None else None
    charge = Charge("ch_nowhere", attempt["intent"], 10_000, "USD", kept)
    told = Intent(attempt["intent"], attempt["id"], "succeeded", 10_000, "USD", charge=charge)
    async with till.workspace.tx() as tx:
        await cards.believe(tx, told, asked_at=tx.real_now)
    [difference] = await differences(till)
    assert (difference["kind"], difference["document"], difference["here"]) == ("missing_there", attempt["id"], 100)
    assert await differences(till, "?from=2090-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (moved_otherwise(fee_minor=1), {"fee": (3.2, 0.01)}),
        (of_90, {"amount": (100, 90)}),
        (moved_otherwise(currency="EUR"), {"currency": (None, 96.8), "fee": (3.2, 0), "amount": (100, 0)}),
    ],
    ids=["fee", "amount", "currency"],
)
async def test_what_was_booked_otherwise(
    till: Till, change: Change, kinds: dict[str, tuple[float | None, float | None]]
) -> None:
    await believed_otherwise(till, change)
    found = await differences(till)
    assert {each["kind"]: (each["there"], each["here"]) for each in found} == kinds
    assert len({(each["movement"], each["source"], each["document"]) for each in found}) == 1


async def test_the_pages_and_bounds_of_it(till: Till) -> None:
    await till.invoice()
    await till.keep_card()
    for _ in range(3):
        await till.process(await till.invoice("10.00"))
    await settled(till)
    done = await reconcile(till.workspace.workspaces, till.workspace.handle)
    assert (done.movements, done.agrees) == (3, True)
    with pytest.raises(Invalid, match="more than 2"):
        await reconcile(till.workspace.workspaces, till.workspace.handle, at_most=2)
    till.sandbox.fault("error_before", path="/v1/balance_transactions", status=500)
    answer = await till.api.get("/api/v1/reconciliation")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


async def test_a_difference_in_words(till: Till) -> None:
    await believed_otherwise(till, of_90)
    done = await reconcile(till.workspace.workspaces, till.workspace.handle)
    [said] = map(sentence, done.differences)
    assert said.startswith("amount: charge txn_")
    assert said.endswith(" there, $90.00 here")
