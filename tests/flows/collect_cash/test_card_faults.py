"""Each fault of the sandbox against the protection it is for. The money moves once, the books follow the provider."""

import asyncio
from typing import Any

import pytest

from tests.fixtures.cards import Till

INTENTS = "/v1/payment_intents"
CONFIRM = "/v1/payment_intents/*/confirm"


async def check_paid_once(till: Till, invoice: dict[str, Any]) -> None:
    """One charge at the provider, one payment here, the same amount in both."""
    status = await till.status(invoice)
    assert status["status"] == "paid"
    payments = till.sandbox.state()["payments"]
    assert [payment["succeeded_charges"] for payment in payments] == [1]
    assert len((await till.get("/api/v1/payments"))["items"]) == 1
    balances = await till.balances()
    assert balances["clearing"] + balances.get("processor_fees", 0) == payments[0]["captured"]
    assert await till.rows("select 1 from provider_call where state in ('pending', 'unknown', 'case')") == []


async def ready(till: Till) -> dict[str, Any]:
    """An invoice whose client has a stored card."""
    invoice = await till.invoice()
    await till.keep_card()
    return invoice


async def test_decline(till: Till) -> None:
    invoice = await ready(till)
    till.sandbox.fault("decline", decline_code="do_not_honor")
    assert (await till.process(invoice))["status"] == "failed"
    await till.settle()
    assert (await till.status(invoice))["status"] == "failed"
    assert (await till.process(invoice))["paid"] is True
    await till.settle()
    await check_paid_once(till, invoice)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("timeout_before", {}),
        ("timeout_after", {}),
        ("error_before", {"status": 503}),
        ("error_before", {"status": 429}),
        ("error_after", {"status": 500, "stored": False}),
        ("error_after", {"status": 502, "stored": True}),
    ],
)
@pytest.mark.parametrize("told_by", ["same request", "due work", "webhook"])
async def test_an_unknown_outcome_is_found_out(till: Till, kind: str, options: dict[str, Any], told_by: str) -> None:
    """The answer is 202 `processing`; then the same request, scanner or event ends it; never a second charge."""
    invoice = await ready(till)
    till.sandbox.fault(kind, path=INTENTS, method="POST", **options)
    key = {"Idempotency-Key": "once"}
    held = await till.process(invoice, status=202, **key)
    assert (held["success"], held["requires_approval"], held["status"]) == (False, False, "processing")
    assert (held["paid"], held["amount_paid"]) == (False, 0)
    happened = till.sandbox.count("charge") == 1
    assert happened == kind.endswith("_after")
    if told_by == "same request":
        assert (await till.process(invoice, **key))["paid"] is True
    elif told_by == "due work" or not happened:
        await till.hurry()
    await till.settle()
    await check_paid_once(till, invoice)
    assert (await till.process(invoice, **key))["paid"] is True
    assert till.sandbox.count("charge") == 1


async def test_without_a_key_a_second_request_makes_no_second_intent(till: Till) -> None:
    invoice = await ready(till)
    till.sandbox.fault("timeout_after", path=INTENTS, method="POST")
    await till.process(invoice, status=202)
    assert (await till.process(invoice))["paid"] is True
    await till.settle()
    await check_paid_once(till, invoice)


async def test_the_pay_link_s_answer_is_lost(till: Till) -> None:
    invoice = await till.invoice()
    till.sandbox.fault("timeout_after", path=INTENTS, method="POST")
    assert (await till.intent(invoice, status=202))["status"] == "processing"
    intent = await till.intent(invoice)
    assert till.sandbox.count("payment_intent") == 1
    await till.confirm(intent)
    await till.settle()
    await check_paid_once(till, invoice)


async def test_a_customer_whose_making_is_answered_with_a_failure_for_ever_is_looked_up(till: Till) -> None:
    """The provider keeps the failure under the customer's key, which all calls for that client share."""
    first, second = await till.invoice(), await till.invoice()
    till.sandbox.fault("error_after", path="/v1/customers", method="POST", stored=True)
    assert (await till.intent(first, status=202))["status"] == "processing"
    await till.keep_card(status=202)
    await till.hurry()
    assert (await till.get("/api/v1/provider-calls"))["items"] == []
    assert till.sandbox.count("customer") == 1
    await till.confirm(await till.intent(first))
    await till.settle()
    await check_paid_once(till, first)
    assert (await till.process(second))["paid"] is True


