"""One foreground run: what it starts, adopts, restarts, refuses and stops; every process is a real one."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from grace.app import supervisor
from grace.app.postgres import server
from tests.fixtures.postgres import postgres_major

DEADLINE_S = 60

RUN = """
import sys
from pathlib import Path
from grace.app.postgres.binaries import PostgresError
from grace.app.supervisor import Command, Limits, SupervisorError, run_all
from tests.app.test_supervisor import PROGRAMS

data, major, database, port, limits, *names = sys.argv[1:]

def prepare(dsn):
    if "fail" in names:
        raise SupervisorError("prepare failed")
    say("dsn " + dsn)
    return [
        Command(
            name,
            [sys.executable, "-c", PROGRAMS[name]] if name in PROGRAMS else [name],
            f"http://127.0.0.1:{port}/" if name == "web" else None,
            {"NOTE": str(Path(data, name + ".pid")), "PORT": port},
        )
        for name in names
    ]

def say(line):
    print(line, flush=True)

try:
    run_all(
        data_dir=Path(data), prepare=prepare, ready=lambda: say("ready"), say=say,
        database_url=database or None, ports=[int(port)], postgres_major=int(major),
        limits=Limits(**eval(limits)),
    )
except (PostgresError, SupervisorError) as error:
    sys.exit(f"refused: {error}")
"""

NOTE = "import os, signal, time\nopen(os.environ['NOTE'], 'w').write(str(os.getpid()))\n"
PROGRAMS = {
    "web": NOTE
    + "import http.server as h\n"
    + "h.test(h.SimpleHTTPRequestHandler, port=int(os.environ['PORT']), bind='127.0.0.1')",
    "worker": NOTE + "signal.pause()",
    "crash": NOTE + "raise SystemExit(3)",
    "stubborn": "import subprocess\n"
    + NOTE
    + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    + "child = subprocess.Popen(['sleep', '600'])\n"
    + "open(os.environ['NOTE'] + '2', 'w').write(str(child.pid))\n"
    + "while True: signal.pause()",
}


class Run:
    """A supervisor in a process of its own, and what it said so far."""

    def __init__(
        self, data_dir: Path, port: int, *names: str, database: str = "host=nowhere", limits: str = "{}"
    ) -> None:
        self.data_dir = data_dir
        self.said = ""
        argv = [sys.executable, "-c", RUN, str(data_dir), str(postgres_major()), database, str(port), limits]
        self.process = subprocess.Popen(
            [*argv, *names], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[2]
        )

    def until(self, text: str, times: int = 1) -> str:
        """Read what it says until `text` came so often; fails when it ends or a minute passes before that."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + DEADLINE_S
        while self.said.count(text) < times:
            readable, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 65536).decode() if readable else ""
            assert chunk, f"never said {text!r}, but: {self.said}"
            self.said += chunk
        return self.said

    def end(self, number: int | None = None) -> int:
        """Send a signal, when one is given, and wait for the end; returns the exit code."""
        if number:
            self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=DEADLINE_S)
        self.said += output.decode()
        return self.process.returncode

    def pid(self, name: str, other_than: int = 0) -> int:
        path = self.data_dir / f"{name}.pid"
        wait_for(lambda: path.exists() and path.read_text() not in ("", str(other_than)))
        return int(path.read_text())


def wait_for(predicate: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not predicate():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Callable[..., Run]]:
    """Starts supervisors on one data directory; none of them, nor its PostgreSQL, is left after the test."""
    runs: list[Run] = []

    def begin(*names: str, **options: str) -> Run:
        runs.append(Run(tmp_path / "data", port, *names, **options))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.communicate()
    server.discard(tmp_path / "data")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_everything_starts_and_stops(start: Callable[..., Run], number: int) -> None:
    run = start("web", "worker", database="")
    said = run.until("ready")
    postgres = server.status(run.data_dir)
    assert postgres is not None
    assert f"dsn {postgres.dsn}\n" in said
    pids = [run.pid("web"), run.pid("worker"), postgres.pid]
    assert all(lives(pid) for pid in pids)
    assert run.end(number) == 0
    assert not any(lives(pid) for pid in pids)
    assert server.status(run.data_dir) is None


def test_a_killed_postgres_comes_back_and_is_stopped(start: Callable[..., Run]) -> None:
    run = start("worker", database="")
    run.until("ready")
    first = server.status(run.data_dir)
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    run.until("PostgreSQL died; restarting it (1 of at most 5)")
    wait_for(lambda: server.status(run.data_dir) is not None)
    assert lives(run.pid("worker"))
    assert run.end(signal.SIGTERM) == 0
    assert server.status(run.data_dir) is None


