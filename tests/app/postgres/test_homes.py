"""Where the server lives, as root and as a user, and that no database is joined to the wrong place."""

import os
import shutil
from pathlib import Path

import pytest

from grace.app.postgres import homes, server
from grace.app.postgres.binaries import SYSTEM_USER, Account, PostgresError
from grace.app.postgres.homes import home_of
from grace.app.postgres.server import ServerInfo
from tests.app.postgres.conftest import as_user, ask, fast

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does differently")


@needs_root
def test_root_runs_it_as_the_system_user_and_opens_no_folder(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    data_dir.parent.chmod(0o700)
    before = [(path, path.stat().st_mode, path.stat().st_uid) for path in (data_dir, *data_dir.parents)]
    info = fast(data_dir)
    assert info.pgdata.owner() == SYSTEM_USER
    assert info.pgdata.stat().st_mode & 0o777 == 0o700
    assert info.pgdata.parent.owner() == "root"
    assert (info.pgdata.parent / "password").owner() == "root"
    assert [(path, path.stat().st_mode, path.stat().st_uid) for path, _, _ in before] == before


@needs_root
def test_root_a_deleted_data_directory_gets_a_new_database_and_the_old_one_is_kept(data_dir: Path) -> None:
    first = fast(data_dir)
    ask(first.dsn, "create table old as select 1")
    shutil.rmtree(data_dir)
    assert server.status(data_dir) is None
    second = fast(data_dir)
    assert second.started
    assert ask(second.dsn, "select to_regclass('old')") is None
    assert second.notice is not None
    kept = Path(second.notice.partition("kept as ")[2].partition(";")[0])
    assert (kept / "pgdata" / "PG_VERSION").is_file()
    assert not (kept / "pgdata" / "postmaster.pid").exists()
    shutil.rmtree(kept)


@needs_root
def test_root_a_moved_data_directory_is_refused(data_dir: Path) -> None:
    fast(data_dir)
    moved = data_dir.with_name("moved")
    data_dir.rename(moved)
    with pytest.raises(PostgresError, match="moved or copied"):
        fast(moved)
    moved.rename(data_dir)
    assert not fast(data_dir).started


@needs_root
def test_root_refuses_a_users_database_and_the_user_roots(user_dir: Path, data_dir: Path) -> None:
    theirs = user_dir / "data"
    as_user(lambda: (fast(theirs), server.stop(theirs)))
    with pytest.raises(PostgresError, match="start Grace as that user"):
        fast(theirs)

    shared = user_dir / "shared"
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    fast(shared)
    try:
        assert "start Grace as root" in as_user(lambda: _refusal(shared))
    finally:
        server.discard(shared)


@needs_root
def test_a_directory_that_the_user_may_not_enter_is_refused(user_dir: Path) -> None:
    closed = user_dir / "closed"
    closed.mkdir(mode=0o700)
    assert "start Grace as user root" in as_user(lambda: _refusal(closed))


def test_an_ordinary_user_keeps_it_in_the_data_directory(user_dir: Path) -> None:
    data_dir = user_dir / "data"

    def work() -> tuple[ServerInfo, int, bool, bool]:
        first = fast(data_dir)
        answer = ask(first.dsn, "select 6 * 7")
        adopted = not fast(data_dir).started
        return first, answer, adopted, server.stop(data_dir)

    info, answer, adopted, stopped = as_user(work)
    assert (answer, adopted, stopped) == (42, True, True)
    assert info.pgdata == data_dir / "postgres" / "pgdata"
    assert info.socket_folder == data_dir / "postgres" / "socket"
    assert data_dir.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["with blank, comma and 'quote'", "müde", "long" * 25])
def test_an_ordinary_user_may_name_the_directory_freely(user_dir: Path, name: str) -> None:
    data_dir = user_dir / name

    def work() -> tuple[Path, int, int]:
        info = fast(data_dir)
        try:
            mode = info.socket_folder.stat().st_mode & 0o777
            return info.socket_folder, mode, ask(info.dsn, "select 1")
        finally:
            server.discard(data_dir)

    folder, mode, answer = as_user(work)
    assert (mode, answer) == (0o700, 1)
    assert len(os.fsencode(folder / homes.SOCKET_NAME)) <= 107
    assert not folder.exists()


def test_a_copy_taken_while_it_runs_is_a_server_of_its_own(user_dir: Path) -> None:
    """The copied pid file names the original's living server, which must be neither adopted nor stopped."""
    original, copy = user_dir / "original", user_dir / "copy"

    def work() -> tuple[bool, bool, bool]:
        first = fast(original)
        try:
            ask(first.dsn, "checkpoint")
            shutil.copytree(original, copy, ignore=shutil.ignore_patterns("socket"))
            unseen = server.status(copy) is None and not server.stop(copy)
            second = fast(copy)
            apart = second.pid != first.pid and second.pgdata != first.pgdata
            server.stop(copy)
            return unseen, apart, server.status(original) is not None
        finally:
            server.stop(original)

    assert as_user(work) == (True, True, True)


def test_a_socket_folder_made_by_somebody_else_is_refused(user_dir: Path) -> None:
    data_dir = user_dir / ("long" * 25)
    folder = homes.socket_folder(home_of(data_dir, _user_of(user_dir)))
    assert folder.parent != data_dir
    folder.mkdir(mode=0o755)
    try:
        assert "not a private folder" in as_user(lambda: _refusal(data_dir))
    finally:
        folder.rmdir()


def test_a_path_that_pg_ctl_cannot_quote_is_refused(user_dir: Path) -> None:
    assert "choose a data directory without" in as_user(lambda: _refusal(user_dir / "a$(touch b)"))


def _user_of(path: Path) -> Account:
    return Account(uid=path.stat().st_uid, gid=path.stat().st_gid, switch=False)


def _refusal(data_dir: Path) -> str:
    try:
        fast(data_dir)
    except PostgresError as error:
        return str(error)
    return "accepted"
