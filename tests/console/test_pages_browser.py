"""Every page that a link of the console leads to: answers, breaks no rule of accessibility, does not scroll sideways.

Pages are found by following links from home, one of each kind, over a business in which a whole job was done.
"""

import asyncio
import json
import re
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from grace.kit.pages import STATIC
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


async def crawl(page: Page, look: Callable[[str], Awaitable[None]], broken: list[str]) -> set[str]:
    """Visit one page of each kind; `look` is told its kind while it is open. The kinds that were found."""
    waiting, seen = ["/app", "/app/more"], {kind("/app"), kind("/app/more")}
    while waiting:
        address = waiting.pop(0)
        answer = await page.goto(address)
        assert answer is not None
        if answer.status != 200:
            broken.append(f"{address}: {answer.status}")
            continue
        await look(kind(address))
        for link in await page.locator("a[href^='/app']").evaluate_all(
            "links => links.map(l => l.getAttribute('href'))"
        ):
            if kind(link) not in seen and not NOT_PAGES.search(link) and len(seen) < MOST_PAGES:
                seen.add(kind(link))
                waiting.append(link)
    return seen


@pytest.fixture(scope="module")
def workspace_with_work(running_grace: RunningGrace) -> str:
    """A workspace in which one job was done from lead to cash."""
    done = subprocess.run(
        [GRACE, "demo", "--json"], env=running_grace.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return str(json.loads(done.stdout.splitlines()[-1])["workspace"])


async def owner(visitors: Visitors, workspace: str, **context: Any) -> Page:
    """An owner of that workspace, signed in."""
    command = (str(GRACE), "bootstrap", "--email", "crawler@example.com", "--workspace", workspace, "--json")
    process = await asyncio.create_subprocess_exec(*command, env=visitors.grace.environment, stdout=PIPE)
    printed, _ = await process.communicate()
    page = await visitors.client(**context)
    await page.goto(json.loads(printed.splitlines()[-1])["sign_in_url"])
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/app")
    return page


async def wrong(page: Page) -> list[str]:
    """What is wrong with the pages that this one leads to."""
    found: list[str] = []
    drawn = set(re.findall(r'id="([^"]+)"', (STATIC / "vendor" / "icons.svg").read_text()))

    async def look(which: str) -> None:
        found.extend(f"{which}: {one}" for one in await violations(page))
        used = await page.locator("use").evaluate_all("all => all.map(use => use.getAttribute('href').split('#')[1])")
        assert used
        found.extend(f"{which}: there is no icon {name}" for name in sorted(set(used) - drawn))
        over = await sideways(page)
        if over:
            found.append(f"{which}: scrolls {over} px sideways")

    assert len(await crawl(page, look, found)) > 20
    return found


async def test_every_page_on_a_desktop(visitors: Visitors, workspace_with_work: str) -> None:
    assert await wrong(await owner(visitors, workspace_with_work)) == []


async def test_the_main_pages_on_a_phone(visitors: Visitors, workspace_with_work: str) -> None:
    page = await owner(visitors, workspace_with_work, viewport=PHONE, color_scheme="dark")
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
    visitors: Visitors, workspace_with_work: str, size: dict[str, int], theme: str
) -> None:
    page = await owner(visitors, workspace_with_work, viewport=size, color_scheme=theme)
    assert await wrong(page) == []