def test_a_postgres_that_was_running_is_adopted_and_left(start: Callable[..., Run], tmp_path: Path) -> None:
    found = server.start(tmp_path / "data", major=postgres_major(), durable=False)
    run = start("worker", database="")
    run.until("ready")
    assert run.end(signal.SIGTERM) == 0
    left = server.status(run.data_dir)
    assert left is not None
    assert left.pid == found.pid


def test_after_kill_the_next_start_is_free_and_cleans_up(start: Callable[..., Run]) -> None:
    first = start("web", "worker", database="")
    first.until("ready")
    web, worker = first.pid("web"), first.pid("worker")
    postgres = server.status(first.data_dir)
    assert postgres is not None
    first.process.kill()

    second = start("web", "worker", database="")
    second.until("ready")
    wait_for(lambda: not lives(web) and not lives(worker))
    adopted = server.status(second.data_dir)
    assert adopted is not None
    assert adopted.pid == postgres.pid
    assert second.end(signal.SIGINT) == 0
    assert server.status(second.data_dir) is None


def test_a_dead_child_is_restarted(start: Callable[..., Run]) -> None:
    run = start("web", "worker")
    run.until("ready")
    before, web = run.pid("worker"), run.pid("web")
    os.kill(before, signal.SIGKILL)
    run.until("worker was killed by signal 9; restarting it (1 of at most 5)")
    assert lives(run.pid("worker", other_than=before))
    assert run.pid("web") == web
    assert run.end(signal.SIGTERM) == 0
    assert run.said.count("ready\n") == 1


def test_a_child_that_keeps_dying_stops_everything(start: Callable[..., Run]) -> None:
    run = start("worker", "crash")
    assert run.end() == 1
    assert run.said.count("crash ended with code 3; restarting it") == 5
    assert "crash ended with code 3, and was restarted 5 times within 60 seconds already" in run.said
    assert not lives(run.pid("worker"))


def test_deaths_are_forgotten_after_the_window(start: Callable[..., Run]) -> None:
    run = start("crash", limits="dict(restarts=1, window_s=0)")
    run.until("restarting it (1 of at most 1)", times=4)
    assert run.end(signal.SIGTERM) == 0


def test_a_second_run_on_the_data_directory_is_refused(start: Callable[..., Run]) -> None:
    first = start("worker")
    first.until("ready")
    assert supervisor.holder(first.data_dir) == first.process.pid
    second = start("worker")
    assert second.end() == 1
    assert f"already running on {first.data_dir} (process {first.process.pid})" in second.said
    assert lives(first.pid("worker"))
    assert first.end(signal.SIGTERM) == 0
    assert supervisor.holder(first.data_dir) is None


def test_a_busy_port_is_refused_before_anything_starts(start: Callable[..., Run], port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        run = start("worker", database="")
        assert run.end() == 1
    assert f"Port {port} is in use by another program" in run.said
    assert server.status(run.data_dir) is None


def test_a_child_that_does_not_stop_is_killed_with_all_it_started(start: Callable[..., Run]) -> None:
    run = start("stubborn", "worker", limits="dict(stop_timeout_s=0.5)")
    run.until("ready")
    pids = [run.pid("stubborn"), run.pid("worker")]
    note = run.data_dir / "stubborn.pid2"
    wait_for(lambda: note.exists() and note.read_text() != "")
    pids.append(int(note.read_text()))
    assert run.end(signal.SIGTERM) == 0
    assert "stubborn did not stop in time and was killed" in run.said
    assert "worker did not" not in run.said
    assert not any(lives(pid) for pid in pids)


def test_what_is_never_ready_is_named(start: Callable[..., Run], port: int) -> None:
    run = start("web", "worker", limits="dict(ready_timeout_s=0)")
    assert run.end() == 1
    assert "Not ready after 0 seconds: web." in run.said
    assert "ready\n" not in run.said


def test_a_missing_program_is_said(start: Callable[..., Run]) -> None:
    run = start("worker", "/no/such/program")
    assert run.end() == 1
    assert "/no/such/program cannot be started" in run.said
    with suppress(FileNotFoundError):
        assert not lives(int((run.data_dir / "worker.pid").read_text()))


def test_a_failing_preparation_stops_postgres(start: Callable[..., Run]) -> None:
    run = start("fail", database="")
    assert run.end() == 1
    assert "refused: prepare failed" in run.said
    assert server.status(run.data_dir) is None
