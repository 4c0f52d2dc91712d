"""The live channel: tells browsers which things changed (topic, id, version), never what they hold.

The dispatcher sends one NOTIFY per batch of facts; each web process listens once per watched workspace and
passes it on to its sockets. The browser then fetches what it may see.
"""

import asyncio
import contextlib

import psycopg
import structlog
from fastapi import WebSocket, WebSocketDisconnect

from grace.kit.callers import SESSION_COOKIE
from grace.kit.edge import Edge
from grace.kit.errors import Problem
from grace.kit.logs import described
from grace.kit.reactions import LIVE_CHANNEL
from grace.kit.tx import transaction

log = structlog.get_logger()

QUEUE_LENGTH = 1000
RECONNECT_S = 0.5
POLICY_VIOLATION = 1008
TRY_AGAIN = 1013


class Live:
    """The listeners of one web process."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._sockets: dict[str, set[asyncio.Queue[str | None]]] = {}
        self._listeners: dict[str, asyncio.Task[None]] = {}

    async def serve(self, socket: WebSocket) -> None:
        """Serve one browser: `[[topic, id, version], …]` a message, until either side ends."""
        handle = await self._admitted(socket)
        if handle is None:
            await socket.close(POLICY_VIOLATION)
            return
        await socket.accept()
        queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE_LENGTH)
        self._sockets.setdefault(handle, set()).add(queue)
        if handle not in self._listeners:
            self._listeners[handle] = asyncio.create_task(self._listen(handle))
        gone = asyncio.create_task(_until_gone(socket))
        try:
            while not gone.done():
                taken = asyncio.create_task(queue.get())
                await asyncio.wait({taken, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not taken.done():
                    taken.cancel()
                    break
                message = taken.result()
                if message is None:
                    await socket.close(TRY_AGAIN)
                    break
                await socket.send_text(message)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            gone.cancel()
            self._leave(handle, queue)

    async def close(self) -> None:
        """End every listener and socket."""
        for queues in self._sockets.values():
            for queue in queues:
                _put(queue, None)
        for task in self._listeners.values():
            task.cancel()

    async def _admitted(self, socket: WebSocket) -> str | None:
        """The workspace of a signed-in browser of our own pages."""
        own = {self._edge.settings.url.rstrip("/"), f"http://{socket.url.netloc}", f"https://{socket.url.netloc}"}
        if socket.headers.get("origin") not in own:
            return None
        session = socket.cookies.get(SESSION_COOKIE, "")
        handle = session.partition(".")[0]
        if not handle or not await self._edge.workspaces.exists(handle):
            return None
        try:
            async with transaction(self._edge.workspaces, handle) as tx:
                await self._edge.authenticate(tx, bearer=None, session=session)
        except Problem:
            return None
        return handle

    def _leave(self, handle: str, queue: asyncio.Queue[str | None]) -> None:
        queues = self._sockets[handle]
        queues.discard(queue)
        if not queues:
            del self._sockets[handle]
            task = self._listeners.pop(handle, None)
            if task is not None:
                task.cancel()

    async def _listen(self, handle: str) -> None:
        """Pass notifications on; a lost connection ends the sockets, which come back and refresh once."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._edge.workspaces.dsn(handle), autocommit=True, application_name=LIVE_CHANNEL
                ) as connection:
                    await connection.execute(f"listen {LIVE_CHANNEL}")
                    async for notification in connection.notifies():
                        for queue in self._sockets.get(handle, ()):
                            _put(queue, notification.payload)
            except psycopg.Error as error:
                log.warning("live channel lost", workspace=handle, error=described(error))
                for queue in self._sockets.get(handle, ()):
                    _put(queue, None)
                await asyncio.sleep(RECONNECT_S)


def _put(queue: asyncio.Queue[str | None], message: str | None) -> None:
    """A browser that does not read is disconnected; it refreshes when it comes back."""
    if queue.full():
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                queue.get_nowait()
        message = None
    queue.put_nowait(message)


async def _until_gone(socket: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()
