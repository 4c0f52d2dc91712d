"""Every page that a link of the console leads to: answers, breaks no rule of accessibility, does not scroll sideways.

Pages are found by following links from home, one of each kind, over a business in which a whole job was done.
"""

import re
import subprocess
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from tests.fixtures.browser import DESKTOP, PHONE, Visitors, sideways, violations
from tests.fixtures.running import GRACE, RunningGrace

MOST_PAGES = 80
TABLET = {"width": 768, "height": 1024}
NOT_PAGES = re.compile(r"/(pdf|csv|xlsx|download|export)\b|\.(pdf|csv|json)$")
ID = re.compile(r"/([a-z]+_[0-9a-z]{26}|\d+)(?=/|$)")


def kind(address: str) -> str:
    """What makes two addresses the same page with other content."""
    parts = urlsplit(address)
    keys = sorted({pair.partition("=")[0] for pair in parts.query.split("&") if pair})
    return f"{ID.sub('/{id}', parts.path)}?{'&'.join(keys)}"


async def crawl(page: Page, look: Callable[[str], Awaitable[None]]) -> set[str]:
    """Visit one page of each kind; `look` is told its kind while it is open. The kinds that were found."""
    waiting, seen = ["/app", "/app/more"], {kind("/app"), kind("/app/more")}
    while waiting:
        address = waiting.pop(0)
        answer = await page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        await look(kind(address))
        for link in await page.locator("a[href^='/app']").evaluate_all(
            "links => links.map(l => l.getAttribute('href'))"
        ):
            if kind(link) not in seen and not NOT_PAGES.search(link) and len(seen) < MOST_PAGES:
                seen.add(kind(link))
                waiting.append(link)
    return seen


@pytest.fixture(scope="module")
def worked(running_grace: RunningGrace) -> None:
    """One job from lead to cash was done here."""
    done = subprocess.run([GRACE, "demo"], env=running_grace.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def wrong(visitors: Visitors, size: dict[str, int], theme: str) -> list[str]:
    """What is wrong with the pages at a size and in a theme."""
    page = await visitors.user(viewport=size, color_scheme=theme)
    found: list[str] = []

    async def look(which: str) -> None:
        found.extend(f"{which}: {one}" for one in await violations(page))
        over = await sideways(page)
        if over:
            found.append(f"{which}: scrolls {over} px sideways")

    assert len(await crawl(page, look)) > 20
    return found


async def test_every_page_on_a_desktop(visitors: Visitors, worked: None) -> None:
    assert await wrong(visitors, DESKTOP, "light") == []


async def test_the_main_pages_on_a_phone(visitors: Visitors, worked: None) -> None:
    page = await visitors.user(viewport=PHONE, color_scheme="dark")
    found = []
    for path in ("/app", "/app/pipeline", "/app/approvals", "/app/invoices", "/app/clients", "/app/audit"):
        await page.goto(path)
        found += [f"{path}: {one}" for one in await violations(page)]
        found += [f"{path}: sideways"] if await sideways(page) else []
    assert found == []


@pytest.mark.nightly
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE], ids=["1440", "768", "390"])
async def test_every_page_in_every_theme_and_width(
    visitors: Visitors, worked: None, size: dict[str, int], theme: str
) -> None:
    assert await wrong(visitors, size, theme) == []
