"""Start, find and stop the embedded PostgreSQL of a data directory.

The server is a daemon of its own: it outlives the process that started it, and the next start adopts it. It
counts as running when `pg_ctl status` says so and a connection is answered from this very cluster; a process
id alone proves nothing, for it may belong to a zombie, or to a stranger after a reboot.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from grace.app.locks import Locked, file_lock
from grace.app.postgres import binaries, config, homes
from grace.app.postgres.binaries import DEFAULT_MAJOR, PostgresError
from grace.app.postgres.homes import Home

START_TIMEOUT_S = 300
STOP_TIMEOUT_S = 60
LOCK_TIMEOUT_S = START_TIMEOUT_S + 2 * STOP_TIMEOUT_S
ORPHAN_TIMEOUT_S = 2
CONNECT_TIMEOUT_S = 5
POLL_S = 0.05
LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A running server. `dsn` is the conninfo of its superuser on the database `postgres`, password included;
    `started` tells whether this call started it or found it running; `notice` is a line for the operator."""

    dsn: str = field(repr=False)
    major: int
    pid: int
    pgdata: Path
    socket_folder: Path
    log_folder: Path
    started: bool
    notice: str | None = None


def start(
    data_dir: Path, *, major: int = DEFAULT_MAJOR, tcp_port: int | None = None, durable: bool = True
) -> ServerInfo:
    """Start the server of `data_dir`, made anew when there is none, or adopt the one that runs.

    `tcp_port` opens that port on the loopback address beside the socket; `durable=False` gives up what
    survives a power failure for speed (tests). Both count only when this call starts the server. Any number
    of processes may call this at once: one server results. Raises PostgresError, whose message tells the
    operator what to do: a data directory of another major version, one whose database lies elsewhere, a
    server that does not come up.
    """
    home = homes.home_of(data_dir, binaries.make_account())
    homes.make_parents(home)
    homes.check_belonging(home)
    with _locked(home):
        notice = _set_aside(home) if homes.is_left_over(home) else None
        programs = binaries.programs(home.account, major=major)
        _check_major(home, programs, major)
        found = _await_starting(home, programs)
        if found:
            return found
        homes.make_home(home)
        if not home.pgdata.exists():
            _initialise(home, programs, major=major, durable=durable)
        homes.read_password(home)
        homes.marry(home)
        _clear_dead(home)
        return _launch(home, programs, tcp_port=tcp_port, durable=durable, notice=notice)


def status(data_dir: Path) -> ServerInfo | None:
    """The running server of `data_dir`, or None when none answers. Changes nothing, waits for nothing."""
    home = _existing(data_dir)
    return _answering(home, _programs_of(home)) if home else None


def stop(data_dir: Path) -> bool:
    """Stop the server of `data_dir`, whoever started it; false when none ran.

    Open connections are ended; after a minute the server is stopped without a checkpoint, which the next
    start makes good. Raises PostgresError when it does not stop."""
    home = _existing(data_dir)
    if home is None:
        return False
    with _locked(home):
        return _stop(home, _programs_of(home))


def discard(data_dir: Path) -> None:
    """Stop the server of `data_dir` and delete its database for ever."""
    home = _existing(data_dir)
    if home is None:
        return
    with _locked(home):
        _stop(home, _programs_of(home))
        homes.delete(home)


def _existing(data_dir: Path) -> Home | None:
    """The home of a database that has been made for this data directory, None when there is none."""
    account = binaries.find_account()
    if account is None or not data_dir.exists():
        return None
    home = homes.home_of(data_dir, account)
    homes.check_belonging(home)
    return None if homes.is_left_over(home) or not home.pgdata.exists() else home


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    try:
        with file_lock(home.lock, wait_s=LOCK_TIMEOUT_S):
            yield
    except Locked as locked:
        raise PostgresError(f"Another start or stop of this server does not end: {locked}.") from None


