"""Take the pictures of docs/screens from a Grace with the example business: `make screens`, about two minutes."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.async_api import Browser, Page, async_playwright  # noqa: E402

from tests.fixtures.browser import DESKTOP, FLAGS, PHONE, chromium_path  # noqa: E402
from tests.fixtures.running import GRACE, RunningGrace, started  # noqa: E402

SCREENS = ROOT / "docs" / "screens"
EXAMPLE_S = 600
PAGES = (
    ("home", "/app", DESKTOP, "light", None),
    ("home-dark", "/app", DESKTOP, "dark", None),
    ("pipeline", "/app/pipeline", DESKTOP, "light", "[data-item], .card"),
    ("approvals", "/app/approvals", DESKTOP, "light", None),
    ("invoices", "/app/invoices", DESKTOP, "light", None),
    ("revenue", "/app/revenue", DESKTOP, "light", None),
    ("audit-dark", "/app/audit", DESKTOP, "dark", None),
    ("home-phone", "/app", PHONE, "light", None),
    ("approvals-phone", "/app/approvals", PHONE, "dark", None),
)
"""Name, address, size, theme, and what to click first."""


async def main() -> None:
    """All pictures anew."""
    SCREENS.mkdir(exist_ok=True)
    with started(example=True) as grace:
        await asyncio.to_thread(example, grace)
        async with async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
            page = await browser.new_page(base_url=grace.url)
            await page.goto(await asyncio.to_thread(sign_in_link, grace))
            await page.get_by_role("button", name="Sign in").click()
            await page.wait_for_url("**/app")
            await shoot(browser, page)
            await browser.close()


def example(grace: RunningGrace) -> None:
    """Wait until the example business is whole."""
    until = time.monotonic() + EXAMPLE_S
    while (
        "The example is there"
        not in subprocess.run(
            [GRACE, "example", "load"], env=grace.environment, capture_output=True, text=True, check=False
        ).stdout
    ):
        if time.monotonic() > until:
            raise SystemExit("The example business was not loaded in time.")
        time.sleep(2)


def sign_in_link(grace: RunningGrace) -> str:
    """A link that signs the example's owner in."""
    command = [GRACE, "bootstrap", "--email", "anika@example.com", "--workspace", "example", "--json"]
    printed = subprocess.run(command, env=grace.environment, capture_output=True, text=True, check=True).stdout
    return str(json.loads(printed.splitlines()[-1])["sign_in_url"])


async def shoot(browser: Browser, signed_in: Page) -> None:
    """The pages, each in a window of its own, as the one who is signed in sees them; then the client's pay page."""
    state = await signed_in.context.storage_state()
    for name, path, size, theme, first in PAGES:
        context = await browser.new_context(
            base_url=signed_in.url.removesuffix("/app"), storage_state=state, viewport=size, color_scheme=theme
        )
        page = await context.new_page()
        await page.goto(path, wait_until="load")
        if first:
            await page.locator(first).first.click()
        await page.wait_for_timeout(700)
        await page.screenshot(path=SCREENS / f"{name}.png")
        print(f"docs/screens/{name}.png", flush=True)
        await context.close()


if __name__ == "__main__":
    asyncio.run(main())
