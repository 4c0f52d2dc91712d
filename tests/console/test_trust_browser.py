"""Search by the palette's keys, and axe on account, settings, system, welcome, workspaces and policy."""

from playwright.async_api import expect

from tests.fixtures.browser import PHONE, Visitors, sideways, violations

PAGES = ("/app/me", "/app/settings", "/app/settings/people", "/app/settings/agents", "/app/settings/rates",
         "/app/settings/webhooks", "/app/policies", "/app/policies/propose", "/app/system", "/app/system/events",
         "/app/workspaces", "/app/welcome", "/app/search?q=moss", "/app/approvals/decided")  # fmt: skip


async def test_the_palette_finds_and_opens_by_keys_alone(visitors: Visitors) -> None:
    made = await visitors.api.post("/api/v1/clients", json={"name": "Quillfeather Mills", "source": "referral"})
    page = await visitors.user()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("quillf")
    link = page.locator("#palette-found").get_by_role("link", name="Quillfeather Mills")
    await expect(link).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("ArrowDown")
    await expect(link).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/app/clients/{made.json()['id']}")


async def test_pages_are_sound_on_a_phone(visitors: Visitors) -> None:
    page = await visitors.user(viewport=PHONE)
    for path in PAGES:
        await page.goto(path)
        assert (path, await violations(page)) == (path, [])
        assert (path, await sideways(page)) == (path, 0)


async def test_a_key_is_made_without_script_and_keys_are_switched_off_with_it(visitors: Visitors) -> None:
    plain = await visitors.user(java_script_enabled=False)
    await plain.goto("/app/me")
    await plain.get_by_label("Name").fill("Laptop")
    await plain.get_by_role("button", name="Make a key").click()
    await expect(plain.get_by_text("grc_main_")).to_be_visible()
    page = await visitors.user()
    await page.goto("/app/me")
    await page.get_by_role("group", name="Single keys").get_by_role("button", name="Off").click()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    await page.get_by_role("group", name="Theme").get_by_role("button", name="Dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
