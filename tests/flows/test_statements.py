"""How many SQL statements the steps cost, counted on the wire: reading many costs as much as reading one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from grace.app.web import create_app
from grace.kit.workspace import Workspaces
from grace.trust.identity.service.bootstrap import Bootstrapped
from tests.fixtures.api import ADDRESS
from tests.fixtures.workspace import MASTER_KEY, WorkspaceUnderTest
from tests.flows.story import PORTAL, Story, path, said

Counted = Callable[..., Any]


@pytest.fixture
async def counted(
    workspace: WorkspaceUnderTest, owner: Bootstrapped, postgres_server: str, tmp_path: Path
) -> AsyncIterator[Counted]:
    """Send a request through an application with one connection; its answer and the statements it sent."""
    alone = Workspaces(postgres_server, master_key=MASTER_KEY, pool_size=1)
    transport = httpx.ASGITransport(create_app(alone, workspace.settings), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {owner.api_key}"}
    trace = tmp_path / "trace"

    @asynccontextmanager
    async def traced() -> AsyncIterator[None]:
        with trace.open("w") as file:
            async with (await alone.pool(workspace.handle)).connection() as connection:
                connection.pgconn.trace(file.fileno())
            yield
            async with (await alone.pool(workspace.handle)).connection() as connection:
                connection.pgconn.untrace()

    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers) as api:

        async def send(method: str, address: str, **request: Any) -> tuple[dict[str, Any], int]:
            await api.get("/api/v1/me")
            async with traced():
                answer = await api.request(method, address, **request)
            assert answer.status_code == 200, answer.text
            sent = [line.split("\t")[3] for line in trace.read_text().splitlines() if "\tF\t" in line]
            return dict(answer.json()), sum(1 for kind in sent if kind.startswith(("Query", "Execute")))

        yield send
    await alone.close()


async def test_the_costs_of_winning(story: Story, counted: Counted) -> None:
    lead_id = await story.lead()
    asked = {"lead_id": lead_id, "requirements": PORTAL, "budget": 20000}
    made, generating = await counted("POST", "/api/business/proposals/generate", json=asked)
    link = await story.sent(made["proposal_id"])
    won, accepting = await counted("POST", f"{link}/accept", json={"name": "Ada Smith"})
    _, signing = await counted("POST", f"{path(won['contract_url'])}/sign", json={"name": "Ada Smith"})
    assert 5 < generating <= 26
    assert 5 < accepting <= 24
    assert 5 < signing <= 14


async def test_a_list_costs_the_same_however_long_it_is(story: Story, counted: Counted) -> None:
    await story.won()
    lists = ("/api/v1/proposals", "/api/v1/projects", "/api/v1/contracts")
    before = [(await counted("GET", address))[1] for address in lists]
    for number in range(4):
        lead = await story.lead(email=f"p{number}@firm{number}.com", name=f"P {number}", company=f"Firm {number}")
        link = await story.sent((await story.generated(lead))["proposal_id"])
        await said(story.client.post(f"{link}/accept", json={"name": "Ada"}))
    after = [await counted("GET", address) for address in lists]
    assert [len(answer["items"]) for answer, _ in after] == [5, 5, 5]
    assert [statements for _, statements in after] == before
    assert 3 < max(before) <= 8
