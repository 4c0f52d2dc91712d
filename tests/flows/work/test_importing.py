"""An import sent by a person: looked at, confirmed, once in effect whatever interrupts it."""

import asyncio
import gzip

import pytest

from grace.flows.work import service
from grace.flows.work.importing import LARGEST_TEXT
from grace.flows.work.jobs import run_work
from grace.flows.work.service import Over
from grace.kit.unit import Unit
from grace.trust.identity.rules import Role
from tests.fixtures.office import People, Person
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.work.conftest import Mortal, leads, read, send

COUNTS = ("created", "merged", "known", "rejected")
BAD = ["", "", "", "", "", "", "", "x"], ["Ann", "not an address", "", "", "", "", "", ""]


async def count(workspace: WorkspaceUnderTest, table: str) -> int:
    async with workspace.tx() as tx:
        return int(await tx.value(f"select count(*) from {table}"))


async def ready(workspace: WorkspaceUnderTest, boss: Person, content: bytes) -> dict[str, object]:
    sent = await send(boss.api, content, file="leads.csv")
    assert sent.status_code == 201, sent.text
    await workspace.drain()
    found = await read(boss.api, sent.json())
    assert found["state"] == "ready", found
    return dict(found)


async def test_it_says_what_it_would_do_then_does_it(workspace: WorkspaceUnderTest, boss: Person) -> None:
    sent = (await send(boss.api, leads(30, *BAD), file="C:\\my\\leads 1.csv", source="referral")).json()
    assert (sent["state"], sent["arguments"]["file"], sent["percent"]) == ("waiting", "leads 1.csv", None)
    await workspace.drain()
    looked = await read(boss.api, sent)
    assert (looked["state"], looked["done"], looked["total"]) == ("ready", 32, 32)
    assert [looked["result"][name] for name in COUNTS] == [27, 3, 0, 2]
    assert {"field": "email", "column": "E-mail"} in looked["result"]["columns"] and "Owner" in looked["result"][
        "unused"
    ]
    assert looked["result"]["first"][0]["name"] == "Person 1" and len(looked["result"]["first"]) == 5
    assert await count(workspace, "lead") == 0, "nothing is written before somebody confirms"
    assert (await boss.api.get(f"/api/v1/work/{sent['id']}/file")).status_code == 404

    for _ in range(2):
        assert (await boss.api.post(f"/api/v1/work/{sent['id']}/confirm")).status_code == 200
    await workspace.drain()
    done = await read(boss.api, sent)
    assert (done["state"], done["percent"]) == ("done", 100)
    assert [done["result"][name] for name in COUNTS] == [27, 3, 0, 2]
    assert await count(workspace, "lead") == 30
    file = await boss.api.get(done["file"])
    assert "leads%201.rejected.csv" in file.headers["content-disposition"]
    lines = file.text.splitlines()
    assert lines[0].endswith("rejected_line,rejected_because") and len(lines) == 3
    assert "not an address" in lines[2]
    async with workspace.tx() as tx:
        assert await tx.value("select position('p1@company1' in work::text) from work") == 0, "no person stays in it"
        assert await tx.value("select count(*) from work_piece where side = 'in'") == 0
        said = await tx.all(str, "select action from audit_entry where subject_kind = 'work' order by id")
        who = await tx.value("select min(principal_id) from audit_entry where action = 'import_lead'")
    assert said == ["begin_work", "confirm_work", "end_work"] and who == boss.id


async def test_a_worker_that_dies_is_followed_by_one_that_goes_on(
    workspace: WorkspaceUnderTest, boss: Person, mortal: Mortal
) -> None:
    work = await ready(workspace, boss, leads(1_400, *BAD))
    await boss.api.post(f"/api/v1/work/{work['id']}/confirm")
    await mortal.run(work, steps=1)
    halfway = await read(boss.api, work)
    assert (halfway["state"], halfway["done"]) == ("running", 500)
    assert await count(workspace, "lead") == 500
    slow = await mortal.stint(work)
    slow.lives = 1
    await mortal.run(work, steps=1)
    assert (await read(boss.api, work))["done"] == 1_000
    with pytest.raises(Over):
        async with slow.step():
            raise AssertionError("a worker that comes back to life has nothing to do")
    await workspace.drain()
    done = await read(boss.api, work)
    assert done["state"] == "done"
    assert [done["result"][name] for name in COUNTS] == [1_260, 140, 0, 2]
    assert await count(workspace, "lead") == 1_400
    assert len((await boss.api.get(done["file"])).text.splitlines()) == 3
    assert sum(one["rows"] for one in done["result"]["reasons"]) == 2


async def test_work_that_never_gets_through_ends(workspace: WorkspaceUnderTest, boss: Person) -> None:
    sent = (await send(boss.api, leads(3))).json()
    async with workspace.tx() as tx:
        for _ in range(service.ATTEMPTS):
            assert await service.take_up(tx, sent["id"]) is not None
    await run_work(Unit(workspace.workspaces, workspace.handle), work_id=sent["id"])
    ended = await read(boss.api, sent)
    assert ended["state"] == "failed" and "8 times" in ended["error"]


