"""The list of clients, and one client's story: every kind of moment, tabs, rights, details, merging."""

import re
from typing import Any

import pytest

from grace.trust.identity.rules import Role
from tests.console.test_pipeline import lead, page
from tests.fixtures.office import People, Person
from tests.fixtures.statements import PAGE_STATEMENTS, Cost


async def client(who: Person, name: str = "Ada", **more: Any) -> str:
    answer = await who.api.post("/api/v1/clients", json={"name": name, **more})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def paid_invoice(who: Person, client_id: str, currency: str = "USD") -> None:
    body = {"client_id": client_id, "amount": 141600, "currency": currency, "description": "Work"}
    made = await who.api.post("/api/business/payments/invoice", json=body)
    assert made.status_code == 200, made.text
    paid = {"invoice_id": made.json()["invoice_id"], "amount": 141600, "method": "bank_transfer", "reference": "B1"}
    assert (await who.api.post("/api/v1/payments/manual", json=paid)).status_code == 200


def told(text: str) -> list[str]:
    """What the story says, the latest first."""
    return re.findall(r'<(?:a|b) class="strong"[^>]*>([^<]+)</(?:a|b)>', text)


async def test_the_list_is_searched_and_sorted(office: People) -> None:
    owner = await office.user(Role.OWNER)
    for name, company in (("Ada", "Analytical Engines"), ("Grace", "Compilers Ltd")):
        await client(owner, name, company=company, email=f"{name}@{name}.dev")
    browser = await office.signed_in(owner)
    text = await page(browser, "/app/clients?sort=name")
    assert re.findall(r'id="row-[^"]+"[^>]*>([^<]+)<', text) == ["Ada", "Grace"]
    assert re.findall(r'id="row-[^"]+"[^>]*>([^<]+)<', await page(browser, "/app/clients?q=compilers")) == ["Grace"]
    assert "No client fits" in await page(browser, "/app/clients?q=nobody")


async def test_a_clients_story_tells_everything_in_order(office: People) -> None:
    owner = await office.user(Role.OWNER)
    lead_id = await lead(owner)
    client_id = (await owner.api.get(f"/api/v1/leads/{lead_id}")).json()["client_id"]
    await owner.api.post(f"/api/business/leads/{lead_id}/stage", json={"stage": "QUALIFIED"})
    await paid_invoice(owner, client_id, "INR")
    browser = await office.signed_in(owner)
    text = await page(browser, f"/app/clients/{client_id}")
    assert {"Bank transfer", "Website"} <= set(re.findall('soft"> · ([^<]+)<', text))
    assert sorted(told(text)) == ["Invoice paid in full", "Invoice sent", "Lead moved", "New lead", "Payment received"]
    assert "from Lead to Qualified" in text
    assert "₹1,41,600.00" in text
    money = await page(browser, f"/app/clients/{client_id}?tab=invoices")
    assert "₹1,41,600.00" in money
    assert "Paid" in money
    assert "B1" in await page(browser, f"/app/clients/{client_id}?tab=payments")
    assert f"/app/pipeline/{lead_id}" in await page(browser, f"/app/clients/{client_id}?tab=leads")
    for tab in ("proposals", "projects"):
        assert "None yet" in await page(browser, f"/app/clients/{client_id}?tab={tab}")


