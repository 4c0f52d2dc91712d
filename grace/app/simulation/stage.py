"""The processes of a simulation: database, sandbox and office, started, killed and brought back."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import httpx

from grace.app import installation, wiring
from grace.app.actors.reach import free_ports
from grace.app.postgres import server
from grace.kit.settings import settings
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from grace.trust.identity.rules import Role
from grace.trust.identity.service.keys import create_key
from grace.trust.identity.service.people import create_user

HANDLE = "simulated"
PEOPLE = {"founder": Role.OWNER, "approver": Role.ADMIN, "member": Role.MEMBER}
LOOK_EVERY_S = 0.05
START_TIMEOUT_S = 60.0
Victim = Literal["office", "sandbox", "database"]


@dataclass
class Stage:
    """Where everything runs. `deaths` counts the processes that were brought back."""

    folder: Path
    seed: int
    office_port: int
    sandbox_port: int
    environment: dict[str, str]
    log: IO[bytes]
    dsn: str = ""
    deaths: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The office's address."""
        return f"http://127.0.0.1:{self.office_port}"

    @property
    def provider(self) -> str:
        """The sandbox's address."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    def pid_of(self, victim: Victim) -> int:
        """Whom to kill; 0 stands for the office."""
        if victim == "database":
            running = server.status(self.folder)
            return running.pid if running else 0
        return 0 if victim == "office" else self.processes[victim].pid

    def workspaces(self) -> Workspaces:
        """The installation as an operator sees it."""
        return installation.open_workspaces(settings(), dsn=self.dsn)

    def start_database(self) -> None:
        """Start it, or adopt it if it runs."""
        self.dsn = server.start(self.folder, durable=False).dsn

    def start(self, name: str) -> None:
        """Start the office or the sandbox."""
        own = [sys.executable, "-m"]
        argv = {
            "office": [*own, "grace.app.simulation.office", str(self.office_port), HANDLE],
            "sandbox": [
                *own,
                "grace_sandbox",
                "--port",
                str(self.sandbox_port),
                "--seed",
                str(self.seed),
                "--state",
                str(self.folder / "sandbox.sqlite"),
            ],
        }[name]
        self.processes[name] = subprocess.Popen(  # noqa: S603 - our own command
            argv, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )

    async def revive(self) -> None:
        """Bring back what died."""
        if server.status(self.folder) is None:
            self.deaths += 1
            await asyncio.to_thread(self.start_database)
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.deaths += 1
                self.start(name)

    async def watch(self) -> None:
        """Bring back whoever dies, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.revive()

    async def answers(self) -> None:
        """Return when office and sandbox answer."""
        async with asyncio.timeout(START_TIMEOUT_S), httpx.AsyncClient(trust_env=False) as client:
            for url in (f"{self.provider}/health", f"{self.url}/ready"):
                while True:
                    with suppress(httpx.TransportError):
                        if (await client.get(url)).status_code == 200:
                            break
                    await asyncio.sleep(LOOK_EVERY_S)

    async def tell_sandbox(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One of the sandbox's own doors."""
        async with httpx.AsyncClient(base_url=self.provider, trust_env=False, timeout=START_TIMEOUT_S) as client:
            while True:
                try:
                    return (await client.request(method, path, json=body)).json()
                except httpx.TransportError:
                    await asyncio.sleep(LOOK_EVERY_S)

    def close(self, *, keep: bool) -> None:
        """Stop everything; remove its files unless they are to be looked at."""
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.log.close()
        if keep:
            server.stop(self.folder)
            return
        server.discard(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


@asynccontextmanager
async def opened(seed: int) -> AsyncIterator[tuple[Stage, dict[str, str]]]:
    """A stage with its workspace and people; their keys by name. It is kept when what happens on it fails."""
    folder = Path(tempfile.mkdtemp(prefix=f"grace-simulation-{seed}-"))
    office = free_ports()
    stage = Stage(folder, seed, office, office + 1, {}, (folder / "processes.log").open("ab"))
    stage.environment = _environment(stage)
    os.environ.update(stage.environment)  # this process goes by the same settings
    settings.cache_clear()
    keep, watching = True, None
    try:
        await asyncio.to_thread(stage.start_database)
        keys = await _prepare(stage)
        stage.start("sandbox")
        stage.start("office")
        await stage.answers()
        watching = asyncio.create_task(stage.watch())
        yield stage, keys
        keep = False
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        await asyncio.to_thread(stage.close, keep=keep)


def _environment(stage: Stage) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GRACE_")} | {
        "GRACE_DATA_DIR": str(stage.folder),
        "GRACE_URL": stage.url,
        "GRACE_STRIPE_SECRET_KEY": "sk_test_{workspace}",
        "GRACE_STRIPE_PUBLISHABLE_KEY": "pk_test_{workspace}",
        "GRACE_STRIPE_API_BASE": stage.provider,
        "GRACE_STRIPE_JS_ORIGIN": stage.provider,
        "GRACE_TEST_CLOCK_URL": stage.provider,
        "GRACE_PROVIDER_TIMEOUT_S": "5",
        "GRACE_INTENT_STALE_S": "0.5",
        "GRACE_WORKER_HEARTBEAT_S": "0.1",
        "GRACE_WORKER_STALLED_S": "0.5",
        "GRACE_DATABASE_POOL_SIZE": "4",
    }


async def _prepare(stage: Stage) -> dict[str, str]:
    keys = {}
    workspaces = stage.workspaces()
    try:
        await installation.create_workspace(workspaces, HANDLE, kind="test", prepare=wiring.PREPARE)
        async with transaction(workspaces, HANDLE) as tx:
            for name, role in PEOPLE.items():
                user = await create_user(
                    tx, email=f"{name}@studio.example", name=name.capitalize(), roles=[role], parliament=True
                )
                _, keys[name] = await create_key(tx, principal_id=user.id, name="simulation")
    finally:
        await workspaces.close()
    return keys
