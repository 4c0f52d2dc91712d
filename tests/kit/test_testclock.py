"""The test clock steps through what falls due, does all that follows there, and never goes back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI

from grace.kit import jobs, links
from grace.kit.errors import Conflict
from grace.kit.facts import Fact
from grace.kit.reactions import reacts_to
from grace.kit.testclock import move
from grace.kit.tx import Tx
from grace.kit.unit import Unit
from grace.kit.workspace import Workspaces
from grace.trust.identity.service.bootstrap import Bootstrapped
from grace.trust.ledger import service as ledger
from grace.trust.ledger.facts import HoldExpired
from tests.fixtures.workspace import WorkspaceUnderTest
from tests.trust.ledger.books import customer_credit, fund, revenue, transfer

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HoldMourned(Fact):
    """A job of the tests has seen that a hold ran out."""

    topic: ClassVar[str] = "hold"
    reference: str


@reacts_to(HoldExpired)
async def mourn(tx: Tx, fact: HoldExpired) -> None:
    """What follows from a due date, through a job of its own."""
    await jobs.defer(tx, bury, reference=fact.reference)


@jobs.job()
async def bury(unit: Unit, *, reference: str) -> None:
    """The last of what follows."""
    async with unit.transaction() as tx:
        tx.emit(HoldMourned(reference))


async def hold(workspace: WorkspaceUnderTest, *days: int) -> datetime:
    """Reserve money until so many days from now, each under its number; now."""
    await fund(workspace, "cust_1", 1000)
    async with workspace.tx() as tx:
        for number in days:
            await ledger.reserve(
                tx,
                reference=str(number),
                kind="usage",
                lines=transfer(customer_credit(), revenue(), 1),
                expires_at=tx.now + number * DAY,
            )
        return tx.now


async def happened(workspace: WorkspaceUnderTest, fact: type[Fact]) -> list[dict[str, Any]]:
    async with workspace.tx() as tx:
        return await tx.all(
            dict, "select subject, at, recorded_at from fact where kind = %(kind)s order by id", kind=fact.__name__
        )


async def test_what_falls_due_on_the_way_happens_there_with_all_that_follows(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    start = await hold(workspace, 3, 1, 2, 30)
    answer = await api.post("/api/v1/test-clock", json={"to": (start + 10 * DAY).isoformat()})
    assert (answer.status_code, answer.json()["steps"]) == (200, 4)
    assert datetime.fromisoformat(answer.json()["now"]) >= start + 10 * DAY
    for fact in (HoldExpired, HoldMourned):
        told = await happened(workspace, fact)
        assert [row["subject"] for row in told] == ["1", "2", "3"]
        for row in told:
            assert timedelta(0) <= row["at"] - start - int(row["subject"]) * DAY < timedelta(hours=1)
            assert row["recorded_at"] - start < timedelta(hours=1)
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from procrastinate_jobs") == 0
        assert await tx.value("select count(*) from reaction where state <> 'done'") == 0


async def test_it_never_goes_back(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    start = await hold(workspace)
    answer = await api.post("/api/v1/test-clock", json={"to": (start - DAY).isoformat()})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/time-goes-back")


async def test_a_move_that_broke_off_is_finished_by_asking_again(
    api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    start = await hold(workspace, 1, 5)
    to = start + 5 * DAY

    class Died(BaseException):
        pass

    async def die(_: Workspaces, __: str, reached: datetime) -> None:
        if reached == to:
            raise Died

    unit = Unit(workspace.workspaces, workspace.handle)
    await unit.open()
    with pytest.raises(Died):
        await move(unit, to=to, followers=[die])
    async with workspace.tx() as tx:
        assert tx.now >= to
    assert [row["subject"] for row in await happened(workspace, HoldMourned)] == ["1"]
    for _ in range(2):
        answer = await api.post("/api/v1/test-clock", json={"to": to.isoformat()})
        assert (answer.status_code, answer.json()["steps"]) == (200, 1)
        assert datetime.fromisoformat(answer.json()["now"]) - to < timedelta(hours=1)
        assert [row["subject"] for row in await happened(workspace, HoldMourned)] == ["1", "5"]
    for other in (
        to - timedelta(seconds=1),
        start + 2 * DAY,
    ):  # where it was on its way is not where it was asked to be
        answer = await api.post("/api/v1/test-clock", json={"to": other.isoformat()})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/time-goes-back")


@pytest.mark.parametrize(
    "to", [None, "tomorrow", "2030-01-01T00:00:00", "1969-12-31T00:00:00Z", "2200-01-02T00:00:00Z"]
)
async def test_only_a_time_with_its_zone_is_one(api: httpx.AsyncClient, to: str | None) -> None:
    assert (await api.post("/api/v1/test-clock", json={"to": to})).status_code == 422


async def test_a_live_workspace_has_real_time(workspace: WorkspaceUnderTest) -> None:
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("alter table workspace disable trigger guard")
        await owner.execute("update workspace set kind = 'live'")
    unit = Unit(workspace.workspaces, workspace.handle)
    with pytest.raises(Conflict):
        async with unit.transaction() as tx:
            await move(unit, to=tx.now + DAY, followers=[])
    async with workspace.tx() as tx:
        assert tx.now == tx.real_now


async def test_a_provider_s_clock_goes_along_step_by_step(workspace: WorkspaceUnderTest) -> None:
    start = await hold(workspace, 1, 2)
    told: list[datetime] = []

    async def follow(_: Workspaces, handle: str, to: datetime) -> None:
        assert handle == workspace.handle
        told.append(to)

    unit = Unit(workspace.workspaces, workspace.handle)
    tx = await unit.open()
    moved = await move(unit, to=start + 5 * DAY, followers=[follow])
    await unit.commit()
    assert moved.steps == len(told) == 3
    assert [round((to - start) / DAY) for to in told] == [1, 2, 5]
    assert tx.workspace.handle == workspace.handle


async def test_links_and_keys_keep_real_time(
    application: FastAPI, owner: Bootstrapped, api: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    async with workspace.tx() as tx:
        token, start = await links.make(tx, kind="pay", subject="in_1", lifetime=DAY), tx.now
    assert (await api.post("/api/v1/test-clock", json={"to": (start + 900 * DAY).isoformat()})).status_code == 200
    async with workspace.tx() as tx:
        assert (await links.find(tx, token, kind="pay")).subject == "in_1"
        assert tx.now - tx.real_now > 899 * DAY
    assert (await api.get("/api/v1/leads")).status_code == 200
