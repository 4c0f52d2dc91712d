"""Builds a delivery pack: plan, a checklist per deliverable, acceptance record, handover notes, manifest.

The pack is what a person works from and signs off with. It claims nothing as done: every box is open.
"""

import hashlib
import json
import re
import unicodedata

from grace.kit.display import format_date
from grace.kit.markdown import plain
from grace.providers.architect.builtin.proposing import VERSION
from grace.providers.architect.builtin.understanding import understand
from grace.providers.architect.builtin.work import WORK
from grace.providers.architect.port import Artefact, BuildItem, BuildSpec, DeliveryResult

MAX_ITEMS = 50


def build(spec: BuildSpec) -> DeliveryResult:
    """Build the pack. Without items, they are read from the instructions; without either, ValueError."""
    items = spec.items or tuple(
        BuildItem(scope.title, scope.kind, WORK[scope.kind].does, tuple(scope.points), WORK[scope.kind].done)
        for scope in understand(spec.instructions).scopes
    )
    if not items:
        raise ValueError("there is nothing to deliver: no deliverables, and no instructions that name any")
    if len(items) > MAX_ITEMS:
        raise ValueError(f"a delivery has at most {MAX_ITEMS} deliverables")
    files = [("plan.md", _plan(spec, items))]
    for number, item in enumerate(items, start=1):
        files.append((f"checklists/{number:02d}-{_slug(item.title)}.md", _checklist(spec, number, item)))
    files.append(("acceptance.md", _acceptance(spec, items)))
    files.append(("handover.md", _handover(spec, items)))
    artefacts = [_artefact(path, "text/markdown; charset=utf-8", text) for path, text in files]
    artefacts.append(_artefact("manifest.json", "application/json", _manifest(artefacts)))
    count = "one deliverable" if len(items) == 1 else f"{len(items)} deliverables"
    return DeliveryResult(
        summary=f"Delivery pack for “{spec.project}”: plan, checklists for {count}, acceptance and handover.",
        artefacts=tuple(artefacts),
        remaining=tuple(f"{item.title}: work through {len(_steps(item))} steps and get it accepted." for item in items),
        built_by=VERSION,
    )


def _plan(spec: BuildSpec, items: tuple[BuildItem, ...]) -> str:
    rows = ["| # | Deliverable | Hours | Steps | Criteria |", "| --- | --- | ---: | ---: | ---: |"]
    for number, item in enumerate(items, start=1):
        hours = str(item.hours) if item.hours else ""
        rows.append(f"| {number} | {plain(item.title)} | {hours} | {len(_steps(item))} | {len(_criteria(item))} |")
    parts = [_head(spec, "Plan"), f"Client: {_client(spec)}", "\n".join(rows)]
    if spec.instructions.strip():
        parts += [
            "## Instructions",
            "\n".join(f"> {plain(line)}" for line in spec.instructions.splitlines() if line.strip()),
        ]
    needs = [f"- {plain(item.title)}: {WORK[item.kind].needs}" for item in items if WORK[item.kind].needs]
    if needs:
        parts += ["## What we need from the client", "\n".join(needs)]
    return _joined(parts)


def _checklist(spec: BuildSpec, number: int, item: BuildItem) -> str:
    parts = [_head(spec, f"{number}. {item.title}")]
    if item.description:
        parts.append(plain(item.description))
    if item.includes:
        parts += ["## Scope", "\n".join(f"- [ ] {plain(point)}" for point in item.includes)]
    parts += ["## Steps", "\n".join(f"- [ ] {plain(step)}" for step in _steps(item))]
    parts += ["## Done when", "\n".join(f"- [ ] {plain(criterion)}" for criterion in _criteria(item))]
    return _joined(parts)


def _acceptance(spec: BuildSpec, items: tuple[BuildItem, ...]) -> str:
    parts = [
        _head(spec, "Acceptance"),
        f"{_client(spec)} checks each criterion and accepts the deliverable, or notes what is missing.",
    ]
    for number, item in enumerate(items, start=1):
        rows = ["| Criterion | Met | Note |", "| --- | --- | --- |"]
        rows += [f"| {plain(criterion)} | | |" for criterion in _criteria(item)]
        parts += [f"## {number}. {plain(item.title)}", "\n".join(rows)]
    parts += ["## Accepted", "Name:\n\nDate:"]
    return _joined(parts)


def _handover(spec: BuildSpec, items: tuple[BuildItem, ...]) -> str:
    parts = [
        _head(spec, "Handover notes"),
        "Fill in each line before the handover; what does not apply is crossed out, not left empty.",
    ]
    for number, item in enumerate(items, start=1):
        lines = (
            "Where it runs",
            "Access, and who holds it",
            "Source files",
            "How to change it",
            "Known limits",
        )
        parts += [f"## {number}. {plain(item.title)}", "\n".join(f"- [ ] {line}:" for line in lines)]
    contact = " ".join(text for text in (spec.business.signer, spec.business.name, spec.business.email) if text)
    parts += ["## Contact", plain(contact)]
    return _joined(parts)


def _manifest(artefacts: list[Artefact]) -> str:
    listed = [{"path": one.path, "bytes": len(one.content), "sha256": one.sha256} for one in artefacts]
    return json.dumps({"built_by": VERSION, "files": listed}, indent=2, ensure_ascii=False) + "\n"


def _steps(item: BuildItem) -> tuple[str, ...]:
    return WORK[item.kind].steps


def _criteria(item: BuildItem) -> tuple[str, ...]:
    return item.acceptance or WORK[item.kind].done


def _client(spec: BuildSpec) -> str:
    return plain(spec.client.company or spec.client.name)


def _head(spec: BuildSpec, title: str) -> str:
    return f"# {plain(title)}\n\n{plain(spec.project)}, {format_date(spec.today)}"


def _joined(parts: list[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _slug(title: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:40] or "deliverable"


def _artefact(path: str, media_type: str, text: str) -> Artefact:
    content = text.encode("utf-8", "replace")
    return Artefact(path, media_type, content, hashlib.sha256(content).hexdigest())
