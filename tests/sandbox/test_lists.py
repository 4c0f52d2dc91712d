"""Lists, their cursors and filters; search; expansion."""

from typing import Any

import pytest
import stripe

from tests.sandbox.test_payments import pay


def test_cursors_both_ways(client: stripe.StripeClient) -> None:
    made = [client.v1.customers.create({"name": str(n)}).id for n in range(7)][::-1]
    first = client.v1.customers.list({"limit": 3})
    assert ([c.id for c in first.data], first.has_more) == (made[:3], True)
    rest = client.v1.customers.list({"limit": 10, "starting_after": made[2]})
    assert ([c.id for c in rest.data], rest.has_more) == (made[3:], False)
    back = client.v1.customers.list({"limit": 2, "ending_before": made[5]})
    assert ([c.id for c in back.data], back.has_more) == (made[3:5], True)
    assert [c.id for c in client.v1.customers.list({"limit": 2}).auto_paging_iter()] == made
    for params in ({"limit": 0}, {"limit": 101}, {"starting_after": "cus_none"}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.customers.list(params)


def test_filters(client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"name": "Ann", "email": "ann@example.com"})
    mine = pay(client, customer=ann.id)
    pay(client)
    assert [i.id for i in client.v1.payment_intents.list({"customer": ann.id}).data] == [mine.id]
    assert [c.payment_intent for c in client.v1.charges.list({"payment_intent": mine.id}).data] == [mine.id]
    assert [c.id for c in client.v1.customers.list({"email": "ann@example.com"}).data] == [ann.id]
    assert len(client.v1.payment_intents.list({"created": {"gte": mine.created}}).data) == 2
    assert client.v1.payment_intents.list({"created": {"lt": mine.created - 60}}).data == []
    kinds = {event.type for event in client.v1.events.list({"type": "charge.*"}).data}
    assert kinds <= {"charge.succeeded", "charge.updated"}
    assert "charge.succeeded" in kinds


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("metadata['invoice']:'in_1'", [1000]),
        ('metadata["invoice"]:"in_1"', [1000]),
        ("metadata['invoice']:'in_%'", []),
        ("metadata['invoice']:'in_1' OR metadata['invoice']:'in_2'", [2000, 1000]),
        ("metadata['kind']:'job' AND amount>1500", [3000, 2000]),
        ("metadata['kind']:'job' amount>=2000 -metadata['invoice']:'in_2'", [3000]),
        ("amount<1500 AND status:'succeeded'", [1000]),
        ("metadata['missing']:null AND currency:'usd'", [3000, 2000, 1000]),
        ("metadata['it\\'s']:'x'", None),
        ("colour:'red'", None),
        ("amount>1 AND amount>2 OR amount>3", None),
        ("'; drop table object; --", None),
        ("metadata['invoice']:'x\\' or 1=1 --'", []),
    ],
)
def test_search(client: stripe.StripeClient, query: str, found: list[int] | None) -> None:
    for number in (1, 2, 3):
        pay(client, amount=number * 1000, metadata={"invoice": f"in_{number}", "kind": "job"})
    if found is None:
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.search({"query": query})
        return
    assert [intent.amount for intent in client.v1.payment_intents.search({"query": query}).data] == found


def test_search_pages(client: stripe.StripeClient) -> None:
    for number in range(5):
        client.v1.customers.create({"name": "Ann", "metadata": {"n": str(number)}})
    page = client.v1.customers.search({"query": "name:'ann'", "limit": 2})
    assert (len(page.data), page.has_more) == (2, True)
    assert len(list(page.auto_paging_iter())) == 5


def test_expansion(client: stripe.StripeClient) -> None:
    ann = client.v1.customers.create({"name": "Ann"})
    pay(client, customer=ann.id, capture_method="automatic")
    listed: Any = client.v1.payment_intents.list(
        {"expand": ["data.customer", "data.latest_charge.balance_transaction"]}
    )
    assert listed.data[0].customer.name == "Ann"
    assert listed.data[0].latest_charge.balance_transaction.source == listed.data[0].latest_charge.id
    deep: Any = client.v1.balance_transactions.list({"expand": ["data.source.payment_intent.customer"]})
    assert deep.data[0].source.payment_intent.customer.name == "Ann"
    for path in ("amount", "nothing", "latest_charge.balance_transaction.source.payment_intent.customer"):
        with pytest.raises(stripe.InvalidRequestError, match="expand"):
            client.v1.payment_intents.list({"expand": [f"data.{path}"]})
