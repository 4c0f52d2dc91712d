"""The demo from outside: find or start Grace, make a workspace with its members, run the job, prove the books."""

import asyncio
import secrets
import signal
import string
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console

from grace.app.actors import company, reach
from grace.app.actors.acts import DEADLINE_S
from grace.app.actors.company import Member
from grace.app.checks import check_books, verify_log
from grace.app.demo import proofs
from grace.app.demo.display import Display
from grace.app.demo.proofs import Proofs
from grace.app.demo.story import STEPS, Cast, Job, run_job, settled
from grace.app.supervisor import SupervisorError
from grace.client.api import Grace
from grace.client.errors import GraceError
from grace.kit import json
from grace.kit.settings import Settings
from grace.kit.tx import transaction
from grace.trust.identity.rules import Role

PAUSE_S = 0.3
WIDTH = 120

OWNER = Member("olive@example.com", "Olive Owner", Role.OWNER)
ADMIN = Member("vera@example.com", "Vera Voter", Role.ADMIN)
MEMBER = Member("max@example.com", "Max Member", Role.MEMBER)


def run(settings: Settings, *, as_json: bool) -> int:
    """Drive the job and report; the exit code is 0 when all of it happened and every proof holds."""
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console.width = WIDTH
    display = Display(console, STEPS)
    handle = "demo" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(6))
    started = time.monotonic()
    # So that a Grace of our own is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with reach.grace(settings, name="demo", say=display.say) as (url, found):
            display.say(f"Workspace [bold]{handle}[/] at {url}\n")
            job, proved = asyncio.run(_drive(found, url, handle, display))
    except (GraceError, SupervisorError) as error:
        display.say(f"\n[red]The demo stopped:[/] {error}")
        document = error.document if isinstance(error, GraceError) else {"detail": str(error)}
        if as_json:
            print(json.dumps({"workspace": handle, "ok": False, "steps": _steps(display), "error": document}))
        return 1
    proofs.show(display, proved)
    if as_json:
        took = round(time.monotonic() - started, 2)
        report = {"workspace": handle, "ok": proved.ok, "seconds": took, "steps": _steps(display)}
        print(json.dumps({**report, **proofs.report(proved), "job": asdict(job)}))
    return 0 if proved.ok else 1


def _steps(display: Display) -> list[dict[str, Any]]:
    return [asdict(step) for step in display.steps]


async def _drive(settings: Settings, url: str, handle: str, display: Display) -> tuple[Job, Proofs]:
    """Make the workspace, run the job in it, and look at what it left."""
    with display.shown():
        keys = await reach.through("making the workspace", lambda: _set_up(settings, handle), on_wait=display.waiting)
        async with _cast(url, keys, settings, display) as cast:
            job = await run_job(cast)
            statement, lifetime_value = await settled(cast, job)
        proved = await reach.through(
            "proving", lambda: _prove(settings, handle, job, statement, lifetime_value), on_wait=display.waiting
        )
        return job, proved


@asynccontextmanager
async def _cast(url: str, keys: dict[str, str], settings: Settings, display: Display) -> AsyncIterator[Cast]:
    def grace(key: str | None) -> Grace:
        return Grace(url, key, patience_s=DEADLINE_S, on_wait=display.waiting)

    async with AsyncExitStack() as stack:
        owner, admin, member = [
            await stack.enter_async_context(grace(keys[who.email])) for who in (OWNER, ADMIN, MEMBER)
        ]
        client = await stack.enter_async_context(grace(None))
        yield Cast(owner, admin, member, client, settings.stripe_api_base, display)


async def _set_up(settings: Settings, handle: str) -> dict[str, str]:
    """The workspace and its members; a key for each, by e-mail. May run again."""
    async with reach.opened(settings) as workspaces:
        return await company.found(
            workspaces, handle, name="Grace Demo Studio", members=(OWNER, ADMIN, MEMBER), key_name="demo"
        )


async def _prove(settings: Settings, handle: str, job: Job, statement: dict[str, Any], lifetime_value: Any) -> Proofs:
    """The proofs, once the log has sealed what the job wrote."""
    async with reach.opened(settings) as workspaces:
        deadline = time.monotonic() + DEADLINE_S
        log = await verify_log(workspaces, handle, outside=None)
        while log["unsealed"] and log["ok"] and time.monotonic() < deadline:
            await asyncio.sleep(PAUSE_S)
            log = await verify_log(workspaces, handle, outside=None)
        async with transaction(workspaces, handle) as tx:
            balances = await proofs.balances(tx)
        return Proofs(
            books=await check_books(workspaces, handle),
            log=log,
            balances=balances,
            statement=statement,
            lifetime_value=lifetime_value,
            currency=job.currency,
        )
