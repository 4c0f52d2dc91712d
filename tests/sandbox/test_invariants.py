"""Random moves, right and wrong: the money always adds up and nothing happens twice."""

import random
from typing import Any

import pytest
import stripe

from tests.sandbox.harness import Sandbox
from tests.sandbox.test_cards import DECLINES

STEPS = 120
TOKENS = ["pm_card_visa"] * 6 + ["pm_card_authenticationRequired", "pm_card_refundFail", DECLINES[0][0]]


@pytest.mark.parametrize("seed", range(3))
def test_books_balance_after_random_moves(sandbox: Sandbox, client: stripe.StripeClient, seed: int) -> None:
    chance = random.Random(seed)
    intents: list[str] = []
    for _ in range(STEPS):
        try:
            _move(client, chance, intents)
        except stripe.CardError as declined:
            intents.append(declined.error.payment_intent.id)
        except stripe.InvalidRequestError:
            continue
    sandbox.move_clock(sandbox.state()["now"] + 30 * 86_400)
    state = sandbox.state()
    payments = state["payments"]
    assert sum(payment["captured"] for payment in payments) > 0
    assert not [payment for payment in payments if payment["double"]]
    transactions = state["objects"]["balance_transaction"]
    by_type: dict[str, int] = {}
    for transaction in transactions:
        assert transaction["net"] == transaction["amount"] - transaction["fee"]
        by_type[transaction["type"]] = by_type.get(transaction["type"], 0) + transaction["amount"]
    given_back = -by_type.get("refund", 0) - by_type.get("refund_failure", 0)
    assert by_type["charge"] == sum(payment["captured"] for payment in payments)
    assert given_back == sum(payment["refunded"] for payment in payments)
    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (
        sum(t["net"] for t in transactions),
        0,
    )
    for charge in state["objects"]["charge"]:
        assert 0 <= charge["amount_refunded"] <= charge["amount"]
        assert charge["refunded"] == (charge["amount_refunded"] == charge["amount"] and charge["paid"])


def _move(client: stripe.StripeClient, chance: random.Random, intents: list[str]) -> None:
    verb = chance.choice(["create", "create", "confirm", "capture", "cancel", "refund", "refund"])
    amount = chance.randint(100, 9_000)
    api = client.v1.payment_intents
    if verb == "create" or not intents:
        params: Any = {
            "amount": 9_000,
            "currency": "usd",
            "allowed_payment_method_types": ["card"],
            "confirm": chance.random() < 0.8,
            "payment_method": chance.choice(TOKENS),
            "capture_method": chance.choice(["automatic", "automatic_async", "manual"]),
        }
        intents.append(api.create(params).id)
        return
    chosen = chance.choice(intents)
    if verb == "confirm":
        api.confirm(chosen, {"payment_method": "pm_card_visa"})
    elif verb == "capture":
        api.capture(chosen, {"amount_to_capture": amount})
    elif verb == "cancel":
        api.cancel(chosen)
    else:
        client.v1.refunds.create({"payment_intent": chosen, "amount": amount})
