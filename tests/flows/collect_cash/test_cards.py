"""An invoice is paid by card: by its pay link, by a stored card, with 3-D Secure, after a decline, too much."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.fixtures.cards import Till

ALWAYS_ASKS = "pm_card_authenticationRequired"
DECLINED = "pm_card_chargeDeclinedInsufficientFunds"


async def challenge(till: Till, intent: dict[str, Any], outcome: str) -> None:
    """The payer answers the bank's question."""
    secret = intent["client_secret"]
    url = f"{till.sandbox.url}/_3ds/{till.sandbox.account}/{secret.partition('_secret_')[0]}"
    async with httpx.AsyncClient(trust_env=False) as bank:
        answer = await bank.post(url, json={"client_secret": secret, "outcome": outcome})
    assert answer.status_code == 200, answer.text


def one_payment(till: Till) -> dict[str, Any]:
    """The only payment at the provider; nothing happened twice."""
    payments = till.sandbox.state()["payments"]
    assert len(payments) == 1
    assert payments[0]["double"] is False
    found: dict[str, Any] = payments[0]
    return found


async def test_pay_link_to_paid(till: Till) -> None:
    invoice = await till.invoice("1000.00")
    intent = await till.intent(invoice)
    assert (await till.confirm(intent))["status"] == "succeeded"
    await till.settle()
    status = await till.status(invoice)
    assert (status["status"], status["paid"], status["amount_due"]) == ("paid", True, 0)
    await till.hurry()
    fee = 2930
    assert await till.balances() == {"clearing": 100_000 - fee, "processor_fees": fee, "revenue": 100_000}
    assert one_payment(till)["captured"] == 100_000
    [payment] = (await till.get("/api/v1/payments"))["items"]
    assert (payment["provider"], payment["method"], payment["amount"]) == ("stripe", "card", 1000)
    client = await till.get("/api/v1/clients/client_abc")
    assert client["lifetime_value"] == 1000


async def test_a_double_click_gets_the_same_intent(till: Till) -> None:
    invoice = await till.invoice()
    till.sandbox.fault("slow", path="/v1/payment_intents", delay_ms=300)
    first, second = await asyncio.gather(till.intent(invoice), till.intent(invoice))
    third = await till.intent(invoice)
    assert first["client_secret"] == second["client_secret"] == third["client_secret"]
    assert till.sandbox.count("payment_intent") == 1
    assert till.sandbox.count("customer") == 1


async def test_the_secret_is_neither_stored_nor_logged_in_clear(till: Till) -> None:
    invoice = await till.invoice()
    answer = await till.payer.post(httpx.URL(invoice["hosted_invoice_url"]).path + "/intent")
    assert answer.headers["cache-control"] == "no-store"
    secret = answer.json()["client_secret"]
    assert answer.json()["publishable_key"] == f"pk_test_{till.workspace.handle}"
    await till.settle()
    for table in ("payment_attempt", "provider_call", "audit_payload", "fact"):
        [found] = await till.rows(f"select count(*) as n from {table} t where t::text like %(s)s", s=f"%{secret}%")
        assert found["n"] == 0, table


async def test_three_d_secure(till: Till) -> None:
    invoice = await till.invoice()
    intent = await till.intent(invoice)
    assert (await till.confirm(intent, ALWAYS_ASKS))["status"] == "requires_action"
    await till.settle()
    assert (await till.status(invoice))["status"] == "pending"
    await challenge(till, intent, "fail")
    await till.settle()
    assert (await till.status(invoice))["status"] == "failed"
    assert (await till.intent(invoice))["client_secret"] == intent["client_secret"]
    assert (await till.confirm(intent, ALWAYS_ASKS))["status"] == "requires_action"
    await challenge(till, intent, "complete")
    await till.settle()
    assert (await till.status(invoice))["status"] == "paid"
    assert one_payment(till)["captured"] == 100_000


async def test_a_declined_payer_takes_another_card(till: Till) -> None:
    invoice = await till.invoice()
    intent = await till.intent(invoice)
    assert "error" in await till.confirm(intent, DECLINED)
    await till.settle()
    assert (await till.status(invoice))["status"] == "failed"
    [attempt] = await till.rows("select state, failure_code from payment_attempt")
    assert attempt == {"state": "requires_payment_method", "failure_code": "insufficient_funds"}
    await till.confirm(intent)
    await till.settle()
    assert (await till.status(invoice))["status"] == "paid"


