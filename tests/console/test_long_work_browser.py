"""An import by a person in a browser: sent, its progress seen, kept over a reload, seen by another, done."""

import re
from pathlib import Path

from playwright.async_api import expect

from tests.fixtures.browser import PHONE, Visitors, sideways, violations
from tests.flows.work.conftest import leads

ROWS = 1_600


async def test_progress_is_seen_and_survives_a_reload(visitors: Visitors, tmp_path: Path) -> None:
    file = tmp_path / "crm.csv"
    file.write_bytes(leads(ROWS).replace(b"@company", b"@long-work"))
    page = await visitors.user()
    elsewhere = await visitors.user()
    await elsewhere.goto("/app/clients/new")
    await expect(elsewhere.locator("html.is-live")).to_have_count(1)
    await elsewhere.get_by_label("Company").fill("Half a na")
    await page.goto("/app/work/import")
    assert await violations(page) == []
    await page.set_input_files("#file", file)
    await page.get_by_role("button", name="Look at the file").click()
    await page.wait_for_url("**/app/work/work_*")
    begin = page.get_by_role("button", name=re.compile("Import [0-9,]+ leads"))
    await expect(begin).to_be_visible()
    assert await violations(page) == []
    mark = elsewhere.locator(".side .busy")
    await expect(mark).to_have_text("Import to confirm")  # on a page that watches nothing else
    assert await violations(elsewhere) == []
    await begin.click()
    says = page.locator("#bar-says")
    await expect(says).to_have_text(re.compile(r"^(0|500|1,000|1,500) of 1,600 rows"))
    address = page.url
    await page.reload()
    await expect(page.get_by_role("progressbar")).to_have_count(1)
    await expect(says).to_have_text(re.compile(r" of 1,600 rows"))

    other = await visitors.user("viewer", java_script_enabled=False, viewport=PHONE)
    await other.goto(address)
    await expect(other.locator("#bar-says")).to_have_text(re.compile(r"1,600 of 1,600 rows"))
    await expect(other.get_by_text("Done", exact=True)).to_be_visible()
    await expect(page.get_by_text("Done", exact=True)).to_be_visible()
    assert await sideways(other) == 0
    assert await violations(page) == []
    await expect(mark).to_have_count(0)
    await expect(elsewhere.get_by_label("Company")).to_have_value("Half a na")
