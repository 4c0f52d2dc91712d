"""Runs everything in the foreground: PostgreSQL, then the processes of Grace, until Ctrl-C.

It starts what is missing, adopts a PostgreSQL that runs, restarts what dies, and stops what it started. Its
processes do not outlive it, even when it is killed (Linux), so that the next start never meets the last one's
leavings; PostgreSQL does, and is adopted.
"""

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from grace.app.locks import Locked, file_lock
from grace.app.postgres import server
from grace.app.postgres.binaries import DEFAULT_MAJOR
from grace.app.postgres.server import ServerInfo

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
TICK_S = 0.1
PROBE_TIMEOUT_S = 2
PORT_WAIT_S = 3


class SupervisorError(RuntimeError):
    """Grace cannot be started or kept running; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Command:
    """A process to keep running. It counts as ready when `ready_url` answers 200, or at once without one.
    `environment` is added to ours; its output is appended to `log`, or goes where ours goes. SIGTERM must make
    it stop. With `once` it is work to be done: its end is its end."""

    name: str
    argv: Sequence[str]
    ready_url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How often anything may be restarted within `window_s`, and how long it may take to start and stop."""

    restarts: int = 5
    window_s: float = 60
    ready_timeout_s: float = 60
    stop_timeout_s: float = 15


def run_all(
    *,
    data_dir: Path,
    prepare: Callable[[str], Sequence[Command]],
    ready: Callable[[], None],
    say: Callable[[str], None],
    database_url: str | None = None,
    ports: Sequence[int] = (),
    postgres_major: int = DEFAULT_MAJOR,
    limits: Limits | None = None,
) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP, then stop everything and return. Call it from the main thread.

    `prepare` gets the conninfo of the database's owner (`database_url`, or that of the embedded server),
    makes what must be there first, and returns the commands. `ready` is called once, when all of them are.
    `say` gets one line for the operator per event. `ports` on the loopback address must be free. Raises
    SupervisorError when another run holds `data_dir`, a port is taken, something is not ready in time or dies
    too often, and PostgresError when the database does not start; what it had started is stopped by then.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(data_dir), _signals() as asked:
        _check_ports(ports)
        run = _Run(data_dir=data_dir, say=say, limits=limits or Limits(), asked=asked, major=postgres_major)
        try:
            dsn = database_url or run.start_postgres()
            if not asked:
                run.start_children(prepare(dsn))
            run.watch(ready)
        finally:
            run.stop()


def holder(data_dir: Path) -> int | None:
    """The process id of the run that holds `data_dir`, None when there is none."""
    if not (data_dir / "up.lock").exists():
        return None
    try:
        with file_lock(data_dir / "up.lock", wait_s=0):
            return None
    except Locked as locked:
        return locked.holder


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    try:
        with file_lock(data_dir / "up.lock", wait_s=0):
            yield
    except Locked as locked:
        raise SupervisorError(
            f"Grace is already running on {data_dir} (process {locked.holder}). Stop that one first, or "
            "choose another data directory and port: grace up --data DIR --port PORT."
        ) from None


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collects the signals that ask us to stop, in place of their usual effect."""
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    before: dict[signal.Signals, Any] = {}
    for one in SIGNALS:
        # Under nohup SIGHUP is ignored, and stays so; SIGINT is ignored in every background job.
        if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN:
            before[one] = signal.signal(one, note)
    try:
        yield asked
    finally:
        for one, action in before.items():
            signal.signal(one, action)


def _check_ports(ports: Sequence[int]) -> None:
    deadline = time.monotonic() + PORT_WAIT_S
    for port in ports:
        # The processes of a run that was killed a moment ago may still be giving up theirs.
        while not _is_free(port):
            if time.monotonic() >= deadline:
                raise SupervisorError(
                    f"Port {port} is in use by another program. Stop that one, or choose another port: "
                    "grace up --port PORT."
                )
            time.sleep(TICK_S)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise SupervisorError(f"Port {port} cannot be used: {error.strerror}.") from None
    return True


class _Deaths:
    """Counts the deaths of one process, and refuses to go on when there are too many."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name = name
        self.limits = limits
        self.times: deque[float] = deque()

    def note(self, cause: str) -> str:
        """Note a death; returns what to say, or raises SupervisorError."""
        now = time.monotonic()
        self.times.append(now)
        while self.times[0] < now - self.limits.window_s:
            self.times.popleft()
        if len(self.times) > self.limits.restarts:
            raise SupervisorError(
                f"{self.name} {cause}, and was restarted {self.limits.restarts} times within "
                f"{self.limits.window_s:g} seconds already: giving up. What it printed above says why."
            )
        return f"{self.name} {cause}; restarting it ({len(self.times)} of at most {self.limits.restarts})"