async def test_a_stored_card_is_charged_without_the_client(till: Till) -> None:
    invoice = await till.invoice("59.90")
    kept = await till.keep_card()
    assert (kept["brand"], kept["last4"], kept["default"], kept["status"]) == ("visa", "4242", True, "active")
    done = await till.process(invoice)
    assert (done["success"], done["paid"], done["amount_paid"], done["status"]) == (True, True, 59.9, "paid")
    again = await till.process(invoice)
    assert (again["paid"], again["amount_paid"]) == (True, 59.9)
    await till.settle()
    assert one_payment(till)["captured"] == 5990
    assert (await till.get("/api/v1/clients/client_abc/payment-methods"))["items"][0]["id"] == kept["id"]


async def test_no_stored_card_changes_nothing(till: Till) -> None:
    invoice = await till.invoice()
    done = await till.process(invoice)
    assert (done["success"], done["paid"], done["amount_paid"], done["status"]) == (True, False, 0, "pending")
    assert till.sandbox.count("payment_intent") == 0


async def test_a_declined_stored_card_can_be_replaced(till: Till) -> None:
    invoice = await till.invoice()
    await till.keep_card("pm_card_chargeCustomerFail")
    done = await till.process(invoice)
    assert (done["success"], done["paid"], done["status"]) == (False, False, "failed")
    assert done["failure"]
    await till.keep_card("pm_card_mastercard")
    assert (await till.process(invoice))["paid"] is True
    assert one_payment(till)["attempts"] == 2


async def test_a_bank_that_wants_to_see_the_client_is_answered_by_the_pay_link(till: Till) -> None:
    invoice = await till.invoice()
    await till.keep_card(ALWAYS_ASKS)
    assert (await till.process(invoice))["status"] == "failed"
    intent = await till.intent(invoice)
    await till.confirm(intent, ALWAYS_ASKS)
    await challenge(till, intent, "complete")
    await till.settle()
    assert (await till.status(invoice))["status"] == "paid"
    assert one_payment(till)["captured"] == 100_000


async def test_the_stored_card_confirms_the_intent_of_the_pay_link(till: Till) -> None:
    invoice = await till.invoice()
    await till.intent(invoice)
    await till.keep_card()
    assert (await till.process(invoice))["paid"] is True
    one_payment(till)


async def test_two_cards_one_default(till: Till) -> None:
    await till.invoice()
    await till.keep_card()
    second = await till.keep_card("pm_card_mastercard")
    items = (await till.get("/api/v1/clients/client_abc/payment-methods"))["items"]
    assert [(item["brand"], item["default"]) for item in items] == [("mastercard", True), ("visa", False)]
    repeated = await till.keep_card(second["payment_method"])
    assert repeated["id"] == second["id"]
    assert till.sandbox.count("customer") == 1


async def test_a_card_that_cannot_be_kept(till: Till) -> None:
    await till.invoice()
    refused = await till.keep_card("pm_card_chargeDeclined", status=409)
    assert refused["type"].endswith("payment-method-refused")
    assert (await till.get("/api/v1/clients/client_abc/payment-methods"))["items"] == []
    await till.keep_card("pm_nobody", status=409)


