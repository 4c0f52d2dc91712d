"""One paid order through request, provider call, fact, reaction, job and books, while kill -9 strikes.

The provider is a small HTTP process that can lose its answer after the effect. A process of Grace's kit is
killed at each named step; another takes over. At the end the provider was charged once, the books hold one
payment, one receipt job ran to its end, however the first process died.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from tests.fixtures.workspace import WorkspaceUnderTest

PROCESS = Path(__file__).with_name("spike_process.py")
STEPS = [
    "nowhere",
    "after-begin",
    "after-intent-commit",
    "after-call",
    "after-record",
    "after-answer-commit",
    "in-reaction",
    "before-job",
    "in-job",
    "after-job",
]
LOST = [("nowhere", True), ("after-intent-commit", True)]


class Provider(ThreadingHTTPServer):
    """Charges once per idempotency key; loses the first answer when told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.charges: dict[str, int] = {}
        self.lose_answers = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        key = self.headers["Idempotency-Key"]
        amount = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["amount_minor"]
        with self.server.lock:
            self.server.charges.setdefault(key, amount)
            lose = self.server.lose_answers > 0
            self.server.lose_answers -= lose
        if lose:
            self.connection.close()
            return
        body = json.dumps({"charge": f"ch_{key}"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def run(workspace: WorkspaceUnderTest, provider: Provider, die_at: str) -> int:
    """One process: sends the request, then works until nothing is left; its exit code."""
    environment = os.environ | {
        "SPIKE_DSN": workspace.workspaces.dsn(),
        "SPIKE_HANDLE": workspace.handle,
        "SPIKE_PROVIDER": provider.url,
        "SPIKE_DIE_AT": die_at,
        "PYTHONPATH": str(PROCESS.parents[2]),
    }
    done = subprocess.run([sys.executable, str(PROCESS)], env=environment, timeout=60, capture_output=True, check=False)
    if done.returncode > 0:
        print(done.stderr.decode())
    return done.returncode


@pytest.mark.parametrize(("step", "lost_answer"), [*((step, False) for step in STEPS), *LOST])
async def test_killed_anywhere_it_is_paid_once(
    workspace: WorkspaceUnderTest, provider: Provider, step: str, lost_answer: bool
) -> None:
    async with workspace.workspaces.owner(workspace.handle) as connection:
        await connection.execute(SCHEMA)
    provider.lose_answers = int(lost_answer)
    died = run(workspace, provider, step)
    assert died == (0 if step == "nowhere" else -signal.SIGKILL)
    for _ in range(2 if step == "nowhere" else 1):
        assert run(workspace, provider, "nowhere") == 0
    assert list(provider.charges.values()) == [150_00]
    async with workspace.workspaces.owner(workspace.handle) as connection:
        assert await rows(connection, "select state from spike_order") == [("paid",)]
        assert await rows(connection, "select sum(amount_minor), count(*) from spike_entry") == [(0, 2)]
        assert await rows(connection, "select order_id from spike_receipt") == [("order-1",)]
        assert await rows(connection, "select state from idempotency") == [("answered",)]
        assert await rows(connection, "select count(*) from procrastinate_jobs") == [(0,)]
        assert await rows(connection, "select state from reaction") == [("done",)]


async def rows(connection: psycopg.AsyncConnection, query: str) -> list[tuple[object, ...]]:
    """All rows of a query."""
    return await (await connection.execute(query.encode())).fetchall()


SCHEMA = b"""
create table spike_order (id text primary key, state text not null, charge text);
create table spike_entry (order_id text not null, account text not null, amount_minor bigint not null,
                          unique (order_id, account));
create table spike_receipt (order_id text primary key);
grant select, insert, update on spike_order, spike_entry, spike_receipt to grace_app;
"""
