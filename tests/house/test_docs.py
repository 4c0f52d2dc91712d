"""Docs that cannot lie: every command and example is run, every door is described, every link leads somewhere."""

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.fixtures.running import GRACE, RunningGrace

ROOT = Path(__file__).parents[2]
DOCS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md")])
DOOR_PAGES = ("api.md", "insight.md", "proofs.md")
MARK = "### block "
TIMEOUT_S = 240
FOREGROUND = "grace up", "grace serve", "grace worker", "grace sandbox"


@dataclass(frozen=True)
class Example:
    """A fenced block, its line in the document, and the output that the document shows for it."""

    line: int
    language: str
    text: str
    shown: str | None


def examples(path: Path) -> list[Example]:
    """The `sh` and `python` blocks of a document; a `json` or `text` block right below one is its output."""
    text = path.read_text()
    found: list[Example] = []
    for fence in re.finditer(r"^```(\w*)\n(.*?)^```\n?", text, re.MULTILINE | re.DOTALL):
        language, content = fence[1], fence[2]
        if language in ("sh", "python"):
            found.append(Example(text[: fence.start()].count("\n") + 1, language, content, None))
        elif language in ("json", "text") and found and text[: fence.start()].endswith("```\n"):
            last = found.pop()
            found.append(Example(last.line, last.language, last.text, content))
    return found


TUTORIAL = ROOT / "docs" / "tutorial.md"
RUN = [path for path in DOCS if path != TUTORIAL and examples(path)]
CELLS = """
import ast, asyncio, json, sys

async def main():
    cells = json.load(open(sys.argv[1]))
    session = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        print(f"### block {number}", flush=True)
        found = eval(compile(cell, f"cell {number}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), session)
        if found is not None:
            await found

asyncio.run(main())
"""
"""What a notebook does: each cell in one session, in which `await` may stand at the top."""


