"""Play a seed and judge what it left."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from grace.app.simulation import oracle, stage
from grace.app.simulation.actors import ACTS, HELD_BACK
from grace.app.simulation.business import PATIENCE_S, Business
from grace.app.simulation.stage import HANDLE, PEOPLE, Stage
from grace.client.api import Grace
from grace.client.errors import GraceError
from grace.kit import json


@dataclass
class Played:
    """One seed: what was done, who died, and what is not right. `folder` is kept when something is not."""

    seed: int
    steps: int
    folder: str
    deaths: int = 0
    done: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Wrong(Exception):
    """What was played is not right; the stage is kept."""


def run(*, seed: int, steps: int, as_json: bool, verbose: bool) -> int:
    """Play the seed; 0 when everything is right afterwards."""
    console = Console(stderr=as_json)
    started = time.monotonic()
    played = asyncio.run(_play(seed, steps, console, verbose))
    played.seconds = round(time.monotonic() - started, 1)
    if as_json:
        report: dict[str, Any] = {"ok": not played.findings, **vars(played)}
        print(json.dumps(report))
    else:
        console.print(f"seed {seed}: {steps} steps, {played.deaths} deaths, {played.seconds} s", highlight=False)
    for finding in played.findings:
        console.print(f"  {finding}", style="red", highlight=False, markup=False)
    if played.findings:
        console.print(
            f"Not right. `grace simulate --seed {seed} --steps {steps} --verbose` plays it again;"
            f" what it left is in {played.folder}.",
            highlight=False,
        )
    return 1 if played.findings else 0


async def _play(seed: int, steps: int, console: Console, verbose: bool) -> Played:
    played = Played(seed, steps, "")
    try:
        async with stage.opened(seed) as (where, keys), AsyncExitStack() as stack:
            played.folder = str(where.folder)

            async def grace(key: str | None) -> Grace:
                return await stack.enter_async_context(Grace(where.url, key, patience_s=PATIENCE_S))

            people = {name: await grace(keys[name]) for name in PEOPLE}
            business = Business(where, random.Random(seed), people, await grace(None))  # noqa: S311
            await where.tell_sandbox("POST", "/_faults", {"account": HANDLE, **HELD_BACK})
            await business.work(hurry=True)
            await _acts(business, played, steps, console if verbose else None)
            await _judge(business, where, played)
    except Wrong:
        pass
    return played


async def _acts(business: Business, played: Played, steps: int, console: Console | None) -> None:
    weights, acts = [weight for weight, _ in ACTS], [act for _, act in ACTS]
    while len(played.done) < steps:
        started = time.monotonic()
        act = business.dice.choices(acts, weights)[0]
        try:
            said = await act(business)
        except GraceError as error:
            if error.status is None or error.status >= 500:
                played.findings.append(f"step {len(played.done)}, {act.__name__}: {error}")
            said = f"refused: {error.document.get('type')}"
        except AssertionError as error:
            played.findings.append(f"step {len(played.done)}: {error}")
            said = "wrong"
        if said is None:
            continue
        played.done.append(f"{act.__name__}: {said}")
        if console is not None:
            took = time.monotonic() - started
            console.print(f"{len(played.done):4} {took:5.1f} s {played.done[-1]}", highlight=False, markup=False)


async def _judge(business: Business, where: Stage, played: Played) -> None:
    try:
        await business.founder.post("/_strike", {"pid": None, "after": 0})
        await oracle.quiet(business)
        played.findings += await oracle.findings(business)
    except GraceError as error:
        played.findings.append(f"it does not come to rest: {error}")
    played.deaths = where.deaths
    if played.findings:
        raise Wrong
