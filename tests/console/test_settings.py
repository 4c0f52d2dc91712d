"""Account and settings by form: keys and links shown once, roles, seats, settings, rates, rights, statements."""

import re

import httpx
import pytest

from grace.trust.identity.rules import Role
from tests.console.test_approvals import PAGE, page
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost

PAGES = ("/app/me", "/app/settings", "/app/settings/people", "/app/settings/agents", "/app/settings/rates",
         "/app/settings/webhooks")  # fmt: skip


async def post(browser: httpx.AsyncClient, path: str, **data: str) -> httpx.Response:
    return await browser.post(path, data=data, headers=PAGE)


async def test_pages_cost_few_statements(office: People, cost: Cost) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    for path in PAGES:
        assert await cost(browser, path) <= PAGE_STATEMENTS, path


async def test_a_key_is_made_shown_once_and_revoked(office: People) -> None:
    ann = await office.user(Role.OWNER)
    browser = await office.signed_in(ann)
    shown = await post(browser, "/app/me/keys", name="Laptop", **{"scopes.0": "*:read"})
    found = re.search(r"grc_[\w-]+", shown.text)
    assert shown.status_code == 200
    assert found is not None
    program = await office.browser(key=found[0])
    assert (await program.get("/api/v1/clients")).status_code == 200
    assert (await program.post("/api/v1/clients", json={"name": "X", "source": "website"})).status_code == 403
    text = await page(browser, "/app/me")
    assert "Laptop" in text
    assert found[0] not in text
    key = re.findall(r"/app/me/keys/(key_\w+)/revoke", text)[-1]
    assert (await post(browser, f"/app/me/keys/{key}/revoke")).status_code == 303
    assert (await program.get("/api/v1/clients")).status_code == 401
    async with office.workspace.tx() as tx:
        kept = await tx.value("select count(*) from idempotency")
    assert kept == 0


async def test_a_password_is_set_after_proof_and_signs_in(office: People) -> None:
    ann = await office.user(Role.MEMBER)
    browser = await office.signed_in(ann)
    assert (await post(browser, "/app/me/password", password="short")).status_code == 422
    assert (await post(browser, "/app/me/password", password="correct horse battery")).status_code == 303
    async with office.workspace.tx() as tx:
        await tx.execute("update session set authenticated_at = authenticated_at - interval '6 minutes'")
    assert "sign in again first" in await page(browser, "/app/me")
    assert (await post(browser, "/app/me/password", password="another horse battery")).status_code == 403
    wrong = await post(browser, "/app/me/confirm", password="not that one at all", next="/app/approvals")
    assert wrong.status_code == 401
    right = await post(browser, "/app/me/confirm", password="correct horse battery", next="/app/approvals")
    assert right.headers["location"] == "/app/approvals"
    away = await post(browser, "/app/me/confirm", password="correct horse battery", next="//evil.example")
    assert away.headers["location"] == "/app/me"
    assert 'name="password"' in await page(browser, "/app/me")


