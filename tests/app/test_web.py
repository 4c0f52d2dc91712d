"""The application's outer edge: health, readiness, bad requests."""

import httpx


async def test_health_and_readiness(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/health")).json() == {"status": "ok"}
    assert (await visitor.get("/ready")).json() == {"status": "ok"}


async def test_what_is_not_there_is_a_problem_document(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/no-such-address"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_nobody_moves_the_clock_without_a_key(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.post("/api/v1/test-clock", json={"to": "2030-01-01T00:00:00Z"})
    assert answer.status_code == 401
