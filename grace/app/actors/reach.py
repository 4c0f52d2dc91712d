"""A Grace to act on: the one that runs on a data directory, or one that is started for the time of the act."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg
from psycopg_pool import PoolTimeout

from grace.app import installation, running, supervisor
from grace.app.actors.acts import DEADLINE_S
from grace.app.supervisor import SupervisorError
from grace.client.http import Waiting
from grace.kit.settings import Settings
from grace.kit.settings import settings as read_settings
from grace.kit.workspace import Workspaces

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0
PAUSE_S = 0.3
_BROKEN = (psycopg.OperationalError, PoolTimeout, installation.NotRunning, OSError)

T = TypeVar("T")


@contextmanager
def grace(settings: Settings, *, name: str, say: Callable[[str], None]) -> Iterator[tuple[str, Settings]]:
    """The address of a Grace on this data directory, and its settings: the one that runs, or one of our own.

    What one of our own prints goes to `logs/<name>.log`. SupervisorError when there is none in time.
    """
    if supervisor.holder(settings.data_dir) is None and "url" in settings.model_fields_set and _answers(settings.url):
        yield settings.url, settings
        return
    own = None
    log = settings.data_dir / "logs" / f"{name}.log"
    if supervisor.holder(settings.data_dir) is None:
        say("No Grace runs on this data directory; starting one …")
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


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Workspaces]:
    """The installation itself, for what no door does: making a workspace, proving its books."""
    workspaces = installation.open_workspaces(settings)
    try:
        yield workspaces
    finally:
        await workspaces.close()


async def through(doing: str, act: Callable[[], Awaitable[T]], *, on_wait: Waiting) -> T:
    """Do what goes to the database itself, again when the database went away meanwhile."""
    started = time.monotonic()
    while True:
        try:
            return await act()
        except _BROKEN as error:
            waited_s = time.monotonic() - started
            if waited_s > DEADLINE_S:
                raise SupervisorError(f"The database did not answer for {DEADLINE_S:.0f} s: {error}") from error
            on_wait(f"{doing}: the database does not answer.", waited_s)
            await asyncio.sleep(PAUSE_S)


def _start(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "grace.app", "up", "--port", str(free_ports())]
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


def free_ports() -> int:
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
