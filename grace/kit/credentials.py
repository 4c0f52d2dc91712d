"""Credentials of providers: the one place that hands them out, and refuses those of the wrong world.

A workspace is test or live for ever. Live keys are refused in a test workspace and test keys in a live one; only
a test workspace may reach a provider on this machine.
"""

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from pydantic import SecretStr

from grace.kit.errors import Conflict
from grace.kit.settings import Settings, settings
from grace.kit.workspace import Workspace

_OF_A_WORLD = re.compile(r"^[a-z]{2,8}_(test|live)_")


class WrongCredential(Conflict):
    """What is configured for a provider does not belong into this workspace; says what, never the value."""

    slug = "wrong-credential"


def credential(workspace: Workspace, name: str, *, configured: Settings | None = None) -> str | None:
    """The credential or address that the setting `name` holds for this workspace; None when it holds none.

    `stripe_secret_key`, `stripe_publishable_key`, `stripe_webhook_secret`, `stripe_api_base`, …; `{workspace}` in
    it stands for the handle. `configured` are the settings of this process unless given. WrongCredential.
    """
    value = getattr(configured or settings(), name)
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if text is None or not text.strip():
        return None
    text = text.strip().replace("{workspace}", workspace.handle)
    _check_world(workspace, name, text)
    return str(text)


def _check_world(workspace: Workspace, setting: str, text: str) -> None:
    name = f"GRACE_{setting.upper()}"
    world = _OF_A_WORLD.match(text)
    if world is not None and world[1] != workspace.kind:
        raise WrongCredential(
            f"{name} is a {world[1]} key, and {workspace.handle} is a {workspace.kind} workspace: the two never mix.",
            setting=name,
        )
    if workspace.kind == "live" and text.startswith(("http://", "https://")):
        if text.startswith("http://"):
            raise WrongCredential(f"{name} must begin with https:// for a live workspace.", setting=name)
        if is_loopback(text):
            raise WrongCredential(
                f"{name} is an address on this machine; only a test workspace may use a provider there.", setting=name
            )


def is_loopback(url: str) -> bool:
    """Whether the host that a URL names is this machine, in any spelling (`127.1`, `[::1]`, `localhost.`)."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host in ("", "localhost") or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            address = ipaddress.ip_address(socket.inet_aton(host))
        except OSError:
            return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified
