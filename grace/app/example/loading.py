"""Makes the workspace `example` and lets its year happen; drops it again.

The workspace says itself that it is the example and whether it is whole (the setting `example`, there from its first
moment), so that nobody's own workspace of that name is ever touched. Whoever was interrupted left a part of a year:
the next load begins anew. `example.wanted` in the data directory says that the next start is to load it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg

from grace.app.actors import company, reach
from grace.app.actors.acts import DEADLINE_S
from grace.app.actors.calendar import Calendar
from grace.app.example import people, play
from grace.app.example.plan import DAYS, Plan, Size, make_plan
from grace.app.example.stage import Stage, Studio, Tally
from grace.app.locks import Locked, file_lock
from grace.client.api import Grace
from grace.kit.errors import Conflict
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.kit.web import Body
from grace.kit.workspace import Workspaces
from grace.kit.workspace_settings import WorkspaceSetting
from grace.trust.identity.service.bootstrap import bootstrap

HANDLE = "example"
SEED = 1
WANTED = "example.wanted"
HALF_WEEK = timedelta(days=3, hours=12)
SANDBOX_TIMEOUT_S = 10

Say = Callable[[str], None]


class Example(Body):
    """What the workspace says of itself."""

    seed: int = SEED
    size: Size = "whole"
    whole: bool = False


MARK = WorkspaceSetting("example", Example)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a load."""

    seconds: float
    tally: Tally
    sign_in_url: str


def want(data_dir: Path, *, wanted: bool) -> None:
    """Note that the next start is to load the example, or that there is nothing to load."""
    if wanted:
        (data_dir / WANTED).touch(mode=0o600)
    else:
        (data_dir / WANTED).unlink(missing_ok=True)


def is_wanted(data_dir: Path) -> bool:
    """Whether the next start is to load the example."""
    return (data_dir / WANTED).exists()


async def state(workspaces: Workspaces) -> Example | None:
    """The example as it stands, None where there is none; Conflict when somebody's own workspace has its name."""
    if HANDLE not in await workspaces.handles():
        return None
    async with workspaces.owner(HANDLE) as connection:
        try:
            cursor = await connection.execute(
                "select (select value from setting where name = 'example') from workspace"
            )
            row = await cursor.fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    if row is None:
        return None
    if row[0] is None:
        raise Conflict(f"The workspace {HANDLE} is not the example business but somebody's own; it is left alone.")
    return Example.model_validate(row[0])


