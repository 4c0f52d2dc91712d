"""Proposals in the console: the list, writing, the editor with its price, sending, the contract."""

import re

import httpx

from grace.trust.identity.rules import Role
from tests.fixtures.office import People, Person
from tests.fixtures.statements import PAGE_STATEMENTS, Cost
from tests.flows.story import ADA, PORTAL

PAGE = {"Accept": "text/html"}


async def a_lead(owner: Person) -> str:
    """A qualified lead."""
    lead = (await owner.api.post("/api/business/leads", json=ADA)).json()["lead_id"]
    assert (await owner.api.post(f"/api/business/leads/{lead}/qualify")).status_code == 200
    return str(lead)


async def written(owner: Person, browser: httpx.AsyncClient, lead: str = "") -> str:
    """The path of a proposal that was written by the form."""
    fields = {
        "lead_id": lead or await a_lead(owner),
        "requirements": PORTAL,
        "budget": "24000",
        "idempotency_key": "k1",
    }
    answer = await browser.post("/app/proposals/new", data=fields)
    assert answer.status_code == 303, answer.text
    again = await browser.post("/app/proposals/new", data=fields)
    assert again.headers["location"] == answer.headers["location"], "a double click writes one"
    return str(answer.headers["location"])


async def said(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return answer.text


def fields_of(page: str) -> dict[str, str]:
    """What the editor's form would send as it stands."""
    form = page[page.index('<form class="two ed"') : page.index("</form>", page.index('<form class="two ed"'))]
    found = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and 'type="checkbox"' not in tag:
            found[name[1]] = value[1]
    return found


async def test_an_empty_list_says_what_fills_it(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    assert "No proposals yet" in await said(browser, "/app/proposals")
    assert "None is in this state" in await said(browser, "/app/proposals?state=sent")
    assert "A proposal answers a lead" in await said(browser, "/app/proposals/new")


async def test_a_proposal_is_written_from_its_lead_and_listed(office: People) -> None:
    owner = await office.user(Role.OWNER)
    browser = await office.signed_in(owner)
    lead = await a_lead(owner)
    form = await said(browser, f"/app/proposals/new?lead={lead}")
    assert "customer portal with login" in form
    assert 'value="24000.00"' in form
    path = await written(owner, browser, lead)
    page = await said(browser, path)
    for text in ("Acme Engines Inc.", "Kick-off and plan", "Total, without tax", "Send for $", "Not known yet"):
        assert text in page
    for address in ("/app/proposals", "/app/proposals?state=draft"):
        listed = await said(browser, address)
        assert path in listed
        assert "Draft" in listed
    assert path not in await said(browser, "/app/proposals?state=sent")
    assert "P-1" in await said(browser, f"/app/proposals/new?lead={lead}"), "what was written before"


async def test_the_editor_tells_the_price_without_storing_and_saves_a_version(office: People) -> None:
    owner = await office.user(Role.OWNER)
    browser = await office.signed_in(owner)
    path = await written(owner, browser)
    fields = fields_of(await said(browser, f"{path}/edit"))
    fields |= {"deliverables.0.hours": "10", "deliverables.0.hourly_rate": "100.50", "discount": "5.00"}
    fields |= {
        f"deliverables.{number}.drop": "1" for number in range(1, 12) if f"deliverables.{number}.number" in fields
    }
    priced = (await browser.get(f"{path}/edit", params=fields, headers=PAGE)).text
    assert "$1,000.00" in priced
    assert "$1,005.00" in priced
    assert 'value="100.50"' in priced, "what was typed stays"
    unfinished = await browser.get(f"{path}/edit", params=fields | {"deliverables.0.hours": ""}, headers=PAGE)
    assert "The price follows" in unfinished.text
    too_much = await browser.get(f"{path}/edit", params=fields | {"discount": "9999"}, headers=PAGE)
    assert "leaves nothing to pay" in too_much.text
    for amount in ("-5", "1.234", "much"):
        odd = await browser.get(f"{path}/edit", params=fields | {"discount": amount}, headers=PAGE)
        assert (odd.status_code, "Save as version 2</button>" in odd.text) == (200, True)
    saved = await browser.post(f"{path}/edit", data=fields)
    assert saved.status_code == 303, saved.text
    after = await said(browser, saved.headers["location"])
    assert "$1,000.00" in after
    assert "Version 2 is a draft: $1,000.00." in after
    assert "version 2" in after
    assert "took its place" in await said(browser, path)
    stale = await browser.post(f"{path}/edit", data=fields | {"idempotency_key": "k2"}, headers=PAGE)
    assert (stale.status_code, "changed in the meantime" in stale.text) == (409, True)
    nothing = await browser.post(f"{path}/edit", data=fields | {"deliverables.0.drop": "1", "idempotency_key": "k3"})
    assert nothing.status_code == 422


async def test_sending_waits_for_a_vote_and_then_the_client_has_a_link(office: People) -> None:
    owner, second = await office.user(Role.OWNER), await office.user(Role.ADMIN, parliament=True)
    browser = await office.signed_in(owner)
    path = await written(owner, browser)
    preview = await said(browser, f"{path}/preview")
    assert "This is what your client sees" in preview
    assert "accept/form" not in preview
    sent = await browser.post(f"{path}/send", data={"idempotency_key": "s1"})
    assert sent.headers["location"] == path
    held = await said(browser, path)
    assert "This waits for approval." in held
    decision = re.search(r'"/app/approvals/(dec_\w+)"', held)
    assert decision is not None
    assert "Send for" not in held
    assert decision[1] in await said(browser, "/app/proposals")
    vote = {"approve": True, "reason": "Read it."}
    assert (await second.api.post(f"/api/v1/decisions/{decision[1]}/vote", json=vote)).status_code == 200
    page = await said(browser, path)
    link = re.search(r'value="[^"]*(/proposal/[^"]+)"', page)
    assert link is not None
    client = await office.browser()
    accepted = await client.post(f"{link[1]}/accept/form", data={"name": "Ada Smith"})
    page = await said(browser, path)
    contract = re.search(r'"(/app/contracts/[^"]+)"', page)
    assert contract is not None
    assert "Open the project" in page
    assert accepted.headers["location"] in await said(browser, contract[1])
    again = await browser.post(f"{contract[1]}/revise", data={"idempotency_key": "r1"})
    assert "took its place" in await said(browser, contract[1])
    anew = await said(browser, again.headers["location"])
    token = re.search(r'value="[^"]*(/contract/[^"]+)"', anew)
    assert token is not None
    assert (await client.post(f"{token[1]}/sign/form", data={"name": "Ada Smith"})).status_code == 303
    assert "Signed by Ada Smith" in await said(browser, again.headers["location"])
    assert "is not changed any more" in await said(browser, f"{path}/edit")


async def test_who_only_reads_has_no_buttons_and_is_refused(office: People) -> None:
    owner = await office.user(Role.OWNER)
    path = await written(owner, await office.signed_in(owner))
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    page = await said(viewer, path)
    assert "Send for" not in page
    assert "/edit" not in page
    assert "not change it" in await said(viewer, f"{path}/edit")
    for action in ("send", "edit"):
        assert (await viewer.post(f"{path}/{action}", data={})).status_code == 403


async def test_the_pages_take_few_statements(office: People, cost: Cost) -> None:
    owner = await office.user(Role.OWNER)
    browser = await office.signed_in(owner)
    path = await written(owner, browser)
    lead = (await owner.api.get("/api/v1/leads")).json()["items"][0]["id"]
    for address in ("/app/proposals", path, f"{path}/edit", f"/app/proposals/new?lead={lead}"):
        assert await cost(browser, address) <= PAGE_STATEMENTS
