"""How much a page makes a browser fetch: everything on the first visit, what changed on the second."""

from playwright.async_api import Page

from tests.fixtures.browser import Visitors

FIRST_BYTES, SECOND_BYTES = 200_000, 30_000
PAGES = ("/app", "/app/pipeline", "/app/approvals", "/app/invoices", "/app/revenue")


async def fetched(page: Page, path: str) -> int:
    """The bytes that came over the wire until the page was at rest."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    taken: list[float] = []
    session.on("Network.loadingFinished", lambda event: taken.append(event["encodedDataLength"]))
    await page.goto(path, wait_until="networkidle")
    await session.detach()
    assert taken
    return int(sum(taken))


async def test_a_page_is_light_the_first_time_and_lighter_the_second(visitors: Visitors) -> None:
    signed_in = await visitors.user()
    state = await signed_in.context.storage_state()
    for path in PAGES:
        fresh = await visitors.client(storage_state=state)
        first, second = await fetched(fresh, path), await fetched(fresh, path)
        await fresh.context.close()
        assert 20_000 < first <= FIRST_BYTES, f"{path}: {first} bytes"
        assert 1_000 < second <= SECOND_BYTES, f"{path}: {second} bytes"
