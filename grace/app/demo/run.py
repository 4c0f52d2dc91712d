"""The demo from outside: find or start Grace, make a workspace with its members, run the job, prove the books."""

import asyncio
import os
import secrets
import signal
import socket
import string
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
from psycopg_pool import PoolTimeout
from rich.console import Console

from grace.app import installation, running, supervisor, wiring
from grace.app.checks import check_books, verify_log
from grace.app.demo import proofs
from grace.app.demo.display import Display
from grace.app.demo.proofs import Proofs
from grace.app.demo.story import DEADLINE_S, STEPS, Cast, Job, run_job, settled
from grace.app.supervisor import SupervisorError
from grace.client.api import Grace
from grace.client.errors import GraceError
from grace.kit import json
from grace.kit.settings import Settings
from grace.kit.settings import settings as read_settings
from grace.kit.tx import transaction
from grace.kit.workspace import Workspaces
from grace.trust.identity import queries as identity
from grace.trust.identity.rules import Role
from grace.trust.identity.service.keys import create_key
from grace.trust.identity.service.people import create_user

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0
PAUSE_S = 0.3
_BROKEN = (psycopg.OperationalError, PoolTimeout, installation.NotRunning, OSError)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the demo's workspace."""

    email: str
    name: str
    role: Role


OWNER = Member("olive@example.com", "Olive Owner", Role.OWNER)
ADMIN = Member("vera@example.com", "Vera Voter", Role.ADMIN)
MEMBER = Member("max@example.com", "Max Member", Role.MEMBER)


def run(settings: Settings, *, as_json: bool) -> int:
    """Drive the job and report; the exit code is 0 when all of it happened and every proof holds."""
    display = Display(Console(stderr=as_json), STEPS)
    handle = "demo" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(6))
    started = time.monotonic()
    # So that a Grace of our own is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with _grace(settings, display) as (url, found):
            display.say(f"Workspace [bold]{handle}[/] at {url}\n")
            job, proved = asyncio.run(_drive(found, url, handle, display))
    except (GraceError, SupervisorError) as error:
        display.say(f"\n[red]The demo stopped:[/] {error}")
        document = error.document if isinstance(error, GraceError) else {"detail": str(error)}
        if as_json:
            print(json.dumps({"workspace": handle, "ok": False, "steps": _steps(display), "error": document}))
        return 1
    proofs.show(display, proved)
    if as_json:
        took = round(time.monotonic() - started, 2)
        report = {"workspace": handle, "ok": proved.ok, "seconds": took, "steps": _steps(display)}
        print(json.dumps({**report, **proofs.report(proved), "job": asdict(job)}))
    return 0 if proved.ok else 1


def _steps(display: Display) -> list[dict[str, Any]]:
    return [asdict(step) for step in display.steps]


async def _drive(settings: Settings, url: str, handle: str, display: Display) -> tuple[Job, Proofs]:
    """Make the workspace, run the job in it, and look at what it left."""
    with display.shown():
        keys = await _through(display, "making the workspace", lambda: _set_up(settings, handle))
        async with _cast(url, keys, settings, display) as cast:
            job = await run_job(cast)
            statement, lifetime_value = await settled(cast, job)
        return job, await _through(display, "proving", lambda: _prove(settings, handle, job, statement, lifetime_value))


@asynccontextmanager
async def _cast(url: str, keys: dict[str, str], settings: Settings, display: Display) -> AsyncIterator[Cast]:
    def grace(key: str | None) -> Grace:
        return Grace(url, key, patience_s=DEADLINE_S, on_wait=display.waiting)

    async with AsyncExitStack() as stack:
        owner, admin, member = [
            await stack.enter_async_context(grace(keys[who.email])) for who in (OWNER, ADMIN, MEMBER)
        ]
        client = await stack.enter_async_context(grace(None))
        yield Cast(owner, admin, member, client, settings.stripe_api_base, display)


