"""What a pay page may load: Stripe's own hosts, or those of what is configured instead."""

from datetime import timedelta

from pydantic import SecretStr

from grace.kit.settings import Settings
from grace.kit.workspace import Workspace
from grace.providers.payments.stripe.adapter import StripeCards

MAIN = Workspace(handle="main", name="Main", kind="live", currency="USD", clock_offset=timedelta(0))


def adapter(**more: object) -> StripeCards:
    keys = {"stripe_secret_key": SecretStr("sk_live_1"), "stripe_publishable_key": "pk_live_1"}
    return StripeCards(Settings().model_copy(update={**keys, **more}))


def test_stripes_own_hosts_are_allowed_by_default() -> None:
    browser = adapter().browser(MAIN)
    assert browser is not None
    assert (browser.script, browser.key) == ("https://js.stripe.com/v3/", "pk_live_1")
    assert browser.scripts == "https://js.stripe.com https://*.js.stripe.com"
    assert "https://hooks.stripe.com" in browser.frames.split()
    assert "https://api.stripe.com" in browser.connections.split()


def test_another_origin_allows_nothing_of_stripe() -> None:
    browser = adapter(stripe_js_origin="https://pay.example/", stripe_api_base="https://pay.example").browser(MAIN)
    assert browser is not None
    assert browser.script == "https://pay.example/v3/"
    assert "stripe.com" not in browser.scripts + browser.frames + browser.connections


def test_without_a_publishable_key_no_card_is_taken() -> None:
    assert adapter(stripe_publishable_key=None).browser(MAIN) is None
