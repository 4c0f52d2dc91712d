"""A fresh workspace with an audit log, and what tests do to it."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from grace.app.installation import create_workspace
from grace.kit.keys import Keys
from grace.kit.tx import Principal, Tx, transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit import jobs, service, verifier
from grace.trust.audit.models import Report
from grace.trust.audit.rules.notes import Signer

_numbers = itertools.count(1)
OWNER = Principal("user", "user_1", "Olga", frozenset({"owner"}))


@dataclass
class Log:
    """One workspace's log. Entries are recorded as the application does, sealed and verified as the owner."""

    workspaces: Workspaces
    handle: str
    signer: Signer

    def tx(self, principal: Principal = OWNER) -> AbstractAsyncContextManager[Tx]:
        return transaction(self.workspaces, self.handle, principal=principal)

    def owner(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self.workspaces.owner(self.handle)

    async def record(self, count: int, *, subject: str = "in") -> None:
        """`count` entries, in transactions of one to three."""
        done = 0
        while done < count:
            async with self.tx() as tx:
                for _ in range(min(1 + done % 3, count - done)):
                    service.record(
                        tx,
                        action="issue_invoice",
                        subject=("invoice", f"{subject}_{done}"),
                        reason="asked by the client",
                        before={"status": "draft"},
                        after={"status": "issued", "total": done},
                    )
                    done += 1

    async def seal(self) -> int:
        async with self.owner() as connection:
            return await jobs.drain(connection, signer=self.signer)

    async def verify(self, *, against: bytes | None = None, keys: Keys | None = None) -> Report:
        async with self.owner() as connection:
            return await verifier.verify(connection, against=against, keys=keys)

    async def value(self, query: str) -> object:
        async with self.owner() as connection:
            row = await (await connection.execute(query.encode())).fetchone()
            return row[0] if row else None

    async def tamper(self, *statements: str) -> int:
        """What whoever holds the database can do: change rows with the triggers off. Rows touched by the last."""
        tables = ("entry", "payload", "leaf", "node", "checkpoint", "signer")
        async with self.owner() as connection, connection.transaction():
            for table in tables:
                await connection.execute(f"alter table audit_{table} disable trigger user".encode())
            touched = 0
            for statement in statements:
                touched = (await connection.execute(statement.encode())).rowcount
            for table in tables:
                await connection.execute(f"alter table audit_{table} enable trigger user".encode())
        return touched


@pytest.fixture
async def log(workspaces: Workspaces, migrated: str) -> AsyncIterator[Log]:
    """An empty log in a workspace of its own, whose business time is three days ahead."""
    handle = f"log{next(_numbers)}"
    await workspaces.drop(handle)
    await create_workspace(workspaces, handle, kind="test", clock_offset=timedelta(days=3), template=migrated)
    async with transaction(workspaces, handle) as tx:
        signer = await service.load_or_create_signer(tx)
    yield Log(workspaces, handle, signer)
    await workspaces.drop(handle)
