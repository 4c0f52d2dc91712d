"""Facts and reactions: no commit is missed, no reaction happens twice, stuck work is shown and replayed."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg
import pytest

from grace.kit import inbox, jobs, reactions
from grace.kit.facts import Fact
from grace.kit.reactions import Ask, reacts_after, reacts_to
from grace.kit.tx import Tx
from grace.kit.unit import Unit
from tests.fixtures.workspace import WorkspaceUnderTest


@dataclass(frozen=True, slots=True)
class BellRang(Fact):
    """A bell of the tests rang."""

    topic: ClassVar[str] = "bell"
    bell: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class GongRang(Fact):
    """A gong of the tests rang; hearing it needs the outside world."""

    topic: ClassVar[str] = "gong"
    gong: str


asked: list[str] = []
held: dict[str, tuple[asyncio.Event, asyncio.Event]] = {}
"""Gongs whose question is held up: it was asked, it may be answered."""


@reacts_to(BellRang)
async def hear_bell(tx: Tx, fact: BellRang) -> None:
    """Writes down what was heard."""
    await tx.execute("insert into heard values (%(bell)s)", bell=fact.bell)
    if fact.broken:
        raise RuntimeError("a broken bell")


async def listen(tx: Tx, fact: GongRang) -> str | Ask[str]:
    """Stands for a question to a provider, where there is one: a gong that is loud already needs none."""
    if fact.gong.isupper():
        return fact.gong

    async def ask() -> str:
        asked.append(fact.gong)
        if fact.gong in held:
            held[fact.gong][0].set()
            await held[fact.gong][1].wait()
        return fact.gong.upper()

    return Ask(ask)


@reacts_after(GongRang, listen)
async def hear_gong(tx: Tx, fact: GongRang, loud: str) -> None:
    """Writes down what the outside world said."""
    await tx.execute("insert into heard values (%(loud)s)", loud=loud)


@dataclass(frozen=True, slots=True)
class WhistleBlew(Fact):
    """A whistle of the tests."""

    topic: ClassVar[str] = "whistle"
    tone: str | int


@reacts_to(WhistleBlew, when=lambda fact: fact.tone > "m")  # type: ignore[operator]
async def hear_high_whistle(tx: Tx, fact: WhistleBlew) -> None:
    """Writes down high ones only."""
    await tx.execute("insert into heard values (%(tone)s)", tone=str(fact.tone))


@jobs.job()
async def fail_until_third(unit: Unit, *, name: str) -> None:
    """Fails twice."""
    async with unit.transaction() as tx:
        await tx.execute("insert into heard values (%(name)s)", name=name)
        tries = await tx.value("select attempts from procrastinate_jobs where status = 'doing'")
        if tries < 2:
            raise RuntimeError("not yet")


@pytest.fixture(autouse=True)
async def tables(workspace: WorkspaceUnderTest) -> None:
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("create table heard (what text); grant select, insert on heard to grace_app")


async def heard(workspace: WorkspaceUnderTest) -> list[str]:
    """What was written down."""
    async with workspace.tx() as tx:
        return await tx.all(str, "select what from heard order by 1")


async def ring(workspace: WorkspaceUnderTest, *facts: Fact) -> None:
    """Commit facts."""
    async with workspace.tx() as tx:
        for fact in facts:
            tx.emit(fact)


async def test_late_commits_and_rollbacks_are_neither_missed_nor_heard(workspace: WorkspaceUnderTest) -> None:
    dice = random.Random(7)
    expected: list[str] = []

    async def one(number: int) -> None:
        try:
            async with workspace.tx() as tx:
                await tx.execute("select pg_current_xact_id()")
                await asyncio.sleep(dice.random() * 0.05)
                tx.emit(BellRang(f"{number:03}"))
                if number % 20 == 7:
                    raise LookupError
            expected.append(f"{number:03}")
        except LookupError:
            return

    async def dispatchers() -> None:
        while len(expected) < 190:
            await asyncio.gather(*(reactions.dispatch(workspace.workspaces, workspace.handle) for _ in range(2)))
            await asyncio.gather(*(reactions.react(workspace.workspaces, workspace.handle) for _ in range(2)))

    await asyncio.gather(dispatchers(), *(one(number) for number in range(200)))
    await workspace.drain()
    assert await heard(workspace) == sorted(expected)
    assert len(expected) == 190


async def test_a_fact_that_does_not_concern_a_subscriber_is_no_reaction_of_it(workspace: WorkspaceUnderTest) -> None:
    """One of which that cannot be told is: whatever is wrong with it shows there."""
    await ring(workspace, WhistleBlew("high"), WhistleBlew("tall"), WhistleBlew(1))
    await workspace.drain()
    assert await heard(workspace) == ["1", "tall"]
    async with workspace.tx() as tx:
        found = await tx.all(str, "select f.data->>'tone' from reaction r join fact f on f.id = r.fact_id order by 1")
    assert found == ["1", "tall"]


async def test_a_failing_reaction_leaves_nothing_and_gets_stuck(workspace: WorkspaceUnderTest) -> None:
    await ring(workspace, BellRang("cracked", broken=True), BellRang("whole"))
    await workspace.drain()
    for _ in range(reactions.ATTEMPTS):
        async with workspace.tx() as tx:
            await tx.execute("update reaction set due_at = clock_timestamp() where state = 'due'")
        await reactions.drain(workspace.workspaces, workspace.handle)
    assert await heard(workspace) == ["whole"]
    async with workspace.tx() as tx:
        stuck = await tx.first(
            dict, "select fact_id, subscriber, state, attempts, error from reaction where attempts > 0"
        )
    assert stuck is not None
    assert (stuck["state"], stuck["attempts"]) == ("stuck", reactions.ATTEMPTS)
    assert "a broken bell" in stuck["error"]
    async with workspace.tx() as tx:
        assert await reactions.replay(tx, fact_id=stuck["fact_id"], subscriber=stuck["subscriber"])
        assert not await reactions.replay(tx, fact_id=stuck["fact_id"], subscriber="nobody")
        assert await tx.value("select state from reaction where attempts = 0 and error is not null") == "due"


async def test_the_outside_world_is_asked_before_the_transaction(workspace: WorkspaceUnderTest) -> None:
    asked.clear()
    await ring(workspace, *(GongRang(f"g{n}") for n in range(5)), GongRang("LOUD"))
    await workspace.drain()
    assert await heard(workspace) == [*(f"G{n}" for n in range(5)), "LOUD"]
    assert sorted(asked) == [f"g{n}" for n in range(5)], "what needs no question is not asked"
    async with workspace.tx() as tx:
        left = await tx.all(str, "select state from reaction where state <> 'done' or claimed_until is not null")
    assert left == []


async def test_an_answer_that_comes_when_another_has_reacted_changes_nothing(workspace: WorkspaceUnderTest) -> None:
    was_asked, may_answer = held["slow"] = asyncio.Event(), asyncio.Event()
    await ring(workspace, GongRang("slow"))
    await reactions.dispatch(workspace.workspaces, workspace.handle)
    late = asyncio.create_task(reactions.react(workspace.workspaces, workspace.handle))
    await asyncio.wait_for(was_asked.wait(), 10)
    async with workspace.tx() as tx:
        await tx.execute("update reaction set state = 'done'")
    may_answer.set()
    assert await late
    assert await heard(workspace) == []


async def test_the_next_of_a_backlog_is_found_without_reading_the_backlog(workspace: WorkspaceUnderTest) -> None:
    read: list[int] = []
    for more in (10, 5000):
        async with workspace.tx() as tx:
            await tx.execute(
                "insert into fact (kind, topic, subject, data, at, request_id, principal)"
                " select 'BellRang', 'bell', n, '{}', now(), 'r', 'p' from generate_series(1, %(more)s) n",
                more=more,
            )
            await tx.execute(
                "insert into reaction (fact_id, subscriber) select id, 'nobody' from fact on conflict do nothing"
            )
        async with workspace.tx() as tx:
            first, found = await tx.value("select min(fact_id) from reaction"), "select * from longest_due_reaction()"
            assert (await tx.one(dict, found))["fact_id"] == first
            plan = await tx.value(f"explain (analyze, buffers, format json) {found}")
            read.append(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])
    assert read[1] < read[0] + 10


async def test_facts_are_never_changed_or_deleted(workspace: WorkspaceUnderTest) -> None:
    await ring(workspace, BellRang("a"))
    for statement in ("update fact set kind = 'x'", "delete from fact", "truncate fact cascade"):
        async with workspace.workspaces.owner(workspace.handle) as owner:
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                await owner.execute(statement.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with workspace.tx() as tx:
                await tx.execute(statement)


async def test_a_providers_event_is_stored_and_said_once(workspace: WorkspaceUnderTest) -> None:
    event: dict[str, Any] = {"source": "stripe", "account": "a", "event_id": "evt_1", "kind": "x", "body": '{"n": 1}'}

    async def once() -> None:
        async with workspace.tx() as tx:
            for one in (event, event, event | {"account": "b"}):
                inbox.receive(tx, **one)

    await asyncio.gather(*(once() for _ in range(6)))
    async with workspace.tx() as tx:
        assert await tx.all(str, "select account from inbox order by 1") == ["a", "b"]
        assert await tx.value("select count(*) from fact where kind = 'ProviderEventReceived'") == 2


async def test_a_job_is_deferred_with_the_commit_and_tried_until_it_works(workspace: WorkspaceUnderTest) -> None:
    with pytest.raises(LookupError):
        async with workspace.tx() as tx:
            await jobs.defer(tx, fail_until_third, name="never")
            raise LookupError
    async with workspace.tx() as tx:
        await jobs.defer(tx, fail_until_third, name="bell")
    for _ in range(3):
        async with workspace.tx() as tx:
            await tx.execute("update procrastinate_jobs set scheduled_at = null where status = 'todo'")
        await jobs.drain(workspace.workspaces, workspace.handle)
    assert await heard(workspace) == ["bell"]


async def test_a_name_waits_at_most_once(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        for _ in range(3):
            await jobs.defer(tx, fail_until_third, once="only", name="bell")
        assert await tx.value("select count(*) from procrastinate_jobs") == 1


async def test_a_job_that_never_works_is_stuck_and_can_be_replayed(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await jobs.defer(tx, fail_until_third, name="bell")
        await tx.execute("update procrastinate_jobs set attempts = %(n)s", n=jobs.ATTEMPTS - 1)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("revoke insert on heard from grace_app")
    await jobs.drain(workspace.workspaces, workspace.handle)
    async with workspace.tx() as tx:
        stuck = await tx.value("select id from procrastinate_jobs where status = 'failed'")
        assert stuck is not None
        assert await jobs.replay(tx, job_id=stuck)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute("grant insert on heard to grace_app")
    for _ in range(3):
        async with workspace.tx() as tx:
            await tx.execute("update procrastinate_jobs set scheduled_at = null where status = 'todo'")
        await jobs.drain(workspace.workspaces, workspace.handle)
    assert await heard(workspace) == ["bell"]
