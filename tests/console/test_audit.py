"""The audit explorer: the seal, filters, an entry with its proof, a broken log, rights, statements."""

import re

import httpx
import pytest

from grace.app.checks import verify_log
from grace.trust.audit.jobs import drain
from grace.trust.audit.service import load_or_create_signer
from grace.trust.identity.rules import Role
from tests.console.test_approvals import CLIENT, PAGE, made, page
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost


async def sealed(office: People) -> None:
    """Everything so far is under a checkpoint."""
    async with office.workspace.tx() as tx:
        signer = await load_or_create_signer(tx)
    async with office.workspace.workspaces.owner(office.workspace.handle) as connection:
        await drain(connection, signer=signer)


async def entry_of(office: People, action: str) -> int:
    async with office.workspace.tx() as tx:
        return int(await tx.value("select max(id) from audit_entry where action = %(action)s", action=action))


async def rows(browser: httpx.AsyncClient, query: str = "") -> list[str]:
    """The verbs of the log's lines."""
    text = await page(browser, f"/app/audit{query}")
    return re.findall(r'<a class="trunc" id="e-\d+"[^>]*>([^<]*)</a>', text)


async def test_an_entry_with_all_its_fields_and_its_proof(office: People, cost: Cost) -> None:
    ann = await office.user(Role.OWNER)
    await made(ann, "/api/v1/clients", CLIENT)
    browser = await office.signed_in(ann)
    await sealed(office)
    entry = await entry_of(office, "create_client")
    text = await page(browser, f"/app/audit/{entry}")
    for words in ("Sealed and signed", "Create client", "Mossgate Logistics", "Verified", "Signed root of",
                  f"/api/v1/audit/entries/{entry}/proof", "create_client", "Entry before", "Copy hash"):  # fmt: skip
        assert words in text, words
    assert await cost(browser, "/app/audit") <= PAGE_STATEMENTS
    assert await cost(browser, f"/app/audit/{entry}?actor={ann.id}") <= PAGE_STATEMENTS


async def test_filters_by_actor_action_subject_day_hash_name_and_number(office: People) -> None:
    ann, bob = await office.user(Role.OWNER), await office.user(Role.OWNER)
    client = await made(ann, "/api/v1/clients", CLIENT)
    await made(bob, "/api/v1/clients", {**CLIENT, "name": "Osprey Lane", "email": "hi@osprey.example"})
    browser = await office.signed_in(ann)
    await sealed(office)
    entry = await entry_of(office, "create_client")
    assert await rows(browser, f"?actor={bob.id}") == ["Create client"]
    assert await rows(browser, "?action=create_client") == ["Create client", "Create client"]
    assert await rows(browser, "?q=create_client") == ["Create client", "Create client"]
    assert await rows(browser, f"?subject_kind=client&subject_id={client['id']}") == ["Create client"]
    assert await rows(browser, "?q=osprey") == ["Create client"]
    for nothing in ("2001-01-01", "0001-01-01", "9999-12-31"):
        assert await rows(browser, f"?day={nothing}") == []
    async with office.workspace.tx() as tx:
        today = tx.now.date()
        digest = await tx.value("select encode(hash, 'hex') from audit_leaf where entry_id = %(id)s", id=entry)
    assert len(await rows(browser, f"?day={today}&action=create_client")) == 2
    assert await rows(browser, f"?q={digest[:9]}") == ["Create client"]
    assert await rows(browser, f"?q={digest}") == ["Create client"]
    assert f"Entry {entry}" in await page(browser, f"/app/audit?q={entry}")
    assert await rows(browser, "?q=012345678") == []
    assert "No entry matches" in await page(browser, "/app/audit?q=nobody%20%26%7C%27%20knows")
    assert (await browser.get(f"/app/audit/{10**12}", headers=PAGE)).status_code == 404


async def test_it_pages(office: People) -> None:
    ann = await office.user(Role.OWNER)
    async with office.workspace.tx() as tx:
        from grace.trust.audit import service as audit

        for number in range(60):
            audit.record(tx, action="tick", subject=("clock", str(number)))
    await sealed(office)
    browser = await office.signed_in(ann)
    text = await page(browser, "/app/audit?action=tick")
    found = re.search(r'href="(/app/audit\?action=tick&amp;cursor=[^"]+)"', text)
    assert found is not None
    assert len(await rows(browser, found[1].replace("&amp;", "&").removeprefix("/app/audit"))) == 10


@pytest.mark.parametrize("harm", ["update audit_leaf set hash = sha256(hash) where entry_id = {id}",
                                  "update audit_payload set payload = payload || ' ' where entry_id = {id}",
                                  "update audit_checkpoint set root = sha256(root)"])  # fmt: skip
async def test_what_was_tampered_with_is_red(office: People, harm: str) -> None:
    ann = await office.user(Role.OWNER)
    await made(ann, "/api/v1/clients", CLIENT)
    browser = await office.signed_in(ann)
    await sealed(office)
    entry = await entry_of(office, "create_client")
    async with office.workspace.workspaces.owner(office.workspace.handle) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute(harm.format(id=entry).encode())
    text = await page(browser, f"/app/audit/{entry}")
    assert '<span class="pill bad">' in text
    assert "Broken" in text
    if "checkpoint" in harm:
        assert "The chain is broken" in text


async def test_only_who_may_read_the_log_sees_it(office: People) -> None:
    member = await office.signed_in(await office.user(Role.MEMBER))
    assert (await member.get("/app/audit", headers=PAGE)).status_code == 403
    assert (await member.get("/app/audit/1", headers=PAGE)).status_code == 403


EVERYWHERE = ("/app", "/app/pipeline", "/app/clients", "/app/invoices", "/app/ledger", "/app/system",
              "/app/settings", "/app/me")  # fmt: skip


async def test_a_broken_chain_is_told_on_every_page_until_it_is_whole_again(office: People, cost: Cost) -> None:
    ann = await office.user(Role.OWNER)
    await made(ann, "/api/v1/clients", CLIENT)
    browser, member = await office.signed_in(ann), await office.signed_in(await office.user(Role.MEMBER))
    await sealed(office)
    entry = await entry_of(office, "create_client")
    workspaces, handle = office.workspace.workspaces, office.workspace.handle
    assert (await verify_log(workspaces, handle, outside=None))["ok"]
    assert "The audit log is broken." not in await page(browser, "/app")
    async with workspaces.owner(handle) as connection:
        [was] = (
            await (await connection.execute("select action from audit_entry where id = %s", [entry])).fetchone() or []
        )
        await connection.execute("set session_replication_role = replica")
        await connection.execute("update audit_entry set action = 'nothing' where id = %s", [entry])
    assert not (await verify_log(workspaces, handle, outside=None))["ok"]
    for path in EVERYWHERE:
        text = await page(browser, path)
        assert "The audit log is broken." in text and 'href="/app/audit">What to do' in text, path
    assert await cost(browser, "/app") <= PAGE_STATEMENTS
    assert "Tell an owner or an admin" in await page(member, "/app/pipeline")
    log = await page(browser, "/app/audit")  # there the seal says it, and what to do
    assert "grace audit verify --against" in log and "Known since" in log and "The audit log is broken." not in log
    assert "The audit log is broken." in await page(browser, f"/app/audit/{entry}")  # on a phone the seal is not seen
    async with workspaces.owner(handle) as connection:
        await connection.execute("set session_replication_role = replica")
        await connection.execute("update audit_entry set action = %s where id = %s", [was, entry])
    assert (await verify_log(workspaces, handle, outside=None))["ok"]
    assert "The audit log is broken." not in await page(browser, "/app")
