"""Customers and their saved payment methods."""

from typing import Any

import pytest
import stripe

from tests.sandbox.harness import Sandbox


def test_create_update_delete(client: stripe.StripeClient) -> None:
    customers = client.v1.customers
    made = customers.create(
        {
            "name": "Ann",
            "email": "ann@example.com",
            "metadata": {"client_id": "cust_1", "tier": "a"},
            "address": {"line1": "1 Main St", "country": "US"},
        }
    )
    assert made.address is not None
    assert (made.address.line1, made.address.city) == ("1 Main St", None)
    changed = customers.update(made.id, {"email": "", "metadata": {"tier": "", "region": "eu"}})
    assert changed.email is None
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"client_id": "cust_1", "region": "eu"}
    assert customers.update(made.id, {"metadata": ""}).metadata.to_dict() == {}
    assert customers.delete(made.id).deleted
    assert customers.retrieve(made.id).deleted
    for refused in (lambda: customers.update(made.id, {"name": "x"}), lambda: customers.delete(made.id)):
        with pytest.raises(stripe.InvalidRequestError) as error:
            refused()
        assert (error.value.http_status, error.value.code) == (404, "resource_missing")
    assert customers.list().data == []
    types = [event.type for event in client.v1.events.list().data]
    assert types == ["customer.deleted", "customer.updated", "customer.updated", "customer.created"]
    changes = client.v1.events.list({"type": "customer.updated"}).data[1].data.previous_attributes
    assert changes is not None
    assert changes.to_dict()["email"] == "ann@example.com"


@pytest.mark.parametrize("email", ["ann", "ann@", "a b@example.com"])
def test_email_is_checked(sandbox: Sandbox, client: stripe.StripeClient, email: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.customers.create({"email": email})
    assert refused.value.code == "email_invalid"
    assert sandbox.count("customer") == 0


def test_a_card_that_declines_makes_no_customer(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError):
        client.v1.customers.create({"payment_method": "pm_card_chargeDeclined"})
    assert sandbox.count("customer") == 0


@pytest.mark.parametrize(
    "metadata",
    [{"k" * 41: "v"}, {"k": "v" * 501}, {f"k{n}": "v" for n in range(51)}],
    ids=["key", "value", "count"],
)
def test_metadata_limits(client: stripe.StripeClient, metadata: dict[str, str]) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"[Mm]etadata"):
        client.v1.customers.create({"metadata": metadata})


def test_default_method(client: stripe.StripeClient) -> None:
    customers, methods = client.v1.customers, client.v1.payment_methods
    ann = customers.create({"name": "Ann"}).id
    loose = methods.create({"type": "card", "card": {"token": "tok_visa"}})
    default: Any = {"invoice_settings": {"default_payment_method": loose.id}}
    with pytest.raises(stripe.InvalidRequestError, match="attached to the customer"):
        customers.update(ann, default)
    methods.attach(loose.id, {"customer": ann})
    settings = customers.update(ann, default).invoice_settings
    assert settings is not None
    assert settings.default_payment_method == loose.id
    assert [method.id for method in customers.payment_methods.list(ann).data] == [loose.id]
    assert customers.payment_methods.retrieve(ann, loose.id).id == loose.id
    methods.detach(loose.id)
    settings = customers.retrieve(ann).invoice_settings
    assert settings is not None
    assert settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        methods.detach(loose.id)


def test_metadata_keys_may_be_numbers(client: stripe.StripeClient) -> None:
    made = client.v1.customers.create({"metadata": {"0": "a", "1": "b"}})
    assert made.metadata.to_dict() == {"0": "a", "1": "b"}


def test_the_account_itself(client: stripe.StripeClient) -> None:
    account = client.v1.accounts.retrieve_current()
    assert account.id.startswith("acct_")
    assert account.charges_enabled


def test_attached_twice(client: stripe.StripeClient) -> None:
    ann, bob = (client.v1.customers.create({"name": name}).id for name in ("Ann", "Bob"))
    method = client.v1.payment_methods.attach("pm_card_mastercard", {"customer": ann}).id
    assert client.v1.payment_methods.attach(method, {"customer": ann}).customer == ann
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        client.v1.payment_methods.attach(method, {"customer": bob})
    details: Any = {"billing_details": {"name": "Ann B"}, "card": {"exp_month": 3, "exp_year": 2045}}
    changed = client.v1.payment_methods.update(method, details)
    assert changed.card is not None
    assert (changed.billing_details.name, changed.card.exp_month) == ("Ann B", 3)


def test_accounts_see_only_their_own(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    made = client.v1.customers.create({"name": "Ann"})
    other = sandbox.client(key="sk_test_somebodyelse")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        other.v1.customers.retrieve(made.id)
    assert refused.value.http_status == 404
    assert made.id not in [customer.id for customer in other.v1.customers.list().data]
