"""The policy's text with its words, and a change proposed, tried and refused by form."""

from grace.trust.governance.shipped import shipped
from grace.trust.identity.rules import Role
from tests.console.test_approvals import PAGE, page
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost


async def test_the_text_in_force_with_its_words_and_versions(office: People, cost: Cost) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    text = await page(browser, "/app/policies/1")
    assert 'id="refund-payment-client-parliament"' in text
    assert "Refunds to one client above 10,000 USD within 24 hours" in text
    assert "as shipped" in text
    assert await cost(browser, "/app/policies/1") <= PAGE_STATEMENTS
    assert (await browser.get("/app/policies/99", headers=PAGE)).status_code == 404


async def test_a_change_is_tried_refused_and_proposed(office: People) -> None:
    ann, _ = await office.user(Role.OWNER), await office.user(Role.ADMIN)
    browser = await office.signed_in(ann)
    assert "refund-payment-staff" in await page(browser, "/app/policies/propose")
    cases = (await ann.api.get("/api/v1/policies")).text.partition('"cases":')[2].partition("}]}]")[0] + "}]"
    form = {"text": f"// Ours.\n{shipped().text}", "cases_json": cases}
    tried = await browser.post("/app/policies", data={**form, "intent": "try"}, headers=PAGE)
    assert "none of the last 200 decisions otherwise" in tried.text
    assert "// Ours." in tried.text
    wrong = await browser.post("/app/policies", data={**form, "text": "permit (", "intent": "propose"}, headers=PAGE)
    assert wrong.status_code == 422
    done = await browser.post("/app/policies", data={**form, "intent": "propose"}, headers=PAGE)
    assert done.headers["location"].startswith("/app/approvals/dec_")
    text = await page(browser, done.headers["location"])
    assert "Version 2" in text
    assert "+// Ours." in text
