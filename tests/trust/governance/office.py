"""People of a workspace, transactions and requests in their names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx

from grace.app.web import create_app
from grace.kit.ids import new_id
from grace.kit.tx import SYSTEM, Principal, Tx
from grace.trust.identity import queries
from grace.trust.identity.rules import Role
from grace.trust.identity.service import people
from tests.fixtures.workspace import WorkspaceUnderTest


class Office:
    """A workspace with members."""

    def __init__(self, workspace: WorkspaceUnderTest) -> None:
        self.workspace = workspace
        self.workspaces = workspace.workspaces
        self.handle = workspace.handle

    async def member(
        self, name: str, *roles: str, parliament: bool = False, owner: Principal | None = None
    ) -> Principal:
        """A user, or the agent of `owner`."""
        async with self.tx(owner or SYSTEM) as tx:
            if owner is None:
                email = f"{new_id('mail')}@example.com"
                made = await people.create_user(
                    tx, email=email, name=name, roles=given(roles) or [Role.MEMBER], parliament=parliament
                )
            else:
                made = await people.create_agent(tx, name=name, roles=given(roles))
        async with self.tx() as tx:
            if parliament and not made.parliament:
                await people.set_parliament(tx, principal_id=made.id, member=True)
            found = await queries.principal(tx, made.id)
        assert found is not None
        return found

    async def shut_out(self, member: Principal) -> None:
        """The member may no longer act here."""
        async with self.tx() as tx:
            await people.disable(tx, principal_id=member.id)

    async def set_roles(self, member: Principal, *roles: str) -> None:
        """The member has these roles from now on."""
        async with self.tx() as tx:
            await people.set_roles(tx, principal_id=member.id, roles=given(roles))

    @asynccontextmanager
    async def tx(self, principal: Principal = SYSTEM, *, later: timedelta = timedelta(0)) -> AsyncIterator[Tx]:
        """A transaction of the principal, in business time `later` than now."""
        async with self.workspace.tx(principal) as tx:
            tx.now += later
            yield tx

    @asynccontextmanager
    async def client(self, principal: Principal) -> AsyncIterator[httpx.AsyncClient]:
        """The application, with every request sent by this principal."""

        async def authenticate(tx: Tx, *, bearer: str | None, session: str | None) -> Principal:
            return replace(principal, permissions=frozenset({"*"}))

        app = create_app(self.workspaces, self.workspace.settings)
        app.state.edge = replace(app.state.edge, authenticate=authenticate)
        headers = {"Authorization": f"Bearer grc_{self.handle}_x"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8005", headers=headers) as client:
            yield client

    async def all(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Rows as they are stored."""
        async with self.tx() as tx:
            return await tx.all(dict, query, **params)


def given(roles: tuple[str, ...]) -> list[Role]:
    """Roles by their names."""
    return [Role(role) for role in roles]
