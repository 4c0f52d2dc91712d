"""People who begin long work, and a worker that can be made to die in the middle."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from grace.flows.work import service
from grace.flows.work.stints import Step, Stint, run_of
from grace.kit.unit import Unit
from grace.trust.identity.rules import Role
from tests.app.importing_files import HEADER, people
from tests.fixtures.office import People, Person
from tests.fixtures.workspace import WorkspaceUnderTest


@pytest.fixture
async def boss(office: People) -> Person:
    return await office.user(Role.OWNER)


def leads(count: int, *broken: Sequence[str]) -> bytes:
    """A CSV of so many leads, then rows that cannot be any."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, *people(count), *broken])
    return text.getvalue().encode()


async def send(api: httpx.AsyncClient, content: bytes, *, key: str | None = None, **asked: Any) -> httpx.Response:
    """Send a file to be imported."""
    headers = {"Content-Type": "text/csv", **({"Idempotency-Key": key} if key else {})}
    return await api.post("/api/v1/work/lead-imports", content=content, headers=headers, params=asked)


async def read(api: httpx.AsyncClient, work: Any) -> Any:
    """The work as it stands."""
    answer = await api.get(f"/api/v1/work/{work['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


class Died(BaseException):
    """What a worker's death is here: nothing of ours catches it."""


class MortalStint(Stint):
    """A worker that dies when so many of its steps are done."""

    lives = 0

    @asynccontextmanager
    async def step(self) -> AsyncIterator[Step]:
        if self.lives == 0:
            raise Died
        self.lives -= 1
        async with super().step() as step:
            yield step


class Mortal:
    """Takes work up and dies in the middle."""

    def __init__(self, workspace: WorkspaceUnderTest) -> None:
        self.workspace = workspace

    async def run(self, work: Any, *, steps: int) -> None:
        """One stint, ended by death after so many steps."""
        stint = await self.stint(work)
        stint.lives = steps
        with pytest.raises(Died):
            await run_of(stint.work.kind)(stint)

    async def stint(self, work: Any) -> MortalStint:
        """A worker that has taken work up and then stands still."""
        async with self.workspace.tx() as tx:
            taken = await service.take_up(tx, work["id"])
        assert taken is not None
        return MortalStint(Unit(self.workspace.workspaces, self.workspace.handle), taken)


@pytest.fixture
def mortal(workspace: WorkspaceUnderTest) -> Mortal:
    return Mortal(workspace)
