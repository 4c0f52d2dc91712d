"""Two browsers in front of a running Grace: how long it takes until one shows what the other did."""

import asyncio
import statistics
import time

import httpx
from playwright.async_api import Page, async_playwright

from tests.fixtures.browser import DESKTOP, FLAGS, chromium_path
from tests.fixtures.running import RunningGrace, started

ACTS = 20
REST_S = 1.3
"""Longer than the rest between two refreshes, and no multiple of the worker's pauses."""
SHOWN_AT = """name => new Promise(done => {
  const seen = () => document.body.textContent.includes(name) && done(Date.now());
  new MutationObserver(seen).observe(document, { subtree: true, childList: true, characterData: true });
})"""


def act_to_screen() -> float:
    """Milliseconds from the answer to one user's act to the other's page that shows it, the middle of `ACTS`."""
    with started() as grace:
        return asyncio.run(_measure(grace))


async def _measure(grace: RunningGrace) -> float:
    headers = {"Authorization": f"Bearer {grace.api_key}"}
    async with (
        httpx.AsyncClient(base_url=grace.url, headers=headers, trust_env=False, timeout=30) as api,
        async_playwright() as driver,
    ):
        chromium = await driver.chromium.launch(
            executable_path=chromium_path() or driver.chromium.executable_path, args=list(FLAGS)
        )
        context = await chromium.new_context(base_url=grace.url, viewport=DESKTOP)
        page = await context.new_page()
        made = await api.post("/api/v1/users", json={"email": "w@example.com", "name": "W", "roles": ["operator"]})
        await page.goto(made.json()["sign_in_url"])
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/app*")
        await page.goto("/app/pipeline")
        await page.locator("html.is-live").wait_for(state="attached")
        taken = [await _shown(api, page, f"Halden Works {number}") for number in range(ACTS)]
        await chromium.close()
    return statistics.median(taken)


async def _shown(api: httpx.AsyncClient, page: Page, company: str) -> float:
    await asyncio.sleep(REST_S)
    watching = asyncio.create_task(page.evaluate(SHOWN_AT, company))
    await page.evaluate("1")
    email = f"jonas@{company.replace(' ', '').lower()}.example"
    lead = {"source": "website", "name": "Jonas Hale", "email": email, "company": company}
    answer = await api.post("/api/business/leads", json=lead)
    answered = time.time() * 1000
    assert answer.status_code == 200, answer.text
    return max(0.0, float(await watching) - answered)
