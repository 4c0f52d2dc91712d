"""The doors of the installation itself: health, readiness, the test clock, stuck work."""

from typing import Any

import psycopg
from fastapi import Request

from grace.kit.edge import PUBLIC, Doors, InEdge, InUnit
from grace.kit.errors import Unavailable
from grace.kit.testclock import TestClock, TestClockMoved, move

doors = Doors(tags=["System"])


@doors.get("/health", may=PUBLIC)
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@doors.get("/ready", may=PUBLIC)
async def ready(edge: InEdge) -> dict[str, Any]:
    """The database answers and there is a workspace to serve."""
    try:
        handles = await edge.workspaces.handles()
    except psycopg.Error as error:
        raise Unavailable("The database does not answer.", retry_after=2) from error
    if not handles:
        raise Unavailable("There is no workspace yet.", retry_after=2)
    return {"status": "ok"}


@doors.get("/api/v1/webhooks/test", may=PUBLIC)
async def webhooks_test() -> dict[str, str]:
    """The webhook doors can be reached."""
    return {"status": "ok"}


@doors.post("/api/v1/test-clock", may="workspace:write", returns=TestClockMoved)
async def test_clock(unit: InUnit, request: Request, body: TestClock) -> TestClockMoved:
    """Move a test workspace's time forward, stepping through everything that falls due on the way."""
    return await move(unit, to=body.to, followers=request.app.state.edge.clock_followers)
