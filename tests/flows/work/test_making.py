"""PDFs of many invoices, the log as a file, everything verified: made once, taken up again, told in the end."""

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from grace.app.strangers import VERIFIER
from grace.flows.work.jobs import run_work
from grace.kit.unit import Unit
from grace.trust.audit import jobs as sealing
from grace.trust.audit.service import load_or_create_signer
from grace.trust.identity.rules import Role
from tests.fixtures.office import People, Person
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.work.conftest import Mortal, read


async def invoices(boss: Person, count: int, *, client: str = "Acme") -> list[str]:
    """So many issued invoices; their numbers."""
    numbers = []
    for _ in range(count):
        body = {"client_id": client, "lines": [{"description": "Work", "unit_price": "100"}]}
        made = (await boss.api.post("/api/v1/invoices", json=body)).json()
        issued = await boss.api.post(f"/api/v1/invoices/{made['id']}/issue")
        assert issued.status_code == 200, issued.text
        numbers.append(issued.json()["invoice_number"])
    return numbers


async def begin(boss: Person, **body: Any) -> Any:
    answer = await boss.api.post("/api/v1/work", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def seal(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        signer = await load_or_create_signer(tx)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await sealing.drain(owner, signer=signer)


async def test_pdfs_are_made_once_though_the_worker_dies(
    workspace: WorkspaceUnderTest, boss: Person, mortal: Mortal
) -> None:
    numbers = await invoices(boss, 12)
    await invoices(boss, 1, client="Other")
    work = await begin(boss, kind="invoice_pdfs", q="acme", sent_from="2020-01-01")
    await mortal.run(work, steps=2)
    assert [(await read(boss.api, work))[name] for name in ("done", "total", "state")] == [10, 12, "running"]
    await workspace.drain()
    done = await read(boss.api, work)
    assert (done["state"], done["result"]) == ("done", {"documents": 12})
    file = await boss.api.get(done["file"])
    assert file.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert sorted(archive.namelist()) == sorted(f"{number.replace('/', '-')}.pdf" for number in numbers)
        assert archive.testzip() is None
        assert all(archive.read(name).startswith(b"%PDF") for name in archive.namelist())
    async with workspace.tx() as tx:
        await tx.execute("update workspace set clock_offset = clock_offset + interval '31 days'")
    await workspace.drain()
    assert (await boss.api.get(done["file"])).status_code == 404
    assert (await read(boss.api, work))["file"] is None


@pytest.mark.parametrize("chosen", [{"q": "nobody"}, {"sent_to": "2001-01-01"}, {"tab": "draft"}])
async def test_no_invoice_no_work(boss: Person, chosen: dict[str, str]) -> None:
    await invoices(boss, 1)
    answer = await boss.api.post("/api/v1/work", json={"kind": "invoice_pdfs", **chosen})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/no-invoices")
    backwards = {"kind": "invoice_pdfs", "sent_from": "2026-02-01", "sent_to": "2026-01-01"}
    assert (await boss.api.post("/api/v1/work", json=backwards)).status_code == 422


async def test_the_log_is_a_file_that_strangers_verify(
    workspace: WorkspaceUnderTest, boss: Person, mortal: Mortal, tmp_path: Path
) -> None:
    await invoices(boss, 2)
    work = await begin(boss, kind="audit_export")
    await seal(workspace)
    await mortal.run(work, steps=2)
    await workspace.drain()
    done = await read(boss.api, work)
    assert (done["state"], done["percent"]) == ("done", 100)
    file = await boss.api.get(done["file"])
    assert gzip.decompress(file.content).startswith(b"grace-audit-export 1\n")
    assert done["result"]["bytes"] == len(file.content)
    kept = tmp_path / "log.gz"
    kept.write_bytes(file.content)
    judged = subprocess.run([sys.executable, VERIFIER, kept], capture_output=True, text=True, check=False)  # noqa: ASYNC221
    assert judged.returncode == 0, judged.stdout + judged.stderr
    async with workspace.tx() as tx:
        said = await tx.one(
            dict,
            "select principal_id, leaf from audit_entry e left join lateral (select index as leaf"
            " from audit_leaf where entry_id = e.id) l on true where action = 'export_audit_log'",
        )
    assert said["principal_id"] == boss.id and said["leaf"] is not None


async def test_everything_is_verified_and_what_is_wrong_is_told(workspace: WorkspaceUnderTest, boss: Person) -> None:
    await invoices(boss, 2)
    await seal(workspace)
    work = await begin(boss, kind="verification")
    await workspace.drain()
    good = await read(boss.api, work)
    assert good["result"]["ok"] and good["result"]["entries"] > 5 and good["result"]["postings"] == 4
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("alter table audit_entry disable trigger user")
        await owner.execute("update audit_entry set action = 'nothing' where action = 'issue_invoice'")
        await owner.execute("alter table ledger_entry disable trigger user")
        await owner.execute("update ledger_entry set amount_minor = amount_minor + 1 where amount_minor > 0")
    again = await begin(boss, kind="verification")
    await workspace.drain()
    bad = await read(boss.api, again)
    assert (bad["state"], bad["result"]["ok"]) == ("done", False)
    assert "other columns" in bad["result"]["log_findings"][0]
    assert any("sums to zero" in one for one in bad["result"]["book_findings"])


async def test_one_runs_at_a_time_and_so_many_may_wait(workspace: WorkspaceUnderTest, boss: Person) -> None:
    works = [await begin(boss, kind="verification") for _ in range(20)]
    more = await boss.api.post("/api/v1/work", json={"kind": "verification"})
    assert (more.status_code, more.json()["type"]) == (409, "/problems/too-much-work")
    stopped = (await boss.api.post(f"/api/v1/work/{works[0]['id']}/stop")).json()
    assert (stopped["state"], stopped["stopped_by"]) == ("stopped", boss.id)
    await run_work(Unit(workspace.workspaces, workspace.handle), work_id=works[0]["id"])
    assert (await read(boss.api, works[0]))["state"] == "stopped"
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from fact where kind = 'WorkMoved'") == 21
    page = (await boss.api.get("/api/v1/work", params={"limit": 15})).json()
    rest = (await boss.api.get("/api/v1/work", params={"limit": 15, "cursor": page["next_cursor"]})).json()
    assert [one["id"] for one in page["items"] + rest["items"]] == [one["id"] for one in reversed(works)]
    assert rest["next_cursor"] is None


async def test_a_reading_that_is_stopped_ends(workspace: WorkspaceUnderTest, boss: Person, mortal: Mortal) -> None:
    work = await begin(boss, kind="verification")
    stint = await mortal.stint(work)
    async with stint.pulse():
        stint.tell(3, 10, "Recomputing")
        await _until(boss, work, "done", 3)
        await boss.api.post(f"/api/v1/work/{work['id']}/stop")
        await _until(boss, work, "state", "stopped")
        told = 4
        while told < 10_000:  # the next pulse finds it out
            try:
                stint.tell(min(told, 9), 10, "Recomputing")
            except Exception as over:
                assert type(over).__name__ == "Over"
                return
            told += 1
            await read(boss.api, work)
    raise AssertionError("it went on")


async def _until(boss: Person, work: Any, name: str, value: Any) -> None:
    for _ in range(2_000):
        if (await read(boss.api, work))[name] == value:
            return
    raise AssertionError(f"{name} did not become {value}")


async def test_a_viewer_may_have_pdfs_and_nothing_of_trust(office: People, boss: Person) -> None:
    await invoices(boss, 1)
    viewer = await office.user(Role.VIEWER)
    assert (await viewer.api.post("/api/v1/work", json={"kind": "invoice_pdfs"})).status_code == 201
    for kind in ("audit_export", "verification"):
        refused = await viewer.api.post("/api/v1/work", json={"kind": kind})
        assert (refused.status_code, refused.json()["permission"]) == (403, "audit:read")
    theirs = await begin(boss, kind="verification")
    assert (await viewer.api.get(f"/api/v1/work/{theirs['id']}")).status_code == 403
    assert [one["kind"] for one in (await viewer.api.get("/api/v1/work")).json()["items"]] == ["invoice_pdfs"]