async def test_it_can_be_stopped_and_begun_anew(workspace: WorkspaceUnderTest, boss: Person, mortal: Mortal) -> None:
    work = await ready(workspace, boss, leads(700))
    await boss.api.post(f"/api/v1/work/{work['id']}/confirm")
    await mortal.run(work, steps=1)
    stopped = (await boss.api.post(f"/api/v1/work/{work['id']}/stop")).json()
    assert (stopped["state"], stopped["done"], stopped["stopped_by"]) == ("stopped", 500, boss.id)
    assert (await boss.api.post(f"/api/v1/work/{work['id']}/stop")).json()["state"] == "stopped"
    await workspace.drain()
    assert await count(workspace, "lead") == 500
    assert (await boss.api.post(f"/api/v1/work/{work['id']}/confirm")).status_code == 409
    again = await ready(workspace, boss, leads(700))
    assert again["result"]["known"] == 500  # type: ignore[index]


async def test_the_same_key_sends_a_file_once(workspace: WorkspaceUnderTest, boss: Person) -> None:
    first = await send(boss.api, leads(3), key="k1")
    again = await send(boss.api, leads(3), key="k1")
    assert first.json()["id"] == again.json()["id"]
    both = await asyncio.gather(send(boss.api, leads(5), key="k2"), send(boss.api, leads(5), key="k2"))
    assert len({one.json()["id"] for one in both}) == 1
    other = await send(boss.api, leads(4), key="k1")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/idempotency-key-reused")
    assert await count(workspace, "work") == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has no header line"),
        (b"\n\n", "has no header line"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "No column is a name"),
        (b"PK\x03\x04\x14\x00\x06\x00xl/workbook.xml" + bytes(300), "save the table as CSV"),
        (b"\x1f\x8b\x08\x00broken", "is not whole"),
        (b"Weather\nsunny\n", "No column is a name"),
        (b"\x00" * 400, "save the table as CSV"),
        (b"," * 100_000, "has no header line"),
        (b"name," * 100_000, "more than 2,000 columns"),
        (gzip.compress(b"name\n" + bytes(LARGEST_TEXT)), "256 MB when it is unpacked"),
    ],
)
async def test_nonsense_is_refused_before_anything_is_kept(
    workspace: WorkspaceUnderTest, boss: Person, content: bytes, says: str
) -> None:
    answer = await send(boss.api, content)
    name = "ü" * 300 + "/../x" if content == b"" else "leads.csv"
    assert (await send(boss.api, content, file=name[:200])).status_code == 422
    assert answer.status_code == 422 and says in answer.json()["detail"], answer.text
    assert await count(workspace, "work") == 0


async def test_a_header_alone_and_another_encoding_are_read(workspace: WorkspaceUnderTest, boss: Person) -> None:
    empty = await ready(workspace, boss, b"name,email\n")
    assert empty["result"]["rows"] == 0  # type: ignore[index]
    latin = await ready(workspace, boss, "name\nJürgen\n".encode("cp1252"))
    assert latin["result"]["first"] == [{"name": "Jürgen"}] and "Windows-1252" in latin["result"]["note"]  # type: ignore[index]


async def test_a_file_is_as_long_as_the_setting_says(workspace: WorkspaceUnderTest, boss: Person) -> None:
    most = workspace.settings.max_upload_bytes
    answer = await send(boss.api, b"name\n" + b"x" * most)
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, most)
    elsewhere = await boss.api.post("/api/v1/work", content=b" " * (workspace.settings.max_body_bytes + 1))
    assert elsewhere.status_code == 413


async def test_who_may_not_write_leads_begins_nothing(
    workspace: WorkspaceUnderTest, office: People, boss: Person
) -> None:
    viewer = await office.user(Role.VIEWER)
    assert (await send(viewer.api, leads(3))).status_code == 403
    work = await ready(workspace, boss, leads(3))
    for act in ("confirm", "stop"):
        assert (await viewer.api.post(f"/api/v1/work/{work['id']}/{act}")).status_code == 403
    assert (await viewer.api.get(f"/api/v1/work/{work['id']}")).status_code == 200


async def test_who_lost_the_right_does_not_go_on(workspace: WorkspaceUnderTest, boss: Person) -> None:
    work = await ready(workspace, boss, leads(3))
    await boss.api.post(f"/api/v1/work/{work['id']}/confirm")
    async with workspace.tx() as tx:
        await tx.execute("update principal set roles = '{viewer}' where id = %(id)s", id=boss.id)
    await workspace.drain()
    ended = await read(boss.api, work)
    assert ended["state"] == "failed" and "no longer" in ended["error"]
    assert await count(workspace, "lead") == 0


async def test_what_nobody_confirms_ends_after_a_week(workspace: WorkspaceUnderTest, boss: Person) -> None:
    work = await ready(workspace, boss, leads(3))
    async with workspace.tx() as tx:
        await tx.execute("update workspace set clock_offset = clock_offset + interval '8 days'")
    await workspace.drain()
    assert (await read(boss.api, work))["state"] == "stopped"
    assert await count(workspace, "work_piece") == 0