class _Child:
    """One of the processes kept running."""

    process: subprocess.Popen[bytes]

    def __init__(self, command: Command, limits: Limits) -> None:
        self.command = command
        self.deaths = _Deaths(command.name, limits)
        self.start()

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches it through us alone."""
        parent = os.getpid()

        def die_with_parent() -> None:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

        try:
            with ExitStack() as stack:
                log = stack.enter_context(self.command.log.open("ab")) if self.command.log else None
                self.process = subprocess.Popen(  # noqa: S603 - the caller's commands, no shell
                    self.command.argv,
                    env={**os.environ, **self.command.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=die_with_parent if sys.platform == "linux" else None,
                )
        except OSError as error:
            raise SupervisorError(f"{self.command.name} cannot be started: {error}.") from None

    def restart(self) -> None:
        """Start it again after its death."""
        self._kill_rest()
        self.start()

    def stop(self, *, deadline: float) -> bool:
        """Wait until `deadline` for its end, then kill what is left; false when it did not end by itself."""
        try:
            self.process.wait(timeout=max(0, deadline - time.monotonic()))
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            self._kill_rest()
            self.process.wait()

    def _kill_rest(self) -> None:
        """Kill whatever of its session still lives."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class _Run:
    """What runs, and how it is watched and stopped."""

    def __init__(
        self, *, data_dir: Path, say: Callable[[str], None], limits: Limits, asked: list[int], major: int
    ) -> None:
        self.data_dir = data_dir
        self.say = say
        self.limits = limits
        self.asked = asked
        self.major = major
        self.postgres: ServerInfo | None = None
        self.postgres_deaths = _Deaths("PostgreSQL", limits)
        self.children: list[_Child] = []
        self.mark = data_dir / "up.postgres"

    def start_postgres(self) -> str:
        """Start or adopt PostgreSQL. One that an earlier run started, and did not live to stop, is ours."""
        self.postgres = server.start(self.data_dir, major=self.major)
        if self.postgres.notice:
            self.say(self.postgres.notice)
        if self.postgres.started:
            self.mark.write_text(str(self.postgres.pid))
        return self.postgres.dsn

    def start_children(self, commands: Sequence[Command]) -> None:
        for command in commands:
            self.children.append(_Child(command, self.limits))

    def watch(self, ready: Callable[[], None]) -> None:
        """Restart what dies until we are asked to stop; call `ready` when every child has become ready."""
        deadline = time.monotonic() + self.limits.ready_timeout_s
        waiting: list[_Child] | None = self.children
        while not self.asked:
            self._revive()
            if waiting is not None:
                waiting = [child for child in waiting if not _answers(child.command.ready_url)]
                if not waiting:
                    waiting = None
                    ready()
                elif time.monotonic() >= deadline:
                    names = ", ".join(child.command.name for child in waiting)
                    raise SupervisorError(f"Not ready after {self.limits.ready_timeout_s:g} seconds: {names}.")
            time.sleep(TICK_S)

    def _revive(self) -> None:
        if self.postgres and not _lives(self.postgres.pid):
            self.say(self.postgres_deaths.note("died"))
            self.start_postgres()
        for child in self.children:
            code = child.process.poll()
            if code is not None and not child.command.once:
                cause = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
                self.say(child.deaths.note(cause))
                child.restart()

    def stop(self) -> None:
        """Stop the children, then PostgreSQL if it is ours."""
        for child in self.children:
            child.process.terminate()
        deadline = time.monotonic() + self.limits.stop_timeout_s
        for child in self.children:
            if not child.stop(deadline=deadline):
                self.say(f"{child.command.name} did not stop in time and was killed")
        if self.postgres and self.mark.exists() and self.mark.read_text() == str(self.postgres.pid):
            server.stop(self.data_dir)
            self.mark.unlink()


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _answers(url: str | None) -> bool:
    """Whether `url` answers 200; true without one."""
    if url is None:
        return True
    # Never through a proxy of the environment: these are our own processes.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=PROBE_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
