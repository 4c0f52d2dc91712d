"""The application's outer edge: health, readiness, bad requests."""

import httpx

from tests.fixtures.workspace import WorkspaceUnderTest


async def test_health_and_readiness(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/health")).json() == {"status": "ok"}
    assert (await visitor.get("/ready")).json() == {"status": "ok"}


async def test_what_is_not_there_is_a_problem_document(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/no-such-address"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_wrong_method_is_told_the_right_ones(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.delete("/api/v1/work/work_1")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["type"] == "/problems/method-not-allowed"
    assert (await visitor.delete("/api/v1/clients")).headers["allow"] == "GET, HEAD, POST"


async def test_nobody_moves_the_clock_without_a_key(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.post("/api/v1/test-clock", json={"to": "2030-01-01T00:00:00Z"})
    assert answer.status_code == 401


async def test_the_clock_stops_where_dates_end(api: httpx.AsyncClient) -> None:
    """Time only grows: a date near the last one would leave no room for any due date, for ever."""
    answer = await api.post("/api/v1/test-clock", json={"to": "9999-12-31T23:59:59Z"})
    assert answer.status_code == 422
    assert (await api.post("/api/v1/clients", json={"name": "Ada"})).status_code == 200


async def test_the_reference_shows_every_door_without_scripts(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    document = (await visitor.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, door in methods.items():
            assert f"<code>{method.upper()} {path}</code>" in page.text
            assert ("x-permission" in door) <= (f"<code>{door.get('x-permission')}</code>" in page.text)
    assert page.text.count("curl ") == sum(len(methods) for methods in document["paths"].values())
    assert 'href="/problems"' in page.text
    assert "-d &#39;{&#34;stage&#34;: &#34;LEAD&#34;}&#39;" in page.text
    assert "<script" not in page.text


async def test_the_books_and_the_log_answer(api: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    assert (await api.get("/api/v1/ledger/trial-balance")).json() == {
        "items": [],
        "next_cursor": None,
        "balanced": True,
    }
    assert (await api.get("/api/v1/audit/checkpoint")).status_code == 404
    made = (await api.post("/api/v1/clients", json={"name": "Ada"})).json()
    query = {"subject_kind": "client", "subject_id": made["id"]}
    entries = (await api.get("/api/v1/audit/entries", params=query)).json()["items"]
    assert [entry["action"] for entry in entries] == ["create_client"]
    assert entries[0]["after"]["name"] == "Ada"
    assert entries[0]["leaf"] is None
