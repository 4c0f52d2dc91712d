"""What a client sees by the signed link, without a key."""

from datetime import timedelta

import httpx

from grace.kit import links
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.flows.collect_cash.office import draft, get, issued, pay

HTML = {"Accept": "text/html,application/xhtml+xml"}


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


async def test_the_link_shows_the_invoice_as_json(api: httpx.AsyncClient, visitor: httpx.AsyncClient) -> None:
    await api.put("/api/v1/settings/issuer", json={"name": "Us Ltd", "payment_instructions": "IBAN GB00"})
    invoice = await issued(api, {"description": "Work", "unit_price": "99.50", "tax_rate": "20"})
    seen = (await visitor.get(path(invoice["hosted_invoice_url"]))).json()
    assert (seen["invoice_number"], seen["amount_due"], seen["payable"]) == (invoice["invoice_number"], 119.4, True)
    assert (seen["issuer"]["name"], seen["payment_instructions"]) == ("Us Ltd", "IBAN GB00")
    assert seen["invoice_pdf"] == invoice["invoice_pdf"]
    await pay(api, invoice["id"], "119.40")
    seen = (await visitor.get(path(invoice["hosted_invoice_url"]))).json()
    assert (seen["status"], seen["payable"], seen["amount_due"]) == ("paid", False, 0)


async def test_the_link_shows_a_page_to_a_browser(api: httpx.AsyncClient, visitor: httpx.AsyncClient) -> None:
    line = {"description": "<script>alert(1)</script>", "unit_price": 1500}
    invoice = await issued(api, line, client_id="O'Brien & <b>Sons</b>")
    address = path(invoice["hosted_invoice_url"])
    page = await visitor.get(address, headers=HTML)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-store"
    assert 'amt">$1,500.00</span><span class="small muted">Due by' in page.text
    assert "This page does not take cards. Ask" in page.text
    assert "<script>" not in page.text and "<b>" not in page.text and "None" not in page.text
    assert "js.stripe.com" not in page.headers["content-security-policy"] + page.text
    await pay(api, invoice["id"], 500)
    part = (await visitor.get(address, headers=HTML)).text
    assert 'amt">$1,000.00</span><span class="small muted">Due by' in part
    assert "$500.00 of $1,500.00 is paid" in part
    await pay(api, invoice["id"], 1000)
    paid = (await visitor.get(address, headers=HTML)).text
    assert "Payment received" in paid and f'href="{address}/receipt"' in paid and "Amount due" not in paid
    void = await issued(api)
    await api.post(f"/api/v1/invoices/{void['id']}/void", json={"reason": "x"})
    assert "Nothing is due" in (await visitor.get(path(void["hosted_invoice_url"]), headers=HTML)).text


async def test_the_page_of_an_overdue_invoice_says_so(api: httpx.AsyncClient, visitor: httpx.AsyncClient) -> None:
    invoice = await issued(api, due_at="2026-01-05T12:00:00Z")
    page = await visitor.get(path(invoice["hosted_invoice_url"]), headers=HTML)
    assert "Was due by 5 January 2026" in page.text


async def test_the_receipt(api: httpx.AsyncClient, visitor: httpx.AsyncClient) -> None:
    invoice = await issued(api, {"description": "Work", "unit_price": "120000", "tax_rate": "18"}, currency="INR")
    address = path(invoice["hosted_invoice_url"])
    early = await visitor.get(f"{address}/receipt", headers=HTML)
    assert (early.status_code, early.headers["location"]) == (303, address)
    await pay(api, invoice["id"], 41600, method="upi", reference="632481907755")
    part = (await visitor.get(f"{address}/receipt", headers=HTML)).text
    assert "₹41,600.00" in part and "₹1,00,000.00 is still due" in part
    await pay(api, invoice["id"], 100000)
    page = (await visitor.get(f"{address}/receipt", headers=HTML)).text
    for said in ("₹1,41,600.00", "Paid in full", "632481907755", "UPI", "Bank transfer"):
        assert said in page
    assert "₹1,41,600.00" in (await visitor.get(address, headers=HTML)).text


async def test_the_pdf(api: httpx.AsyncClient, visitor: httpx.AsyncClient) -> None:
    invoice = await issued(api, {"description": "Work", "unit_price": 100, "tax_rate": 18}, series="india")
    by_link = await visitor.get(path(invoice["invoice_pdf"]))
    assert by_link.headers["content-type"] == "application/pdf"
    assert by_link.content.startswith(b"%PDF-")
    assert invoice["invoice_number"].replace("/", "-") in by_link.headers["content-disposition"]
    by_key = await api.get(f"/api/v1/invoices/{invoice['id']}/pdf")
    assert by_key.content == by_link.content
    early = await api.get(f"/api/v1/invoices/{(await draft(api))['id']}/pdf")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/wrong-invoice-state")


async def test_a_link_that_is_wrong_or_over_shows_nothing(
    api: httpx.AsyncClient, visitor: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    invoice = await issued(api)
    address = path(invoice["hosted_invoice_url"])
    for wrong in (address[:-1] + "x", f"/pay/{workspace.handle}.", "/pay/nowhere.abc", f"/pay/{invoice['id']}"):
        for suffix in ("", "/invoice.pdf"):
            assert (await visitor.get(wrong + suffix)).status_code == 404
    async with workspace.tx() as tx:
        token = await links.make(tx, kind="other", subject=invoice["id"], lifetime=timedelta(days=1))
    assert (await visitor.get(f"/pay/{token}")).status_code == 404
    async with workspace.tx() as tx:
        await links.revoke(tx, kind="pay", subject=invoice["id"])
    assert (await visitor.get(address)).status_code == 410
    page = await visitor.get(address, headers=HTML)
    assert (
        page.status_code == 410 and "This link has expired" in page.text and invoice["invoice_number"] not in page.text
    )
    assert (await get(api, invoice["id"]))["hosted_invoice_url"] is None
