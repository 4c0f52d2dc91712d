"""A server is made, adopted, stopped and found again; it is closed to whoever has no password."""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from grace.app.postgres import server
from grace.app.postgres.binaries import FOLDERS, PostgresError
from tests.app.postgres.conftest import ask, fast
from tests.fixtures.postgres import postgres_major

STARTER = """
import sys
from pathlib import Path
from grace.app.postgres import server
info = server.start(Path(sys.argv[1]), major=int(sys.argv[2]), durable=False)
print(info.started, info.pid)
"""


def test_data_survives_stop_and_second_start_adopts(data_dir: Path) -> None:
    assert server.status(data_dir) is None
    first = fast(data_dir)
    assert first.started
    assert first.major == postgres_major()
    ask(first.dsn, "create table kept as select 42 as answer")

    second = fast(data_dir)
    assert not second.started
    assert second.pid == first.pid
    found = server.status(data_dir)
    assert found is not None
    assert found.dsn == first.dsn

    assert server.stop(data_dir)
    assert server.status(data_dir) is None
    assert not server.stop(data_dir)
    third = fast(data_dir)
    assert third.started
    assert ask(third.dsn, "select answer from kept") == 42


def test_made_as_decided(data_dir: Path) -> None:
    dsn = server.start(data_dir, major=postgres_major()).dsn
    expected = {
        "listen_addresses": "",
        "max_prepared_transactions": "0",
        "password_encryption": "scram-sha-256",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "TimeZone": "UTC",
    }
    assert {name: ask(dsn, f'show "{name}"') for name in expected} == expected
    provider = "b" if postgres_major() >= 17 else "c"
    assert ask(dsn, "select datlocprovider from pg_database where datname = 'template1'") == provider
    assert ask(dsn, "select bool_and(auth_method = 'scram-sha-256') from pg_hba_file_rules") is True
    assert ask(dsn, "select count(*) from pg_hba_file_rules where error is not null") == 0


def test_password_is_private_and_required(data_dir: Path) -> None:
    info = fast(data_dir)
    password = info.pgdata.parent / "password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert info.socket_folder.stat().st_mode & 0o777 == 0o700
    assert info.pgdata.stat().st_mode & 0o777 == 0o700
    secret = password.read_text().strip()
    assert secret in info.dsn
    assert secret not in repr(info)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(make_conninfo(info.dsn, password="guess"))


def test_a_changed_password_is_said_not_waited_for(data_dir: Path) -> None:
    info = fast(data_dir)
    ask(info.dsn, "alter role postgres password 'other'")
    with pytest.raises(PostgresError, match="does not accept the password"):
        fast(data_dir)


def test_tcp_only_when_asked(data_dir: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    info = fast(data_dir, tcp_port=port)
    password = conninfo_to_dict(info.dsn)["password"]
    remote = make_conninfo(host="127.0.0.1", port=port, user="postgres", dbname="postgres")
    assert ask(make_conninfo(remote, password=password), "select 1") == 1
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(make_conninfo(remote, password="guess"))


def test_concurrent_starters_get_one_server(data_dir: Path) -> None:
    argv = [sys.executable, "-c", STARTER, str(data_dir), str(postgres_major())]
    starters = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [starter.communicate(timeout=120)[0].split() for starter in starters]
    assert sorted(started for started, _ in answers) == ["False", "False", "False", "True"]
    assert len({pid for _, pid in answers}) == 1


def test_a_start_that_died_half_way_is_made_good(data_dir: Path) -> None:
    info = fast(data_dir)
    server.stop(data_dir)
    half = info.pgdata.with_name("pgdata.new")
    info.pgdata.rename(half)
    (half / "PG_VERSION").unlink()
    with suppress(FileNotFoundError):
        (data_dir / "postgres.id").unlink()
    again = fast(data_dir)
    assert again.started
    assert not half.exists()


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    info = fast(data_dir)
    server.stop(data_dir)
    with (info.pgdata / "postgresql.auto.conf").open("a") as file:
        file.write("shared_buffers = 'much'\n")
    with pytest.raises(PostgresError, match='invalid value for parameter "shared_buffers"'):
        fast(data_dir)


def test_a_missing_password_file_is_said(data_dir: Path) -> None:
    info = fast(data_dir)
    password = info.pgdata.parent / "password"
    secret = password.read_text()
    password.unlink()
    with pytest.raises(PostgresError, match="password is missing"):
        fast(data_dir)
    assert server.stop(data_dir)
    with pytest.raises(PostgresError, match="password is missing"):
        fast(data_dir)
    password.write_text(secret)
    assert fast(data_dir).major == postgres_major()


def test_another_major_is_refused_and_the_message_upgrades(data_dir: Path) -> None:
    """The commands in the refusal are run as they stand."""
    old, new = sorted(FOLDERS)
    first = fast(data_dir, major=old)
    ask(first.dsn, "create database grace_main")
    ask(make_conninfo(first.dsn, dbname="grace_main"), "create table kept as select 'müde' as word")
    server.stop(data_dir)
    with pytest.raises(PostgresError, match=f"made by PostgreSQL {old}") as refused:
        fast(data_dir, major=new)

    environment = os.environ | {"PGPASSWORD": str(conninfo_to_dict(first.dsn)["password"])}
    commands = [line.strip() for line in str(refused.value).splitlines()[1:]]
    assert len(commands) == 6
    for command in commands:
        if command.startswith("grace db start"):
            fast(data_dir, major=new)
            continue
        subprocess.run(command, shell=True, env=environment, check=True, cwd="/", stdout=subprocess.DEVNULL)

    upgraded = server.status(data_dir)
    assert upgraded is not None
    assert upgraded.major == new
    assert ask(make_conninfo(upgraded.dsn, dbname="grace_main"), "select word from kept") == "müde"
