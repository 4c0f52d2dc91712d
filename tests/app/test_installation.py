"""Workspaces are made whole or not at all, and keep their kind."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from pydantic import SecretStr

from grace.app import wiring
from grace.app.bootstrap import bootstrap
from grace.app.installation import create_workspace, migrate_all, offset_of
from grace.kit import credentials
from grace.kit.credentials import WrongCredential
from grace.kit.keys import OtherKey
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from tests.fixtures.workspace import WorkspaceUnderTest


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


async def test_a_test_workspace_can_begin_in_the_past(
    workspaces: Workspaces, migrated: str, settings: Settings
) -> None:
    await workspaces.drop("pastone")
    offset = offset_of("2025-03-01T08:00:00")
    await create_workspace(
        workspaces, "pastone", kind="test", clock_offset=offset, prepare=wiring.PREPARE, template=migrated
    )
    await bootstrap(workspaces, settings, handle="pastone", email="owner@example.com")
    async with transaction(workspaces, "pastone") as tx:
        assert timedelta(0) <= tx.now - datetime(2025, 3, 1, 8, tzinfo=UTC) < timedelta(minutes=1)
        assert tx.real_now - tx.now > timedelta(days=300)
    await workspaces.drop("pastone")


def test_the_time_at_which_a_workspace_begins() -> None:
    assert offset_of(None) == timedelta(0)
    for said in ("2025-03-01", "2025-03-01T00:00:00Z", "2025-03-01T01:00:00+01:00"):
        assert abs(datetime.now(UTC) + offset_of(said) - datetime(2025, 3, 1, tzinfo=UTC)) < timedelta(minutes=1)
    with pytest.raises(ValueError, match="Invalid isoformat"):
        offset_of("last spring")


async def test_live_time_is_real(workspaces: Workspaces, migrated: str) -> None:
    await workspaces.drop("livepast")
    with pytest.raises(psycopg.errors.CheckViolation, match="live_time_is_real"):
        await create_workspace(
            workspaces, "livepast", kind="live", clock_offset=offset_of("2025-03-01"), template=migrated
        )
    await workspaces.drop("livepast")


async def test_a_workspace_made_again_is_another_one(workspaces: Workspaces, migrated: str) -> None:
    known = []
    for _ in range(2):
        await workspaces.drop("twice")
        await create_workspace(workspaces, "twice", kind="test", template=migrated)
        known.append((await workspaces.identities())["twice"])
    assert known[0] != known[1]
    await workspaces.drop("twice")


async def test_a_start_with_another_master_key_is_refused_in_words(workspace: WorkspaceUnderTest) -> None:
    await create_workspace(workspace.workspaces, workspace.handle, kind="test", prepare=wiring.PREPARE)
    stranger = Workspaces(workspace.workspaces.dsn(), master_key=bytes(32))
    with pytest.raises(OtherKey, match="Put the right key in place"):
        await create_workspace(stranger, workspace.handle, kind="test", prepare=wiring.PREPARE)
    await stranger.close()


async def test_migrating_renews_a_policy_that_is_as_it_was_shipped(workspace: WorkspaceUnderTest) -> None:
    renewed = await migrate_all(workspace.workspaces, wiring.RENEW)
    assert renewed[workspace.handle] == []
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("set session_replication_role = replica")
        await owner.execute("update policy_set set text = '// older'")
    renewed = await migrate_all(workspace.workspaces, wiring.RENEW)
    assert renewed[workspace.handle] == ["policy version 2, as shipped"]
    async with workspace.tx() as tx:
        entry = "select subject_id from audit_entry where action = 'activate_policy' order by id desc limit 1"
        assert await tx.value(entry) == "2"
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("set session_replication_role = replica")
        await owner.execute("update policy_set set source = 'workspace', text = '// own' where version = 2")
    renewed = await migrate_all(workspace.workspaces, wiring.RENEW)
    assert "keeps its own policy, which lacks newer shipped rules: activate-pol" in renewed[workspace.handle][0]
