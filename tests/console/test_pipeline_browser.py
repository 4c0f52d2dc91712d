"""The pipeline in real browsers: a card dragged, moved by keys, undone; two who look at once; no script."""

from playwright.async_api import Locator, Page, expect

from tests.fixtures.browser import PHONE, Heard, Visitors, sideways, violations


async def lead(visitors: Visitors, name: str) -> str:
    slug = "".join(letter for letter in name.lower() if letter.isalnum())
    body = {"source": "website", "name": "Jonas Hale", "email": f"jonas@{slug}.example", "company": name}
    answer = await visitors.api.post("/api/business/leads", json=body | {"value_estimate": 24000})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["lead_id"])


def card(page: Page, stage: str, name: str) -> Locator:
    return page.locator(f"#{stage}").get_by_role("link", name=name)


async def drag(page: Page, name: str, start: str, end: str) -> None:
    """As a hand does it: press, move in steps, let go."""
    there = await page.locator(f"#l-{end}").bounding_box()
    assert there is not None
    await card(page, start, name).hover()
    await page.mouse.down()
    for x in (20, 80, 110):
        await page.mouse.move(there["x"] + x, there["y"] + 20, steps=6)
    await page.mouse.up()


async def test_what_one_moves_another_sees_without_losing_what_they_type(visitors: Visitors) -> None:
    lead_id = await lead(visitors, "Halden Robotics")
    mover, watcher = await visitors.user(), await visitors.user("operator")
    heard = Heard(watcher)
    await mover.goto("/app/pipeline")
    await watcher.goto(f"/app/pipeline/{lead_id}")
    for page in (mover, watcher):
        await expect(page.locator("html.is-live")).to_have_count(1)
    await watcher.get_by_text("Log a call or note").click()
    await watcher.get_by_label("What was said").fill("Half a sentence")
    await heard.from_now()
    await drag(mover, "Halden Robotics", "LEAD", "QUALIFIED")
    await expect(mover.locator("#said")).to_have_text("Halden Robotics is in Qualified now.")
    await expect(card(mover, "QUALIFIED", "Halden Robotics")).to_be_visible()
    await expect(card(watcher, "QUALIFIED", "Halden Robotics")).to_be_visible()
    assert await heard.fetched_for("lead")
    await expect(watcher.get_by_label("What was said")).to_have_value("Half a sentence")
    assert await watcher.get_by_label("What was said").evaluate("e => e === document.activeElement")

    asked: list[str] = []
    mover.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    await drag(mover, "Halden Robotics", "QUALIFIED", "PROPOSAL")
    await expect(card(mover, "PROPOSAL", "Halden Robotics")).to_be_visible()
    await expect(mover.locator("#said")).to_have_text("Halden Robotics is in Proposal now.")
    await mover.get_by_role("button", name="Undo").click()
    await expect(card(mover, "QUALIFIED", "Halden Robotics")).to_be_visible()
    assert len(asked) == 2
    assert await mover.locator("#refused").is_hidden()


async def test_a_card_is_moved_by_keys_and_an_outdated_move_is_refused(visitors: Visitors) -> None:
    lead_id = await lead(visitors, "Osprey Lane")
    page = await visitors.user()
    await page.goto("/app/pipeline")
    await page.get_by_label("Move Osprey Lane to another stage").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#said")).to_have_text("Osprey Lane is in Qualified now.")
    await expect(card(page, "QUALIFIED", "Osprey Lane")).to_be_visible()

    await page.route_web_socket("**/ws", lambda socket: None)
    await page.goto("/app/pipeline")
    moved = await visitors.api.post(f"/api/business/leads/{lead_id}/stage", json={"stage": "PROPOSAL"})
    assert moved.status_code == 200
    await drag(page, "Osprey Lane", "QUALIFIED", "NEGOTIATION")
    await expect(page.get_by_role("alert")).to_contain_text("changed in the meantime: it is in PROPOSAL")
    await expect(card(page, "PROPOSAL", "Osprey Lane")).to_be_visible()


async def test_the_drawer_opens_and_closes_in_place_and_gives_the_focus_back(visitors: Visitors) -> None:
    lead_id = await lead(visitors, "Copperleaf Travel")
    page = await visitors.user()
    await page.goto("/app/pipeline")
    assert await violations(page) == []
    await card(page, "LEAD", "Copperleaf Travel").click()
    await page.wait_for_url(f"**/app/pipeline/{lead_id}")
    await expect(page.get_by_role("heading", name="Copperleaf Travel")).to_be_focused()
    assert await violations(page) == []
    await page.get_by_role("button", name="Qualify").first.click()
    await expect(page.get_by_role("heading", name="Why the score is")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await page.wait_for_url("**/app/pipeline")
    await expect(page.locator("#drawer")).to_have_count(0)
    await expect(page.locator(f"#card-{lead_id}")).to_be_focused()
    await page.go_back()
    await expect(page.locator("#drawer")).to_be_visible()


async def test_a_phone_without_script_moves_a_lead(visitors: Visitors) -> None:
    lead_id = await lead(visitors, "Cedar Row Clinic")
    page = await visitors.user(viewport=PHONE, java_script_enabled=False)
    await page.goto("/app/pipeline")
    await card(page, "LEAD", "Cedar Row Clinic").click()
    await page.get_by_label("Move to").last.select_option("NEGOTIATION")
    await page.get_by_role("button", name="Move", exact=True).last.click()
    await expect(page.locator("#said")).to_have_text("Cedar Row Clinic is in Negotiation now.")
    assert page.url.endswith(f"/app/pipeline/{lead_id}")
    await page.get_by_role("link", name="Close").click()
    await page.get_by_role("link", name="Negotiation 1").click()
    await expect(card(page, "NEGOTIATION", "Cedar Row Clinic")).to_be_visible()
    seen = await visitors.user(viewport=PHONE)
    for path in ("/app/pipeline", f"/app/pipeline/{lead_id}"):
        await seen.goto(path)
        assert await violations(seen) == []
        assert await sideways(seen) == 0
