"""The files of one embedded server: where they lie, who owns them, and to which data directory they belong.

As an ordinary user the home is `<data directory>/postgres`. As root it is `/var/lib/grace/<hash of the data
directory's path>`, because the server's own user must reach it and the data directory may be root's alone.
Then both sides carry the same random id, so that a data directory that was moved, copied, or deleted and made
anew is never joined to a database that is not its own.
"""

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from grace.app.postgres.binaries import SYSTEM_ROOT, Account, PostgresError, make_folder

SOCKET_NAME = ".s.PGSQL.65535"
SOCKET_PATH_BYTES = 103  # the smaller of what Linux (107) and macOS (103) allow


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one embedded server. Only `pgdata`, `log` and the socket folder belong to `account`."""

    path: Path
    data_dir: Path
    account: Account

    @property
    def pgdata(self) -> Path:
        """The cluster itself."""
        return self.path / "pgdata"

    @property
    def log(self) -> Path:
        """The server's log files, one for each day of the week, and `start.log`."""
        return self.path / "log"

    @property
    def password(self) -> Path:
        """The superuser's password, 0600."""
        return self.path / "password"

    @property
    def settings(self) -> Path:
        """Our configuration fragment, written anew at each start; it holds no secret."""
        return self.path / "grace.conf"

    @property
    def lock(self) -> Path:
        """Held by whoever starts or stops this server; outside the home, which may be set aside."""
        return self.data_dir / "postgres.lock"

    @property
    def twin(self) -> Path:
        """The id that this home shares with its data directory (root only)."""
        return self.path / "id"

    @property
    def mark(self) -> Path:
        """The same id in the data directory (root only)."""
        return self.data_dir / "postgres.id"


def home_of(data_dir: Path, account: Account) -> Home:
    """Where the server of `data_dir` lives; makes nothing."""
    data_dir = data_dir.resolve()
    if data_dir.exists() and not (data_dir.is_dir() and os.access(data_dir, os.R_OK | os.W_OK | os.X_OK)):
        raise PostgresError(
            f"{data_dir} is no directory that this user may read and write: start Grace as user "
            f"{data_dir.owner()}, or choose another data directory."
        )
    if not account.switch:
        return Home(path=data_dir / "postgres", data_dir=data_dir, account=account)
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Home(path=SYSTEM_ROOT.resolve() / digest, data_dir=data_dir, account=account)


def make_parents(home: Home) -> None:
    """Make the data directory (0700) and the folder that holds the home; what exists is not touched."""
    if not home.data_dir.exists():
        home.data_dir.parent.mkdir(parents=True, exist_ok=True)
        make_folder(home.data_dir, mode=0o700)
    if home.account.switch:
        make_folder(SYSTEM_ROOT, mode=0o755)


def check_belonging(home: Home) -> None:
    """Refuse a data directory whose database lies elsewhere, with a message that says where."""
    if not home.account.switch:
        if home.mark.exists():
            raise PostgresError(
                f"The database of {home.data_dir} was made by root and lies under {SYSTEM_ROOT}: "
                "start Grace as root, or choose another data directory."
            )
        return
    own = home.data_dir / "postgres" / "pgdata"
    if own.exists():
        raise PostgresError(
            f"The database of {home.data_dir} lies in {own} and belongs to user {own.owner()}: "
            "start Grace as that user, or choose another data directory."
        )
    mark, twin = _read(home.mark), _read(home.twin)
    if mark and mark != twin:
        raise PostgresError(
            f"{home.data_dir} belongs to a database that is not in {home.path}: the directory was moved or "
            f"copied, or the database was deleted. Move the directory back to where it was, or restore "
            f"{home.path}; to begin with an empty database instead, delete {home.mark}."
        )


def is_left_over(home: Home) -> bool:
    """Whether the home belonged to a data directory of the same path that has been deleted since."""
    return home.account.switch and home.pgdata.exists() and not home.mark.exists()


def set_aside(home: Home) -> Path:
    """Rename a left-over home (its server stopped), deleting nothing; returns its new path."""
    aside = home.path.with_name(f"{home.path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    home.path.rename(aside)
    return aside


def make_home(home: Home) -> None:
    """Make the folders of a home and its password."""
    if set(str(home.path)) & set('"$`\\'):
        raise PostgresError(f'pg_ctl cannot work in {home.path}: choose a data directory without ", $, ` and \\.')
    make_folder(home.path, mode=0o711 if home.account.switch else 0o700)
    if home.account.switch and not home.twin.exists():
        _write_private(home.twin, secrets.token_hex(16))
    if not home.log.exists():
        make_folder(home.log, mode=0o700)
        home.account.own(home.log)
    if not home.password.exists() and not home.pgdata.exists():
        _write_private(home.password, secrets.token_urlsafe(32))


def read_password(home: Home) -> str:
    """The superuser's password, without which there is no way into the cluster."""
    password = _read(home.password)
    if not password:
        raise PostgresError(f"{home.password} is missing, and with it the way into {home.pgdata}: restore it.")
    return password


def marry(home: Home) -> None:
    """Note in the data directory which home is its own, once that home holds a database."""
    if home.account.switch and not home.mark.exists():
        _write_private(home.mark, _read(home.twin))


def socket_folder(home: Home) -> Path:
    """The folder of the socket: in the home, or under the temporary directory when that path is too long, or
    has a comma, where libpq would split it."""
    name = f"grace-{home.account.uid}-{hashlib.sha256(os.fsencode(home.path)).hexdigest()[:12]}"
    candidates = (home.path / "socket", Path(tempfile.gettempdir()) / name, Path("/tmp") / name)  # noqa: S108
    return next(
        path
        for path in candidates
        if "," not in str(path) and len(os.fsencode(path / SOCKET_NAME)) <= SOCKET_PATH_BYTES
    )


def make_socket_folder(home: Home) -> Path:
    """Make the folder of the socket, 0700, and refuse one that somebody else made in its place."""
    folder = socket_folder(home)
    if not folder.exists():
        make_folder(folder, mode=0o700)
        home.account.own(folder)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != home.account.uid or found.st_mode & 0o077:
        raise PostgresError(f"{folder} is not a private folder of the server's user: remove it and start again.")
    return folder


def delete(home: Home) -> None:
    """Delete the home and its mark. The server must be stopped."""
    home.mark.unlink(missing_ok=True)
    shutil.rmtree(socket_folder(home), ignore_errors=True)
    if home.path.exists():
        shutil.rmtree(home.path)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def _write_private(path: Path, text: str) -> None:
    """Write a 0600 file whole or not at all."""
    making = path.with_name(f"{path.name}.new")
    making.unlink(missing_ok=True)
    handle = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, f"{text}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    making.rename(path)
