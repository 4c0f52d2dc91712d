"""One browser in two workspaces: both sessions stay, switching goes there and back; first steps and the example."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from grace.app import wiring
from grace.app.installation import create_workspace
from grace.console.welcome import is_new
from grace.kit.tx import Tx, transaction
from grace.trust.identity.rules import Role
from grace.trust.identity.service import sessions
from grace.trust.identity.service.bootstrap import bootstrap
from tests.console.test_approvals import CLIENT, PAGE, made, page
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost
from tests.fixtures.workspace import WorkspaceUnderTest


@asynccontextmanager
async def another(office: People, migrated: str, handle: str) -> AsyncIterator[WorkspaceUnderTest]:
    """A second workspace of the installation, with an owner."""
    here = office.workspace
    await here.workspaces.drop(handle)
    await create_workspace(here.workspaces, handle, kind="test", prepare=wiring.PREPARE, template=migrated)
    try:
        yield WorkspaceUnderTest(handle, here.workspaces, here.settings)
    finally:
        await here.workspaces.drop(handle)


async def owner_of(tx: Tx) -> str:
    """The path of a sign-in link of a new owner."""
    return f"/sign-in/{(await bootstrap(tx, email='nora@example.com', name='Nora Lindqvist')).sign_in_token}"


def session(browser: httpx.AsyncClient) -> str:
    return (browser.cookies.get("grace_session") or "").partition(".")[0]


async def test_a_second_sign_in_leaves_the_first_and_one_switches_back(
    office: People, migrated: str, cost: Cost
) -> None:
    ann = await office.user(Role.OWNER)
    browser = await office.signed_in(ann)
    handle = office.workspace.handle
    async with another(office, migrated, f"{handle}b") as there:
        async with there.tx() as tx:
            link = await owner_of(tx)
        assert (await browser.post(link)).status_code == 303
        assert session(browser) == there.handle
        text = await page(browser, "/app/workspaces")
        assert f'value="{handle}"' in text
        assert "as A user" in text
        switched = await browser.post("/app/switch", data={"workspace": handle}, headers=PAGE)
        assert switched.headers["location"] == "/app"
        assert session(browser) == handle
        assert "as Nora Lindqvist" in await page(browser, "/app/workspaces")
        assert await cost(browser, "/app/workspaces") <= PAGE_STATEMENTS
        foreign = {"Origin": "https://evil.example"} | PAGE
        assert (await browser.post("/app/switch", data={"workspace": there.handle}, headers=foreign)).status_code == 403
        async with transaction(there.workspaces, there.handle) as tx:
            await tx.execute("delete from session")
        over = await browser.post("/app/switch", data={"workspace": there.handle}, headers=PAGE)
        assert over.headers["location"] == "/app/workspaces"
        assert session(browser) == handle
        assert "Nora" not in await page(browser, "/app/workspaces")


@pytest.mark.parametrize("cookie", ["x", "example.x", "..", "nowhere.token"])
async def test_a_made_up_cookie_leads_nowhere(office: People, cookie: str) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    browser.cookies.set(f"grace_at_{cookie.partition('.')[0] or 'x'}", cookie)
    assert "You are signed in to" in await page(browser, "/app/workspaces")
    sent = await browser.post("/app/switch", data={"workspace": cookie.partition(".")[0]}, headers=PAGE)
    assert sent.headers["location"] == "/app/workspaces"


async def test_the_first_steps_are_ticked_off(office: People, cost: Cost) -> None:
    ann = await office.user(Role.OWNER)
    browser = await office.signed_in(ann)
    async with office.workspace.tx() as tx:
        assert await is_new(tx)
    text = await page(browser, "/app/welcome")
    assert "Name of the business" in text
    assert "grace example load" in text
    form = {"name": "Tidewater Studio", "idempotency_key": "1"}
    assert (await browser.post("/app/settings/of/issuer", data=form, headers=PAGE)).status_code == 303
    await made(ann, "/api/v1/clients", CLIENT)
    text = await page(browser, "/app/welcome")
    assert "Name of the business" not in text
    assert text.count('class="done"') == 4
    async with office.workspace.tx() as tx:
        assert not await is_new(tx)
    assert await cost(browser, "/app/welcome") <= PAGE_STATEMENTS


async def test_only_an_owner_of_a_test_workspace_looks_around_in_the_example(office: People, migrated: str) -> None:
    ann = await office.signed_in(await office.user(Role.OWNER))
    assert (await ann.post("/app/welcome/example", headers=PAGE)).status_code == 409
    async with another(office, migrated, "example") as there:
        async with there.tx() as tx:
            await owner_of(tx)
        assert (await ann.post("/app/welcome/example", headers=PAGE)).status_code == 409, (
            "it is not the example business"
        )
        async with there.tx() as tx:
            await tx.execute(
                "insert into setting (name, value, updated_at) values ('example', '{\"whole\": true}', now())"
            )
        admin = await office.signed_in(await office.user(Role.ADMIN))
        assert (await admin.post("/app/welcome/example", headers=PAGE)).status_code == 403
        assert "Open the example" in await page(ann, "/app/welcome")
        assert (await ann.post("/app/welcome/example", headers=PAGE)).status_code == 303
        assert session(ann) == "example"
        assert f'value="{office.workspace.handle}"' in await page(ann, "/app/workspaces")
        async with office.workspace.workspaces.owner(office.workspace.handle) as connection:
            await connection.execute("set session_replication_role = replica")
            await connection.execute("update workspace set kind = 'live'")
        live = await office.browser()
        async with office.workspace.tx() as tx:
            owner = await tx.value("select id from principal where 'owner' = any(roles) limit 1")
            token = await sessions.make_sign_in_link(tx, principal_id=owner)
        await live.post(f"/sign-in/{token}")
        assert (await live.post("/app/welcome/example", headers=PAGE)).status_code == 403
