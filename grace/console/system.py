"""System: what waits, what is stuck and may have another round, what came from providers, how it is sealed."""

from importlib.metadata import version
from typing import Annotated

from fastapi import Path, Request, Response

from grace.console.forms import read_form
from grace.console.shell import see, show
from grace.domains.payments import queries as payments
from grace.domains.payments.schemas import CallOut, DropCall
from grace.flows.collect_cash.card_doors import drop_provider_call, retry_provider_call
from grace.flows.stuck_work.api import Replay, stuck_work
from grace.flows.stuck_work.api import replay as replay_work
from grace.insight import operating
from grace.kit.edge import Doors, InTx, permits
from grace.kit.migrations import FOLDER
from grace.kit.paging import Cursor, number_in, page
from grace.trust.audit import exploring

doors = Doors(tags=["Console"])
Id = Annotated[str, Path(max_length=64)]
ROWS = 50
CALLS = 50


@doors.get("/app/system", may="workspace:read", hidden=True)
async def system(tx: InTx, request: Request) -> Response:
    """Jobs, stuck work, calls to providers, the seal."""
    reads_calls = permits(tx.principal, "payments:read")
    calls = await payments.waiting_calls(tx, before=None, limit=CALLS) if reads_calls else []
    return await show(
        request,
        tx,
        "system.html",
        here="system",
        live="*",
        tab="state",
        state=await operating.machinery(tx),
        stuck=(await stuck_work(tx)).items,
        calls=[CallOut.of(call) for call in calls],
        seal=await exploring.seal(tx),
        version=version("grace"),
        schema=max(path.name for path in FOLDER.glob("*.sql")).removesuffix(".sql"),
        real_now=tx.real_now,
    )


@doors.get("/app/system/events", may="workspace:read", hidden=True)
async def events(tx: InTx, request: Request, cursor: Cursor = None) -> Response:
    """Events that providers sent."""
    shown = page(await operating.events(tx, before=number_in(cursor), limit=ROWS + 1), limit=ROWS, key="id")
    return await show(
        request,
        tx,
        "system_events.html",
        here="system",
        live="inbox",
        tab="events",
        events=shown.items,
        next_cursor=shown.next_cursor,
        real_now=tx.real_now,
    )


@doors.post("/app/system/replay", may="workspace:write", hidden=True)
async def replay(tx: InTx, request: Request) -> Response:
    """Give stuck work another round."""
    await replay_work(tx, await read_form(request, Replay))
    return see("/app/system", "It is taken up again")


@doors.post("/app/system/calls/{id}/retry", may="payments:write", hidden=True)
async def retry(tx: InTx, id: Id) -> Response:
    """Have the provider asked again."""
    await retry_provider_call(tx, id)
    return see("/app/system", "The provider is asked again, with the same key")


@doors.post("/app/system/calls/{id}/drop", may="payments:write", hidden=True)
async def drop(tx: InTx, request: Request, id: Id) -> Response:
    """Say that a call had no effect."""
    await drop_provider_call(tx, id, await read_form(request, DropCall))
    return see("/app/system", "Dropped: the call is not made again")
