"""The file of a backup: whole or refused, never half, never over another; and what the commands say of it."""

import asyncio
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grace.app.backup import archive, manifest
from grace.app.backup.errors import Damaged, Refused
from grace.app.backup.restoring import HIDDEN
from grace.kit.settings import Settings
from grace.kit.workspace import Workspaces
from tests.app.backup.conftest import databases, made, restored
from tests.fixtures.running import GRACE, RunningGrace
from tests.fixtures.workspace import WorkspaceUnderTest

ROOT = Path(__file__).parents[3]


def names(folder: Path) -> list[str]:
    """What is in it."""
    return sorted(found.name for found in folder.iterdir())


async def test_nothing_is_overwritten(
    workspace: WorkspaceUnderTest, settings: Settings, tmp_path: Path, checkpoints: Path
) -> None:
    path = await made(workspace, tmp_path / "one.gracebackup")
    with pytest.raises(Refused, match="exists already"):
        await made(workspace, path)
    with pytest.raises(Refused, match="There is a workspace"):
        await restored(path, workspace.workspaces, settings, checkpoints)
    with pytest.raises(Refused, match="no workspace 'nobody'"):
        await made(WorkspaceUnderTest("nobody", workspace.workspaces, settings), tmp_path)
    assert names(tmp_path) == ["checkpoints", "one.gracebackup"]


async def test_a_damaged_file_is_refused_wherever_it_is_damaged(
    workspace: WorkspaceUnderTest, elsewhere: Workspaces, settings: Settings, tmp_path: Path, checkpoints: Path
) -> None:
    whole = (await made(workspace, tmp_path)).read_bytes()
    dice = random.Random(20261128)
    broken = tmp_path / "broken"
    places = [0, len(whole) - 1, *(dice.randrange(len(whole)) for _ in range(60))]
    for place in places:
        broken.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << dice.randrange(8))]) + whole[place + 1 :])
        with pytest.raises(Damaged):
            archive.Archive(broken)
        broken.write_bytes(whole[:place])
        with pytest.raises(Damaged):
            archive.Archive(broken)
    broken.write_bytes(whole + b"x")
    with pytest.raises(Damaged):
        await restored(broken, elsewhere, settings, checkpoints)
    assert await elsewhere.handles() == []


RUN = """
import asyncio, sys
from pathlib import Path
from grace.app import modules
from grace.app.backup import making, restoring
from grace.kit.workspace import Workspaces
verb, dsn, handle, path, stop_at = sys.argv[1:]
def tell(what, done, total):
    if what == stop_at:
        print("there", flush=True)
        sys.stdin.read()
async def run():
    installation = Workspaces(dsn, master_key=bytes(range(32)))
    if verb == "back_up":
        await making.back_up(installation, handle, Path(path), tell=tell)
    else:
        await restoring.restore(installation, Path(path), handle=handle, checkpoints=Path("/nowhere"), tell=tell)
modules.load()
asyncio.run(run())
"""


def killed_at(step: str, verb: str, dsn: str, handle: str, path: Path) -> None:
    """Start it in a process of its own, and kill that where it reports a step."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, verb, dsn, handle, path, step],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"there\n"
    process.kill()
    process.wait()


async def test_a_killed_backup_leaves_no_file_that_looks_whole(workspace: WorkspaceUnderTest, tmp_path: Path) -> None:
    target = tmp_path / "b.gracebackup"
    await asyncio.to_thread(killed_at, "Counting", "back_up", workspace.workspaces.dsn(), workspace.handle, target)
    (left,) = names(tmp_path)
    assert left.startswith(".grace-backup-")
    await made(workspace, target)
    assert names(tmp_path) == [target.name]


async def test_a_killed_restore_leaves_no_workspace_and_can_be_repeated(
    workspace: WorkspaceUnderTest, elsewhere: Workspaces, settings: Settings, tmp_path: Path
) -> None:
    path = await made(workspace, tmp_path)
    for step in ("Restoring the database", "Checking the books"):
        await asyncio.to_thread(killed_at, step, "restore", elsewhere.dsn(), workspace.handle, path)
        assert await elsewhere.handles() == []
        assert await databases(elsewhere) == [HIDDEN + workspace.handle]
    again, _ = await restored(path, elsewhere, settings, tmp_path)
    assert await databases(elsewhere) == [f"grace_{again.handle}"]


async def test_any_zip_program_opens_a_backup(workspace: WorkspaceUnderTest, tmp_path: Path) -> None:
    with zipfile.ZipFile(await made(workspace, tmp_path)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [manifest.DATABASE, archive.MANIFEST]
        assert opened.read(manifest.DATABASE).startswith(b"PGDMP")
        assert "master key is not in this file" in json.loads(opened.read(archive.MANIFEST))["note"]


def test_the_commands_tell_what_they_did_and_what_they_cannot(running_grace: RunningGrace, tmp_path: Path) -> None:
    def grace(*arguments: str, blocks: int | None = None) -> tuple[int, str, str]:
        limit = f"ulimit -f {blocks}; " if blocks else ""
        done = subprocess.run(
            ["bash", "-c", f'{limit}exec "$0" "$@"', GRACE, *arguments],
            env=running_grace.environment, capture_output=True, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    code, out, said = grace("backup", "full.gracebackup", blocks=20)
    assert (code, out, said) == (1, "", "full.gracebackup cannot be written: File too large.\n")
    assert names(tmp_path) == []
    code, out, said = grace("backup", "b.gracebackup", "--json")
    assert (code, json.loads(out)["workspace"], said) == (0, "main", "")
    code, out, said = grace("restore", "b.gracebackup")
    assert (code, out, "There is a workspace main already" in said) == (1, "", True)
    code, out, said = grace("restore", "b.gracebackup", "--workspace", "again", "--json")
    assert (code, said) == (0, "")
    assert (json.loads(out)["ok"], json.loads(out)["findings"]) == (True, [])
    assert grace("audit", "verify", "--workspace", "again")[0] == 0
    assert grace("ledger", "check", "--workspace", "again")[0] == 0
    code, out, said = grace("restore", "--check", "b.gracebackup")
    assert (code, "Whole: workspace main" in out) == (0, True)
    code, out, said = grace("restore", "nothing")
    assert (code, said) == (1, "nothing is not a file.\n")
