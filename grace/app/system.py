"""The doors of the installation itself: health, readiness, the test clock."""

from typing import Literal

import psycopg

from grace.app import clock
from grace.kit.edge import PUBLIC, Doors, InEdge, InUnit
from grace.kit.errors import Unavailable
from grace.kit.testclock import TestClock, TestClockMoved, move
from grace.kit.web import Answer

doors = Doors(tags=["System"])


class Fine(Answer):
    """Nothing is wrong."""

    status: Literal["ok"] = "ok"


@doors.get("/health", may=PUBLIC, returns=Fine)
async def health() -> Fine:
    """The process answers."""
    return Fine()


@doors.get("/ready", may=PUBLIC, returns=Fine)
async def ready(edge: InEdge) -> Fine:
    """The database answers and there is a workspace to serve."""
    try:
        handles = await edge.workspaces.handles()
    except psycopg.Error as error:
        raise Unavailable("The database does not answer.", retry_after=2) from error
    if not handles:
        raise Unavailable("There is no workspace yet.", retry_after=2)
    return Fine()


@doors.get("/api/v1/webhooks/test", may=PUBLIC, returns=Fine)
async def webhooks_test() -> Fine:
    """The webhook doors can be reached."""
    return Fine()


@doors.post("/api/v1/test-clock", may="workspace:write", returns=TestClockMoved)
async def test_clock(unit: InUnit, edge: InEdge, body: TestClock) -> TestClockMoved:
    """Move a test workspace's time forward, stepping through everything that falls due on the way."""
    return await move(unit, to=body.to, followers=clock.followers(edge.settings))
