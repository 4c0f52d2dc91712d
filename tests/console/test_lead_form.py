"""The form for outsiders: opened by the owner, framed where it may be, sent without an account, bounded."""

import re
from typing import Any

import httpx
import pytest

from grace.app.web import create_app
from grace.trust.identity.rules import Role
from tests.console.test_pipeline import page
from tests.fixtures.api import ADDRESS
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost
from tests.fixtures.workspace import WorkspaceUnderTest

ASKED = {"name": "Jonas Hale", "email": "jonas@halden.example", "requirements": "A <b>dashboard</b>.", "budget": "5000"}


@pytest.fixture
async def owner(office: People) -> httpx.AsyncClient:
    """The owner's browser, with the form open."""
    browser = await office.signed_in(await office.user(Role.OWNER))
    assert (await browser.post("/app/pipeline/form/open", data={})).status_code == 303
    return browser


async def address(owner: httpx.AsyncClient) -> str:
    found = re.search(r"&lt;iframe src=&#34;http[^&]*?(/lead/[^&]+)&#34;", await page(owner, "/app/pipeline/form"))
    assert found is not None
    return found[1]


async def leads(owner: httpx.AsyncClient) -> list[dict[str, Any]]:
    return list((await owner.get("/api/v1/leads")).json()["items"])


async def test_an_enquiry_becomes_a_lead_and_is_thanked_for(
    owner: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    form = await address(owner)
    assert "Tell us what you need" in (await visitor.get(form)).text
    data = ASKED | {"idempotency_key": "f" * 32}
    for _ in range(2):
        sent = await visitor.post(form, data=data)
        assert (sent.status_code, sent.headers["location"]) == (303, f"{form}?sent=1")
    assert "Thank you. We will answer by e-mail." in (await visitor.get(sent.headers["location"])).text
    [lead] = await leads(owner)
    assert (lead["source"], lead["stage"], lead["budget"]) == ("website", "LEAD", 5000.0)
    assert lead["requirements"] == "A <b>dashboard</b>."
    board = await page(owner, "/app/pipeline")
    assert "Jonas Hale" in board
    assert "<b>dashboard" not in board


async def test_only_the_named_sites_may_frame_it(owner: httpx.AsyncClient, visitor: httpx.AsyncClient) -> None:
    form = await address(owner)
    assert "frame-ancestors 'none'" in (await visitor.get(form)).headers["content-security-policy"]
    said = {"title": "Start", "thanks": "Thanks!", "accent": "green", "source": "referral"}
    sites = "https://www.example.com\n  https://*.Example.org/ "
    assert (await owner.post("/app/pipeline/form", data=said | {"frame_ancestors": sites})).status_code == 303
    framed = await visitor.get(form)
    assert "frame-ancestors https://www.example.com https://*.example.org" in framed.headers["content-security-policy"]
    assert "default-src 'none'" in framed.headers["content-security-policy"]
    assert "accent-green" in framed.text
    assert "frame-ancestors 'none'" in (await owner.get("/app/pipeline")).headers["content-security-policy"]
    await visitor.post(form, data=ASKED)
    assert (await leads(owner))[0]["source"] == "referral"


@pytest.mark.parametrize("site", ["*", "https://a.example/path", "https://a.example; script-src *", "javascript:x"])
async def test_what_is_no_site_is_refused(owner: httpx.AsyncClient, site: str) -> None:
    said = {"title": "Start", "thanks": "Thanks!", "accent": "green", "source": "website", "frame_ancestors": site}
    headers = {"HX-Request": "true"}
    assert (await owner.post("/app/pipeline/form", data=said, headers=headers)).status_code == 422


async def test_what_is_missing_is_said_and_what_was_typed_stays(
    owner: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    form = await address(owner)
    for wrong, said in (({"email": "nobody"}, "e-mail address in full"), ({"budget": "much"}, "amount in figures"),
                        ({"requirements": " "}, "Fill this in"), ({"budget": "1.999"}, "amount in figures"),
                        ({"name": "x" * 300}, "Fill this in"), ({"budget": "-5"}, "amount in figures")):  # fmt: skip
        refused = await visitor.post(form, data=ASKED | wrong)
        assert refused.status_code == 422, wrong
        assert said in refused.text
        assert "A &lt;b&gt;dashboard" in refused.text or "requirements" in wrong
    assert await leads(owner) == []


async def test_a_program_that_fills_in_everything_is_thanked_and_forgotten(
    owner: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    sent = await visitor.post(await address(owner), data=ASKED | {"url": "https://spam.example"})
    assert sent.status_code == 303
    assert await leads(owner) == []


async def test_a_closed_form_and_an_old_address_take_nothing(
    owner: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    old = await address(owner)
    assert (await owner.post("/app/pipeline/form/anew", data={})).status_code == 303
    new = await address(owner)
    assert new != old
    assert (await visitor.post(old, data=ASKED)).status_code in (404, 410)
    assert (await visitor.get(new)).status_code == 200
    assert (await owner.post("/app/pipeline/form/close", data={})).status_code == 303
    assert (await visitor.post(new, data=ASKED)).status_code == 410
    assert "Closed" in await page(owner, "/app/pipeline/form")
    assert await leads(owner) == []


async def test_an_address_that_sends_too_much_is_told_to_wait(
    owner: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    form = await address(owner)
    slow = workspace.settings.model_copy(update={"rate_anonymous_per_minute": 3})
    transport = httpx.ASGITransport(create_app(workspace.workspaces, slow), client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as sender:
        answers = [(await sender.post(form, data=ASKED)).status_code for _ in range(5)]
    assert answers == [303, 303, 303, 429, 429]


async def test_who_may_not_set_the_workspace_sees_the_form_locked(office: People, owner: httpx.AsyncClient) -> None:
    member = await office.signed_in(await office.user(Role.MEMBER))
    text = await page(member, "/app/pipeline/form")
    assert "workspace:write" in text
    assert "/form/close" not in text
    assert (await member.post("/app/pipeline/form/close", data={})).status_code == 403


async def test_the_page_takes_few_statements(owner: httpx.AsyncClient, cost: Cost) -> None:
    assert await cost(owner, "/app/pipeline/form") <= PAGE_STATEMENTS
