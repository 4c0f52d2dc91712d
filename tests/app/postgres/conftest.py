"""Servers of their own for the tests of the launcher."""

import os
import pickle
import pwd
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from grace.app.postgres import binaries, server
from grace.app.postgres.server import ServerInfo
from tests.fixtures.postgres import postgres_major

USER = "nobody"


def fast(data_dir: Path, **options: Any) -> ServerInfo:
    """Start without fsync: these tests kill processes, not machines."""
    return server.start(data_dir, **{"major": postgres_major(), "durable": False, **options})


def ask(dsn: str, query: str) -> Any:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(query)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory that does not exist yet; its server and database are gone after the test."""
    path = tmp_path / "data"
    yield path
    server.discard(path)


@pytest.fixture
def user_dir() -> Iterator[Path]:
    """A directory of an ordinary user: of ours, or of `nobody` when the suite runs as root."""
    path = Path(tempfile.mkdtemp(prefix="grace-user-")).resolve()
    if os.geteuid() == 0:
        entry = pwd.getpwnam(USER)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    yield path
    shutil.rmtree(path)


def as_user(work: Callable[[], Any]) -> Any:
    """What `work` returns when an ordinary user runs it: for root in a child that becomes `nobody`."""
    if os.geteuid() != 0:
        return work()
    programs = binaries.programs(binaries.Account(uid=1, gid=1, switch=False), major=postgres_major())
    entry = pwd.getpwnam(USER)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            if not os.access(programs / "postgres", os.X_OK):
                answer = ("skip", f"{USER} may not execute {programs}")
            else:
                answer = ("ok", work())
        except BaseException:
            answer = ("error", traceback.format_exc())
        os.write(writer, pickle.dumps(answer))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        outcome, value = pickle.loads(file.read())
    os.waitpid(child, 0)
    if outcome == "skip":
        pytest.skip(value)
    assert outcome == "ok", value
    return value
