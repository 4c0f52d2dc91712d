"""The list of leads and the form for a new one."""

import re

import httpx

from grace.trust.identity.rules import Role
from tests.console.test_pipeline import lead, page
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost


def names(text: str) -> list[str]:
    """The clients in the list's order."""
    return re.findall(r'id="row-[^"]+"[^>]*>([^<]+)<', text)


async def test_the_list_is_sorted_filtered_and_searched(office: People) -> None:
    owner = await office.user(Role.OWNER)
    await lead(owner, "Halden Robotics", value_estimate=24000)
    await lead(owner, "Osprey Lane", value_estimate=900, source="referral", project_type="guest portal")
    browser = await office.signed_in(owner)
    assert names(await page(browser, "/app/pipeline/list")) == ["Osprey Lane", "Halden Robotics"]
    dear = await page(browser, "/app/pipeline/list?sort=-value_estimate")
    assert names(dear) == ["Halden Robotics", "Osprey Lane"]
    assert 'aria-sort="descending"' in dear
    assert names(await page(browser, "/app/pipeline/list?source=referral&stage=LEAD")) == ["Osprey Lane"]
    assert names(await page(browser, "/app/pipeline/list?q=PORTAL")) == ["Osprey Lane"]
    assert "No lead fits" in await page(browser, "/app/pipeline/list?q=%25nobody")
    assert names(await page(browser, "/app/pipeline/list?sort=drop&stage=")) == ["Osprey Lane", "Halden Robotics"]
    assert (await browser.get("/app/pipeline/list?cursor=x")).status_code == 422


async def test_the_list_pages(office: People) -> None:
    owner = await office.user(Role.OWNER)
    async with office.workspace.tx() as tx:
        await tx.execute(
            "insert into client (id, name, source, created_at) values"
            " ('cust_00000000000000000000000000', 'One', 'api', now())"
        )
        await tx.execute(
            "insert into lead (id, client_id, source, currency, stage_since, created_at)"
            " select 'lead_' || lpad(n::text, 26, '0'), 'cust_00000000000000000000000000', 'api', 'USD', now(), now()"
            " from generate_series(1, 60) n"
        )
        await tx.execute(
            "insert into lead_move (lead_id, to_stage, at, principal) select id, stage, now(), 'x' from lead"
        )
    browser = await office.signed_in(owner)
    text = await page(browser, "/app/pipeline/list")
    further = re.search(r'href="([^"]*cursor=[^"]+)"', text)
    assert further is not None
    rest = await page(browser, further[1].replace("&amp;", "&"))
    assert (len(names(text)), len(names(rest))) == (50, 10)
    assert "First page" in rest


async def test_a_lead_is_typed_in_and_opens(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    assert 'name="email"' in await page(browser, "/app/pipeline/new")
    data = {"name": "Ada", "email": "ada@acme.dev", "company": "Acme", "source": "referral", "budget": "1,200"}
    refused = await browser.post("/app/pipeline", data=data, headers={"HX-Request": "true", "Accept": "text/html"})
    assert refused.status_code == 422
    assert '"budget"' in refused.headers["HX-Trigger"]
    made: list[httpx.Response] = []
    for _ in range(2):
        made.append(await browser.post("/app/pipeline", data=data | {"budget": "1200", "idempotency_key": "a" * 32}))
    assert [answer.status_code for answer in made] == [303, 303]
    assert made[0].headers["location"] == made[1].headers["location"]
    assert "$1,200.00" in await page(browser, made[0].headers["location"])
    assert len(names(await page(browser, "/app/pipeline/list"))) == 1
    again = await browser.post("/app/pipeline", data=data | {"budget": ""})
    assert "known already: same e-mail" in (await page(browser, again.headers["location"]))


async def test_who_only_reads_finds_the_new_lead_locked(office: People) -> None:
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    assert "leads:write" in await page(viewer, "/app/pipeline/new")
    assert (await viewer.post("/app/pipeline", data={"name": "x"})).status_code == 403


async def test_the_pages_take_few_statements(office: People, cost: Cost) -> None:
    owner = await office.user(Role.OWNER)
    await lead(owner)
    browser = await office.signed_in(owner)
    assert await cost(browser, "/app/pipeline/list?q=halden") <= PAGE_STATEMENTS
    assert await cost(browser, "/app/pipeline/new") <= PAGE_STATEMENTS