async def test_somebody_is_invited_given_roles_and_a_seat_and_shut_out(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    form = {"name": "Ravi Menon", "email": "ravi@example.com", "roles.0": "admin", "roles.3": "viewer"}
    invited = await post(browser, "/app/settings/people", **form)
    found = re.search(r"/sign-in/[\w.-]+", invited.text)
    assert found is not None
    assert (await (await office.browser()).post(found[0])).status_code == 303
    text = await page(browser, "/app/settings/people")
    assert found[0] not in text
    assert "Admin, Viewer" in text
    [ravi] = set(re.findall(r"/app/settings/people/(\w+)/disable", text))
    await post(browser, f"/app/settings/people/{ravi}/roles", **{"roles.0": "operator"})
    await post(browser, f"/app/settings/people/{ravi}/parliament", member="true")
    text = await page(browser, "/app/settings/people")
    assert "Operator" in text
    assert "Take the seat away" in text
    await post(browser, f"/app/settings/people/{ravi}/disable")
    assert "Shut out" in await page(browser, "/app/settings/people")
    await post(browser, f"/app/settings/people/{ravi}/enable")
    again = await post(browser, "/app/settings/people", **form)
    assert again.status_code == 409


async def test_a_new_link_ends_the_old_one_and_is_for_who_may_give_the_roles(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    admin = await office.signed_in(await office.user(Role.ADMIN))
    form = {"name": "Ravi Menon", "email": "ravi@example.com", "roles.0": "member"}
    link = re.compile(r"/sign-in/[\w.-]+")
    [first] = set(link.findall((await post(browser, "/app/settings/people", **form)).text))
    ids = {
        name: id
        for id, name in re.findall(
            r'people/(\w+)/roles"[^>]*>.*?Roles of ([^<]+)<', await page(browser, "/app/settings/people")
        )
    }
    made = await post(admin, f"/app/settings/people/{ids['Ravi Menon']}/link")
    [second] = set(link.findall(made.text))
    assert "A new link for Ravi Menon" in made.text
    stranger = await office.browser()
    assert (await stranger.post(first)).status_code == 404
    assert (await stranger.post(second)).status_code == 303
    assert (await stranger.post(second)).status_code == 410
    people = await page(admin, "/app/settings/people")
    assert second not in people
    owner = await office.user(Role.OWNER)
    for id, status in ((owner.id, 403), ("usr_nobody", 404)):
        assert (await post(admin, f"/app/settings/people/{id}/link")).status_code == status
    assert f"{owner.id}/link" not in people
    await post(browser, f"/app/settings/people/{ids['Ravi Menon']}/disable")
    assert (await post(admin, f"/app/settings/people/{ids['Ravi Menon']}/link")).status_code == 409
    async with office.workspace.tx() as tx:
        done = await tx.value(
            "select count(*) from audit_entry where action = 'make_sign_in_link' and subject_id = %(id)s",
            id=ids["Ravi Menon"],
        )
        assert done == 2
        assert await tx.value("select count(*) from idempotency") == 0


async def test_times_are_those_of_the_workspace_s_zone(office: People) -> None:
    boss = await office.user(Role.OWNER)
    browser = await office.signed_in(boss)
    line = {"description": "x", "unit_price": 10}
    body = {"client_id": "Tamarind", "lines": [line], "due_at": "2031-03-05T00:00:00Z"}
    invoice = (await boss.api.post("/api/v1/invoices", json=body)).json()["id"]
    await boss.api.post(f"/api/v1/invoices/{invoice}/issue")
    form = {"name": "Tidewater", "time_zone": "Asia/Kolkata"}
    assert (await post(browser, "/app/settings/workspace", **form)).status_code == 303
    text = await page(browser, "/app/settings")
    assert re.search(r"it is \d+ \w{3} \d{4}, \d\d:\d\d IST", text)
    assert "· Tidewater</title>" in text
    for zone in ("America/Los_Angeles", "Pacific/Kiritimati"):
        assert (await post(browser, "/app/settings/workspace", **form | {"time_zone": zone})).status_code == 303
        assert "5 Mar 2031" in await page(browser, f"/app/invoices/{invoice}")
    assert re.search(r"title=.\d+ \w{3} \d{4}, \d\d:\d\d UTC\+14", await page(browser, f"/app/invoices/{invoice}"))
    assert (await post(browser, "/app/settings/workspace", **form | {"time_zone": "Nowhere"})).status_code == 422
    admin = await office.signed_in(await office.user(Role.ADMIN))
    assert (await post(admin, "/app/settings/workspace", **form)).status_code == 403
    assert "Pacific/Kiritimati" in await page(admin, "/app/settings")


async def test_an_agent_is_made_keyed_and_stopped(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    assert (await post(browser, "/app/settings/agents", name="Pilot")).status_code == 303
    [agent] = set(re.findall(r"/app/settings/agents/(\w+)/keys", await page(browser, "/app/settings/agents")))
    shown = await post(browser, f"/app/settings/agents/{agent}/keys", name="Pilot")
    assert re.search(r"grc_[\w-]+", shown.text)
    await post(browser, f"/app/settings/agents/{agent}/disable")
    assert "Stopped" in await page(browser, "/app/settings/agents")


async def test_settings_are_saved_as_the_api_takes_them(office: People) -> None:
    ann = await office.user(Role.OWNER)
    browser = await office.signed_in(ann)
    saved = await post(browser, "/app/settings/of/issuer", name="Tidewater <Studio>", address="1 Quay\r\nPort",
                       tax_id="GST 27AAPFU0939F1ZV")  # fmt: skip
    assert saved.headers["location"] == "/app/settings#issuer"
    value = (await ann.api.get("/api/v1/settings/issuer")).json()["value"]
    assert (value["name"], value["address"]) == ("Tidewater <Studio>", "1 Quay\nPort")
    assert "Tidewater &lt;Studio&gt;" in await page(browser, "/app/settings")
    await post(browser, "/app/settings/of/lead_sources", own="trade_fair\npodcast")
    assert (await ann.api.get("/api/v1/settings/lead_sources")).json()["value"]["own"] == ["trade_fair", "podcast"]
    for name, field, typed in (("invoicing", "due_days", "many"), ("invoicing", "series", "{"), ("nothing", "a", "b")):
        refused = await post(browser, f"/app/settings/of/{name}", **{field: typed})
        assert refused.status_code in (404, 422), name


@pytest.mark.parametrize(("rate", "status"), [("83.12", 303), ("-1", 422), ("much", 422)])
async def test_a_rate_is_stored(office: People, rate: str, status: int) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    async with office.workspace.tx() as tx:
        today = tx.now.date().isoformat()
    form = {"rates.0.currency": "INR", "rates.0.per_usd": rate, "rates.0.on_date": today}
    assert (await post(browser, "/app/settings/rates", **form)).status_code == status
    assert ("83.12" in await page(browser, "/app/settings/rates")) is (status == 303)


async def test_who_may_not_sees_it_locked_and_is_refused(office: People) -> None:
    operator = await office.signed_in(await office.user(Role.OPERATOR))
    assert "Only owners change this." in await page(operator, "/app/settings")
    assert "Owners and admins invite people" in await page(operator, "/app/settings/people")
    for path in ("/app/settings/of/issuer", "/app/settings/people", "/app/settings/rates"):
        assert (await post(operator, path, name="x")).status_code == 403
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    assert (await viewer.get("/app/settings", headers=PAGE)).status_code == 403
    assert "Make a key" in await page(viewer, "/app/me")
