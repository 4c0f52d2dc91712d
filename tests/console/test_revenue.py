"""Revenue: figures of a time, each with the rows it is made of."""

import pytest

from grace.insight.figures import REGISTRY
from grace.trust.identity.rules import Role
from tests.console.test_home import PAGE, an_invoice, give_back
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost


async def test_every_figure_is_there_and_opens_its_rows(office: People) -> None:
    assert await give_back(office, await an_invoice(office, amount=1500), amount=200) == 200
    browser = await office.signed_in(await office.user(Role.OWNER))
    text = (await browser.get("/app/revenue", headers=PAGE)).text
    assert "$1,300.00" in text
    for name in REGISTRY:
        assert f'href="/app/revenue/{name}?days=365"' in text
        assert (await browser.get(f"/app/revenue/{name}", headers=PAGE)).status_code == 200
    rows = (await browser.get("/app/revenue/total_revenue", headers=PAGE)).text
    assert "$1,500.00" in rows and "−$200.00" in rows
    assert "Analytical Engines" in rows
    assert "sum(value)" in rows


@pytest.mark.parametrize("path", ["/app/revenue/nothing", "/app/revenue/total_revenue?cursor=x"])
async def test_nonsense_is_refused_in_words(office: People, path: str) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    answer = await browser.get(path, headers=PAGE)
    assert answer.status_code in (404, 422)
    assert "<h1>" in answer.text


async def test_the_pages_take_few_statements(office: People, cost: Cost) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    for path in ("/app/revenue?days=30", "/app/revenue/total_revenue"):
        assert 4 < await cost(browser, path) <= PAGE_STATEMENTS
