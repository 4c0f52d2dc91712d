"""One holder at a time; the lock goes with its holder, and a deleted file holds nobody up."""

import subprocess
import sys
from pathlib import Path

import pytest

from grace.app.locks import Locked, file_lock

HOLD = """
import sys
from pathlib import Path
from grace.app.locks import file_lock
with file_lock(Path(sys.argv[1]), wait_s=0):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_holder_until_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Locked) as refused, file_lock(path, wait_s=0.1):
            pass
        assert refused.value.holder == holder.pid
    finally:
        holder.kill()
        holder.communicate()
    with file_lock(path, wait_s=0):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_deleted_lock_file_is_not_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with file_lock(path, wait_s=0):
        path.unlink()
        with file_lock(path, wait_s=0), pytest.raises(Locked), file_lock(path, wait_s=0):
            pass


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "lock").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"), file_lock(tmp_path / "lock", wait_s=0):
        pass
    assert target.read_text() == "precious"
