"""kill -9 and what it leaves: zombies, stale and misleading process ids, orphans that still work."""

import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from grace.app.postgres import binaries, server
from tests.app.postgres.conftest import ask, fast


def kill_postmaster(pid: int) -> None:
    """kill -9, and wait until it is gone or, where nobody reaps, a zombie."""
    postmaster = psutil.Process(pid)
    postmaster.kill()
    with suppress(psutil.Error):
        while postmaster.status() != psutil.STATUS_ZOMBIE:
            with suppress(psutil.TimeoutExpired):
                postmaster.wait(timeout=0.01)


def server_user() -> dict[str, int]:
    """The identity, for subprocess, of the account that runs the servers."""
    account = binaries.make_account()
    return {"user": account.uid, "group": account.gid} if account.switch else {}


def test_kill_of_the_postmaster(data_dir: Path) -> None:
    first = fast(data_dir)
    ask(first.dsn, "create table kept as select 7 as answer")
    kill_postmaster(first.pid)
    assert server.status(data_dir) is None

    second = fast(data_dir)
    assert second.started
    assert second.pid != first.pid
    assert ask(second.dsn, "select answer from kept") == 7


def test_stop_after_a_kill_finds_nothing_to_stop(data_dir: Path) -> None:
    info = fast(data_dir)
    kill_postmaster(info.pid)
    assert not server.stop(data_dir)
    assert fast(data_dir).started


def test_a_pid_file_that_names_a_zombie(data_dir: Path) -> None:
    info = fast(data_dir)
    pid_file = info.pgdata / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop(data_dir)
    zombie = subprocess.Popen(["true"], **server_user())
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE
    pid_file.write_text("\n".join([str(zombie.pid), *lines[1:], ""]))
    try:
        assert server.status(data_dir) is None
        assert fast(data_dir).started
    finally:
        zombie.wait()


@pytest.mark.parametrize("content", ["", "not a number\n", "999999999\n"])
def test_a_damaged_pid_file(data_dir: Path, content: str) -> None:
    info = fast(data_dir)
    server.stop(data_dir)
    (info.pgdata / "postmaster.pid").write_text(content)
    assert server.status(data_dir) is None
    assert fast(data_dir).started


def test_a_pid_file_that_names_a_stranger(data_dir: Path) -> None:
    """After a reboot the number may be another program's, even of the same user; it must come to no harm."""
    info = fast(data_dir)
    pid_file = info.pgdata / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop(data_dir)
    stranger = subprocess.Popen(["sleep", "600"], **server_user())
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:], ""]))
    try:
        assert server.status(data_dir) is None
        assert not server.stop(data_dir)
        assert fast(data_dir).started
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_orphan_that_still_computes(data_dir: Path) -> None:
    """A busy backend does not notice the postmaster's death and would keep the next one from starting."""
    info = fast(data_dir)
    with psycopg.connect(info.dsn, autocommit=True) as connection:
        backend = connection.info.backend_pid
        busy = threading.Thread(target=_loop_for_ever, args=(connection,))
        busy.start()
        while ask(info.dsn, f"select state from pg_stat_activity where pid = {backend}") != "active":
            pass
        os.kill(info.pid, signal.SIGKILL)
        again = fast(data_dir)
        busy.join(timeout=10)
    assert again.started
    assert not psutil.pid_exists(backend) or psutil.Process(backend).status() == psutil.STATUS_ZOMBIE
    assert ask(again.dsn, "select 1") == 1


def _loop_for_ever(connection: psycopg.Connection) -> None:
    with suppress(psycopg.OperationalError):
        connection.execute("do $$ begin loop end loop; end $$")
