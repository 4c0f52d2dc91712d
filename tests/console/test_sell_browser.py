"""Clients, the list of leads and the form for outsiders in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import expect

from tests.fixtures.browser import PHONE, Visitors, sideways, violations


@asynccontextmanager
async def site(snippet: str) -> AsyncIterator[str]:
    """A business's own site, which shows the form in a frame; its origin."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = f"<!doctype html><title>Our site</title>{snippet}".encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"


async def test_a_named_site_frames_the_form_and_its_visitor_becomes_a_lead(visitors: Visitors) -> None:
    opened = await visitors.api.post("/api/v1/lead-form")
    visitor = await visitors.client(java_script_enabled=False)
    async with site(opened.json()["snippet"]) as origin:
        setting = {"title": "Start a project", "frame_ancestors": [origin]}
        assert (await visitors.api.put("/api/v1/settings/lead_form", json=setting)).status_code == 200
        await visitor.goto(origin)
        form = visitor.frame_locator("iframe")
        await form.get_by_label("Your name").fill("Jonas Hale")
        await form.get_by_label("E-mail").fill("jonas@framed.example")
        await form.get_by_label("What do you need?").fill("A dashboard for our fleet.")
        await form.get_by_role("button", name="Send").click()
        await expect(form.get_by_role("heading", name="It has arrived")).to_be_visible()
    plain = await visitors.client(viewport=PHONE)
    await plain.goto(opened.json()["url"])
    assert await violations(plain) == []
    assert await sideways(plain) == 0
    page = await visitors.user()
    await page.goto("/app/pipeline")
    await expect(page.locator("#LEAD").get_by_role("link", name="Jonas Hale")).to_be_visible()


async def test_clients_and_lists_are_sound_on_desktop_and_phone(visitors: Visitors) -> None:
    body = {
        "source": "website",
        "name": "Ada Lovelace",
        "email": "ada@engines.example",
        "company": "Analytical Engines",
    }
    lead = (await visitors.api.post("/api/business/leads", json=body)).json()
    story = f"/app/clients/{lead['client_id']}"
    paths = ("/app/clients", story, f"{story}?tab=details", "/app/pipeline/list", "/app/pipeline/new")
    for size, some in (({}, paths[1:2]), ({"viewport": PHONE}, (*paths, "/app/pipeline/form"))):
        page = await visitors.user(**size)
        for path in some:
            await page.goto(path)
            assert await violations(page) == [], path
            assert await sideways(page) == 0, path
    await page.goto(story)
    await page.get_by_role("link", name="Leads", exact=True).click()
    await page.wait_for_url("**?tab=leads")
    await expect(page.get_by_role("heading", name="Leads")).to_be_visible()
