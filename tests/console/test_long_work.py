"""Long work in the console: uploaded, looked at, confirmed, seen, stopped; without JavaScript too."""

import re

import httpx

from grace.flows.work.service import take_up
from grace.trust.identity.rules import Role
from tests.fixtures.office import People, Person
from tests.fixtures.statements import PAGE_STATEMENTS, Cost
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.work.conftest import leads

PAGE = {"Accept": "text/html"}


async def shown(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def upload(
    browser: httpx.AsyncClient, content: bytes, *, key: str = "k", name: str = "crm.csv"
) -> httpx.Response:
    data = {"idempotency_key": key, "source": "", "keep_rest": "1"}
    return await browser.post("/app/work/import", data=data, files={"file": (name, content, "text/csv")})


async def test_a_file_is_uploaded_looked_at_and_imported(
    workspace: WorkspaceUnderTest, browser: httpx.AsyncClient, cost: Cost
) -> None:
    assert "/app/work/import" in await shown(browser, "/app/pipeline/list")
    assert "Import leads" in await shown(browser, "/app/work/import")
    sent = await upload(browser, leads(30, ["", "", "", "", "", "", "", "x"]))
    assert sent.status_code == 303
    path = sent.headers["location"]
    assert (await upload(browser, leads(30, ["", "", "", "", "", "", "", "x"]))).headers["location"] == path
    waiting = await shown(browser, path)
    assert '<noscript><meta http-equiv="refresh"' in waiting and "Waits for the worker" in waiting
    assert f'data-live="work:{path.rpartition("/")[2]}"' in waiting

    await workspace.drain()
    looked = await shown(browser, path)
    assert "Import 30 leads" in looked and "Person 1" in looked and "kept with each lead" in looked
    assert "http-equiv" not in looked and await cost(browser, path) <= PAGE_STATEMENTS
    columns = {"map.name": "Company", "map.email": "E-mail"}
    assert (await browser.post(f"{path}/columns", data={"map.name": "Nothing"})).status_code == 422
    assert (await browser.post(f"{path}/columns", data=columns)).status_code == 303
    await workspace.drain()
    assert "Company 1 GmbH" in await shown(browser, path)

    assert (await browser.post(f"{path}/confirm")).status_code == 303
    assert (await browser.post(f"{path}/confirm")).status_code == 303
    await workspace.drain()
    done = await shown(browser, path)
    assert "30 of 30 rows" in done or "31 of 31 rows" in done
    assert "Download refused rows" in done and "Why rows are refused" in done
    listed = await shown(browser, "/app/work")
    assert "Import of leads" in listed and "1 refused" in listed
    assert await cost(browser, "/app/work") <= PAGE_STATEMENTS


async def test_what_is_no_table_is_refused_in_words(browser: httpx.AsyncClient) -> None:
    refused = await upload(browser, b"PK\x03\x04\x00\x00", name="leads.xlsx")
    assert refused.status_code == 422 and "leads.xlsx is no text" in refused.text
    nothing = await browser.post("/app/work/import", files={"file": ("", b"", "text/csv")})
    assert nothing.status_code == 422
    plain = await browser.post("/app/work/import", data={"file": "no file"})
    assert plain.status_code == 422 and "Choose a" in plain.text
    assert "No long work yet" in await shown(browser, "/app/work")


async def test_a_reader_sees_what_they_may(
    workspace: WorkspaceUnderTest, office: People, browser: httpx.AsyncClient
) -> None:
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    viewer.headers.update(PAGE)
    path = (await upload(browser, leads(3))).headers["location"]
    await workspace.drain()
    seen = await shown(viewer, path)
    assert "Waits for you" in seen and "Import 3 leads" not in seen and "Discard" not in seen
    assert "needs the permission leads:write" in await shown(viewer, "/app/work/import")
    assert (await upload(viewer, leads(3))).status_code == 403
    for act in ("confirm", "stop", "columns"):
        assert (await viewer.post(f"{path}/{act}")).status_code == 403, act
    verified = await browser.post("/app/work", data={"kind": "verification"})
    assert (await viewer.get(verified.headers["location"])).status_code == 403
    assert "Verification" not in await shown(viewer, "/app/work")
    assert (await viewer.post("/app/work", data={"kind": "verification"})).status_code == 403


async def test_it_is_stopped_by_a_person(workspace: WorkspaceUnderTest, browser: httpx.AsyncClient) -> None:
    path = (await upload(browser, leads(3))).headers["location"]
    await workspace.drain()
    assert (await browser.post(f"{path}/stop")).status_code == 303
    stopped = await shown(browser, path)
    assert "Stopped by A user" in stopped and "Leads of new clients" not in stopped
    assert (await browser.post(f"{path}/confirm")).status_code == 409


async def test_pdfs_export_and_verification_are_begun_where_people_look(
    workspace: WorkspaceUnderTest, browser: httpx.AsyncClient, boss: Person
) -> None:
    assert "/app/work/pdfs?tab=paid" in await shown(browser, "/app/invoices?tab=paid")
    line = {"description": "Work", "unit_price": "100"}
    made = (await boss.api.post("/api/v1/invoices", json={"client_id": "Acme", "lines": [line]})).json()
    await boss.api.post(f"/api/v1/invoices/{made['id']}/issue")
    assert "Make PDFs" in await shown(browser, "/app/work/pdfs?tab=sent&q=Acme")
    none = await browser.post("/app/work", data={"kind": "invoice_pdfs", "tab": "all", "q": "Nobody"})
    assert none.status_code == 422 and "No invoice was sent that fits" in none.text
    pdfs = (await browser.post("/app/work", data={"kind": "invoice_pdfs", "tab": "all", "q": "Acme"})).headers
    audit = await shown(browser, "/app/audit")
    assert len(re.findall(r'name="kind" value="(audit_export|verification)"', audit)) == 2
    verified = (await browser.post("/app/work", data={"kind": "verification"})).headers
    await workspace.drain()
    assert "Download 1 PDF" in await shown(browser, pdfs["location"])
    assert "the books balance" in await shown(browser, verified["location"])


async def test_every_page_says_that_work_runs_until_it_ends(
    workspace: WorkspaceUnderTest, office: People, browser: httpx.AsyncClient, cost: Cost
) -> None:
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    viewer.headers.update(PAGE)
    before = await cost(browser, "/app/clients")
    assert 'class="busy"' not in await shown(browser, "/app/clients")
    path = (await upload(browser, leads(3))).headers["location"]
    for reader, page in ((browser, "/app/clients"), (viewer, "/app"), (browser, "/app/work/mark")):
        assert f'class="busy" href="{path}" title="Import running"' in await shown(reader, page), page
    assert await cost(browser, "/app/clients") == before
    await workspace.drain()
    assert f'class="busy" href="{path}" title="Import to confirm"' in await shown(browser, "/app")
    assert 'class="busy"' not in await shown(viewer, "/app")
    for _ in range(2):
        await browser.post("/app/work", data={"kind": "verification"})
    assert 'class="busy" href="/app/work" title="3 works in hand"' in await shown(browser, "/app")
    assert 'class="busy"' not in await shown(viewer, "/app")
    await browser.post(f"{path}/stop")
    await workspace.drain()
    assert 'class="busy"' not in await shown(browser, "/app") and not (await shown(browser, "/app/work/mark")).strip()
    async with workspace.tx() as tx:
        turns = await tx.value("select count(*) from fact where kind = 'WorkTurned' and subject = %(id)s", id=path[10:])
    assert turns == 3  # it began, waited, was stopped; not each step


async def test_a_silent_work_says_when_it_was_last_heard_of(
    workspace: WorkspaceUnderTest, browser: httpx.AsyncClient
) -> None:
    path = (await browser.post("/app/work", data={"kind": "verification"})).headers["location"]
    async with workspace.tx() as tx:
        await take_up(tx, path[10:])
    assert re.search(r'data-ago="\d" hidden>', await shown(browser, path))
    async with workspace.tx() as tx:
        await tx.execute("update work set moved_at = moved_at - interval '5 min' where id = %(id)s", id=path[10:])
    assert re.search(r'data-ago="3\d\d">Last heard of <span class="num">3\d\d</span> s ago', await shown(browser, path))
