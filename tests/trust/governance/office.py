"""People of a workspace and transactions in their names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from grace.kit.ids import new_id
from grace.kit.tx import SYSTEM, Principal, Tx, transaction
from grace.kit.workspace import Workspaces


class Office:
    def __init__(self, workspaces: Workspaces, handle: str) -> None:
        self.workspaces = workspaces
        self.handle = handle

    @asynccontextmanager
    async def tx(
        self, principal: Principal = SYSTEM, *, later: timedelta = timedelta(0)
    ) -> AsyncIterator[Tx]:
        async with transaction(self.workspaces, self.handle, principal=principal) as tx:
            tx.now += later
            yield tx

    async def member(
        self, name: str, *roles: str, parliament: bool = False, owner: Principal | None = None
    ) -> Principal:
        kind = "agent" if owner else "user"
        p = Principal(kind, new_id("usr"), name, frozenset(roles), owner=owner and owner.id)
        async with self.tx() as tx:
            await tx.execute(
                "insert into tmp_member values (%(id)s, %(kind)s, %(name)s, %(roles)s, %(parliament)s, true, %(owner)s)",
                id=p.id,
                kind=kind,
                name=name,
                roles=list(roles),
                parliament=parliament,
                owner=p.owner,
            )
        return p

    async def shut_out(self, member: Principal) -> None:
        async with self.tx() as tx:
            await tx.execute("update tmp_member set active = false where id = %(id)s", id=member.id)

    async def all(self, query: str, **params: Any) -> list[dict[str, Any]]:
        async with self.tx() as tx:
            return await tx.all(dict, query, **params)

    async def set_roles(self, member: Principal, *roles: str) -> None:
        async with self.tx() as tx:
            await tx.execute(
                "update tmp_member set roles = %(roles)s where id = %(id)s", id=member.id, roles=list(roles)
            )