async def _set_up(settings: Settings, handle: str) -> dict[str, str]:
    """The workspace and its members, all of them in Parliament; a key for each, by e-mail. May run again."""
    async with _opened(settings) as workspaces:
        await installation.create_workspace(
            workspaces, handle, kind="test", name="Grace Demo Studio", prepare=wiring.PREPARE
        )
        keys = {}
        async with transaction(workspaces, handle) as tx:
            for who in (OWNER, ADMIN, MEMBER):
                user = await identity.by_email(tx, who.email)
                if user is None:
                    user = await create_user(tx, email=who.email, name=who.name, roles=[who.role], parliament=True)
                _, keys[who.email] = await create_key(tx, principal_id=user.id, name="demo")
        return keys


async def _prove(settings: Settings, handle: str, job: Job, statement: dict[str, Any], lifetime_value: Any) -> Proofs:
    """The proofs, once the log has sealed what the job wrote."""
    async with _opened(settings) as workspaces:
        deadline = time.monotonic() + DEADLINE_S
        log = await verify_log(workspaces, handle, outside=None)
        while log["unsealed"] and log["ok"] and time.monotonic() < deadline:
            await asyncio.sleep(PAUSE_S)
            log = await verify_log(workspaces, handle, outside=None)
        async with transaction(workspaces, handle) as tx:
            balances = await proofs.balances(tx)
        return Proofs(
            books=await check_books(workspaces, handle),
            log=log,
            balances=balances,
            statement=statement,
            lifetime_value=lifetime_value,
            currency=job.currency,
        )


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Workspaces]:
    workspaces = installation.open_workspaces(settings)
    try:
        yield workspaces
    finally:
        await workspaces.close()


async def _through(display: Display, doing: str, act: Callable[[], Awaitable[T]]) -> T:
    """Do what goes to the database itself, again when the database went away meanwhile."""
    started = time.monotonic()
    while True:
        try:
            return await act()
        except _BROKEN as error:
            waited_s = time.monotonic() - started
            if waited_s > DEADLINE_S:
                raise SupervisorError(f"The database did not answer for {DEADLINE_S:.0f} s: {error}") from error
            display.waiting(f"{doing}: the database does not answer.", waited_s)
            await asyncio.sleep(PAUSE_S)


@contextmanager
def _grace(settings: Settings, display: Display) -> Iterator[tuple[str, Settings]]:
    """The address of a Grace on this data directory, and its settings: the one that runs, or one of our own."""
    if supervisor.holder(settings.data_dir) is None and "url" in settings.model_fields_set and _answers(settings.url):
        yield settings.url, settings
        return
    own = None
    log = settings.data_dir / "logs" / "demo.log"
    if supervisor.holder(settings.data_dir) is None:
        display.say("No Grace runs on this data directory; starting one …")
        own = _start(settings, log)
    try:
        url = _wait_for(settings, own, log)
        if running.adopt(settings.data_dir):
            read_settings.cache_clear()
        yield url, read_settings()
    finally:
        if own is not None:
            own.terminate()
            own.wait(timeout=STOP_TIMEOUT_S)


def _start(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "grace.app", "up", "--port", str(_free_ports())]
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--data", str(settings.data_dir), "--no-example"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={name: value for name, value in os.environ.items() if name != "GRACE_URL"},
            start_new_session=True,
        )


def _wait_for(settings: Settings, own: subprocess.Popen[bytes] | None, log: Path) -> str:
    """The address, once the web server is ready."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        found = running.find(settings.data_dir)
        if found is not None and _answers(found.url):
            return found.url
        if own is not None and own.poll() is not None:
            raise SupervisorError(f"Grace did not start; {log} says why.")
        time.sleep(0.1)
    raise SupervisorError(f"Grace was not ready after {START_TIMEOUT_S:.0f} s.")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url.rstrip('/')}/ready", timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _free_ports() -> int:
    """A free port whose next one, the sandbox's, is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
