"""Providers' credentials: the live world and the test world never mix."""

from datetime import timedelta

import pytest

from grace.kit.credentials import WrongCredential, credential, is_loopback
from grace.kit.settings import Settings
from grace.kit.workspace import Workspace

TEST = Workspace("acme", "test", "Acme", "USD", timedelta(0))
LIVE = Workspace("acme", "live", "Acme", "USD", timedelta(0))
SECRET = "VerySecretTail"


def having(name: str, value: str | None) -> Settings:
    return Settings(_env_file=None, **{name: value})  # type: ignore[arg-type]


def ask(workspace: Workspace, name: str, value: str | None) -> str | None:
    return credential(workspace, name, configured=having(name, value))


def test_the_handle_stands_for_the_workspace() -> None:
    assert ask(TEST, "stripe_secret_key", "sk_test_{workspace}") == "sk_test_acme"
    assert ask(TEST, "stripe_publishable_key", " pk_test_{workspace} ") == "pk_test_acme"


def test_nothing_configured_is_none() -> None:
    for value in (None, "", "  "):
        assert ask(LIVE, "stripe_secret_key", value) is None


@pytest.mark.parametrize("prefix", ["sk", "rk", "pk", "rzp"])
@pytest.mark.parametrize(("workspace", "own", "other"), [(TEST, "test", "live"), (LIVE, "live", "test")])
def test_a_key_of_the_other_world_is_refused(workspace: Workspace, own: str, other: str, prefix: str) -> None:
    name = "stripe_publishable_key" if prefix == "pk" else "stripe_secret_key"
    assert ask(workspace, name, f"{prefix}_{own}_{SECRET}") == f"{prefix}_{own}_{SECRET}"
    with pytest.raises(WrongCredential) as refusal:
        ask(workspace, name, f" {prefix}_{other}_{SECRET}")
    assert f"GRACE_{name.upper()} is a" in refusal.value.detail
    assert SECRET not in str(refusal.value) + str(refusal.value.extra)


def test_the_handle_cannot_hide_the_world() -> None:
    live = Workspace("live", "test", "L", "USD", timedelta(0))
    with pytest.raises(WrongCredential):
        ask(live, "stripe_secret_key", "sk_{workspace}_x")


def test_a_secret_of_no_world_belongs_to_both() -> None:
    for workspace in (TEST, LIVE):
        assert ask(workspace, "stripe_webhook_secret", "whsec_x") == "whsec_x"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8006",
        "https://localhost",
        "https://LOCALHOST.:1",
        "https://api.localhost/v1",
        "https://127.1",
        "https://0x7f.1",
        "https://2130706433",
        "https://[::1]:8006",
        "https://[::ffff:127.0.0.1]",
        "https://0.0.0.0",
        "https://user@127.0.0.1",
    ],
)
def test_only_a_test_workspace_reaches_a_provider_on_this_machine(url: str) -> None:
    assert is_loopback(url)
    assert ask(TEST, "stripe_api_base", url) == url
    with pytest.raises(WrongCredential):
        ask(LIVE, "stripe_api_base", url)


@pytest.mark.parametrize("url", ["https://api.stripe.com", "https://10.0.0.7", "https://localhost.example.com"])
def test_other_addresses_serve_both(url: str) -> None:
    for workspace in (TEST, LIVE):
        assert ask(workspace, "stripe_api_base", url) == url


def test_a_live_key_never_travels_in_clear() -> None:
    with pytest.raises(WrongCredential):
        ask(LIVE, "stripe_api_base", "http://proxy.example.com")


def test_an_unknown_name_is_a_fault_of_the_program() -> None:
    with pytest.raises(AttributeError):
        credential(TEST, "no_such_setting", configured=having("stripe_secret_key", None))
