"""What the HTTP figures are held against: FastAPI, bare psycopg, one validated insert; and a caller without a network.

Both applications are called as ASGI in this process, by eight callers, so that no client library and no
loopback is measured.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field

CALLERS = 8
TABLE = (
    "create table bare_event (id text primary key, kind text not null, created bigint not null, data jsonb not null)"
)
Sent = tuple[str, bytes, dict[str, str]]
"""Path, body and headers of a POST."""


class _Event(BaseModel):
    id: str = Field(min_length=1, max_length=255)
    type: str = Field(min_length=1, max_length=255)
    created: int
    data: dict[str, Any]


def bare_app(pool: AsyncConnectionPool) -> FastAPI:
    """One door that inserts what it was sent."""
    app = FastAPI()

    @app.post("/events")
    async def insert(event: _Event) -> dict[str, bool]:
        async with pool.connection() as connection:
            await connection.execute(
                "insert into bare_event values (%s, %s, %s, %s)",
                [event.id, event.type, event.created, Jsonb(event.data)],
            )
        return {"received": True}

    return app


@asynccontextmanager
async def bare_pool(dsn: str) -> Any:
    """A pool as the product's: the same size, the same server."""
    async with AsyncConnectionPool(dsn, min_size=CALLERS, max_size=16, open=False) as pool:
        async with pool.connection() as connection:
            await connection.execute(TABLE)
        yield pool


async def rate(app: Callable[..., Awaitable[None]], sent: Iterable[Sent], *, seconds: float) -> float:
    """Requests a second that were answered 200, from eight callers, until the time or the requests are over."""
    waiting = iter(sent)
    end = time.perf_counter() + seconds
    begun = time.perf_counter()

    async def caller() -> int:
        count = 0
        for path, body, headers in waiting:
            status = await post(app, path, body, headers)
            if status != 200:
                raise AssertionError(f"{path} answered {status}")
            count += 1
            if time.perf_counter() > end:
                break
        return count

    done = sum(await asyncio.gather(*(caller() for _ in range(CALLERS))))
    return done / (time.perf_counter() - begun)


async def post(app: Callable[..., Awaitable[None]], path: str, body: bytes, headers: dict[str, str]) -> int:
    """One POST by ASGI; the status of its answer."""
    status = 0
    parts = itertools.chain([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(parts, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    all_headers = {"host": "bench", "content-type": "application/json", "content-length": str(len(body)), **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in all_headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "root_path": "",
    }
    await app(scope, receive, send)
    return status
