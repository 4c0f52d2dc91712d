"""Search by names, numbers and ids, by permission, and what nonsense finds."""

import pytest

from grace.trust.identity.rules import Role
from tests.console.test_approvals import CLIENT, held_proposal, made, page
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost


async def test_everything_about_a_client_is_found_by_how_it_begins(office: People, cost: Cost) -> None:
    ann = await office.user(Role.OWNER)
    await held_proposal(ann)
    browser = await office.signed_in(ann)
    for typed in ("moss", "Mossgate log", "LOGIST", "pay@moss"):
        text = await page(browser, f"/app/search?q={typed}")
        assert "/app/clients/cust_" in text, typed
        assert "/app/pipeline/lead_" in text, typed
        assert "/app/proposals/prop_" in text, typed
    assert "/app/proposals/prop_" in await page(browser, "/app/search?q=p-1")
    assert "/app/approvals/dec_" in await page(browser, "/app/search?q=D-1")
    assert await cost(browser, "/app/search?q=moss") <= 7 <= PAGE_STATEMENTS


async def test_invoices_by_number_and_things_by_id(office: People) -> None:
    ann = await office.user(Role.OWNER)
    client = await made(ann, "/api/v1/clients", CLIENT)
    lines = [{"description": "Work", "quantity": "1", "unit_price": "141600"}]
    draft = {"client_id": client["id"], "currency": "INR", "lines": lines}
    invoice = await made(ann, "/api/v1/invoices", draft)
    issued = await made(ann, f"/api/v1/invoices/{invoice['id']}/issue", {})
    browser = await office.signed_in(ann)
    text = await page(browser, f"/app/search?q={issued['invoice_number'][:5].lower()}")
    assert f"/app/invoices/{invoice['id']}" in text
    assert "₹1,41,600.00" in text
    assert f"/app/clients/{client['id']}" in await page(browser, f"/app/search?q={client['id']}")


async def test_what_one_may_not_read_is_not_found(office: People) -> None:
    ann = await office.user(Role.OWNER)
    await made(ann, "/api/v1/clients", CLIENT)
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    text = await page(viewer, "/app/search?q=moss")
    assert "Mossgate" in text
    assert "Entries about" not in text
    assert "New invoice" not in await page(viewer, "/app/search?q=new")
    assert "New invoice" in await page(await office.signed_in(ann), "/app/search?q=new inv")


@pytest.mark.parametrize("typed", ["'", "a", "& | ! :*", "\\", "%25", "_", "🙂", "x" * 100, "''''", "a:*b"])
async def test_nonsense_finds_nothing_and_breaks_nothing(office: People, typed: str) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    assert "Search" in await page(browser, f"/app/search?q={typed}")
