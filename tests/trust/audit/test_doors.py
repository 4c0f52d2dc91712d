"""The doors of the audit log: entries in pages, proofs that the stand-alone verifier accepts, clear refusals."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from grace.trust.audit import jobs, service
from grace.trust.identity.rules import Role
from grace.trust.identity.service import keys, people
from tests.fixtures.api import ADDRESS
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.trust.audit.exports import program


async def seal(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        signer = await service.load_or_create_signer(tx)
    async with workspace.workspaces.owner(workspace.handle) as connection:
        await jobs.drain(connection, signer=signer)


async def record(workspace: WorkspaceUnderTest, count: int, subject: str = "in_1") -> None:
    for number in range(count):
        async with workspace.tx() as tx:
            service.record(tx, action="issue_invoice", subject=("invoice", subject), after={"n": number})


@pytest.fixture
async def log(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> httpx.AsyncClient:
    """A log of some entries under several checkpoints, and one that is not sealed."""
    for subject in ("in_1", "in_2", "in_3"):
        await record(workspace, 9, subject)
        await seal(workspace)
    await record(workspace, 1, "in_4")
    return api


async def got(api: httpx.AsyncClient, path: str, status: int = 200) -> Any:
    answer = await api.get(f"/api/v1/audit/{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


def findings(folder: Path, document: Any, **options: Any) -> list[str]:
    path = folder / "document.json"
    path.write_text(json.dumps(document))
    found: list[str] = program().verify(path, **options).findings
    return found


async def test_entries_are_listed_in_the_order_of_the_log(log: httpx.AsyncClient) -> None:
    seen, cursor = [], ""
    while True:
        page = await got(log, f"entries?limit=10{cursor}")
        seen += [entry["leaf"] for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == list(range(len(seen)))[::-1]
    assert len(seen) > 27
    of_one = await got(log, "entries?subject_kind=invoice&subject_id=in_2&limit=5")
    rest = await got(log, f"entries?subject_kind=invoice&subject_id=in_2&cursor={of_one['next_cursor']}")
    assert [entry["after"]["n"] for entry in (*of_one["items"], *rest["items"])] == list(range(9))[::-1]
    assert rest["next_cursor"] is None
    await got(log, "entries?subject_kind=invoice", status=422)


async def test_an_entry_is_read_before_and_after_it_is_sealed(
    log: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    [entry] = (await got(log, "entries?subject_kind=invoice&subject_id=in_4"))["items"]
    assert entry["leaf"] is None
    assert await got(log, f"entries/{entry['id']}") == entry
    refused = await got(log, f"entries/{entry['id']}/proof", status=409)
    assert refused["type"] == "/problems/in-progress"
    await seal(workspace)
    sealed = await got(log, f"entries/{entry['id']}")
    assert sealed == {**entry, "leaf": sealed["leaf"]}
    await got(log, "entries/999999", status=404)
    await got(log, "entries/999999/proof", status=404)


async def test_every_entry_is_proven_under_every_checkpoint_after_it(log: httpx.AsyncClient, tmp_path: Path) -> None:
    heads = (await got(log, "checkpoints"))["items"]
    assert [await got(log, f"checkpoints/{head['size']}") for head in heads] == heads
    assert await got(log, "checkpoint") == heads[0]
    for entry in (await got(log, "entries?limit=100"))["items"]:
        document = await got(log, f"entries/{entry['id']}/proof")
        assert json.loads(document["entry"]["payload"])["after"] == entry["after"]
        assert findings(tmp_path, document, key=heads[0]["key"]) == []
    for head in heads:
        answer = await log.get(f"/api/v1/audit/entries/{entry['id']}/proof?size={head['size']}")
        assert findings(tmp_path, answer.json()) == []
    newest = (await got(log, "entries?limit=1"))["items"][0]["id"]
    await got(log, f"entries/{newest}/proof?size={heads[-1]['size']}", status=422)
    await got(log, f"entries/{newest}/proof?size=2", status=404)


async def test_a_changed_proof_is_found(log: httpx.AsyncClient, tmp_path: Path) -> None:
    [entry] = (await got(log, "entries?limit=1&subject_kind=invoice&subject_id=in_2"))["items"]
    document = await got(log, f"entries/{entry['id']}/proof")
    document["entry"]["proof"][0] = document["entry"]["proof"][1]
    assert findings(tmp_path, document)


async def test_consistency_between_any_sizes(log: httpx.AsyncClient, tmp_path: Path) -> None:
    heads = (await got(log, "checkpoints"))["items"]
    size = heads[0]["size"]
    kept = tmp_path / "kept"
    kept.write_text(heads[-1]["note"])
    for old in range(1, size + 1, 3):
        document = await got(log, f"consistency?from={old}")
        assert document["new"]["checkpoint"] == heads[0]["note"]
        assert findings(tmp_path, document, against=kept) == []
        document["old"]["size"] = old % size + 1
        assert findings(tmp_path, document)
    [entry] = (await got(log, "entries?limit=1&subject_kind=invoice&subject_id=in_2"))["items"]
    (tmp_path / "consistency").write_text(json.dumps(await got(log, f"consistency?from={heads[-1]['size']}")))
    document = await got(log, f"entries/{entry['id']}/proof")
    assert findings(tmp_path, document, against=kept)
    assert findings(tmp_path, document, against=kept, consistency=tmp_path / "consistency") == []
    for wrong in ("from=0", "from=2&to=1", f"from=1&to={size + 1}", f"from={size + 1}", "to=3", "from=x"):
        await got(log, f"consistency?{wrong}", status=422)


async def test_a_damaged_tree_is_said_so(log: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    async with workspace.workspaces.owner(workspace.handle) as connection:
        await connection.execute("alter table audit_node disable trigger user")
        await connection.execute("delete from audit_node")
    [entry] = (await got(log, "entries?limit=1"))["items"]
    assert (await got(log, f"entries/{entry['id']}/proof", status=409))["type"] == "/problems/log-damaged"
    assert (await got(log, "consistency?from=20", status=409))["type"] == "/problems/log-damaged"


async def test_only_who_may_read_the_log_gets_proofs(
    application: Any, api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    async with workspace.tx() as tx:
        user = await people.create_user(tx, email="m@example.com", name="M", roles=[Role.MEMBER])
        _, key = await keys.create_key(tx, principal_id=user.id, name="test")
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url=ADDRESS, headers=headers
    ) as member:
        for path in ("entries", "entries/1", "entries/1/proof", "checkpoints", "checkpoints/1", "consistency?from=1"):
            assert (await got(member, path, status=403))["permission"] == "audit:read"
