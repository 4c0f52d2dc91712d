"""The shell in a real browser: keys, themes, live refresh that keeps what is typed, a lost connection, no script."""

import asyncio

import pytest
from playwright.async_api import WebSocketRoute, expect

from tests.fixtures.browser import DESKTOP, PHONE, Visitors, sideways, violations


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_the_shell_is_sound(visitors: Visitors, size: dict[str, int]) -> None:
    page = await visitors.user(viewport=size)
    for path in ("/app", "/app/more"):
        await page.goto(path)
        assert await violations(page) == []
        assert await sideways(page) == 0


async def test_nothing_is_pushed_out_of_a_page(visitors: Visitors) -> None:
    await visitors.api.post("/api/v1/clients", json={"name": "W" * 200, "company": "Ü" * 200})
    page = await visitors.user(viewport={"width": 320, "height": 640})
    for path in ("/app/approvals/decided", "/app/policies/propose", "/app/revenue/clients", "/app/clients"):
        await page.goto(path)
        assert await sideways(page) == 0, path
    await page.set_viewport_size({"width": 1024, "height": 700})
    await page.goto("/app/clients")
    assert await page.evaluate(
        "document.querySelector('.tbl').offsetWidth <= document.querySelector('.tw').clientWidth"
    )
    await expect(page.locator(".side kbd")).to_be_hidden()


async def test_the_shell_without_script_reads_and_leads_everywhere(visitors: Visitors) -> None:
    page = await visitors.user(java_script_enabled=False)
    links = await page.get_by_role("navigation", name="Main", exact=True).get_by_role("link").all()
    assert len(links) > 8
    await page.goto("/app/more")
    await expect(page.get_by_role("heading", name="Get paid").last).to_be_visible()


async def test_keys_open_the_list_of_keys_the_palette_and_pages(visitors: Visitors) -> None:
    page = await visitors.user()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("h")
    await page.wait_for_url("**/app")


async def test_the_chosen_theme_stays(visitors: Visitors) -> None:
    page = await visitors.user(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(background)
    await page.get_by_role("button", name="Switch light or dark").first.click()
    dark = await page.evaluate(background)
    assert dark != light
    await page.reload()
    assert await page.evaluate(background) == dark


async def test_a_lost_connection_is_said_and_the_page_refreshed_once_it_is_back(visitors: Visitors) -> None:
    page = await visitors.user()
    sockets: list[WebSocketRoute] = []
    cut = asyncio.Event()

    async def relay(socket: WebSocketRoute) -> None:
        if cut.is_set():
            await socket.close()
            return
        sockets.append(socket)
        socket.connect_to_server()

    await page.route_web_socket("**/ws", relay)
    await page.reload()
    await expect(page.locator("html.is-live")).to_have_count(1)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.headers.get("hx-request") else None)
    cut.set()
    await sockets[0].close()
    await expect(page.locator("#lost")).to_be_visible()
    cut.clear()
    await page.get_by_role("button", name="Reconnect now").click()
    await expect(page.locator("#lost")).to_be_hidden()
    await expect(page.locator("html.is-live")).to_have_count(1)
    assert asked == [f"{visitors.grace.url}/app"]
