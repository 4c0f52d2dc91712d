"""System: what is stuck and taken up again, calls in doubt, events that came, rights, statements."""

from grace.kit import inbox
from grace.trust.identity.rules import Role
from tests.console.test_approvals import CLIENT, PAGE, made, page
from tests.fixtures.office import People
from tests.fixtures.statements import PAGE_STATEMENTS, Cost


async def test_stuck_work_is_shown_and_taken_up_again(office: People, cost: Cost) -> None:
    ann = await office.user(Role.OWNER)
    await made(ann, "/api/business/leads", {**CLIENT, "requirements": "An API"})
    await office.workspace.drain()
    async with office.workspace.tx() as tx:
        await tx.execute(
            "insert into reaction (fact_id, subscriber, state, attempts, error)"
            " select min(id), 'flows.example', 'stuck', 8, 'the <provider> was away' from fact"
        )
        row = await tx.one(dict, "select fact_id, subscriber from reaction where state = 'stuck'")
    browser = await office.signed_in(ann)
    text = await page(browser, "/app/system")
    assert "the &lt;provider&gt; was away" in text
    assert "Nothing is stuck" not in text
    assert await cost(browser, "/app/system") <= PAGE_STATEMENTS
    form = {"kind": "reaction", "id": f"{row['fact_id']}:{row['subscriber']}"}
    assert (await browser.post("/app/system/replay", data=form, headers=PAGE)).status_code == 303
    assert "Nothing is stuck" in await page(browser, "/app/system")
    assert (await browser.post("/app/system/replay", data=form, headers=PAGE)).status_code == 404
    assert (await browser.post("/app/system/replay", data={"kind": "x"}, headers=PAGE)).status_code == 422


async def test_events_page_and_say_what_became_of_them(office: People, cost: Cost) -> None:
    browser = await office.signed_in(await office.user(Role.OWNER))
    assert "No event came yet" in await page(browser, "/app/system/events")
    async with office.workspace.tx() as tx:
        for number in range(55):
            inbox.receive(tx, source="stripe", account="a", event_id=f"evt_{number}", kind="ping", body="{}")
    text = await page(browser, "/app/system/events")
    assert "evt_54" in text
    assert "evt_3<" not in text
    assert "cursor=" in text
    assert await cost(browser, "/app/system/events") <= PAGE_STATEMENTS


async def test_who_may_look_and_who_may_act(office: People) -> None:
    operator = await office.signed_in(await office.user(Role.OPERATOR))
    assert "No worker was alive" in await page(operator, "/app/system")
    assert (await operator.post("/app/system/replay", data={}, headers=PAGE)).status_code == 403
    member = await office.signed_in(await office.user(Role.MEMBER))
    assert (await member.get("/app/system", headers=PAGE)).status_code == 403
    assert (await member.post("/app/system/calls/x/retry", headers=PAGE)).status_code == 404
