"""People of a workspace, each with a key and a browser."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from grace.kit.tx import Principal
from grace.trust.identity import queries
from grace.trust.identity.rules import Role
from grace.trust.identity.service import keys, people, sessions
from tests.fixtures.api import ADDRESS
from tests.fixtures.workspace import WorkspaceUnderTest


@dataclass(frozen=True)
class Person:
    """A user or an agent with a key, and the application as that key sees it."""

    id: str
    email: str
    key: str
    api: httpx.AsyncClient


class People:
    """Makes people and browsers."""

    def __init__(self, workspace: WorkspaceUnderTest, application: FastAPI, stack: AsyncExitStack) -> None:
        self.workspace = workspace
        self._application = application
        self._stack = stack
        self._number = 0

    async def user(self, *roles: Role, parliament: bool = False) -> Person:
        """A user with these roles, made by the system."""
        self._number += 1
        email = f"user{self._number}@example.com"
        async with self.workspace.tx() as tx:
            row = await people.create_user(tx, email=email, name="A user", roles=roles, parliament=parliament)
            _, key = await keys.create_key(tx, principal_id=row.id, name="test")
        return Person(row.id, email, key, await self.browser(key=key))

    async def agent(self, owner: Person, *roles: Role) -> Person:
        """An agent of a user."""
        async with self.workspace.tx(await self.principal(owner)) as tx:
            row = await people.create_agent(tx, name="An agent", roles=roles or (Role.AGENT,))
            _, key = await keys.create_key(tx, principal_id=row.id, name="test")
        return Person(row.id, "", key, await self.browser(key=key))

    async def principal(self, person: Person) -> Principal:
        """Who that person is now."""
        async with self.workspace.tx() as tx:
            found = await queries.principal(tx, person.id)
        assert found is not None
        return found

    async def browser(self, *, key: str | None = None, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """The application from outside, at an address of its own."""
        transport = httpx.ASGITransport(self._application, raise_app_exceptions=False, client=(address, 1))
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return await self._stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers)
        )

    async def signed_in(self, person: Person) -> httpx.AsyncClient:
        """A browser in which the person has just used a sign-in link."""
        async with self.workspace.tx() as tx:
            token = await sessions.make_sign_in_link(tx, principal_id=person.id)
        browser = await self.browser()
        assert (await browser.post(f"/sign-in/{token}")).status_code == 303
        return browser

    async def with_password(self, person: Person, password: str) -> httpx.AsyncClient:
        """The browser in which the person has set a password."""
        browser = await self.signed_in(person)
        answer = await browser.post("/api/v1/me/password", json={"password": password})
        assert answer.status_code == 200, answer.text
        return browser


@pytest.fixture
async def office(workspace: WorkspaceUnderTest, application: FastAPI) -> AsyncIterator[People]:
    """The people of a workspace."""
    async with AsyncExitStack() as stack:
        yield People(workspace, application, stack)
