"""The pipeline's board and drawer: what they show, moves under a version, Undo, rights, pages of a column."""

import html
import re
from typing import Any

import httpx
import pytest

from grace.console.pipeline.view import View, view_of
from grace.domains.crm.rules.stages import Stage
from grace.kit.errors import Invalid
from grace.trust.identity.rules import Role
from tests.fixtures.office import People, Person
from tests.fixtures.statements import PAGE_STATEMENTS, Cost

PAGE = {"Accept": "text/html"}


async def lead(who: Person, name: str = "Halden Robotics", **more: Any) -> str:
    """A lead's id."""
    slug = re.sub(r"\W", "", name).lower()
    body = {"source": "website", "name": "Jonas Hale", "email": f"jonas@{slug}.example", "company": name, **more}
    answer = await who.api.post("/api/business/leads", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["lead_id"])


async def page(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    return answer.text


def column(text: str, stage: str) -> str:
    """The column's part of the page."""
    found = re.search(rf'<section class="col[^"]*" id="{stage}".*?</section>', text, re.DOTALL)
    assert found is not None, f"no column {stage}"
    return found[0]


async def move(browser: httpx.AsyncClient, lead_id: str, stage: str, version: int, **headers: str) -> httpx.Response:
    data = {"stage": stage, "version": str(version)}
    return await browser.post(f"/app/pipeline/{lead_id}/move", data=data, headers={**PAGE, **headers})


async def test_the_board_shows_each_lead_in_its_stage_with_the_stages_sums(office: People) -> None:
    owner = await office.user(Role.OWNER)
    await lead(owner, value_estimate=24000, project_type="telemetry dashboard")
    browser = await office.signed_in(owner)
    await lead(owner, "Osprey Lane", value_estimate=18500)
    text = await page(browser, "/app/pipeline")
    assert "2 open · $42.5k" in text
    assert "Halden Robotics" in column(text, "LEAD")
    assert "Telemetry dashboard" in column(text, "LEAD")
    assert "$42.5k" in column(text, "LEAD")
    assert "No lead is in Proposal" in column(text, "PROPOSAL")
    assert 'title="Open Active"' in text
    assert 'id="ACTIVE"' in await page(browser, "/app/pipeline?stages=delivering")
    assert 'id="LOST"' in await page(browser, "/app/pipeline?stages=all")


async def test_a_move_tells_what_it_did_and_can_be_undone(office: People) -> None:
    owner = await office.user(Role.OWNER)
    lead_id = await lead(owner)
    browser = await office.signed_in(owner)
    moved = await move(browser, lead_id, "QUALIFIED", 1)
    assert (moved.status_code, moved.headers["location"]) == (303, "/app/pipeline")
    text = await page(browser, "/app/pipeline")
    assert "Halden Robotics is in Qualified now." in text
    assert "Halden Robotics" in column(text, "QUALIFIED")
    undo = re.search(r'<div class="undo".*?</div>', text, re.DOTALL)
    assert undo is not None
    assert 'name="stage" value="LEAD"' in undo[0]
    assert 'name="version" value="2"' in undo[0]
    assert (await move(browser, lead_id, "LEAD", 2)).status_code == 303
    assert "Halden Robotics" in column(await page(browser, "/app/pipeline"), "LEAD")
    another = await office.signed_in(await office.user(Role.OWNER))
    assert 'class="undo"' not in await page(another, "/app/pipeline")


async def test_a_move_is_undone_from_the_drawer_which_stays_open(office: People) -> None:
    owner = await office.user(Role.OWNER)
    lead_id = await lead(owner)
    browser = await office.signed_in(owner)
    assert (await move(browser, lead_id, "QUALIFIED", 1)).status_code == 303
    text = await page(browser, f"/app/pipeline/{lead_id}?stages=all")
    undo = re.search(r'<div class="undo".*?action="([^"]+)".*?</div>', text, re.DOTALL)
    assert undo is not None
    undone = await browser.post(html.unescape(undo[1]), data={"stage": "LEAD", "version": "2"})
    assert undone.headers["location"] == f"/app/pipeline/{lead_id}?stages=all"
    text = await page(browser, undone.headers["location"])
    assert "Halden Robotics is in Lead now." in text
    assert "Halden Robotics" in column(text, "LEAD")


async def test_what_the_graph_has_no_way_back_from_offers_no_undo(office: People) -> None:
    owner = await office.user(Role.OWNER)
    lead_id = await lead(owner)
    browser = await office.signed_in(owner)
    for version, stage in enumerate(("PROPOSAL", "CONTRACT", "ACTIVE"), 1):
        assert (await move(browser, lead_id, stage, version)).status_code == 303
    assert 'class="undo"' not in await page(browser, "/app/pipeline?stages=delivering")


async def test_an_outdated_or_impossible_move_is_refused_in_words(office: People) -> None:
    owner = await office.user(Role.OWNER)
    lead_id = await lead(owner)
    browser = await office.signed_in(owner)
    assert (await move(browser, lead_id, "QUALIFIED", 1)).status_code == 303
    late = await move(browser, lead_id, "NEGOTIATION", 1, **{"HX-Request": "true"})
    assert late.status_code == 409
    assert "changed in the meantime: it is in QUALIFIED" in late.headers["HX-Trigger"]
    never = await move(browser, lead_id, "PAID", 2, **{"HX-Request": "true"})
    assert never.status_code == 409
    assert "Only delivered work closes as paid" in never.headers["HX-Trigger"]
    plain = await move(browser, lead_id, "PAID", 2)
    assert plain.status_code == 409
    assert "Only delivered work closes as paid" in plain.text
    assert "Halden Robotics" in column(await page(browser, "/app/pipeline"), "QUALIFIED")


async def test_a_column_pages_in_place_and_never_grows(office: People) -> None:
    owner = await office.user(Role.OWNER)
    ids = [await lead(owner, f"Client {number}") for number in range(23)]
    browser = await office.signed_in(owner)
    text = column(await page(browser, "/app/pipeline"), "LEAD")
    assert re.findall(r'<li id="([^"]+)"', text) == ids[:2:-1]
    further = re.search(r'href="(/app/pipeline\?[^"]+)"[^>]*>3 more<', text)
    assert further is not None
    text = column(await page(browser, further[1].replace("&amp;", "&")), "LEAD")
    assert re.findall(r'<li id="([^"]+)"', text) == ids[2::-1]
    assert "more<" not in text
    assert "From the top" in text


async def test_the_drawer_says_why_and_takes_what_is_known(office: People) -> None:
    owner = await office.user(Role.OWNER)
    lead_id = await lead(owner, budget=24000, industry="Software", requirements="A portal with <b>login</b> by March.")
    other = await lead(owner, "Osprey Lane")
    browser = await office.signed_in(owner)
    text = await page(browser, f"/app/pipeline/{lead_id}")
    assert "Not scored yet" in text
    assert "Next: qualify the lead" in text
    assert "&lt;b&gt;login&lt;/b&gt;" in text
    assert f'href="/app/pipeline/{other}" aria-label="Previous lead"' in text
    assert f"/app/proposals/new?lead={lead_id}" in text
    assert (await browser.post(f"/app/pipeline/{lead_id}/qualify", data={})).status_code == 303
    text = await page(browser, f"/app/pipeline/{lead_id}")
    assert "Why the score is" in text
    assert "Qualifies above 70" in text
    assert "+16" in text
    data = {"value_estimate": "31000.50", "version": "2"}
    assert (await browser.post(f"/app/pipeline/{lead_id}/value", data=data)).status_code == 303
    data = {"interaction_type": "call", "channel": "phone", "content": "Wants to start in spring."}
    assert (await browser.post(f"/app/pipeline/{lead_id}/interactions", data=data)).status_code == 303
    text = await page(browser, f"/app/pipeline/{lead_id}")
    assert "$31,000.50" in text
    assert "Wants to start in spring." in text
    data = {"stage": "LOST", "reason": "No budget this year", "version": "3"}
    lost = await browser.post(f"/app/pipeline/{lead_id}/move?from=lead", data=data)
    assert lost.headers["location"] == f"/app/pipeline/{lead_id}"
    assert "No budget this year" in await page(browser, f"/app/pipeline/{lead_id}")


async def test_a_note_that_is_sent_twice_is_kept_once(office: People) -> None:
    owner = await office.user(Role.OWNER)
    lead_id = await lead(owner)
    browser = await office.signed_in(owner)
    data = {"interaction_type": "note", "channel": "other", "content": "Only once.", "idempotency_key": "k" * 32}
    for _ in range(2):
        assert (await browser.post(f"/app/pipeline/{lead_id}/interactions", data=data)).status_code == 303
    assert (await page(browser, f"/app/pipeline/{lead_id}")).count("Only once.") == 1


async def test_who_only_reads_sees_no_way_to_change(office: People) -> None:
    lead_id = await lead(await office.user(Role.OWNER))
    viewer = await office.signed_in(await office.user(Role.VIEWER))
    for path in ("/app/pipeline", f"/app/pipeline/{lead_id}"):
        text = await page(viewer, path)
        assert "/move" not in text
        assert "Qualify</button>" not in text
    assert (await move(viewer, lead_id, "QUALIFIED", 1)).status_code == 403


async def test_rupees_are_grouped_the_indian_way(office: People) -> None:
    owner = await office.user(Role.OWNER)
    async with office.workspace.tx() as tx:
        await tx.execute("update workspace set currency = 'INR'")
    lead_id = await lead(owner, value_estimate=141600)
    browser = await office.signed_in(owner)
    assert "₹1,41,600.00" in await page(browser, f"/app/pipeline/{lead_id}")


async def test_the_pages_take_few_statements(office: People, cost: Cost) -> None:
    owner = await office.user(Role.OWNER)
    lead_id = await lead(owner)
    browser = await office.signed_in(owner)
    assert (await move(browser, lead_id, "QUALIFIED", 1)).status_code == 303
    assert await cost(browser, "/app/pipeline?stages=all") <= PAGE_STATEMENTS
    assert await cost(browser, f"/app/pipeline/{lead_id}") <= PAGE_STATEMENTS


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "WyJhIGIgYyJd", "WzVd", "WyItMSAyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIGEiXQ"]
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        view_of({"LEAD": cursor})


def test_a_view_that_is_not_known_is_the_usual_one() -> None:
    assert view_of({"stages": "'; drop", "column": "nothing", "q": "x"}) == View()
    assert view_of({"stages": "all", "column": "LOST"}).picked is Stage.LOST
