"""A story to be told by the tests of the flows."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from grace.trust.identity.service.bootstrap import Bootstrapped
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.story import Story, told


@pytest.fixture
async def story(workspace: WorkspaceUnderTest, application: FastAPI, owner: Bootstrapped) -> AsyncIterator[Story]:
    """The owner, an admin and the client of a fresh workspace."""
    assert owner.api_key is not None
    async with told(workspace, application, owner.api_key) as one:
        yield one
