"""The first minutes of a workspace: it is made, its owner can sign in and has a key, its provider reports back."""

from typing import Any

from grace.app import installation, wiring
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.kit.workspace import Kind, Workspaces
from grace.trust.identity.service.bootstrap import bootstrap as make_owner


async def bootstrap(
    workspaces: Workspaces,
    settings: Settings,
    *,
    handle: str,
    email: str,
    new_key: bool = False,
    kind: Kind | None = None,
    name: str | None = None,
    currency: str = "USD",
) -> dict[str, Any]:
    """Make what is missing; a workspace that is there keeps its kind.

    `api_key` is None when the owner was there and no new key was asked for.
    """
    await installation.create_workspace(
        workspaces, handle, kind=kind, name=name, currency=currency, prepare=wiring.PREPARE
    )
    async with transaction(workspaces, handle) as tx:
        made = await make_owner(tx, email=email, new_key=new_key)
    return {
        "workspace": handle,
        "api_key": made.api_key,
        "sign_in_url": f"{settings.url.rstrip('/')}/sign-in/{made.sign_in_token}",
    }
