"""Long work in the worker: one at a time in a workspace, taken up again when a worker died."""

import structlog

from grace.flows.work import service
from grace.flows.work.facts import WorkMoved
from grace.flows.work.models import RIGHTS
from grace.flows.work.service import ATTEMPTS, Over
from grace.flows.work.stints import Stint, run_of
from grace.kit.due import due
from grace.kit.edge import permits
from grace.kit.errors import Problem
from grace.kit.exports import ExportError
from grace.kit.jobs import defer, job
from grace.kit.logs import described
from grace.kit.reactions import reacts_to
from grace.kit.tx import Tx
from grace.kit.unit import Unit
from grace.trust.identity import queries as identity

log = structlog.get_logger()
GONE = "Who began it may no longer do that."


@reacts_to(WorkMoved, when=lambda fact: fact.state == "waiting")
async def start_work(tx: Tx, fact: WorkMoved) -> None:
    """Put it in the queue."""
    await defer(tx, run_work, alone="work", work_id=fact.work_id)


@job()
async def run_work(unit: Unit, *, work_id: str) -> None:
    """Carry out what is to be done, on behalf of who began it. Run again, it goes on where it stood."""
    async with unit.transaction() as tx:
        work = await service.take_up(tx, work_id)
        principal = await identity.principal(tx, work.begun_by) if work else None
    if work is None:
        return
    stint = Stint(unit, work)
    try:
        if principal is None or not permits(principal, RIGHTS[work.kind].act):
            await _failed(stint, GONE)
            return
        unit.principal = principal
        await run_of(work.kind)(stint)
    except Over:
        return
    except Problem as refusal:
        await _failed(stint, refusal.detail)
    except ExportError as refusal:
        await _failed(stint, str(refusal))
    except Exception as error:
        if work.attempt < ATTEMPTS:
            raise
        log.error("work given up", workspace=unit.handle, work=work.id, error=described(error))
        await _failed(stint, service.GIVEN_UP.format(work.attempt))


async def _failed(stint: Stint, error: str) -> None:
    try:
        async with stint.step() as step:
            await service.fail(step.tx, step.work, error or "It failed.")
    except Over:
        return


@due("select min(expires_at) from work where expires_at is not null")
async def expire_work(tx: Tx) -> None:
    """Forget files, and imports that nobody confirmed."""
    await service.expire_due(tx)