async def test_a_confirmation_whose_answer_is_lost(till: Till) -> None:
    invoice = await till.invoice()
    await till.intent(invoice)
    await till.keep_card()
    till.sandbox.fault("timeout_after", path=CONFIRM)
    await till.process(invoice, status=202)
    await till.hurry()
    await check_paid_once(till, invoice)


async def test_an_answer_that_stays_away_is_a_case_for_a_person(till: Till) -> None:
    """A person looks, says that nothing happened, and the invoice can be paid again."""
    invoice = await ready(till)
    till.sandbox.fault("error_before", path=INTENTS, method="POST", count=None)
    await till.process(invoice, status=202)
    for _ in range(6):
        await till.hurry()
    [case] = (await till.get("/api/v1/provider-calls"))["items"]
    assert (case["status"], case["kind"]) == ("case", "create_intent")
    till.sandbox.control("DELETE", "/_faults")
    await till.hurry()
    assert till.sandbox.count("charge") == 0
    await till.process(invoice, status=202)
    dropped = await till.post(f"/api/v1/provider-calls/{case['id']}/drop", {"reason": "nothing at Stripe"})
    assert dropped["status"] == "dropped"
    assert (await till.status(invoice))["status"] == "failed"
    await till.post(f"/api/v1/provider-calls/{case['id']}/retry", status=409)
    assert (await till.process(invoice))["paid"] is True
    await till.settle()
    await check_paid_once(till, invoice)


async def test_a_payer_who_presses_again_and_again_makes_no_case(till: Till) -> None:
    """The provider is down for a moment: as soon as it is back, the next press has it."""
    invoice = await till.invoice()
    till.sandbox.fault("error_before", path=INTENTS, count=None)
    for _ in range(10):
        assert (await till.intent(invoice, status=202))["status"] == "processing"
    till.sandbox.control("DELETE", "/_faults")
    await till.confirm(await till.intent(invoice))
    await till.settle()
    await check_paid_once(till, invoice)


async def test_a_case_can_be_asked_again(till: Till) -> None:
    invoice = await ready(till)
    till.sandbox.fault("timeout_after", path=INTENTS, method="POST", count=None)
    till.sandbox.fault("error_before", path=INTENTS, method="GET", count=None)
    till.sandbox.fault("webhook_lose", count=None)
    await till.process(invoice, status=202)
    for _ in range(6):
        await till.hurry()
    [case] = (await till.get("/api/v1/provider-calls"))["items"]
    till.sandbox.control("DELETE", "/_faults")
    await till.post(f"/api/v1/provider-calls/{case['id']}/retry")
    await till.workspace.drain()
    await check_paid_once(till, invoice)


async def test_an_event_ends_a_case(till: Till) -> None:
    invoice = await ready(till)
    till.sandbox.fault("error_after", path=INTENTS, method="POST", stored=True)
    till.sandbox.fault("error_before", path=INTENTS, method="GET", count=None)
    till.sandbox.fault("webhook_delay", count=None)
    await till.process(invoice, status=202)
    for _ in range(6):
        await till.hurry()
    till.sandbox.control("DELETE", "/_faults")
    assert len((await till.get("/api/v1/provider-calls"))["items"]) == 1
    await till.settle()
    assert (await till.get("/api/v1/provider-calls"))["items"] == []
    await till.hurry()
    await check_paid_once(till, invoice)


