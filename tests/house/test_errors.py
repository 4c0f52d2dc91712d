"""Every error type has a cause and a cure, in docs/errors.md and at the address that a problem document's `type` is."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from grace.app import modules
from grace.app.problems import PROBLEMS
from grace.kit.errors import Problem

ROOT = Path(__file__).parents[2]
WITH_STATUS_OF_ITS_OWN = {"method-not-allowed"}
"""Of the class Malformed, with the status that HTTP has for it."""


def family(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """Every class of problem of the product."""
    if kind.__module__.startswith("grace."):
        yield kind
    for child in kind.__subclasses__():
        yield from family(child)


def in_code() -> dict[str, set[int]]:
    """The types that code can answer, by class and by the argument `type` of a problem, with their statuses."""
    modules.load()
    found: dict[str, set[int]] = {}
    status = {}
    for kind in family():
        found.setdefault(kind.slug, set()).add(kind.status)
        status[kind.__name__] = kind.status
    for path in (ROOT / "grace").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in status:
                for keyword in call.keywords:
                    if keyword.arg == "type":
                        for part in ast.walk(keyword.value):
                            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                                found.setdefault(part.value, set()).add(status[call.func.id])
    return found


def test_each_type_of_the_code_is_explained_and_no_other() -> None:
    found = in_code()
    assert sorted(found.keys() - PROBLEMS.keys()) == [], "explain them in grace/app/problems.py"
    assert sorted(PROBLEMS.keys() - found.keys()) == [], "no code answers these"


def test_each_type_has_the_status_that_code_answers() -> None:
    for name, statuses in in_code().items():
        if name not in WITH_STATUS_OF_ITS_OWN:
            assert statuses == {PROBLEMS[name].status}, name


def test_causes_and_cures_are_sentences() -> None:
    for name, known in PROBLEMS.items():
        for text in (known.cause, known.cure):
            assert text.endswith(".") and len(text) > 12, name


def test_the_document_is_what_is_known(tmp_path: Path) -> None:
    asked = "from scripts.errors import text; print(text(), end='')"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (ROOT / "docs" / "errors.md").read_text() == done.stdout, "run: python scripts/errors.py"


async def test_the_type_of_a_problem_leads_to_its_explanation(visitor: httpx.AsyncClient) -> None:
    refused = (await visitor.get("/api/v1/me")).json()
    page = await visitor.get(refused["type"])
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "Send <code>Authorization: Bearer grc_…</code> of" in page.text
    every = (await visitor.get("/problems")).text
    assert all(f'id="{name}"' in every for name in PROBLEMS) and "`" not in every
    unknown = await visitor.get("/problems/no-such-thing")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/no-such-address")
