"""`pg_dump` and `pg_restore`: those that come with Grace, or the system's, whichever fit the server."""

import asyncio
import os
import re
import shutil
import subprocess
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from grace.app.backup.errors import BackupError, Refused
from grace.app.postgres import binaries

VERSION_TIMEOUT_S = 20
LAST_WORDS = 4000
_ITSELF = binaries.Account(uid=os.geteuid(), gid=os.getegid(), switch=False)


@dataclass(frozen=True, slots=True)
class Tools:
    """A folder of client programs and their major version."""

    folder: Path
    major: int


def tools_for(major: int, *, at_least: int = 0) -> Tools:
    """The programs for a server of this major version: of just this version, else the next newer one.

    `at_least` is the version that made the dump. The system's come first: ours know no TLS.
    """
    needed = max(major, at_least)
    found = [*_of_the_system(), *(Tools(binaries.programs(_ITSELF, major=m), m) for m in sorted(binaries.FOLDERS))]
    fitting = sorted((one for one in found if one.major >= needed), key=lambda one: one.major)
    if not fitting:
        raise Refused(f"There is no pg_dump of PostgreSQL {needed} or newer: install its client programs.")
    return fitting[0]


def _of_the_system() -> list[Tools]:
    path = shutil.which("pg_dump")
    if path is None or shutil.which("pg_restore", path=str(Path(path).parent)) is None:
        return []
    said = subprocess.run(  # noqa: S603 - a program of the PATH, no shell
        [path, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False
    ).stdout
    version = re.search(r"\) (\d+)", said)
    return [Tools(Path(path).parent, int(version[1]))] if version else []


@asynccontextmanager
async def running(tools: Tools, program: str, dsn: str, *options: str) -> AsyncIterator[Process]:
    """Run one with pipes to its input and output; BackupError with its last words when it fails."""
    known = conninfo_to_dict(dsn)
    password = known.pop("password", None)
    # The password goes by the environment: arguments can be read by everybody on the machine.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRACE_")}
    environment |= {"PGPASSWORD": str(password)} if password else {}
    where = make_conninfo(**{name: str(value) for name, value in known.items()})
    process = await asyncio.create_subprocess_exec(
        tools.folder / program, *options, "--dbname", where,
        stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment,
    )  # fmt: skip
    assert process.stderr is not None
    words = asyncio.create_task(process.stderr.read())
    try:
        yield process
        code = await process.wait()
        said = (await words).decode(errors="replace").strip()[-LAST_WORDS:]
        if code != 0:
            raise BackupError(f"{program} of PostgreSQL {tools.major} failed: {said or f'exit code {code}'}")
    except (BrokenPipeError, ConnectionResetError):
        await process.wait()
        said = (await words).decode(errors="replace").strip()[-LAST_WORDS:]
        raise BackupError(f"{program} of PostgreSQL {tools.major} broke off: {said}") from None
    finally:
        if process.returncode is None:
            process.kill()
            if process.stdout is not None:
                await process.stdout.read()  # asyncio sees no end of a process before that of its output
            await process.wait()
        words.cancel()
