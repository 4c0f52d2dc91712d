"""Refunds: partial, full, never too much; what they do to the balance; those that fail or wait."""

from typing import Any

import pytest
import stripe

from tests.sandbox.harness import Sandbox
from tests.sandbox.test_payments import pay


def test_partial_then_the_rest_then_no_more(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = pay(client)
    refunds = client.v1.refunds
    first = refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 2000,
            "metadata": {"case": "7"},
            "reason": "requested_by_customer",
            "expand": ["charge", "balance_transaction"],
        }
    )
    assert (first.amount, first.status, first.reason) == (2000, "succeeded", "requested_by_customer")
    assert isinstance(first.charge, stripe.Charge)
    assert (first.charge.amount_refunded, first.charge.refunded) == (2000, False)
    assert isinstance(first.balance_transaction, stripe.BalanceTransaction)
    assert (first.balance_transaction.amount, first.balance_transaction.fee) == (-2000, 0)
    with pytest.raises(stripe.InvalidRequestError, match=r"Refund amount \(\$30.01\) is greater") as refused:
        refunds.create({"payment_intent": intent.id, "amount": 3001})
    assert refused.value.param == "amount"
    rest = refunds.create({"charge": first.charge.id})
    assert rest.amount == 3000
    assert client.v1.charges.retrieve(first.charge.id).refunded
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    listed = refunds.list({"payment_intent": intent.id}).data
    assert [refund.id for refund in listed] == [rest.id, first.id]
    assert refunds.update(first.id, {"metadata": {"case": ""}}).metadata.to_dict() == {}
    types = [event.type for event in client.v1.events.list({"limit": 30}).data]
    assert types.count("charge.refunded") == types.count("refund.created") == 2
    assert [(p["refunded"], p["double"]) for p in sandbox.state()["payments"]] == [(5000, False)]


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_to_refund(client: stripe.StripeClient, amount: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": pay(client).id, "amount": amount})
    assert refused.value.code == "parameter_invalid_integer"


def test_only_what_was_captured(client: stripe.StripeClient) -> None:
    held = pay(client, capture_method="manual")
    for params in ({"payment_intent": held.id}, {"charge": str(held.latest_charge)}, {}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create(params)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": "pi_none"})
    assert refused.value.code == "resource_missing"


@pytest.mark.parametrize(
    ("token", "first", "last"),
    [("pm_card_refundFail", "succeeded", "failed"), ("pm_card_pendingRefund", "pending", "succeeded")],
)
def test_refunds_that_end_later(
    sandbox: Sandbox, client: stripe.StripeClient, token: str, first: str, last: str
) -> None:
    intent = pay(client, payment_method=token, capture_method="automatic")
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == first
    sandbox.move_clock(refund.created + 61)
    refund = client.v1.refunds.retrieve(refund.id)
    assert refund.status == last
    charge = client.v1.charges.retrieve(str(intent.latest_charge), {"expand": ["refunds"]})
    assert charge.refunded == (last == "succeeded")
    assert charge.refunds is not None
    assert len(charge.refunds.data) == 1
    sums = [t.net for t in client.v1.balance_transactions.list().data]
    assert sum(sums) == (-175 if last == "succeeded" else 5000 - 175)


def test_a_refund_cannot_be_cancelled(client: stripe.StripeClient) -> None:
    refund = client.v1.refunds.create({"payment_intent": pay(client).id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.cancel(refund.id)
    assert refused.value.code == "resource_invalid_state"


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [
        (50, "usd", 31),
        (10_000, "usd", 320),
        (1_050, "eur", 60),
        (999, "jpy", 59),
        (12_340, "kwd", 658),
        (10_000, "inr", 320),
    ],
)
def test_fees_by_currency(client: stripe.StripeClient, amount: int, currency: str, fee: int) -> None:
    """2.9 % rounded half up and 30, or 300 with three decimals; integers in minor units throughout."""
    pay(client, amount=amount, currency=currency, capture_method="automatic")
    transaction = client.v1.balance_transactions.list().data[0]
    assert (transaction.amount, transaction.fee, transaction.net) == (amount, fee, amount - fee)
    assert (transaction.currency, transaction.status) == (currency, "pending")


def test_balance_becomes_available(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    intent = pay(client, capture_method="automatic", expand=["latest_charge.balance_transaction"])
    pay(client, capture_method="automatic", payment_method="pm_card_bypassPending")
    transaction: Any = intent.latest_charge.balance_transaction
    balance = client.v1.balance.retrieve()
    assert (balance.pending[0].amount, balance.available[0].amount) == (4825, 4825)
    assert transaction.available_on % 86_400 == 0
    sandbox.move_clock(transaction.available_on)
    balance = client.v1.balance.retrieve()
    assert (balance.pending[0].amount, balance.available[0].amount) == (0, 9650)
    assert client.v1.balance_transactions.retrieve(transaction.id).status == "available"
