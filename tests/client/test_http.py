"""One request counts once, whatever happens to its answer."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import httpx
import pytest
from fastapi import FastAPI

from grace.client.api import Grace
from grace.client.errors import GraceError
from grace.trust.identity.service.bootstrap import Bootstrapped
from tests.fixtures.api import ADDRESS

LEAD = {"source": "website", "name": "Ada Lovelace", "email": "ada@analytical.example"}
Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Wire(httpx.AsyncBaseTransport):
    """The way to the real application, on which trouble can be put before or after it."""

    def __init__(self, application: FastAPI) -> None:
        self._application = httpx.ASGITransport(application, raise_app_exceptions=False)
        self.keys: list[str | None] = []
        self.troubles: list[Callable[[httpx.Request, Send], Awaitable[httpx.Response]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("idempotency-key"))
        if self.troubles:
            return await self.troubles.pop(0)(request, self._application.handle_async_request)
        return await self._application.handle_async_request(request)


async def lost_before(request: httpx.Request, send: Send) -> httpx.Response:
    raise httpx.ConnectError("refused")


async def lost_after(request: httpx.Request, send: Send) -> httpx.Response:
    await (await send(request)).aread()
    raise httpx.ReadError("cut")


def answered(status: int, **headers: str) -> Callable[[httpx.Request, Send], Awaitable[httpx.Response]]:
    async def answer(request: httpx.Request, send: Send) -> httpx.Response:
        document = {"type": "/problems/in-progress", "title": "Busy", "status": status, "detail": "Busy now."}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, json=document, headers=named)

    return answer


@pytest.fixture
def wire(application: FastAPI) -> Wire:
    return Wire(application)


@pytest.fixture
def grace(wire: Wire, owner: Bootstrapped) -> Grace:
    return Grace(ADDRESS, owner.api_key, transport=wire, patience_s=5)


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(grace: Grace, wire: Wire) -> None:
    wire.troubles = [lost_before, lost_after]
    lead = await grace.capture_lead(**LEAD)
    assert lead["created"]
    assert len(wire.keys) == 3
    assert len(set(wire.keys)) == 1 and wire.keys[0]
    assert [found["id"] for found in await grace.leads()] == [lead["lead_id"]]


async def test_two_calls_have_two_keys_and_a_question_has_none(grace: Grace, wire: Wire) -> None:
    lead = await grace.capture_lead(**LEAD)
    await grace.qualify_lead(lead["lead_id"])
    await grace.lead(lead["lead_id"])
    assert wire.keys[0] != wire.keys[1]
    assert wire.keys[2] is None


@pytest.mark.parametrize(
    "trouble",
    [answered(409, Retry_After="0"), answered(429, Retry_After="0"), answered(503), answered(500), answered(502)],
)
async def test_what_may_pass_is_repeated(grace: Grace, wire: Wire, trouble: Callable[..., object]) -> None:
    wire.troubles = [trouble]  # type: ignore[list-item]
    await grace.capture_lead(**LEAD)
    assert len(wire.keys) == 2 and len(set(wire.keys)) == 1


async def test_a_refusal_is_final_and_carries_the_problem_document(grace: Grace, wire: Wire) -> None:
    with pytest.raises(GraceError) as refused:
        await grace.lead("lead_unknown")
    error = refused.value
    assert (error.status, error.type) == (404, "/problems/lead-not-found")
    assert error.document["request_id"] == error.request_id
    assert str(error) == error.detail == error.document["detail"]
    wire.troubles = [answered(409)]
    with pytest.raises(GraceError, match="Busy now"):
        await grace.capture_lead(**LEAD)
    assert len(wire.keys) == 2


async def test_patience_has_an_end(wire: Wire, owner: Bootstrapped) -> None:
    waits: list[str] = []
    wire.troubles = [lost_before] * 100
    async with Grace(
        ADDRESS, owner.api_key, transport=wire, patience_s=0.5, on_wait=lambda why, waited_s: waits.append(why)
    ) as grace:
        with pytest.raises(GraceError) as error:
            await asyncio.wait_for(grace.me(), 5)
    assert error.value.status is None
    assert error.value.type == "/problems/unreachable"
    assert waits == ["Grace does not answer (ConnectError: refused)."] * len(waits) and waits


async def test_an_answer_that_is_not_graces_is_told_too(grace: Grace, wire: Wire) -> None:
    async def proxy(request: httpx.Request, send: Send) -> httpx.Response:
        return httpx.Response(403, text="<h1>Blocked</h1>")

    wire.troubles = [proxy]
    with pytest.raises(GraceError) as error:
        await grace.me()
    assert (error.value.status, error.value.detail) == (403, "<h1>Blocked</h1>")


async def test_numbers_are_exact(grace: Grace) -> None:
    lead = await grace.capture_lead(**LEAD, value_estimate=Decimal("90071992547409.93"))
    stored = await grace.lead(lead["lead_id"])
    assert stored["value_estimate"] == Decimal("90071992547409.93")
