"""Projects in the console: the list by health, milestones, building, delivering, invoicing, cancelling."""

import re

import httpx

from grace.trust.identity.rules import Role
from tests.console.test_proposals import said, written
from tests.fixtures.office import People, Person
from tests.fixtures.statements import PAGE_STATEMENTS, Cost


async def won(
    office: People, owner: Person, browser: httpx.AsyncClient, *, sign: bool = True, voter: Person | None = None
) -> str:
    """The path of a project whose proposal the client has accepted, and whose contract is signed."""
    path = await written(owner, browser)
    voter = voter or await office.user(Role.ADMIN, parliament=True)
    await browser.post(f"{path}/send", data={})
    decision = (await owner.api.get("/api/v1/decisions", params={"status": "awaiting_approval"})).json()["items"][0]
    await voter.api.post(f"/api/v1/decisions/{decision['id']}/vote", json={"approve": True, "reason": "Read it."})
    proposal = (await owner.api.get(path.replace("/app/", "/api/v1/"))).json()
    client = await office.browser()
    link = "/proposal/" + proposal["client_url"].rpartition("/")[2]
    accepted = (await client.post(f"{link}/accept", json={"name": "Ada Smith"})).json()
    if sign:
        contract = "/contract/" + accepted["contract_url"].rpartition("/")[2]
        assert (await client.post(f"{contract}/sign", json={"name": "Ada Smith"})).status_code == 200
    return f"/app/projects/{accepted['project_id']}"


async def test_an_empty_list_says_what_fills_it(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    for address in ("/app/projects", "/app/projects?state=late", "/app/projects?state=nonsense"):
        assert "No projects yet" in await said(browser, address)


async def test_a_project_is_worked_delivered_and_invoiced_by_forms(office: People) -> None:
    owner = await office.user(Role.OWNER)
    browser = await office.signed_in(owner)
    voter = await office.user(Role.ADMIN, parliament=True)
    path = await won(office, owner, browser, voter=voter)
    assert path in await said(browser, "/app/projects")
    assert "On time" in await said(browser, "/app/projects")
    assert path not in await said(browser, "/app/projects?state=delivered")
    held = await browser.post(f"{path}/deliver", data={"spec": "As agreed."})
    assert held.headers["location"] == path
    page = await said(browser, path)
    assert "This waits for approval." in page
    decision = re.search(r'"/app/approvals/(dec_\w+)"', page)
    assert decision is not None
    vote = {"approve": True, "reason": "Good."}
    assert (await voter.api.post(f"/api/v1/decisions/{decision[1]}/vote", json=vote)).status_code == 200
    assert "The architect is building" in await said(browser, path)
    await office.workspace.drain()
    page = await said(browser, path)
    address = re.search(r'href="(/api/v1/projects/[^"]+/artefacts/[^"]+)"', page)
    assert address is not None
    assert (await browser.get(address[1])).headers["content-disposition"] == "attachment"
    assert "/delivered" not in page, "milestones are open"
    early = await browser.post(f"{path}/delivered", data={}, headers={"Accept": "text/html"})
    assert early.status_code == 409
    numbers = re.findall(r'/milestones/(\d+)"', page)
    for number in numbers:
        fields = {"hours_spent": "7.5", "cost": "120.00" if number == "1" else ""}
        done = await browser.post(f"{path}/milestones/{number}", data=fields)
        assert done.status_code == 303, done.text
    page = await said(browser, path)
    for text in ("Mark as delivered", "7.5 of", "$120.00", "100%"):
        assert text in page
    assert (await browser.post(f"{path}/delivered", data={})).status_code == 303
    part = await browser.post(f"{path}/invoice", data={"amount": "100.00"})
    assert part.status_code == 303
    assert "for $100.00 was sent" in await said(browser, path)
    rest = {"idempotency_key": "all"}
    for _ in range(2):
        assert (await browser.post(f"{path}/invoice", data=rest)).status_code == 303, "a double click"
    page = await said(browser, path)
    assert "All is invoiced." in page
    survey = re.search(r'value="[^"]*(/survey/[^"]+)"', page)
    assert survey is not None
    await (await office.browser()).post(f"{survey[1]}/form", data={"score": "9", "comment": "Quick."})
    page = await said(browser, path)
    for text in ("Promoter", "Quick.", "Rated 9 out of 10"):
        assert text in page
    assert path in await said(browser, "/app/projects?state=delivered")
    proposal = re.search(r'"(/app/proposals/prop_\w+)"', page)
    assert proposal is not None
    assert "Not known yet" not in await said(browser, proposal[1]), "the cost of an hour is known now"


async def test_a_project_is_cancelled_with_a_reason(office: People) -> None:
    owner = await office.user(Role.OWNER)
    browser = await office.signed_in(owner)
    path = await won(office, owner, browser, sign=False)
    assert "Not signed" in await said(browser, "/app/projects")
    assert (await browser.post(f"{path}/cancel", data={"reason": " "})).status_code == 422
    assert (await browser.post(f"{path}/cancel", data={"reason": "The client merged."})).status_code == 303
    page = await said(browser, path)
    assert "The client merged." in page
    assert "/deliver" not in page
    assert path in await said(browser, "/app/projects?state=cancelled")


async def test_who_only_reads_has_no_buttons_and_is_refused(office: People) -> None:
    owner = await office.user(Role.OWNER)
    path = await won(office, owner, await office.signed_in(owner))
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    page = await said(viewer, path)
    assert "can go on with it" in page
    assert 'method="post" action="/app/projects' not in page
    for action in ("deliver", "delivered", "cancel", "milestones/1", "invoice"):
        assert (await viewer.post(f"{path}/{action}", data={"spec": "x", "reason": "x"})).status_code == 403


async def test_the_pages_take_few_statements(office: People, cost: Cost) -> None:
    owner = await office.user(Role.OWNER)
    browser = await office.signed_in(owner)
    path = await won(office, owner, browser)
    for address in ("/app/projects", "/app/projects?state=late", path):
        assert await cost(browser, address) <= PAGE_STATEMENTS
