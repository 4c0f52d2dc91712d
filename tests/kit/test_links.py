"""Client links: shown again as they were, revoked by a new version, over when their time is over."""

from datetime import timedelta
from hashlib import sha256

import pytest

from grace.kit import links
from grace.kit.errors import Gone, NotFound
from grace.kit.keys import Keys
from tests.fixtures.workspace import WorkspaceUnderTest

KIND, SUBJECT = "pay", "in_1"


async def made(workspace: WorkspaceUnderTest, **how: timedelta) -> str:
    """A link's token."""
    async with workspace.tx() as tx:
        return await links.make(tx, kind=KIND, subject=SUBJECT, **how)


async def expire(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await tx.execute("update link set expires_at = clock_timestamp() - interval '1 s'")


async def test_asked_again_it_is_the_same_and_only_its_hash_is_stored(workspace: WorkspaceUnderTest) -> None:
    token = await made(workspace)
    assert await made(workspace) == token
    handle, _, secret = token.partition(".")
    assert handle == workspace.handle
    assert len(secret) == 43  # 256 bits in base64
    async with workspace.tx() as tx:
        row = await tx.one(dict, "select * from link")
    assert row["token_hash"] == sha256(token.encode()).digest()
    assert secret not in str(row)


async def test_it_opens_what_it_was_made_for_and_nothing_else(workspace: WorkspaceUnderTest) -> None:
    token = await made(workspace)
    async with workspace.tx() as tx:
        assert (await links.find(tx, token, kind=KIND)).subject == SUBJECT
        for other, kind in [(token, "survey"), (f"{token}x", KIND), (token[:-1], KIND), ("", KIND)]:
            with pytest.raises(NotFound):
                await links.find(tx, other, kind=kind)


async def test_it_ends_by_real_time_whatever_the_workspace_s_clock_says(workspace: WorkspaceUnderTest) -> None:
    token = await made(workspace, lifetime=timedelta(days=1))
    async with workspace.tx() as tx:
        await tx.execute("update workspace set clock_offset = interval '30 days'")
    async with workspace.tx() as tx:
        assert (await links.find(tx, token, kind=KIND)).subject == SUBJECT
    await expire(workspace)
    async with workspace.tx() as tx:
        with pytest.raises(Gone):
            await links.find(tx, token, kind=KIND)
        assert await links.tokens(tx, kind=KIND, subjects=[SUBJECT]) == {}


async def test_a_new_version_ends_the_old_token(workspace: WorkspaceUnderTest) -> None:
    token = await made(workspace)
    async with workspace.tx() as tx:
        await links.revoke(tx, kind=KIND, subject=SUBJECT)
    async with workspace.tx() as tx:
        with pytest.raises(Gone):
            await links.find(tx, token, kind=KIND)
    newer = await made(workspace)
    assert newer != token
    async with workspace.tx() as tx:
        with pytest.raises(NotFound):
            await links.find(tx, token, kind=KIND)
        found = await links.find(tx, newer, kind=KIND)
        assert await links.tokens(tx, kind=KIND, subjects=[SUBJECT, "in_2"]) == {SUBJECT: newer}
    assert found.version == 2


async def test_without_the_master_key_no_token_can_be_made(workspace: WorkspaceUnderTest) -> None:
    token = await made(workspace)
    async with workspace.tx() as tx:
        tx.keys = Keys(bytes(32), workspace.handle)
        assert await links.make(tx, kind=KIND, subject=SUBJECT) != token
