"""A workspace with the sample's tables, and its policy in force as version 2 (1 is the shipped one)."""

from collections.abc import AsyncIterator

import pytest

from grace.app import wiring
from grace.app.installation import create_workspace
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.trust.governance import sample
from tests.trust.governance.office import Office


@pytest.fixture
async def office(workspace: WorkspaceUnderTest) -> Office:
    """A workspace without members."""
    return await _open(workspace)


@pytest.fixture
async def other_office(workspace: WorkspaceUnderTest, migrated: str) -> AsyncIterator[Office]:
    """Another one, in another database."""
    handle = workspace.handle + "other"
    await create_workspace(workspace.workspaces, handle, kind="test", prepare=wiring.PREPARE, template=migrated)
    yield await _open(WorkspaceUnderTest(handle, workspace.workspaces, workspace.settings))
    await workspace.workspaces.drop(handle)


async def _open(workspace: WorkspaceUnderTest) -> Office:
    async with workspace.workspaces.owner(workspace.handle) as connection:
        await connection.execute(sample.TABLES)
    async with workspace.tx() as tx:
        await sample.activate(tx)
    return Office(workspace)
