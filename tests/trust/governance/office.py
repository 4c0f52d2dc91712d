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
        kind = "agent" if owner else "user"
        p = Principal(kind, new_id("usr"), name, frozenset(roles), owner=owner and owner.id)
        async with self.tx() as tx:
            await tx.execute(
                "insert into tmp_member"
                " values (%(id)s, %(kind)s, %(name)s, %(roles)s, %(parliament)s, true, %(owner)s)",
                id=p.id,
                kind=kind,
                name=name,
                roles=list(roles),
                parliament=parliament,
                owner=p.owner,
            )
        return p

    async def shut_out(self, member: Principal) -> None:
        """The member may no longer act here."""
        async with self.tx() as tx:
            await tx.execute("update tmp_member set active = false where id = %(id)s", id=member.id)

    async def set_roles(self, member: Principal, *roles: str) -> None:
        """The member has these roles from now on."""
        async with self.tx() as tx:
            await tx.execute(
                "update tmp_member set roles = %(roles)s where id = %(id)s", id=member.id, roles=list(roles)
            )

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
