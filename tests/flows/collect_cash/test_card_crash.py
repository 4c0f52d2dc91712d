"""kill -9 between the intent, the call and the record: the money moves once, whoever takes over."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grace.trust.identity.service.bootstrap import Bootstrapped
from tests.fixtures.cards import Till

PROCESS = Path(__file__).with_name("card_process.py")
PROCESS_PATH = "/api/business/payments/process"
REFUND_PATH = "/api/business/payments/refund"
STEPS = ["before-call", "after-call", "before-record", "after-record", "after-answer"]


async def run(till: Till, owner: Bootstrapped, invoice: dict[str, Any], path: str, die_at: str) -> int:
    """One process to its end, or to its death; its exit code."""
    environment = os.environ | {
        "CARDS_DSN": till.workspace.workspaces.dsn(),
        "CARDS_HANDLE": till.workspace.handle,
        "CARDS_SANDBOX": till.sandbox.url,
        "CARDS_KEY": str(owner.api_key),
        "CARDS_INVOICE": invoice["invoice_id"],
        "CARDS_PATH": path,
        "CARDS_DIE_AT": die_at,
        "PYTHONPATH": str(PROCESS.parents[3]),
    }
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, str(PROCESS)], env=environment, capture_output=True, timeout=60, check=False
    )
    if done.returncode > 0:
        print(done.stdout.decode(), done.stderr.decode())
    return int(done.returncode)


@pytest.mark.parametrize("taken_over_by", ["same request", "worker"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_charge(till: Till, owner: Bootstrapped, step: str, taken_over_by: str) -> None:
    invoice = await till.invoice()
    await till.keep_card()
    till.sandbox.fault("webhook_lose", count=None)
    assert await run(till, owner, invoice, PROCESS_PATH, step) == -signal.SIGKILL
    again = PROCESS_PATH if taken_over_by == "same request" else ""
    assert await run(till, owner, invoice, again, "nowhere") == 0
    assert (await till.status(invoice))["status"] == "paid"
    assert till.sandbox.count("charge") == 1
    assert len(await till.rows("select id from payment")) == 1
    assert (await till.balances())["revenue"] == 100_000


@pytest.mark.parametrize("step", STEPS)
async def test_a_refund(till: Till, owner: Bootstrapped, step: str) -> None:
    invoice = await till.invoice()
    await till.keep_card()
    await till.process(invoice)
    await till.settle()
    till.sandbox.fault("webhook_lose", count=None)
    assert await run(till, owner, invoice, REFUND_PATH, step) == -signal.SIGKILL
    assert await run(till, owner, invoice, REFUND_PATH, "nowhere") == 0
    assert (await till.status(invoice))["status"] == "refunded"
    assert till.sandbox.count("refund") == 1
    assert "revenue" not in await till.balances()
