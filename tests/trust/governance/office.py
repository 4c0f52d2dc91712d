"""People of a workspace and transactions in their names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from grace.kit.ids import new_id
from grace.kit.tx import SYSTEM, Principal, Tx, transaction
from grace.kit.workspace import Workspaces


class Office:
    def __init__(self, workspaces: Workspaces, handle: str) -> None:
        self.workspaces = workspaces
        self.handle = handle

    @asynccontextmanager
    async def tx(self, principal: Principal = SYSTEM, *, later: timedelta = timedelta(0)) -> AsyncIterator[Tx]:
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

    @asynccontextmanager
    async def client(self, principal: Principal) -> AsyncIterator[httpx.AsyncClient]:
        from fastapi import FastAPI, Request
        from fastapi.exceptions import RequestValidationError

        from grace.kit.edge import Edge
        from grace.kit.errors import Invalid, Problem
        from grace.kit.limits import Limits
        from grace.kit.settings import Settings
        from grace.kit.web import problem_response
        from grace.trust.governance.api import doors

        async def authenticate(tx: Tx, *, bearer: str | None, session: str | None) -> Principal:
            from dataclasses import replace

            return replace(principal, permissions=frozenset({"*"}))

        app = FastAPI()
        app.state.edge = Edge(self.workspaces, authenticate, Settings(), Limits())
        app.include_router(doors)

        @app.middleware("http")
        async def rid(request: Request, call_next: Any) -> Any:
            request.state.id = "req"
            return await call_next(request)

        @app.exception_handler(Problem)
        async def problem(request: Request, error: Problem) -> Any:
            return problem_response(error, "req")

        @app.exception_handler(RequestValidationError)
        async def invalid(request: Request, error: RequestValidationError) -> Any:
            return problem_response(Invalid(str(error)), "req")

        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://test",
            headers={"Authorization": f"Bearer grc_{self.handle}_x"},
        ) as c:
            yield c