@pytest.fixture
def shell(running_grace: RunningGrace, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment of somebody who follows a document in a fresh workspace."""
    handle = "docs" + re.sub(r"\W|_", "", Path(request.node.callspec.params["path"]).stem).lower()[:20]
    made = subprocess.run(
        [GRACE, "bootstrap", "--workspace", handle, "--email", "olive@example.com", "--json"],
        env=running_grace.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    key = re.search(r"grc_[A-Za-z0-9_-]+", made.stdout)
    assert key is not None
    address, _, port = running_grace.url.rpartition(":")
    return {
        **running_grace.environment,
        "GRACE_API_KEY": key[0],
        "GRACE_WORKSPACE": handle,
        "SANDBOX_URL": f"{address}:{int(port) + 1}",
        "HOME": str(tmp_path),
    }


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.name)
def test_the_examples_run(path: Path, shell: dict[str, str], running_grace: RunningGrace, tmp_path: Path) -> None:
    found = examples(path)
    script = "set -euo pipefail\n"
    for number, example in enumerate(found):
        script += f"echo '{MARK}{number}'\n{_script(example, running_grace, tmp_path, number)}\n"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=shell, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    _as_shown(path, found, done)


@pytest.mark.parametrize("path", [TUTORIAL], ids=["tutorial.md"])
def test_the_tutorial_runs_cell_by_cell(path: Path, shell: dict[str, str], tmp_path: Path) -> None:
    found = examples(path)
    assert {cell.language for cell in found} == {"python"}
    (tmp_path / "cells.json").write_text(json.dumps([cell.text for cell in found]))
    asked = [sys.executable, "-c", CELLS, "cells.json"]
    done = subprocess.run(
        asked, cwd=tmp_path, env=shell, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    _as_shown(path, found, done)


def _as_shown(path: Path, found: list[Example], done: subprocess.CompletedProcess[str]) -> None:
    """Every example ran to its end, and said what the document shows below it."""
    outputs = done.stdout.split(MARK)[1:]
    reached = found[len(outputs) - 1]
    assert done.returncode == 0, f"{path.name}:{reached.line}\n{reached.text}\n{outputs[-1]}\n{done.stderr}"
    for example, output in zip(found, outputs, strict=True):
        for line in (example.shown or "").splitlines():
            pattern = ".*".join(re.escape(part) for part in line.split("…"))
            assert re.search(pattern, output), f"{path.name}:{example.line} shows {line!r}, but got\n{output}"


def _script(example: Example, running_grace: RunningGrace, folder: Path, number: int) -> str:
    if example.language == "python":
        lines = textwrap.indent(example.text, "    ")
        program = folder / f"example{number}.py"
        program.write_text(f"import asyncio\n\n\nasync def main():\n{lines}\n\nasyncio.run(main())\n")
        return f"{sys.executable} {program}"
    return "\n".join(_lines(example.text, running_grace))


def _lines(text: str, running_grace: RunningGrace) -> Iterator[str]:
    """The commands, at the address of the Grace under test, which runs already."""
    for line in text.replace("http://127.0.0.1:8005", running_grace.url).splitlines():
        if line.startswith("make "):
            # Runs for ever, or takes minutes; what it stands for is tested in tests/app.
            yield f"make --dry-run --directory {ROOT} {line.removeprefix('make ')}"
        elif not line.startswith("export GRACE_API_KEY=grc_main_…"):
            assert not line.startswith(FOREGROUND), f"{line!r} does not come back"
            yield line


def test_make_run_and_make_demo_are_what_they_say() -> None:
    for target, command in (("run", "grace up"), ("demo", "grace demo")):
        asked = ["make", "--dry-run", "--no-print-directory", target]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.rstrip().endswith(command)


def doors(application: FastAPI) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in application.openapi()["paths"].items() for method in methods}


def test_every_door_is_described(application: FastAPI) -> None:
    text = "\n".join((ROOT / "docs" / page).read_text() for page in DOOR_PAGES)
    named = set(re.findall(r"(/[\w./{}-]+)`", text))
    found = doors(application)
    assert sorted({path for _, path in found} - named) == []
    known = {path for _, path in found} | {"/ws", "/docs", "/openapi.json"}
    assert sorted(path for path in named if path not in known) == []


def asked_for(text: str) -> set[tuple[str, str]]:
    """The method and path of each request that the shell makes in `text`: curl's, in one of our functions or not."""
    found = set()
    lines = text.replace("\\\n", " ").splitlines()
    while lines:
        line = lines.pop(0)
        while line.count("'") % 2 and lines:
            line += lines.pop(0)
        for command in re.split(r"\$\(|[|;]|&&", line):
            address = re.search(r"\$GRACE_URL(/[^\s\"'?)]*)", command)
            if address:
                said = re.search(r"-X ([A-Z]+)", command)
                found.add((said[1] if said else "POST" if re.search(r" -d ", command) else "GET", address[1]))
    return found


def test_requests_are_seen_in_examples() -> None:
    text = 'X=$(api $GRACE_URL/a/$ID | first id)\napi -X PUT "$GRACE_URL/b?c=1"\ncurl $GRACE_URL/d -d \'{\n "e": 1}\''
    assert asked_for(text) == {("GET", "/a/$ID"), ("PUT", "/b"), ("POST", "/d")}


def test_every_door_has_an_example(application: FastAPI) -> None:
    ran = {
        request
        for page in DOOR_PAGES
        for example in examples(ROOT / "docs" / page)
        if example.language == "sh"
        for request in asked_for(example.text)
    }
    without = []
    for method, path in sorted(doors(application), key=lambda door: door[1]):
        shape = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        if not any(method == done and shape.fullmatch(address) for done, address in ran):
            without.append(f"{method} {path}")
    assert without == [], "show them at work in docs/api.md"


def test_every_door_says_what_it_does(application: FastAPI) -> None:
    bare = [
        f"{method.upper()} {path}"
        for path, methods in application.openapi()["paths"].items()
        for method, door in methods.items()
        if not door.get("description")
    ]
    assert bare == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        assert target.startswith("http") or (path.parent / target).exists(), f"{path.name}: {target}"


def test_modules_and_folders_named_in_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    for named in re.findall(r"`((?:grace|kit|grace_sandbox|migrations)/[\w/.]+?)[`:]", text):
        path = ROOT / (f"grace/{named}" if named.startswith("kit/") else named)
        assert path.exists(), named


def test_the_architecture_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    grace = ROOT / "grace"
    rooms = [folder for above in (grace, grace / "domains", grace / "trust") for folder in above.iterdir()]
    names = {folder.name for folder in rooms if (folder / "__init__.py").exists()}
    assert sorted(name for name in names if not re.search(rf"`(grace/)?{name}`", text)) == []


def test_decisions_name_their_alternatives() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [path.name[:4] for path in records]
    assert len(set(numbers)) == len(numbers)
    for path in records:
        assert "alternative" in path.read_text().lower(), path.name
        assert len(path.read_text().splitlines()) <= 60, path.name
