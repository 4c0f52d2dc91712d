"""The architect at work: killed in the middle, refusing, cheating; and what is kept of what it built."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from grace.domains.delivery.jobs import build_delivery
from grace.kit.unit import Unit
from grace.providers.architect import port
from grace.providers.architect.builtin.architect import BuiltinArchitect
from tests.flows.story import Story, said

SMALL = {"budget": 4000, "requirements": "A website with 3 pages."}


@dataclass
class Scripted(BuiltinArchitect):
    """A back end that waits, refuses or adds a file, as the test says."""

    started: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    refusal: str = ""
    extra: tuple[port.Artefact, ...] = ()

    async def build(self, spec: port.BuildSpec) -> port.DeliveryResult:
        self.started.set()
        await self.go_on.wait()
        if self.refusal:
            raise ValueError(self.refusal)
        built = await super().build(spec)
        return replace(built, artefacts=(*built.artefacts, *self.extra))


def file(path: str, content: bytes, sha256: str | None = None) -> port.Artefact:
    return port.Artefact(path, "text/markdown", content, sha256 or hashlib.sha256(content).hexdigest())


@pytest.fixture
def architect(story: Story) -> Iterator[Scripted]:
    """The back end of this test; afterwards the shipped one is bound again."""
    scripted = Scripted()
    scripted.go_on.set()
    port.bind(scripted)
    yield scripted
    port.bind(BuiltinArchitect())


async def asked(story: Story) -> tuple[str, str]:
    """A project and its queued delivery."""
    _, project_id = await story.signed(**SMALL)
    begun = await said(story.owner.post("/api/business/projects/deliver", json={"project_id": project_id, "spec": ""}))
    return project_id, begun["delivery_id"]


async def test_a_build_that_is_killed_in_the_middle_is_built_again_and_kept_once(
    story: Story, architect: Scripted
) -> None:
    project_id, delivery_id = await asked(story)
    architect.go_on.clear()
    killed = asyncio.create_task(
        build_delivery(Unit(story.workspace.workspaces, story.workspace.handle), delivery_id=delivery_id)
    )
    await asyncio.wait_for(architect.started.wait(), 10)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    assert await story.rows("select 1 from artefact") == []
    assert (await story.project(project_id))["delivery_result"] is None

    architect.go_on.set()
    await story.workspace.drain()
    kept = await story.rows("select * from artefact order by id")
    built = await story.project(project_id)
    assert (built["delivery_status"], built["progress"]) == ("built", 50.0)
    await build_delivery(Unit(story.workspace.workspaces, story.workspace.handle), delivery_id=delivery_id)
    assert await story.rows("select * from artefact order by id") == kept
    assert await story.project(project_id) == built


async def test_two_workers_at_the_same_build_keep_it_once(story: Story, architect: Scripted) -> None:
    project_id, delivery_id = await asked(story)
    await asyncio.gather(
        *(
            build_delivery(Unit(story.workspace.workspaces, story.workspace.handle), delivery_id=delivery_id)
            for _ in range(3)
        )
    )
    result = (await story.project(project_id))["delivery_result"]
    assert {row["id"] for row in await story.rows("select id from artefact")} == {
        one["id"] for one in result["artefacts"]
    }
    assert len(await story.rows("select 1 from fact where kind = 'DeliveryBuilt'")) == 1


async def test_what_the_architect_refuses_ends_the_delivery_and_another_spec_may_be_tried(
    story: Story, architect: Scripted
) -> None:
    project_id, _ = await asked(story)
    architect.refusal = "there is nothing to build"
    await story.workspace.drain()
    failed = await story.project(project_id)
    assert (failed["delivery_status"], failed["delivery_result"]["error"]) == ("failed", "there is nothing to build")
    assert failed["progress"] == 0.0
    architect.refusal = ""
    await said(story.owner.post("/api/business/projects/deliver", json={"project_id": project_id, "spec": "Again"}))
    await story.workspace.drain()
    assert (await story.project(project_id))["delivery_status"] == "built"
    assert await story.rows("select * from reaction where state <> 'done'") == []


@pytest.mark.parametrize(
    "bad",
    [file("../etc/passwd", b"x"), file("/abs", b"x"), file("", b"x"), file("a\nb", b"x"), file("a.md", b"x", "0" * 64)],
)
async def test_improper_files_are_refused_as_a_whole(story: Story, architect: Scripted, bad: port.Artefact) -> None:
    project_id, _ = await asked(story)
    architect.extra = (bad,)
    await story.workspace.drain()
    assert (await story.project(project_id))["delivery_status"] == "failed"
    assert await story.rows("select 1 from artefact") == []


async def test_a_critical_finding_stops_the_handover(story: Story, architect: Scripted) -> None:
    project_id, _ = await asked(story)
    architect.extra = (
        file("keys.md", b"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7v2\n-----END RSA PRIVATE KEY-----"),
    )
    await story.workspace.drain()
    assert (await story.project(project_id))["delivery_result"]["scan_severity"] == "critical"
    await story.completed_milestones(project_id)
    refused = await story.owner.post(f"/api/v1/projects/{project_id}/delivered")
    assert refused.status_code == 409
    architect.extra = ()
    await said(story.owner.post("/api/business/projects/deliver", json={"project_id": project_id, "spec": ""}))
    await story.workspace.drain()
    await said(story.owner.post(f"/api/v1/projects/{project_id}/delivered"))


async def test_a_project_is_built_once_at_a_time(story: Story, architect: Scripted) -> None:
    project_id, _ = await asked(story)
    body = {"project_id": project_id, "spec": "More"}
    refused = await story.owner.post("/api/business/projects/deliver", json=body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/delivery-running")
    await story.workspace.drain()
    answers = await asyncio.gather(*(story.owner.post("/api/business/projects/deliver", json=body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_a_file_is_given_to_be_saved_and_never_shown(story: Story, architect: Scripted) -> None:
    project_id, _ = await asked(story)
    architect.extra = (replace(file("page.html", b"<script>alert(1)</script>"), media_type="text/html"),)
    await story.workspace.drain()
    files = (await said(story.owner.get(f"/api/v1/projects/{project_id}/artefacts")))["items"]
    [page] = [one for one in files if one["path"] == "page.html"]
    answer = await story.owner.get(page["content_url"])
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert hashlib.sha256(answer.content).hexdigest() == page["sha256"]
    assert (await story.owner.get(f"/api/v1/projects/{project_id}/artefacts/art_x")).status_code == 404