async def test_a_refusal_that_is_kept_is_a_problem_document_when_it_is_repeated(till: Till) -> None:
    path, body = "/api/v1/clients/client_abc/payment-methods", {"payment_method": "pm_card_chargeDeclined"}
    await till.invoice()
    first, again = [await till.api.post(path, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status_code, first.text) == (again.status_code, again.text)
    assert (again.status_code, again.headers["idempotent-replay"]) == (409, "true")
    assert again.headers["content-type"] == first.headers["content-type"] == "application/problem+json"


async def test_a_part_paid_otherwise_lowers_what_the_link_asks(till: Till) -> None:
    invoice = await till.invoice("100.00")
    before = await till.intent(invoice)
    body = {"invoice_id": invoice["invoice_id"], "amount": "40.00", "method": "cash"}
    await till.post("/api/v1/payments/manual", body)
    await till.settle()
    assert till.sandbox.state()["payments"][0]["amount"] == 6000
    after = await till.intent(invoice)
    assert (after["client_secret"], after["amount"]) == (before["client_secret"], 60)
    await till.confirm(after)
    await till.settle()
    assert (await till.status(invoice))["status"] == "paid"


async def test_paid_otherwise_the_link_ends(till: Till) -> None:
    invoice = await till.invoice("100.00")
    await till.intent(invoice)
    await till.post(
        "/api/v1/payments/manual", {"invoice_id": invoice["invoice_id"], "amount": 100, "method": "bank_transfer"}
    )
    await till.settle()
    assert till.sandbox.state()["payments"][0]["status"] == "canceled"
    refused = await till.intent(invoice, status=409)
    assert refused["type"].endswith("nothing-due")


async def test_a_void_invoice_cannot_be_paid(till: Till) -> None:
    invoice = await till.invoice()
    await till.intent(invoice)
    await till.post(f"/api/v1/invoices/{invoice['invoice_id']}/void", {"reason": "mistake"})
    await till.settle()
    assert one_payment(till)["status"] == "canceled"
    assert (await till.status(invoice))["status"] == "failed"


async def test_too_much_becomes_credit(till: Till) -> None:
    """The payer confirmed while the same money came by bank: nothing is lost, nothing is booked twice."""
    invoice = await till.invoice("100.00")
    intent = await till.intent(invoice)
    await till.confirm(intent)
    body = {"invoice_id": invoice["invoice_id"], "amount": "70.00", "method": "bank_transfer"}
    await till.post("/api/v1/payments/manual", body)
    await till.settle()
    await till.hurry()
    assert (await till.status(invoice))["status"] == "paid"
    balances = await till.balances()
    assert balances["customer_credit"] == 7000
    assert balances["revenue"] == 10_000
    [attempt] = await till.rows("select excess_minor from payment_attempt")
    assert attempt["excess_minor"] == 7000


@pytest.mark.parametrize(
    ("currency", "amount", "taken", "booked", "fee"),
    [("jpy", "5000", 5000, 5000, 175), ("kwd", "12.340", 12340, 12340, 658), ("isk", "900", 90_000, 900, 26)],
)
async def test_currencies_with_other_decimals(
    till: Till, currency: str, amount: str, taken: int, booked: int, fee: int
) -> None:
    invoice = await till.invoice(amount, currency=currency)
    await till.keep_card()
    assert (await till.process(invoice))["paid"] is True
    assert one_payment(till)["captured"] == taken
    await till.settle()
    await till.hurry()
    assert await till.balances() == {"clearing": booked - fee, "processor_fees": fee, "revenue": booked}


async def test_a_payer_of_a_currency_without_cents(till: Till) -> None:
    """The provider's fee is 435.30 ISK, of which there is no such thing; the payment is booked all the same."""
    invoice = await till.invoice("15000", currency="isk")
    await till.confirm(await till.intent(invoice))
    await till.settle()
    assert (await till.status(invoice))["status"] == "paid"
    await till.hurry()
    assert await till.balances() == {"clearing": 14_565, "processor_fees": 435, "revenue": 15_000}


@pytest.mark.parametrize(
    ("currency", "amount", "why"), [("usd", "0.10", "0.50"), ("kwd", "150.005", "in steps of 0.010")]
)
async def test_an_amount_that_the_provider_does_not_charge(till: Till, currency: str, amount: str, why: str) -> None:
    invoice = await till.invoice(amount, currency=currency)
    refused = await till.intent(invoice, status=409)
    assert refused["type"].endswith("payment-refused")
    assert why in refused["detail"]
    assert (await till.status(invoice))["status"] == "failed"
    page = (await till.payer.get(httpx.URL(invoice["hosted_invoice_url"]).path)).text
    assert "It cannot be paid by card." in page and why in page and "declined" not in page


async def test_without_an_account_nothing_is_begun(till: Till) -> None:
    from grace.providers.payments import port
    from grace.providers.payments.stripe.adapter import StripeCards

    invoice = await till.invoice()
    port.bind(StripeCards(till.settings.model_copy(update={"stripe_secret_key": None})))
    refused = await till.intent(invoice, status=409)
    assert refused["type"].endswith("no-card-provider")
    assert await till.rows("select id from payment_attempt") == []


async def test_the_same_request_again_is_answered_from_what_is_stored(till: Till) -> None:
    invoice = await till.invoice()
    await till.keep_card()
    first = await till.process(invoice, **{"Idempotency-Key": "k"})
    assert await till.process(invoice, **{"Idempotency-Key": "k"}) == first
    one_payment(till)


async def test_a_twin_waits_while_the_first_is_at_the_provider(till: Till) -> None:
    invoice = await till.invoice()
    await till.keep_card()
    till.sandbox.fault("slow", path="/v1/payment_intents", delay_ms=500)
    body, key = {"invoice_id": invoice["invoice_id"]}, {"Idempotency-Key": "once"}
    answers = await asyncio.gather(
        *(till.api.post("/api/business/payments/process", json=body, headers=key) for _ in range(3))
    )
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert [answer.headers.get("idempotent-replay") for answer in answers].count("true") == 2


async def test_the_intent_is_told_with_the_invoice_and_the_payment(till: Till) -> None:
    invoice = await till.invoice()
    await till.keep_card()
    await till.process(invoice)
    await till.settle()
    [attempt] = await till.rows("select intent from payment_attempt")
    told = await till.get(f"/api/v1/invoices/{invoice['invoice_id']}")
    [payment] = (await till.get("/api/v1/payments"))["items"]
    assert told["stripe_payment_intent"] == payment["stripe_payment_intent_id"] == attempt["intent"]
