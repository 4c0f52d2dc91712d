"""An entry verified in the browser by its own arithmetic: a true proof holds, a tampered one is found."""

import json
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.fixtures.browser import PHONE, Visitors, sideways, violations


async def opened(visitors: Visitors, **context: Any) -> tuple[Page, str]:
    """The newest sealed entry about a new client."""
    made = await visitors.api.post("/api/v1/clients", json={"name": "Mossgate", "source": "referral"})
    assert made.status_code == 200, made.text
    page = await visitors.user(**context)
    await page.goto(f"/app/audit?subject_kind=client&subject_id={made.json()['id']}")
    await page.get_by_role("link", name="Create client").click()
    await expect(page.get_by_role("heading", level=2, name="Create client")).to_be_visible()
    if not await page.locator("[data-verify]").count():
        await page.reload()
    return page, page.url.rpartition("/")[2].partition("?")[0]


async def test_a_true_proof_is_verified(visitors: Visitors) -> None:
    page, _ = await opened(visitors)
    assert await violations(page) == []
    await page.get_by_role("button", name="Verify in this browser").click()
    await expect(page.locator("#vsteps .sum")).to_have_text("Verified in this browser")
    await expect(page.locator("#vsteps .bad")).to_have_count(0)
    await expect(page.locator("#vsteps li").nth(4)).to_have_text("The root is signed by the log's key")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download proof").click()
    assert json.loads((await (await downloading.value).path()).read_text())["format"] == "grace-entry-proof-1"


async def test_tampering_is_found_whatever_was_touched(visitors: Visitors) -> None:
    page, entry = await opened(visitors, viewport=PHONE)
    assert await sideways(page) == 0
    assert await violations(page) == []

    async def verdict(suffix: str, **changed: Any) -> str:
        async def answer(route: Route) -> None:
            body = await (await route.fetch()).json()
            for name, value in changed.items():
                place = body["entry"] if name in body.get("entry", {}) else body
                place[name] = value(place[name])
            await route.fulfill(json=body)

        path = f"**/api/v1/audit/entries/{entry}{suffix}"
        await page.route(path, answer)
        await page.get_by_role("button", name="Verify in this browser").click()
        await expect(page.locator("#vsteps .sum")).to_have_text("Broken: this entry is not what was sealed")
        await page.unroute(path, answer)
        return " ".join(await page.locator("#vsteps .bad:not(.sum)").all_inner_texts())

    assert "Who, what or when" in await verdict("", principal_id=lambda _: "user_somebody_else")
    assert "Reason, before or after" in await verdict("", reason=lambda _: "another reason")
    assert "Reason, before or after" in await verdict("/proof", payload=lambda text: text.replace("Moss", "Boss"))
    assert "does not lead to the signed root" in await verdict("/proof", proof=lambda proof: proof[:-1])
    assert "signature is wrong" in await verdict("/proof", checkpoint=lambda note: note.replace("\n", "\n1", 1))
