"""`grace audit export`, `receipt` and `verify FILE` as somebody at a terminal meets them."""

import gzip
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.running import GRACE, RunningGrace

HANDLE = "auditfiles"


class Terminal:
    """Commands on a workspace of the running Grace, in a folder of their own."""

    def __init__(self, grace: RunningGrace, folder: Path) -> None:
        self.environment = {**grace.environment, "GRACE_WORKSPACE": HANDLE}
        self.folder = folder

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [GRACE, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def says(self, *arguments: str, code: int = 0) -> str:
        done = self.run(*arguments)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def terminal(running_grace: RunningGrace, tmp_path: Path) -> Terminal:
    found = Terminal(running_grace, tmp_path)
    found.says("bootstrap", "--email", "olive@example.com")
    return found


def test_export_receipt_and_verify(terminal: Terminal) -> None:
    folder = terminal.folder
    assert "checkpoints are in log.gz" in terminal.says("audit", "export", "log.gz")
    first = json.loads(terminal.says("audit", "export", "log", "--json"))
    assert (folder / "log").read_bytes().startswith(b"grace-audit-export 1\n")
    assert gzip.decompress((folder / "log.gz").read_bytes()).endswith(b"\nend\n")
    assert stat.S_IMODE((folder / "log.gz").stat().st_mode) == 0o600
    assert "Nothing was altered" in terminal.says("audit", "verify", "log.gz")
    assert json.loads(terminal.says("audit", "verify", "log", "--json"))["ok"] is True
    # An export is itself recorded, so that the next one holds one entry more.
    assert json.loads(terminal.says("audit", "export", "log", "--json"))["size"] == first["size"] + 1
    checkpoints = terminal.environment["GRACE_DATA_DIR"] + f"/checkpoints/{HANDLE}.log"
    assert "that the checkpoint kept elsewhere saw" in terminal.says("audit", "verify", "log", "--against", checkpoints)
    receipt = terminal.says("audit", "receipt", HANDLE)
    (folder / "receipt").write_text(receipt)
    assert "export_audit_log" in terminal.says("audit", "verify", "receipt")
    assert "The receipt is in kept" in terminal.says("audit", "receipt", HANDLE, "--since", "1", "--out", "kept")
    assert sorted(path.name for path in folder.iterdir()) == ["kept", "log", "log.gz", "receipt"]


def test_what_is_wrong_is_said_in_a_sentence(terminal: Terminal) -> None:
    folder = terminal.folder
    terminal.says("audit", "export", "log.gz")
    whole = (folder / "log.gz").read_bytes()
    (folder / "cut.gz").write_bytes(whole[: len(whole) // 2])
    assert "is not whole" in terminal.says("audit", "verify", "cut.gz", code=2)
    lines = gzip.decompress(whole).split(b"\n")
    (folder / "forged").write_bytes(b"\n".join([*lines[:-3], lines[-2], b""]))
    assert "FOUND" in terminal.says("audit", "verify", "forged", code=1)
    (folder / "noise").write_bytes(os.urandom(1000))
    terminal.says("audit", "verify", "noise", code=2)
    assert "cannot be read" in terminal.says("audit", "verify", "nothing.gz", code=2)
    assert "cannot be read" in terminal.says("audit", "verify", ".", code=2)
    terminal.says("audit", "verify", "log.gz", "--against", "nothing", code=2)
    terminal.says("audit", "verify", "log.gz", "--key", "nonsense", code=2)
    terminal.says("audit", "verify", "--key", "nonsense", code=1)
    terminal.says("audit", "export", "nowhere/log", code=1)
    terminal.says("audit", "export", ".", code=1)
    terminal.says("audit", "export", "log", "--workspace", "nobody", code=1)
    terminal.says("audit", "receipt", "pay_nothing", code=1)