async def test_when_the_provider_has_forgotten_the_key_it_is_looked_up(till: Till) -> None:
    """A day later the same key would charge again: what was made is found by our id instead."""
    invoice = await ready(till)
    till.sandbox.fault("timeout_after", path=INTENTS, method="POST")
    till.sandbox.fault("webhook_lose", count=None)
    await till.process(invoice, status=202)
    assert till.sandbox.count("charge") == 1
    till.sandbox.move_clock(till.sandbox.state()["now"] + 2 * 86_400)
    async with till.workspace.tx() as tx:
        await tx.execute("update workspace set clock_offset = interval '2 days'")
    await till.hurry()
    await check_paid_once(till, invoice)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("timeout_before", {}), ("timeout_after", {}), ("error_after", {"stored": True}), ("error_before", {})],
)
async def test_a_refund_whose_answer_is_lost(till: Till, kind: str, options: dict[str, Any]) -> None:
    invoice = await ready(till)
    await till.process(invoice)
    till.sandbox.fault(kind, path="/v1/refunds", method="POST", **options)
    held = await till.refund(invoice, "400.00", status=202)
    assert held["status"] == "processing"
    await till.hurry()
    await till.settle()
    assert till.sandbox.state()["payments"][0]["refunded"] == 40_000
    assert till.sandbox.state()["payments"][0]["refunds"] == 1
    [refund] = (await till.get("/api/v1/refunds"))["items"]
    assert refund["status"] == "succeeded"
    assert (await till.balances())["revenue"] == 60_000


async def test_a_card_whose_storing_is_unknown(till: Till) -> None:
    await till.invoice()
    till.sandbox.fault("timeout_after", path="/v1/payment_methods/*/attach")
    await till.keep_card(status=202)
    await till.hurry()
    [kept] = (await till.get("/api/v1/clients/client_abc/payment-methods"))["items"]
    assert kept["default"] is True


async def test_a_customer_whose_making_is_unknown_is_made_once(till: Till) -> None:
    invoice = await till.invoice()
    till.sandbox.fault("timeout_after", path="/v1/customers")
    await till.intent(invoice, status=202)
    await till.intent(invoice)
    assert till.sandbox.count("customer") == 1


async def test_a_slow_provider_is_not_asked_twice(till: Till) -> None:
    invoice = await ready(till)
    till.sandbox.fault("slow", path=INTENTS, method="POST", delay_ms=800)
    first, second = await asyncio.gather(till.process(invoice), till.process(invoice))
    assert first["paid"] is True
    assert second["paid"] is True
    await till.settle()
    await check_paid_once(till, invoice)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("webhook_duplicate", {"times": 3, "count": None}),
        ("webhook_reorder", {"count": 4}),
        ("webhook_delay", {"delay_ms": 60_000, "count": None}),
    ],
)
async def test_events_that_come_twice_late_or_in_disorder(till: Till, kind: str, options: dict[str, Any]) -> None:
    invoice = await till.invoice()
    intent = await till.intent(invoice)
    till.sandbox.fault(kind, **options)
    await till.confirm(intent, "pm_card_chargeDeclined")
    await till.confirm(intent)
    await till.settle()
    await till.hurry()
    await check_paid_once(till, invoice)


async def test_lost_events_are_fetched_within_the_hour(till: Till) -> None:
    invoice = await till.invoice()
    intent = await till.intent(invoice)
    till.sandbox.fault("webhook_lose", count=None)
    await till.confirm(intent)
    await till.settle()
    await till.hurry()
    assert (await till.status(invoice))["status"] == "pending"
    await till.hurry(poll=True)
    assert (await till.status(invoice))["status"] == "paid"
    await till.hurry(poll=True)
    await check_paid_once(till, invoice)
    [again] = await till.rows("select next_at > clock_timestamp() + interval '50 minutes' as later from provider_poll")
    assert again["later"]


async def test_an_endpoint_whose_secret_got_lost_is_made_anew(till: Till) -> None:
    """Stripe tells the secret once; where the key replays an error, the endpoint is replaced."""
    from grace.flows.collect_cash.jobs import connect_webhooks
    from grace.kit.unit import Unit

    async with till.workspace.tx() as tx:
        await tx.execute("update webhook_endpoint set state = 'off'")
    till.sandbox.fault("error_after", path="/v1/webhook_endpoints", stored=True)
    await connect_webhooks(Unit(till.workspace.workspaces, till.workspace.handle))
    await till.hurry()
    [endpoint] = await till.rows("select url, provider_endpoint from webhook_endpoint where state = 'active'")
    registered = {e["id"]: e["url"] for e in till.sandbox.state()["objects"]["webhook_endpoint"]}
    assert registered[endpoint["provider_endpoint"]] == endpoint["url"]
    assert list(registered.values()).count(endpoint["url"]) == 1
    invoice = await till.invoice()
    await till.confirm(await till.intent(invoice))
    await till.settle()
    assert (await till.status(invoice))["status"] == "paid"