def _major_of(home: Home) -> int | None:
    """The major version that made the cluster, None when there is none."""
    try:
        return int((home.pgdata / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def _programs_of(home: Home) -> Path:
    """The programs to look at or stop a cluster with: those of its own version where we carry them."""
    major = _major_of(home)
    return binaries.programs(home.account, major=major if major in binaries.FOLDERS else DEFAULT_MAJOR)


def _check_major(home: Home, programs: Path, major: int) -> None:
    found = _major_of(home)
    if found is None or found == major:
        return
    old = _programs_of(home) if found in binaries.FOLDERS else f"<folder of the PostgreSQL {found} programs>"
    dump = home.path / f"postgresql-{found}.sql"
    socket = homes.socket_folder(home)
    become = f"setpriv --reuid={home.account.uid} --regid={home.account.gid} --clear-groups " * home.account.switch
    raise PostgresError(
        f"The database in {home.pgdata} was made by PostgreSQL {found}; this start uses PostgreSQL {major}. "
        f"Nothing was changed. To upgrade it (the password is in {home.password}):\n"
        f"  {become}{old}/pg_ctl -D {home.pgdata} -w start\n"
        f"  {programs}/pg_dumpall -h {socket} -U postgres -f {dump}\n"
        f"  {become}{old}/pg_ctl -D {home.pgdata} -w stop\n"
        f"  mv {home.pgdata} {home.pgdata}-{found}\n"
        f"  grace db start --data {home.data_dir}\n"
        f"  {programs}/psql -h {socket} -U postgres -d postgres -f {dump}"
    )


def _set_aside(home: Home) -> str:
    _stop(home, _programs_of(home))
    aside = homes.set_aside(home)
    return f"The database of an earlier data directory {home.data_dir} was kept as {aside}; this one is new."


def _initialise(home: Home, programs: Path, *, major: int, durable: bool) -> None:
    """Make the cluster aside and rename it, so that one half made by a start that died is never used."""
    making = home.path / "pgdata.new"
    password = home.path / "password.init"
    shutil.rmtree(making, ignore_errors=True)
    binaries.make_folder(making, mode=0o700)
    home.account.own(making)
    shutil.copyfile(home.password, password)
    password.chmod(0o600)
    home.account.own(password)
    try:
        options = config.initdb_options(major=major, password_file=password)
        options += [] if durable else ["--no-sync"]
        code, output = binaries.run(home.account, programs / "initdb", "-D", making, *options)
    finally:
        password.unlink()
    if code != 0:
        raise PostgresError(f"PostgreSQL could not make its database in {making}:\n{output}")
    with (making / "postgresql.conf").open("a") as file:
        file.write(f"\n{config.INCLUDE}\n")
    making.rename(home.pgdata)
    if durable:
        os.sync()


def _launch(home: Home, programs: Path, *, tcp_port: int | None, durable: bool, notice: str | None) -> ServerInfo:
    socket = homes.make_socket_folder(home)
    home.settings.write_text(
        config.fragment(socket_folder=socket, log_folder=home.log, tcp_port=tcp_port, durable=durable)
    )
    home.settings.chmod(0o644)
    first_log = home.log / "start.log"
    first_log.unlink(missing_ok=True)
    wait = ("-t", str(START_TIMEOUT_S), "-w")
    pg_ctl = (programs / "pg_ctl", "-D", home.pgdata, "-l", first_log, *wait, "start")
    code, output = binaries.run(home.account, *pg_ctl, timeout_s=START_TIMEOUT_S + 30)
    found = _answering(home, programs, started=True, notice=notice)
    if code != 0 or found is None:
        raise PostgresError(
            f"PostgreSQL did not start in {home.pgdata}: {output}\n{_last_words(home)}\nLogs: {home.log}"
        )
    return found


def _await_starting(home: Home, programs: Path) -> ServerInfo | None:
    """The server if it runs, waiting for one that is still recovering; None when there is no live one."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (found := _answering(home, programs)):
        if not _postmaster_lives(home):
            return None
        if time.monotonic() >= deadline:
            raise PostgresError(
                f"PostgreSQL in {home.pgdata} runs but answered no connection for {START_TIMEOUT_S} seconds: "
                f"see the logs in {home.log}."
            )
        time.sleep(POLL_S)
    return found


def _answering(home: Home, programs: Path, *, started: bool = False, notice: str | None = None) -> ServerInfo | None:
    """The server, if `pg_ctl` finds its process and it answers a connection as this cluster."""
    if not home.pgdata.exists() or binaries.run(home.account, programs / "pg_ctl", "-D", home.pgdata, "status")[0]:
        return None
    lines = _pid_file(home)
    if len(lines) < 5:
        return None
    dsn = make_conninfo(
        host=lines[4],
        port=lines[3],
        user="postgres",
        password=homes.read_password(home),
        dbname="postgres",
    )
    try:
        with psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, autocommit=True) as connection:
            row = connection.execute(
                "select current_setting('data_directory'), current_setting('server_version_num')::int / 10000"
            ).fetchone()
    except psycopg.OperationalError as error:
        if "authentication failed" in str(error):
            raise PostgresError(f"PostgreSQL does not accept the password in {home.password}.") from None
        return None
    if row is None or Path(row[0]) != home.pgdata:
        return None
    return ServerInfo(
        dsn=dsn,
        major=row[1],
        pid=int(lines[0]),
        pgdata=home.pgdata,
        socket_folder=Path(lines[4]),
        log_folder=home.log,
        started=started,
        notice=notice,
    )


def _stop(home: Home, programs: Path) -> bool:
    if not _postmaster_lives(home):
        _clear_dead(home)
        return False
    for mode in ("fast", "immediate"):
        wait = ("-t", str(STOP_TIMEOUT_S), "-w")
        pg_ctl = (programs / "pg_ctl", "-D", home.pgdata, "-m", mode, *wait, "stop")
        binaries.run(home.account, *pg_ctl, timeout_s=STOP_TIMEOUT_S + 30)
        if not _postmaster_lives(home):
            return True
    raise PostgresError(f"PostgreSQL in {home.pgdata} does not stop: see the logs in {home.log}.")


def _pid_file(home: Home) -> list[str]:
    """The lines of postmaster.pid: process, folder, start, port, socket folder, ...; empty without one."""
    try:
        return (home.pgdata / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _postmaster_lives(home: Home) -> bool:
    lines = _pid_file(home)
    return bool(lines) and lines[0].isdigit() and _is_ours(int(lines[0]), home)


def _is_ours(pid: int, home: Home) -> bool:
    """Whether `pid` is a PostgreSQL process of this cluster that lives: each of them works in its folder."""
    try:
        process = psutil.Process(pid)
        if process.name() != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return Path(process.cwd()) == home.pgdata
    except psutil.Error:
        return False


def _clear_dead(home: Home) -> None:
    """Remove what a killed server left: orphaned backends that still work, and the pid and socket files that
    name a dead process, or one that is not ours. Called with the lock held and no postmaster alive."""
    deadline = time.monotonic() + ORPHAN_TIMEOUT_S
    while orphans := [pid for pid in psutil.pids() if _is_ours(pid, home)]:
        if time.monotonic() >= deadline:
            for pid in orphans:
                _kill(pid)
        time.sleep(POLL_S)
    (home.pgdata / "postmaster.pid").unlink(missing_ok=True)
    for path in homes.socket_folder(home).glob(".s.PGSQL.*"):
        path.unlink()


def _kill(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).kill()


def _last_words(home: Home) -> str:
    """The end of the log: of the file the server wrote to last."""
    logs = sorted(home.log.glob("*.log"), key=lambda path: path.stat().st_mtime)
    return "\n".join(logs[-1].read_text(errors="replace").splitlines()[-LOG_LINES:]) if logs else ""
