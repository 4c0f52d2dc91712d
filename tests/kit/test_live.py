"""The live channel: browsers of our own pages are told what changed, by topic, id and version, and no more."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from grace.app import wiring
from grace.app.installation import create_workspace
from grace.kit import reactions, testclock
from grace.kit.edge import SESSION_COOKIE
from grace.kit.tx import transaction
from grace.trust.identity import queries as identity
from grace.trust.identity.service import sessions
from grace.trust.identity.service.bootstrap import bootstrap
from grace.trust.ledger.facts import HoldExpired
from tests.fixtures.cards import Till

WAIT_S = 60


async def session_in(till: Till, handle: str, email: str) -> str:
    """The cookie of a browser in which the workspace's owner is signed in."""
    async with transaction(till.workspace.workspaces, handle) as tx:
        made = await bootstrap(tx, email=email, name="An Owner")
        principal = await identity.principal(tx, made.user.id)
        assert principal is not None
        return (await sessions.open_session(tx, principal=principal, by="password")).token


@asynccontextmanager
async def browser(till: Till, session: str, *, origin: str | None = None) -> AsyncIterator[ClientConnection]:
    """A page that listens."""
    url = str(till.api.base_url).rstrip("/")
    async with websockets.connect(
        f"{url.replace('http', 'ws', 1)}/ws",
        origin=origin or url,  # type: ignore[arg-type]
        additional_headers={"Cookie": f"{SESSION_COOKIE}={session}"},
        proxy=None,
    ) as socket:
        yield socket


async def heard(socket: ClientConnection, topic: str) -> list[Any]:
    """Read until something of a topic is told."""
    async with asyncio.timeout(WAIT_S):
        while True:
            for told in json.loads(await socket.recv()):
                if told[0] == topic:
                    return list(told)


@pytest.fixture
async def session(till: Till) -> str:
    """The owner's browser."""
    return await session_in(till, till.workspace.handle, "owner@example.com")


async def listening(till: Till, socket: ClientConnection) -> None:
    """Return when the socket is told things: what happened before it listened, nobody tells it."""
    async with asyncio.timeout(WAIT_S):
        while True:
            await till.post("/api/business/leads", {"source": "website", "name": "First", "email": "first@one.example"})
            await till.workspace.drain()
            try:
                async with asyncio.timeout(0.5):
                    await heard(socket, "lead")
                    return
            except TimeoutError:
                continue


async def test_a_browser_is_told_what_changed_and_nothing_of_what_it_holds(till: Till, session: str) -> None:
    async with browser(till, session) as socket:
        await listening(till, socket)
        made = await till.post(
            "/api/business/leads", {"source": "website", "name": "Zeno", "email": "zeno@secret.example"}
        )
        await till.workspace.drain()
        while True:
            told = await heard(socket, "lead")
            assert len(told) == 3
            assert isinstance(told[2], int | None)
            if told[1] == made["lead_id"]:
                break


async def test_the_worker_can_tell_whether_a_browser_shows_the_workspace(till: Till, session: str) -> None:
    async def until(shown: bool) -> None:
        async with asyncio.timeout(WAIT_S):
            while True:
                if await reactions.watched(till.workspace.workspaces, till.workspace.handle) is shown:
                    return
                await asyncio.sleep(0.05)

    await until(False)
    async with browser(till, session):
        await until(True)
    await until(False)


async def test_other_sites_and_strangers_hear_nothing(till: Till, session: str) -> None:
    handle = till.workspace.handle
    for cookie, origin in [
        (session, "https://evil.example"), (session, "null"), ("", None), ("x", None), (f"{handle}.x", None),
        (f"nobody.{session.partition('.')[2]}", None), (f"postgres.{session.partition('.')[2]}", None),
    ]:  # fmt: skip
        with pytest.raises(InvalidStatus) as refused:
            async with browser(till, cookie, origin=origin):
                pass
        assert refused.value.response.status_code == 403


async def test_another_workspace_s_news_never_arrive(till: Till, session: str) -> None:
    workspaces = till.workspace.workspaces
    other = f"{till.workspace.handle}other"
    await create_workspace(workspaces, other, kind="test", prepare=wiring.PREPARE)
    try:
        foreign = await session_in(till, other, "foreign@example.com")
        async with browser(till, session) as socket, browser(till, foreign) as stranger:
            await listening(till, socket)
            topics: set[str] = set()
            async with asyncio.timeout(WAIT_S):
                while "ledger_hold" not in topics:
                    async with transaction(workspaces, other) as tx:
                        tx.emit(HoldExpired("theirs"))
                    await testclock.settle(workspaces, other)
                    topics |= {told[0] for message in await waiting(stranger) for told in message}
            assert "lead" not in topics
            assert "ledger_hold" not in {told[0] for message in await waiting(socket) for told in message}
    finally:
        await workspaces.drop(other)


async def waiting(socket: ClientConnection) -> list[Any]:
    """What has arrived and was not read."""
    messages = []
    while True:
        try:
            async with asyncio.timeout(0.3):
                messages.append(json.loads(await socket.recv()))
        except TimeoutError:
            return messages


async def test_when_the_database_hangs_up_the_browser_is_told_to_come_back(till: Till, session: str) -> None:
    async with browser(till, session) as socket:
        await listening(till, socket)
        async with till.workspace.workspaces.server() as server:
            await server.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and query like 'listen %%'",
                [f"grace_{till.workspace.handle}"],
            )
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(WAIT_S):
                while True:
                    await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
    async with browser(till, session) as again:
        await listening(till, again)
