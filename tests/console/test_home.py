"""Home: figures, what waits, what is late, what happened; for each reader what they may see."""

import re

from grace.flows.work.facts import WorkMoved
from grace.trust.identity.rules import Role
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost

PAGE = {"Accept": "text/html"}


async def an_invoice(office: People, *, amount: int, currency: str = "USD") -> str:
    """The id of an invoice that was paid by bank transfer."""
    owner = await office.user(Role.OWNER)
    client = await owner.api.post("/api/v1/clients", json={"name": "Ada", "company": "Analytical Engines"})
    body = {"client_id": client.json()["id"], "amount": amount, "currency": currency, "description": "Work"}
    answer = await owner.api.post("/api/business/payments/invoice", json=body)
    assert answer.status_code == 200, answer.text
    paid = {"invoice_id": answer.json()["invoice_id"], "amount": amount, "method": "bank_transfer", "reference": "B1"}
    assert (await owner.api.post("/api/v1/payments/manual", json=paid)).status_code == 200
    return str(paid["invoice_id"])


async def give_back(office: People, invoice: str, *, amount: int) -> int:
    """Ask for a refund; the answer's status."""
    body = {"invoice_id": invoice, "reason": "Less work", "amount": amount}
    return (await (await office.user(Role.OWNER)).api.post("/api/business/payments/refund", json=body)).status_code


async def test_an_empty_business_reads_well(office: People) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    text = (await browser.get("/app", headers=PAGE)).text
    for said in ("$0.00", "Nothing waits for you", "nothing to compare with yet"):
        assert said in text


async def test_the_phones_bar_leads_to_money_and_says_where_one_is(office: People) -> None:
    owner = await office.signed_in(await office.user(Role.OWNER))
    bar = re.compile(r'aria-label="Main, mobile">(.*?)</nav>', re.S)
    for path, here in (("/app", "Home"), ("/app/payments", "Money"), ("/app/ledger", "Money"), ("/app/more", "More")):
        found = bar.search((await owner.get(path, headers=PAGE)).text)
        assert found is not None
        assert re.findall(r"<span>(\w+)</span>", found[1]) == ["Home", "Pipeline", "Approvals", "Money", "More"]
        assert re.findall(r'aria-current="page">.*?<span>(\w+)</span>', found[1], re.S) == [here]


async def test_money_in_rupees_is_grouped_the_indian_way(office: People) -> None:
    await an_invoice(office, amount=141600, currency="INR")
    browser = await office.signed_in(await office.user(Role.OWNER))
    text = (await browser.get("/app", headers=PAGE)).text
    assert "₹1,41,600.00" in text
    assert "Payment received" in text
    assert "Analytical Engines" in text


async def test_who_may_not_see_the_books_sees_no_cash(office: People) -> None:
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    text = (await viewer.get("/app", headers=PAGE)).text
    assert "Unpaid invoices" in text
    assert "Cash available" not in text
    assert "/app/audit" not in text


async def test_the_cash_flow_shows_what_came_and_what_went(office: People) -> None:
    assert await give_back(office, await an_invoice(office, amount=1500), amount=200) == 200
    browser = await office.signed_in(await office.user(Role.OWNER))
    text = (await browser.get("/app", headers=PAGE)).text
    assert 'data-rows="In=$1,500.00|Out=−$200.00"' in text
    assert "<b>+$1,300.00</b>" in text


async def test_the_steps_of_long_work_are_no_news(office: People) -> None:
    async with office.workspace.tx() as tx:
        for step in range(120):
            tx.emit(WorkMoved("work_1", "running", step))
    owner = await office.user(Role.OWNER)
    await owner.api.post("/api/v1/clients", json={"name": "Ada", "company": "Analytical Engines"})
    text = (await (await office.signed_in(owner)).get("/app", headers=PAGE)).text
    assert "New client" in text
    assert "Work moved" not in text


async def test_what_waits_is_said_with_its_amount(office: People, cost: Cost) -> None:
    await office.user(Role.OWNER, parliament=True)
    assert await give_back(office, await an_invoice(office, amount=20_000), amount=15_000) == 202
    browser = await office.signed_in(await office.user(Role.OWNER))
    text = (await browser.get("/app", headers=PAGE)).text
    assert "Refund to Ada" in text
    assert "$15,000.00" in text
    assert await cost(browser, "/app") <= PAGE_STATEMENTS


async def test_the_page_takes_few_statements(office: People, cost: Cost) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    assert 5 < await cost(browser, "/app?days=90") <= PAGE_STATEMENTS


async def test_a_viewer_is_led_nowhere_they_may_not_go(office: People) -> None:
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    for path in ("/app", "/app/more", "/app/search", "/app/workspaces"):
        text = (await viewer.get(path, headers=PAGE)).text
        for link in sorted(set(re.findall(r'href="(/app[^"#]*)"', text))):
            assert (await viewer.get(link, headers=PAGE)).status_code == 200, (path, link)
