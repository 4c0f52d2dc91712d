"""Money that truly came is booked, whatever was told before it, by whomever, in whatever order."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from grace.domains.payments import rules
from grace.domains.payments.models import AttemptState
from grace.flows.collect_cash import cards
from grace.providers.payments.port import Charge, Intent, Movement
from grace.trust.ledger.check import check
from tests.fixtures.cards import Till

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SOON = datetime(2100, 1, 1, tzinfo=UTC)


async def refused(till: Till) -> dict[str, Any]:
    """The provider made no intent, as it seemed: the amount is too small."""
    invoice = await till.invoice("0.10")
    await till.intent(invoice, status=409)
    return invoice


async def dropped(till: Till) -> dict[str, Any]:
    """Nobody knew whether an intent was made, and a person said that none was."""
    invoice = await till.invoice("0.90")
    till.sandbox.fault("timeout_before", path="/v1/payment_intents", count=None)
    await till.intent(invoice, status=202)
    [call] = (await till.get("/api/v1/provider-calls"))["items"]
    await till.post(f"/api/v1/provider-calls/{call['id']}/drop", {"reason": "nothing there"})
    till.sandbox.control("DELETE", "/_faults")
    return invoice


async def canceled(till: Till) -> dict[str, Any]:
    """The client paid by bank, so that the intent was ended."""
    invoice = await till.invoice("0.90")
    await till.intent(invoice)
    body = {"invoice_id": invoice["invoice_id"], "amount": "0.90", "method": "bank_transfer"}
    await till.post("/api/v1/payments/manual", body)
    await till.settle()
    return invoice


async def declined(till: Till) -> dict[str, Any]:
    """The card was declined; the attempt is open."""
    invoice = await till.invoice("0.90")
    await till.confirm(await till.intent(invoice), "pm_card_chargeDeclined")
    await till.settle()
    return invoice


ENDS = {
    refused: ("refused", "paid", 0),
    dropped: ("refused", "paid", 0),
    canceled: ("canceled", "paid", 90),
    declined: ("requires_payment_method", "paid", 0),
}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
@pytest.mark.parametrize("heard", [{"event_at": LONG_AGO}, {"event_at": SOON}, {"asked_at": LONG_AGO}], ids=str)
async def test_it_is_booked_once(till: Till, end: Any, heard: dict[str, datetime]) -> None:
    invoice = await end(till)
    state, status, excess = ENDS[end]
    [attempt] = await till.rows("select id, state, intent, amount_minor from payment_attempt")
    assert attempt["state"] == state
    movement = Movement("txn_late", attempt["amount_minor"], 1, "USD")
    intent = attempt["intent"] or "pi_late"
    charge = Charge("ch_late", intent, attempt["amount_minor"], "USD", movement)
    told = Intent(intent, attempt["id"], "succeeded", attempt["amount_minor"], "USD", charge=charge)
    for word in (told, told, Intent(intent, attempt["id"], "canceled", attempt["amount_minor"], "USD")):
        async with till.workspace.tx() as tx:
            await cards.believe(tx, word, **heard)
    await till.workspace.drain()
    assert (await till.status(invoice))["status"] == status
    balances = await till.balances()
    assert balances.get("customer_credit", 0) == excess
    assert "receivable" not in balances
    assert await till.rows("select id from payment_attempt where state <> 'succeeded' or movement is null") == []
    async with till.workspace.tx() as tx:
        assert await check(tx) == []


async def test_two_intents_of_one_invoice_both_succeed(till: Till) -> None:
    """One was given up and another begun: the first to come pays, the other is credit."""
    invoice = await dropped(till)
    second = await till.intent(invoice)
    [first] = await till.rows("select id from payment_attempt where state = 'refused'")
    charge = Charge("ch_late", "pi_late", 90, "USD", Movement("txn_late", 90, 1, "USD"))
    async with till.workspace.tx() as tx:
        await cards.believe(tx, Intent("pi_late", first["id"], "succeeded", 90, "USD", charge=charge), event_at=SOON)
    await till.confirm(second)
    await till.settle()
    await till.hurry()
    assert (await till.status(invoice))["status"] == "paid"
    assert (await till.balances())["customer_credit"] == 90


def test_only_money_is_news_after_an_end() -> None:
    states = [state for state in get_args(AttemptState) if state not in ("pending", "refused")]
    for end in ("succeeded", "canceled", "refused"):
        for told in states:
            for hours in (-1, 0, 1):
                news = rules.is_news(
                    now=(end, False),
                    told=(told, False),
                    known_at=SOON,
                    told_at=SOON + timedelta(hours=hours),
                )
                assert news == (told == "succeeded" and end != "succeeded")
