"""Complete lead capture against FastAPI with bare psycopg and one validated insert, over HTTP, a server process each.

Capture is the whole of it: key, permission, client found or made, lead, interaction, facts, audit, in one transaction.
"""

import asyncio
import itertools
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import psycopg
import uvicorn
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, ConfigDict, Field

from bench.measure import Report, at_least
from grace.app.web import create_app
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from grace.trust.identity.service.bootstrap import bootstrap

CALLERS = 8
ROUND_S = 2.0
READY_S = 60
_numbers = itertools.count(1)


class Plain(BaseModel):
    """The baseline's body: the same fields, checked as far as one model goes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    source: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(min_length=1, max_length=256)]
    email: Annotated[str, Field(min_length=3, max_length=256)]
    company: Annotated[str, Field(max_length=256)]
    budget: Annotated[Decimal, Field(ge=0, max_digits=17, decimal_places=2)]
    requirements: Annotated[str, Field(max_length=20_000)]


async def run(report: Report) -> None:
    """Leads a second that are answered 200."""
    handle = await report.workspace()
    async with transaction(report.workspaces, handle) as tx:
        owner = await bootstrap(tx, email="owner@example.com", name="Owner")
    async with report.workspaces.owner(handle) as connection:
        await connection.execute(
            "create table bare_lead (id bigint generated always as identity primary key, source text not null,"
            " name text not null, email text not null, company text not null, budget numeric(17, 2) not null,"
            " requirements text not null, created_at timestamptz not null default clock_timestamp())"
        )
    server, database = report.workspaces.dsn(), report.workspaces.dsn(handle)
    async with _served("grace", server) as grace, _served("bare", database) as bare:
        await report.compare(
            "leads: complete capture",
            bar=at_least(0.12),
            candidate=lambda: _rate(f"{grace}/api/business/leads", owner.api_key),
            baseline=lambda: _rate(f"{bare}/leads", None),
        )


async def _rate(url: str, key: str | None) -> float:
    """Requests a second over eight kept connections, by a client that takes little time of its own."""
    address = urlsplit(url)
    lines = [f"POST {address.path} HTTP/1.1", f"Host: {address.netloc}", "Content-Type: application/json"]
    head = "\r\n".join([*lines, *([f"Authorization: Bearer {key}"] if key else [])])
    done = 0
    began = time.perf_counter()

    async def call() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while time.perf_counter() - began < ROUND_S:
            body = json.dumps(_lead(next(_numbers))).encode()
            writer.write(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not answer.startswith(b"http/1.1 200"):
                raise RuntimeError(f"{url} answered {answer.splitlines()[0].decode()}")
            length = answer.partition(b"content-length:")[2].split(maxsplit=1)[0]
            await reader.readexactly(int(length))
            done += 1
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    return done / (time.perf_counter() - began)


def _lead(number: int) -> dict[str, str]:
    return {
        "source": "website",
        "name": f"Person {number}",
        "email": f"person{number}@company{number % 500}.example.com",
        "company": f"Company {number % 500} Ltd",
        "budget": "24000.00",
        "requirements": "A customer portal with login, an API to our ERP and a dashboard. Launch by the end of March.",
    }


@asynccontextmanager
async def _served(what: str, dsn: str) -> AsyncIterator[str]:
    """The address of a server in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "bench.leads", what, str(port), dsn]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(READY_S), httpx.AsyncClient(trust_env=False) as client:
            while not await _answers(client, url):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/health")).status_code == 200
    except httpx.TransportError:
        return False


def _grace(dsn: str) -> FastAPI:
    from grace.app import modules
    from grace.kit.logs import configure

    configure("INFO", component="web")
    modules.load()
    settings = Settings(rate_per_minute=10**9)
    return create_app(Workspaces(dsn, master_key=os.urandom(32)), settings)


def _bare(dsn: str) -> FastAPI:
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=10, open=False)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.open()
        yield
        await pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/leads")
    async def capture(body: Plain) -> dict[str, int]:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "insert into bare_lead (source, name, email, company, budget, requirements) values (%(source)s,"
                " %(name)s, %(email)s, %(company)s, %(budget)s, %(requirements)s) returning id",
                body.model_dump(),
            )
            row: tuple[int] | None = await cursor.fetchone()
        if row is None:
            raise psycopg.DataError("no row")
        return {"id": row[0]}

    return app


if __name__ == "__main__":
    made = {"grace": _grace, "bare": _bare}[sys.argv[1]](sys.argv[3])
    uvicorn.run(made, port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="error", access_log=False)
