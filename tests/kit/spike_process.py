"""The process that the spike kills: one door, one provider call, one reaction, one job, all through the kit."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
from fastapi import FastAPI

from grace.kit import jobs, testclock
from grace.kit.edge import Doors, Edge, InUnit
from grace.kit.errors import Problem
from grace.kit.facts import Fact
from grace.kit.limits import Limits
from grace.kit.reactions import reacts_to
from grace.kit.settings import Settings
from grace.kit.tx import SYSTEM, Principal, Tx
from grace.kit.unit import Unit, UnknownOutcome, two_step
from grace.kit.web import Held, problem_response
from grace.kit.workspace import Workspaces

DIE_AT = os.environ["SPIKE_DIE_AT"]
HANDLE = os.environ["SPIKE_HANDLE"]


def step(name: str) -> None:
    """Die here, when this is the step to die at."""
    if name == DIE_AT:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class OrderPaid(Fact):
    """An order was paid."""

    topic: ClassVar[str] = "order"
    order_id: str


@dataclass(frozen=True, slots=True)
class Charge:
    """The intent: the order is the key at the provider."""

    id: str
    open: bool


async def begin(tx: Tx) -> Charge:
    """Write the intent."""
    await tx.execute("insert into spike_order (id, state) values ('order-1', 'pending') on conflict do nothing")
    step("after-begin")
    return await resume(tx, "order-1")


async def resume(tx: Tx, intent: str) -> Charge:
    """Find the intent of an earlier attempt."""
    state = await tx.value("select state from spike_order where id = %(id)s for update", id=intent)
    return Charge(intent, state == "pending")


async def call(intent: Charge) -> str:
    """Charge at the provider, with the intent's own key."""
    step("after-intent-commit")
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.post(
                os.environ["SPIKE_PROVIDER"], json={"amount_minor": 15000}, headers={"Idempotency-Key": intent.id}
            )
    except httpx.HTTPError as error:
        raise UnknownOutcome from error
    step("after-call")
    return str(answer.json()["charge"])


async def record(tx: Tx, intent: Charge, outcome: str | UnknownOutcome | None) -> dict[str, str] | Held:
    """Book what came of it."""
    if isinstance(outcome, UnknownOutcome):
        return Held(requires_approval=False, status="processing")
    if outcome is not None:
        await tx.execute(
            "update spike_order set state = 'paid', charge = %(charge)s where id = %(id)s and state = 'pending'",
            charge=outcome,
            id=intent.id,
        )
        await tx.execute(
            "insert into spike_entry values (%(id)s, 'cash', 15000), (%(id)s, 'revenue', -15000)", id=intent.id
        )
        tx.emit(OrderPaid(order_id=intent.id))
    step("after-record")
    return {"status": "paid"}


doors = Doors(tags=["Spike"])


@doors.post("/pay", may="payments:write", held=True)
async def pay(unit: InUnit) -> Any:
    """Pay the order."""
    return await two_step(unit, begin=begin, resume=resume, call=call, record=record)


@reacts_to(OrderPaid)
async def send_receipt(tx: Tx, fact: OrderPaid) -> None:
    """A paid order gets a receipt."""
    await jobs.defer(tx, make_receipt, order_id=fact.order_id)
    step("in-reaction")


@jobs.job()
async def make_receipt(unit: Unit, *, order_id: str) -> None:
    """Make the receipt, once."""
    step("before-job")
    async with unit.transaction() as tx:
        await tx.execute("insert into spike_receipt values (%(id)s) on conflict do nothing", id=order_id)
        step("in-job")
    step("after-job")


async def authenticate(tx: Tx, *, bearer: str | None, session: str | None) -> Principal:
    """Everybody is the system here."""
    return SYSTEM


async def main() -> None:
    """Send the request (again), then work until nothing is left."""
    workspaces = Workspaces(os.environ["SPIKE_DSN"], master_key=bytes(32), pool_size=8)
    settings = Settings(_env_file=None, intent_stale_s=0.001)
    app = FastAPI()
    app.state.edge = Edge(workspaces, authenticate, settings, Limits())
    app.include_router(doors)
    app.add_exception_handler(Problem, lambda request, error: problem_response(error, "spike"))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://spike") as client:
        headers = {"Authorization": f"Bearer grc_{HANDLE}_x", "Idempotency-Key": "pay-order-1"}
        for _ in range(3):
            answer = await client.post("/pay", headers=headers)
            if answer.status_code == 200:
                break
    step("after-answer-commit")
    await jobs.rescue(workspaces, HANDLE)
    await testclock.settle(workspaces, HANDLE)
    await workspaces.close()


if __name__ == "__main__":
    os.environ.setdefault("GRACE_WORKER_STALLED_S", "0.2")
    sys.exit(asyncio.run(main()))
