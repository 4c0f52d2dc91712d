import hashlib
import json
from dataclasses import replace
from datetime import date

import pytest

from grace.kit.markdown import read_markdown
from grace.providers.architect.builtin.architect import BuiltinArchitect
from grace.providers.architect.builtin.building import build
from grace.providers.architect.port import BuildItem, BuildSpec, Business, Client, WorkKind

SPEC = BuildSpec(
    project="Customer portal",
    client=Client("Anna Weber", "Weber Baked Goods"),
    business=Business("Nordlicht Studio", "Jonas Nord", "jonas@nordlicht-studio.eu"),
    today=date(2026, 11, 20),
    items=(
        BuildItem("Portal", WorkKind.WEBSITE, "A portal.", ("Login",), ("Anna has signed in.",), 40),
        BuildItem("Schulung für 5 Leute", WorkKind.TRAINING),
        BuildItem("दुकान"),
    ),
)


def files(result):
    return {artefact.path: artefact.content.decode() for artefact in result.artefacts}


async def test_a_pack_holds_a_plan_a_checklist_each_and_a_true_manifest():
    made = await BuiltinArchitect().build(SPEC)
    assert list(files(made)) == [
        "plan.md",
        "checklists/01-portal.md",
        "checklists/02-schulung-fur-5-leute.md",
        "checklists/03-deliverable.md",
        "acceptance.md",
        "handover.md",
        "manifest.json",
    ]
    assert "- [ ] Login" in files(made)["checklists/01-portal.md"]
    assert "- [ ] Anna has signed in." in files(made)["checklists/01-portal.md"]
    assert "| Anna has signed in. | | |" in files(made)["acceptance.md"]
    assert "[x]" not in "".join(files(made).values())
    listed = {one["path"]: one for one in json.loads(files(made)["manifest.json"])["files"]}
    for artefact in made.artefacts[:-1]:
        assert hashlib.sha256(artefact.content).hexdigest() == artefact.sha256 == listed[artefact.path]["sha256"]
        assert len(artefact.content) == listed[artefact.path]["bytes"]
        assert read_markdown(artefact.content.decode())[0]["kind"] == "heading"
    assert len(made.remaining) == 3
    assert made == build(SPEC)


def test_instructions_alone_are_enough():
    made = build(replace(SPEC, items=(), instructions="Build a website with 5 pages.\nThen train the team."))
    assert [path for path in files(made) if path.startswith("checklists/")] == [
        "checklists/01-website.md",
        "checklists/02-training.md",
    ]
    assert "> Build a website with 5 pages." in files(made)["plan.md"]


def test_hostile_titles_stay_text_and_inside_the_folder():
    made = build(replace(SPEC, items=(BuildItem("../../etc/passwd | <b>"), BuildItem("x" * 500))))
    assert all(".." not in path and path.count("/") <= 1 and len(path) < 70 for path in files(made))
    assert "\\<b\\>" in files(made)["plan.md"]


def test_nothing_to_build_is_refused():
    with pytest.raises(ValueError, match="nothing to deliver"):
        build(replace(SPEC, items=()))
    with pytest.raises(ValueError, match="at most"):
        build(replace(SPEC, items=SPEC.items * 30))
