"""Workspaces are made whole or not at all, and keep their kind."""

import pytest
from pydantic import SecretStr

from grace.app import wiring
from grace.app.bootstrap import bootstrap
from grace.app.installation import create_workspace
from grace.kit import credentials
from grace.kit.credentials import WrongCredential
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces


async def test_a_live_workspace_gets_its_owner(workspaces: Workspaces, migrated: str, settings: Settings) -> None:
    await workspaces.drop("liveone")
    await create_workspace(workspaces, "liveone", kind="live", prepare=wiring.PREPARE, template=migrated)
    made = await bootstrap(workspaces, settings, handle="liveone", email="owner@example.com")
    assert made["api_key"].startswith("grc_liveone_")
    async with transaction(workspaces, "liveone") as tx:
        assert tx.workspace.kind == "live"
    await workspaces.drop("liveone")


async def test_keys_of_the_other_world_are_refused_before_anything_is_made(
    workspaces: Workspaces, migrated: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = settings.model_copy(update={"stripe_secret_key": SecretStr("sk_test_{workspace}")})
    monkeypatch.setattr(credentials, "settings", lambda: configured)
    with pytest.raises(WrongCredential):
        await create_workspace(workspaces, "livetwo", kind="live", prepare=wiring.PREPARE, template=migrated)
    assert "livetwo" not in await workspaces.handles()
