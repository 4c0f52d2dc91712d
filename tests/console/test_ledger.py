"""The ledger in the console: what stands, what moved an account page by page, reconciliation."""

import re

import httpx
import pytest

from grace.console.ledger import pages
from grace.trust.identity.rules import Role
from grace.trust.identity.service import sessions
from tests.console.test_payments import paid, text
from tests.fixtures.cards import Till
from tests.fixtures.office import People, Person
from tests.fixtures.statements import PAGE_STATEMENTS, Cost

PAGE = {"Accept": "text/html"}


async def test_every_currency_balances_and_leads_to_its_accounts(boss: Person, browser: httpx.AsyncClient) -> None:
    assert "Nothing is booked yet" in await text(browser, "/app/ledger")
    payment = await paid(boss)
    page = await text(browser, "/app/ledger")
    assert "Debits equal credits" in page and "₹1,41,600.00" in page and "Off by" not in page
    accounts = await text(browser, "/app/ledger/accounts/receivable/INR")
    assert "Tamarind Kitchens" in accounts
    [path] = re.findall(r'data-item href="(/app/ledger/accounts/[^"]+)"', accounts)
    assert path.endswith(payment["client_id"])
    lines = await text(browser, path)
    assert "Invoice sent" in lines and "Payment received" in lines and "−₹1,41,600.00" in lines
    assert f'href="/app/invoices/{payment["invoice_id"]}"' in lines
    assert "/statement/pdf?currency=INR" in lines
    line = {"description": "Work", "unit_price": "100", "tax_rate": "18"}
    taxed = await boss.api.post("/api/v1/invoices", json={"client_id": "Other", "currency": "INR", "lines": [line]})
    await boss.api.post(f"/api/v1/invoices/{taxed.json()['id']}/issue")
    tax = await text(browser, "/app/ledger/accounts/tax_payable/INR/-")
    assert "₹18.00" in tax and "The business" in tax


async def test_an_account_is_read_page_by_page(
    boss: Person, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for amount in ("1", "2", "3"):
        payment = await paid(boss, amount)
    path = f"/app/ledger/accounts/receivable/INR/{payment['client_id']}"
    monkeypatch.setattr(pages, "ROWS", 4)
    first = await text(browser, path)
    [older] = re.findall(r'href="([^"]+cursor=[^"]+)"', first)
    second = await text(browser, older.replace("&amp;", "&"))
    money = [re.findall(r'num strong">([^<]+)</td>', page) for page in (first, second)]
    assert money == [["₹0.00", "₹3.00", "₹0.00", "₹2.00"], ["₹0.00", "₹1.00"]]
    assert "Nothing moved in these days" in await text(browser, f"{path}?to=2020-01-01")
    assert "₹3.00" in await text(browser, f"{path}?from=2020-01-01")
    for wrong in ("?from=yesterday", "?from=2026-02-01&to=2026-01-01", "?cursor=nonsense"):
        assert (await browser.get(path + wrong)).status_code == 422
    for nowhere in ("/app/ledger/accounts/bank/INR/nobody", "/app/ledger/accounts/receivable/USD/-"):
        assert (await browser.get(nowhere)).status_code == 404
    assert (await browser.get("/app/ledger/accounts/nonsense/INR")).status_code == 422


async def test_the_ledger_is_for_who_may_read_it(office: People) -> None:
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    assert (await viewer.get("/app/ledger", headers=PAGE)).status_code == 403


async def test_the_processor_is_compared_when_asked(till: Till) -> None:
    async with till.workspace.tx() as tx:
        [owner] = await tx.all(str, "select id from principal limit 1")
        token = await sessions.make_sign_in_link(tx, principal_id=owner)
    async with httpx.AsyncClient(base_url=till.api.base_url, trust_env=False, headers=PAGE) as browser:
        await browser.post(f"/sign-in/{token}")
        invoice = await till.invoice("100.00")
        await till.confirm(await till.intent(invoice))
        await till.settle()
        assert "They agree" not in await text(browser, "/app/ledger/reconciliation")
        assert "They agree" in await text(browser, "/app/ledger/reconciliation?from=2020-01-01")


async def test_the_pages_take_few_statements(boss: Person, browser: httpx.AsyncClient, cost: Cost) -> None:
    payment = await paid(boss)
    accounts = "/app/ledger/accounts/receivable/INR"
    for path in ("/app/ledger", accounts, f"{accounts}/{payment['client_id']}", "/app/ledger/reconciliation"):
        assert await cost(browser, path) <= PAGE_STATEMENTS, path
