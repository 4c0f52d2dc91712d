"""The doors of stuck work."""

from typing import Literal

from grace.kit import jobs, reactions
from grace.kit.edge import Doors, InTx
from grace.kit.errors import NotFound
from grace.kit.web import Answer, Body

doors = Doors(tags=["System"])


class StuckWork(Answer):
    """Work that ran out of attempts; `replay` gives it another round."""

    kind: str
    id: str
    name: str
    attempts: int
    error: str | None


class StuckList(Answer):
    """All stuck work, oldest first, at most 200 of each kind."""

    items: list[StuckWork]
    next_cursor: None = None


class Replay(Body):
    """Which stuck work to take up again."""

    kind: Literal["reaction", "job"]
    id: str


class Replayed(Answer):
    """It waits for a worker again."""

    replayed: bool


@doors.get("/api/v1/stuck-work", may="workspace:read", returns=StuckList)
async def stuck_work(tx: InTx) -> StuckList:
    """Reactions and jobs that need a person to look at them."""
    reactions_stuck = await tx.all(
        dict,
        "select 'reaction' as kind, fact_id || ':' || subscriber as id, subscriber as name, attempts, error"
        " from reaction where state = 'stuck' order by fact_id limit 200",
    )
    jobs_stuck = await tx.all(
        dict,
        "select 'job' as kind, id::text as id, task_name as name, attempts, null as error"
        " from procrastinate_jobs where status = 'failed' order by id limit 200",
    )
    return StuckList(items=[StuckWork(**row) for row in [*reactions_stuck, *jobs_stuck]])


@doors.post("/api/v1/stuck-work/replay", may="workspace:write", returns=Replayed)
async def replay(tx: InTx, body: Replay) -> Replayed:
    """Give stuck work another round of attempts."""
    first, _, name = body.id.partition(":")
    if not first.isdigit() or len(first) > 18:
        raise NotFound("There is no such stuck work.")
    if body.kind == "job":
        done = await jobs.replay(tx, job_id=int(first))
    else:
        done = await reactions.replay(tx, fact_id=int(first), subscriber=name)
    if not done:
        raise NotFound("There is no such stuck work.")
    return Replayed(replayed=True)