def load(settings: Settings, *, seed: int, size: Size, say: Say) -> Loaded | None:
    """Load the example, anew if it is there in part; None when it is there as a whole.

    Conflict when a workspace of its name is something else, another process loads it, or where there is no sandbox.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(settings.data_dir), reach.grace(settings, name="example", say=say) as (url, found):
        if found.test_clock_url is None:
            raise Conflict("The example pays in the sandbox, and here another provider is set up.")
        return asyncio.run(_load(found, url, seed=seed, size=size, say=say))


async def drop(settings: Settings) -> bool:
    """Drop the example with all that is in it; False when there is none. Conflict when it is something else."""
    with _alone(settings.data_dir):
        async with reach.opened(settings) as workspaces:
            there = HANDLE in await workspaces.handles()
            if there:
                await state(workspaces)
                await _drop(workspaces, settings)
            want(settings.data_dir, wanted=False)
            return there


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    try:
        with file_lock(data_dir / "example.lock", wait_s=0):
            yield
    except Locked as locked:
        raise Conflict(f"Process {locked.holder} loads or drops the example at this moment.") from None


async def _load(settings: Settings, url: str, *, seed: int, size: Size, say: Say) -> Loaded | None:
    started = time.monotonic()

    def waiting(why: str, waited_s: float) -> None:
        if waited_s > DEADLINE_S / 2:
            say(f"Example   {why}")

    async with reach.opened(settings) as workspaces:
        there = await reach.through("looking", lambda: state(workspaces), on_wait=waiting)
        if there is not None and there.whole:
            want(settings.data_dir, wanted=False)
            return None
        want(settings.data_dir, wanted=True)
        if there is not None:
            say("Example   was interrupted; beginning anew")
            await _drop(workspaces, settings)
        begins = datetime.now(UTC) - HALF_WEEK * DAYS
        keys = await _found(workspaces, settings, Example(seed=seed, size=size), begins)
        tally = await _play(settings, url, keys, make_plan(seed, size), begins, say, waiting)
        async with transaction(workspaces, HANDLE) as tx:
            await MARK.write(tx, Example(seed=seed, size=size, whole=True))
            made = await bootstrap(tx, email=people.FOUNDER.email)
        want(settings.data_dir, wanted=False)
    link = f"{settings.url.rstrip('/')}/sign-in/{made.sign_in_token}"
    return Loaded(round(time.monotonic() - started, 1), tally, link)


async def _found(workspaces: Workspaces, settings: Settings, mark: Example, begins: datetime) -> Mapping[str, str]:
    """The workspace and its people; at the stand-in, an account in which nothing happened."""
    await _forget_account(settings)
    try:
        return await company.found(
            workspaces,
            HANDLE,
            name=people.STUDIO,
            members=people.MEMBERS,
            key_name="example",
            clock_offset=begins - datetime.now(UTC),
            settings={MARK.name: mark.model_dump()},
        )
    except psycopg.errors.InsufficientPrivilege:
        want(settings.data_dir, wanted=False)
        raise Conflict("The example needs a workspace of its own, and this login may not create databases.") from None


async def _play(
    settings: Settings,
    url: str,
    keys: Mapping[str, str],
    plan: Plan,
    begins: datetime,
    say: Say,
    waiting: Callable[[str, float], None],
) -> Tally:
    """The year, half-week by half-week; it ends now."""
    days = [begins + HALF_WEEK * number for number in range(DAYS + 1)]
    told = ""

    async with _studio(settings, url, keys, waiting) as studio:

        async def move(number: int, to: datetime) -> None:
            nonlocal told
            to = datetime.now(UTC) if number == DAYS else to
            await studio.founder.post("/api/v1/test-clock", {"to": to.isoformat()})
            if to.strftime("%B %Y") != told:
                told = to.strftime("%B %Y")
                say(f"Example   {told:<15} {_summary(studio.tally)}")

        calendar = Calendar(days, move)
        play.begin(Stage(studio, calendar, plan))
        await calendar.run()
        return studio.tally


def _summary(tally: Tally) -> str:
    return (
        f"{tally.leads} leads, {tally.proposals} proposals, {tally.projects} projects, "
        f"{tally.invoices} invoices, {tally.payments} payments"
    )


@asynccontextmanager
async def _studio(
    settings: Settings, url: str, keys: Mapping[str, str], waiting: Callable[[str, float], None]
) -> AsyncIterator[Studio]:
    """The people with their keys, the agent that the operator makes, and the settings of the business."""
    async with AsyncExitStack() as stack:

        async def grace(key: str | None) -> Grace:
            return await stack.enter_async_context(Grace(url, key, patience_s=DEADLINE_S, on_wait=waiting))

        founder, partner, operator = [await grace(keys[who.email]) for who in people.MEMBERS]
        made = await operator.post("/api/v1/agents", {"name": people.AGENT})
        key = await operator.post("/api/v1/api-keys", {"name": "example", "agent_id": made["id"]})
        await founder.put("/api/v1/settings/issuer", people.ISSUER)
        await founder.put("/api/v1/settings/rate_card", {"hourly_rate": 135})
        agent, client = await grace(key["api_key"]), await grace(None)
        yield Studio(founder, partner, operator, agent, client, settings.stripe_api_base, waiting)


async def _drop(workspaces: Workspaces, settings: Settings) -> None:
    """The database, the copy of its log's heads, and its account at the stand-in."""
    await workspaces.drop(HANDLE)
    (settings.data_dir / "checkpoints" / f"{HANDLE}.log").unlink(missing_ok=True)
    await _forget_account(settings)


async def _forget_account(settings: Settings) -> None:
    if settings.test_clock_url is None:
        return
    try:
        async with httpx.AsyncClient(timeout=SANDBOX_TIMEOUT_S, trust_env=False) as client:
            await client.post(f"{settings.test_clock_url.rstrip('/')}/_forget", json={"account": HANDLE})
    except httpx.TransportError:
        return  # it does not run; a load asks again
