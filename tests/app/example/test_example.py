"""The example business on a running Grace: killed in the middle it begins anew, and comes out as promised."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from grace.app.example.loading import is_wanted, want
from grace.app.example.plan import FATES, Size, make_plan
from grace.app.postgres import server
from grace.client.api import Grace
from grace.kit.keys import load_master_key
from grace.kit.workspace import Workspaces
from tests.fixtures.running import GRACE, RunningGrace, plain_environment, started

SEED = 7
TIMEOUT_S = 500


def command(running: RunningGrace, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GRACE, *arguments, "--data", str(running.data_dir)],
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def load(running: RunningGrace, *arguments: str) -> dict[str, Any]:
    done = command(running, "example", "load", "--json", "--seed", str(SEED), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return {**told, "said": done.stderr}


@pytest.fixture(scope="module")
def example(running_grace: RunningGrace) -> dict[str, Any]:
    """One small load, after one that was killed in the middle."""
    argv = [GRACE, "example", "load", "--small", "--seed", str(SEED), "--data", str(running_grace.data_dir)]
    process = subprocess.Popen(argv, env=plain_environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [next(process.stdout) for _ in range(3)]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert all("leads" in line for line in said)
    assert is_wanted(running_grace.data_dir), "the next start goes on"
    return load(running_grace, "--small")


@pytest.fixture
async def founder(running_grace: RunningGrace, example: dict[str, Any]) -> AsyncIterator[Grace]:
    """The founder of the studio."""
    async with Grace(running_grace.url, new_key(running_grace)) as grace:
        yield grace


def new_key(running: RunningGrace) -> str:
    arguments = ["bootstrap", "--workspace", "example", "--email", "nora@tidewater.example", "--new-key", "--json"]
    return str(json.loads(command(running, *arguments).stdout)["api_key"])


async def everything(grace: Grace, path: str, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await grace.get(path, limit=200, cursor=cursor, **query)
        found, cursor = found + page["items"], page["next_cursor"]
        if cursor is None:
            return found


async def assert_promised(grace: Grace, size: Size, *, seed: int = SEED) -> None:
    plan, fates = make_plan(seed, size), FATES[size]
    leads = await everything(grace, "/api/v1/leads")
    assert len([lead for lead in leads if lead["follows"] is None]) == len(plan.opportunities)
    clients = await everything(grace, "/api/v1/clients")
    assert {client["email"] for client in clients} == {one.contact.email for one in plan.opportunities}
    projects = await everything(grace, "/api/v1/projects")
    assert len({project["client_id"] for project in projects}) == fates["won"]
    assert len(projects) >= fates["won"]
    proposals = Counter(one["status"] for one in await everything(grace, "/api/v1/proposals"))
    assert proposals["declined"] == fates["declined"] and proposals["accepted"] == len(projects)
    held = await everything(grace, "/api/v1/decisions", status="awaiting_approval")
    assert Counter(one["action"] for one in held) == {"send_proposal": fates["waiting"], "refund_payment": 1}
    assert not any((await grace.get("/api/v1/stuck-work")).values()), "no stuck work"
    stages = Counter(lead["stage"] for lead in leads)
    assert stages["REPEAT"] >= 1 and stages["LOST"] >= 1 and stages["LEAD"] >= 1
    invoices = await everything(grace, "/api/v1/invoices")
    assert len({invoice["currency"] for invoice in invoices}) >= 2
    assert sum(Decimal(invoice["amount"]) for invoice in invoices) > 10_000


async def test_it_is_as_promised(founder: Grace) -> None:
    await assert_promised(founder, "small")


async def test_it_ends_today(founder: Grace, example: dict[str, Any]) -> None:
    leads = await everything(founder, "/api/v1/leads")
    moments = sorted(datetime.fromisoformat(lead["created_at"]) for lead in leads)
    assert moments[-1] <= datetime.now(UTC)
    assert timedelta(days=200) < datetime.now(UTC) - moments[0] < timedelta(days=366)
    assert example["seconds"] > 0 and example["leads"] == len(make_plan(SEED, "small").opportunities)
    assert "beginning anew" in example["said"]


def test_books_and_log_are_right(running_grace: RunningGrace, example: dict[str, Any]) -> None:
    for check in (["ledger", "check"], ["audit", "verify"]):
        done = command(running_grace, *check, "--workspace", "example")
        assert done.returncode == 0, done.stdout
    address, _, port = running_grace.url.rpartition(":")
    state = httpx.get(f"{address}:{int(port) + 1}/_state", params={"account": "example"}, trust_env=False).json()
    payments = state["accounts"]["example"]["payments"]
    assert payments and not any(payment["double"] for payment in payments)
    assert state["accounts"]["example"]["undelivered"] == []


def test_what_is_there_is_not_loaded_again(running_grace: RunningGrace, example: dict[str, Any]) -> None:
    assert not is_wanted(running_grace.data_dir)
    assert load(running_grace, "--small")["loaded"] is False


async def test_only_the_example_is_ever_dropped(running_grace: RunningGrace, example: dict[str, Any]) -> None:
    assert "is dropped" in command(running_grace, "example", "drop").stdout
    assert "no example" in command(running_grace, "example", "drop").stdout
    assert "main" in command(running_grace, "workspace", "list").stdout.split()
    made = command(running_grace, "workspace", "create", "example", "--test")
    assert made.returncode == 0, made.stderr
    for act in ("drop", "load"):
        done = command(running_grace, "example", act)
        assert done.returncode == 1 and "somebody's own" in done.stderr
    assert "example" in command(running_grace, "workspace", "list").stdout.split()
    await _drop_own(running_grace)


async def _drop_own(running: RunningGrace) -> None:
    info = server.status(running.data_dir)
    assert info is not None
    workspaces = Workspaces(info.dsn, master_key=load_master_key(running.data_dir / "master.key"))
    await workspaces.drop("example")
    await workspaces.close()
    (running.data_dir / "checkpoints" / "example.log").unlink(missing_ok=True)


def test_a_first_start_without_example_wants_none(running_grace: RunningGrace) -> None:
    want(running_grace.data_dir, wanted=False)
    assert "Example" not in running_grace.printed.read_text()


@pytest.mark.nightly
async def test_a_first_start_loads_the_whole_year_and_a_second_load_is_the_same() -> None:
    with started(example=True) as running:
        deadline = time.monotonic() + TIMEOUT_S
        while "is there after" not in running.printed.read_text():
            assert time.monotonic() < deadline, running.printed.read_text()
            await asyncio.sleep(1)
        first = await _looked_at(running)
        assert "is dropped" in command(running, "example", "drop").stdout
        assert load(running, "--seed", "1")["leads"] == 150
        assert await _looked_at(running) == first


async def _looked_at(running: RunningGrace) -> list[tuple[Any, ...]]:
    """What does not hang on ids, of all clients, leads, proposals, invoices and decisions; the proofs hold."""
    for check in (["ledger", "check"], ["audit", "verify"]):
        assert command(running, *check, "--workspace", "example").returncode == 0
    async with Grace(running.url, new_key(running)) as grace:
        await assert_promised(grace, "whole", seed=1)
        clients = {one["id"]: one["email"] for one in await everything(grace, "/api/v1/clients")}
        seen = [
            ("lead", clients[one["client_id"]], one["stage"], one["score"], one["value_estimate"], one["source"])
            for one in await everything(grace, "/api/v1/leads")
        ]
        seen += [
            ("proposal", clients[one["client_id"]], one["status"], one["pricing"]["total"])
            for one in await everything(grace, "/api/v1/proposals")
        ]
        seen += [
            ("invoice", clients[one["client_id"]], one["status"], one["amount"], one["amount_due"], one["currency"])
            for one in await everything(grace, "/api/v1/invoices")
        ]
        seen += [("decision", one["action"], one["status"]) for one in await everything(grace, "/api/v1/decisions")]
        return sorted(seen, key=str)