async def test_a_client_is_added_by_a_form(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    assert "Add client" in await page(browser, "/app/clients/new")
    sent = await browser.post("/app/clients/new", data={"name": "Ada 😀", "tax_id": "GB1", "company": " "})
    assert sent.status_code == 303
    text = await page(browser, sent.headers["location"])
    assert "Ada 😀" in text and "GB1" in text and "Nothing has happened yet" in text
    assert (await browser.post("/app/clients/new", data={"name": " "})).status_code == 422


async def test_the_story_pages_without_losing_or_doubling_a_moment(office: People) -> None:
    owner = await office.user(Role.OWNER)
    lead_id = await lead(owner)
    client_id = (await owner.api.get(f"/api/v1/leads/{lead_id}")).json()["client_id"]
    async with office.workspace.tx() as tx:
        await tx.execute(
            "insert into interaction (id, client_id, lead_id, interaction_type, channel, content, created_at)"
            " select 'ia_' || lpad(n::text, 26, '0'), %(client)s, %(lead)s, 'note', 'chat', 'Note ' || n || '.',"
            " now() - make_interval(days => n / 10) from generate_series(1, 60) n",
            client=client_id,
            lead=lead_id,
        )
    browser = await office.signed_in(owner)
    path, seen = f"/app/clients/{client_id}", list[str]()
    while path:
        text = await page(browser, path)
        seen += re.findall(r"Note \d+\.", text)
        older = re.search(r'href="([^"]+cursor=[^"]+)"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == 60
    assert len(set(seen)) == 60


async def test_details_are_changed_emptied_and_guarded_by_the_version(office: People) -> None:
    owner = await office.user(Role.OWNER)
    client_id = await client(owner, company="Analytical", country="UK")
    browser = await office.signed_in(owner)
    data = {"name": "Ada L.", "company": "Analytical", "country": " ", "version": "1"}
    assert (await browser.post(f"/app/clients/{client_id}", data=data)).status_code == 303
    stored = (await owner.api.get(f"/api/v1/clients/{client_id}")).json()
    assert (stored["name"], stored["company"], stored["country"]) == ("Ada L.", "Analytical", None)
    late = await browser.post(f"/app/clients/{client_id}", data=data, headers={"HX-Request": "true"})
    assert late.status_code == 409
    assert "changed in the meantime" in late.headers["HX-Trigger"]


async def test_two_records_become_one_and_two_again(office: People) -> None:
    owner = await office.user(Role.OWNER)
    first, second = await client(owner, "Ada"), await client(owner, "A. Lovelace", email="ada@acme.dev")
    await paid_invoice(owner, second)
    browser = await office.signed_in(owner)
    merged = await browser.post(f"/app/clients/{first}/merge", data={"other": second, "reason": "The same person"})
    assert merged.headers["location"] == f"/app/clients/{first}?tab=details"
    text = await page(browser, f"/app/clients/{second}")
    assert "Payment received" in text
    assert "ada@acme.dev" in text
    assert second in await page(browser, merged.headers["location"])
    assert (await browser.post(f"/app/clients/{first}/unmerge", data={"other": second})).status_code == 303
    assert "Payment received" not in await page(browser, f"/app/clients/{first}")
    assert (await browser.post(f"/app/clients/{first}/merge", data={"other": first})).status_code == 409


async def test_the_story_tells_only_what_its_reader_may_read(office: People) -> None:
    owner = await office.user(Role.OWNER)
    client_id = await client(owner)
    await paid_invoice(owner, client_id)
    key = await owner.api.post("/api/v1/api-keys", json={"name": "narrow", "scopes": ["clients:read"]})
    narrow = await office.browser(key=key.json()["api_key"])
    text = await page(narrow, f"/app/clients/{client_id}")
    assert told(text) == []
    assert "tab=invoices" not in text
    assert (await narrow.get(f"/app/clients/{client_id}?tab=invoices")).status_code == 403
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    assert "clients:write" in await page(viewer, f"/app/clients/{client_id}?tab=details")
    assert (await viewer.post(f"/app/clients/{client_id}", data={"name": "x"})).status_code == 403


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIGIiXQ", "WzVd"])
async def test_a_foreign_cursor_is_refused(office: People, cursor: str) -> None:
    owner = await office.user(Role.OWNER)
    client_id = await client(owner)
    assert (await owner.api.get(f"/app/clients/{client_id}?cursor={cursor}")).status_code == 422


async def test_the_pages_take_few_statements(office: People, cost: Cost) -> None:
    owner = await office.user(Role.OWNER)
    client_id = await client(owner)
    browser = await office.signed_in(owner)
    assert await cost(browser, "/app/clients?q=a") <= PAGE_STATEMENTS
    for tab in ("story", "leads", "invoices", "details"):
        assert await cost(browser, f"/app/clients/{client_id}?tab={tab}") <= PAGE_STATEMENTS
