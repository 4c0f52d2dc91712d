"""The edge: one request is one transaction, repeated requests have one effect, refusals write nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from grace.app.web import create_app
from grace.kit.edge import Doors, InTx
from grace.kit.errors import Conflict
from grace.kit.money import Amount
from grace.kit.web import Answer, Body
from grace.trust.identity.rules import Role
from grace.trust.identity.service import keys, people
from grace.trust.identity.service.bootstrap import Bootstrapped
from tests.fixtures.workspace import WorkspaceUnderTest

doors = Doors(tags=["Test"])
attempts: list[str] = []
begun = asyncio.Event()
"""A note was inserted, in a transaction that is open."""


class Note(Body):
    """What to write down."""

    text: str
    amount: Amount | None = None
    wait_s: float = 0
    fail: str | None = None


class Noted(Answer):
    """What was written down."""

    number: int
    amount: Amount | None
    secret: str


@doors.post("/test/notes", may="notes:write", returns=Noted, secrets=("secret",))
async def note(tx: InTx, body: Note) -> Noted:
    """Write a note, slowly or not at all when asked to."""
    number = await tx.value("insert into note (text) values (%(text)s) returning number", text=body.text)
    begun.set()
    await asyncio.sleep(float(body.wait_s))
    attempts.append(body.text)
    if body.fail == "conflict":
        raise Conflict("It was asked to fail.")
    if body.fail == "status":
        raise Conflict("It was asked to fail.", status="paid", mood="sad")
    if body.fail == "deadlock" and attempts.count(body.text) < 3:
        raise psycopg.errors.DeadlockDetected
    if body.fail == "deadlock always":
        raise psycopg.errors.DeadlockDetected
    if body.fail == "commit":
        await tx.execute("insert into late (note) values (-1)")
    if body.fail == "bug":
        raise RuntimeError("a bug with a secret in it")
    return Noted(number=number, amount=body.amount, secret="shown once")


@pytest.fixture
async def client(
    workspace: WorkspaceUnderTest, owner: Bootstrapped, application: FastAPI
) -> AsyncIterator[httpx.AsyncClient]:
    """The application with the test's doors."""
    async with workspace.workspaces.owner(workspace.handle) as connection:
        await connection.execute(
            "create table note (number bigint generated always as identity primary key, text text unique);"
            "create table late (note bigint references note deferrable initially deferred);"
            "grant select, insert on note, late to grace_app"
        )
    application.include_router(doors)
    attempts.clear()
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {owner.api_key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8005", headers=headers) as api:
        yield api


async def written(workspace: WorkspaceUnderTest) -> list[str]:
    """The notes that were committed."""
    async with workspace.tx() as tx:
        return await tx.all(str, "select text from note order by number")


async def test_a_repeated_request_gets_the_stored_answer_without_its_secret(
    client: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await client.post("/test/notes", json={"text": "a", "amount": "1500.00"}, headers=headers)
    again = await client.post("/test/notes", content=b'{"amount": "1500.00", "text":"a"}', headers={
        **headers, "content-type": "application/json"})  # fmt: skip
    assert first.text == '{"number":1,"amount":1500.00,"secret":"shown once"}'
    assert first.headers["cache-control"] == "no-store"
    assert again.text == '{"number":1,"amount":1500.00,"secret":null}'
    assert (again.status_code, again.headers["idempotent-replay"]) == (200, "true")
    assert await written(workspace) == ["a"]
    async with workspace.tx() as tx:
        stored = await tx.value("select answer from idempotency")
    assert b"1500" not in stored


@pytest.mark.parametrize("body", [b'{"text":"a","text":"b"}', b'{"text":"a","amount":{"a":[{"x":1,"x":1}]}}'])
async def test_a_name_that_comes_twice_is_refused(
    client: httpx.AsyncClient, workspace: WorkspaceUnderTest, body: bytes
) -> None:
    for key in ({}, {"Idempotency-Key": "k1"}):
        answer = await client.post("/test/notes", content=body, headers={**key, "content-type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")
        assert "twice" in answer.json()["detail"]
    assert await written(workspace) == []


async def test_the_same_key_with_another_body_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    await client.post("/test/notes", json={"text": "a"}, headers=headers)
    other = await client.post("/test/notes", json={"text": "b"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (409, "/problems/idempotency-key-reused")


async def test_a_refusal_is_not_kept_and_writes_nothing(
    client: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    headers = {"Idempotency-Key": "k1"}
    refused = await client.post("/test/notes", json={"text": "a", "fail": "conflict"}, headers=headers)
    assert refused.status_code == 409
    assert await written(workspace) == []
    assert (await client.post("/test/notes", json={"text": "a"}, headers=headers)).status_code == 200


async def test_a_twin_waits_and_then_gets_the_answer(client: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    headers = {"Idempotency-Key": "k1"}
    body = {"text": "a", "wait_s": 0.5}
    answers = await asyncio.gather(*(client.post("/test/notes", json=body, headers=headers) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["number"] for answer in answers} == {1}
    assert attempts == ["a"]


async def test_twelve_at_once_have_one_effect_and_the_same_answer(
    client: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    for number in range(3):  # the first round finds a credential that has not been here, the others one that has
        body, headers = {"text": f"n{number}", "amount": "1.50"}, {"Idempotency-Key": f"twelve {number}"}
        answers = await asyncio.gather(*(client.post("/test/notes", json=body, headers=headers) for _ in range(12)))
        assert [answer.status_code for answer in answers] == [200] * 12
        replayed = [answer for answer in answers if "idempotent-replay" in answer.headers]
        assert len(replayed) == 11
        assert len({answer.text for answer in replayed}) == 1
        [first] = [answer for answer in answers if answer not in replayed]
        assert first.json() | {"secret": None} == replayed[0].json()
    assert await written(workspace) == ["n0", "n1", "n2"]
    assert attempts == ["n0", "n1", "n2"]


async def test_a_key_belongs_to_who_sent_it_whatever_credential_was_here_before(
    client: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    async with workspace.tx() as tx:
        other = await people.create_user(tx, email="ann@example.com", name="Ann", roles=[Role.OWNER])
        _, key = await keys.create_key(tx, principal_id=other.id, name="test")
    theirs = {"Authorization": f"Bearer {key}"}
    for _ in range(2):
        for number, who in enumerate(({}, theirs), start=1):
            headers = {"Idempotency-Key": "same", **who}
            answer = await client.post("/test/notes", json={"text": f"of {bool(who)}"}, headers=headers)
            assert (answer.status_code, answer.json()["number"]) == (200, number)
    assert await written(workspace) == ["of False", "of True"]


async def test_a_revoked_key_claims_nothing_although_it_was_here(
    client: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    headers = {"Idempotency-Key": "k1"}
    assert (await client.post("/test/notes", json={"text": "a"}, headers=headers)).status_code == 200
    async with workspace.tx() as tx:
        await tx.execute("update api_key set revoked_at = clock_timestamp()")
    for key in ("k1", "k2"):
        answer = await client.post("/test/notes", json={"text": "a"}, headers={"Idempotency-Key": key})
        assert (answer.status_code, "idempotent-replay" in answer.headers) == (401, False)
    async with workspace.tx() as tx:
        assert await tx.value("select count(*) from idempotency") == 1


async def test_a_crash_before_the_commit_leaves_the_key_free_and_one_after_it_the_answer(
    client: httpx.AsyncClient, workspace: WorkspaceUnderTest
) -> None:
    body, headers = {"text": "a"}, {"Idempotency-Key": "k1"}
    assert (await client.get("/api/v1/me")).status_code == 200  # the credential is known: the key opens the transaction
    begun.clear()
    crashing = asyncio.create_task(client.post("/test/notes", json=body | {"wait_s": 30}, headers=headers))
    await asyncio.wait_for(begun.wait(), 20)
    async with workspace.workspaces.owner(workspace.handle) as owner:
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and state = 'idle in transaction'"
        )
    crashing.cancel()
    await asyncio.gather(crashing, return_exceptions=True)
    assert await written(workspace) == []
    first = await client.post("/test/notes", json=body, headers=headers)
    assert first.status_code == 200, "the caller saw no answer and asks again"
    again = await client.post("/test/notes", json=body, headers=headers)
    assert (again.headers["idempotent-replay"], again.json()["number"]) == ("true", first.json()["number"])
    assert await written(workspace) == ["a"]


async def test_a_twin_of_a_slow_request_is_told_when_to_come_back(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    body = {"text": "a", "wait_s": 3}
    first, second = await asyncio.gather(*(client.post("/test/notes", json=body, headers=headers) for _ in range(2)))
    statuses = sorted([first.status_code, second.status_code])
    assert statuses == [200, 409]
    late = first if first.status_code == 409 else second
    assert (late.headers["retry-after"], late.json()["type"]) == ("2", "/problems/in-progress")


async def test_extra_members_never_replace_those_of_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.post("/test/notes", json={"text": "a", "fail": "status"})
    assert (answer.status_code, answer.json()["status"], answer.json()["mood"]) == (409, 409, "sad")


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ü"])
async def test_keys_are_bounded(client: httpx.AsyncClient, key: str) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answer = await client.post("/test/notes", json={"text": "a"}, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 400


async def test_deadlocks_are_tried_three_times(client: httpx.AsyncClient, workspace: WorkspaceUnderTest) -> None:
    assert (await client.post("/test/notes", json={"text": "a", "fail": "deadlock"})).status_code == 200
    assert attempts == ["a", "a", "a"]
    answer = await client.post("/test/notes", json={"text": "b", "fail": "deadlock always"})
    assert (answer.status_code, answer.headers["retry-after"]) == (409, "1")
    assert attempts.count("b") == 3
    assert await written(workspace) == ["a"]


@pytest.mark.parametrize("fail", ["commit", "bug"])
async def test_a_failed_commit_or_a_bug_is_never_a_success(
    client: httpx.AsyncClient, workspace: WorkspaceUnderTest, fail: str
) -> None:
    answer = await client.post("/test/notes", json={"text": "a", "fail": fail})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    page = await client.post("/test/notes", json={"text": "a", "fail": fail}, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "see whether it was done" in page.text
    assert page.headers["x-request-id"] in page.text
    assert await written(workspace) == []


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400), (b"", 422), (b"[]", 422), (b'"x"', 422), (b'{"text": "a\\u0000b"}', 400),
        (b'{"text": "\\ud800"}', 400), (b"[" * 5000, 400), (b'{"text": "a", "amount": 1e400}', 400),
        (b'{"text": "a", "amount": NaN}', 400), (b'{"text": "a", "amount": 1' + b"0" * 31 + b"}", 422),
        (b'{"text": "a", "amount": true}', 422), (b'{"text": "a", "more": 1}', 422), (b'{"text": 7}', 422),
        (b"\xff\xfe", 400), (b'{"text": "a", "amount": ' + b"9" * 5000 + b"}", 400),
        (b'{"text": "' + b"x" * 20001 + b'"}', 422),
    ],
)  # fmt: skip
async def test_bad_bodies_are_clear_refusals(
    client: httpx.AsyncClient, workspace: WorkspaceUnderTest, content: bytes, status: int
) -> None:
    answer = await client.post("/test/notes", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "request_id"} <= set(answer.json())
    assert await written(workspace) == []


async def test_a_huge_body_is_refused_also_without_a_length(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    for content in (b"x" * 1_100_000, chunks()):
        answer = await client.post("/test/notes", content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


async def test_too_many_requests_are_told_to_wait(client: httpx.AsyncClient, application: FastAPI) -> None:
    edge = application.state.edge
    application.state.edge = replace(edge, settings=edge.settings.model_copy(update={"rate_per_minute": 2}))
    answers = [await client.get("/api/v1/leads") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_another_workspace_is_out_of_reach(workspace: WorkspaceUnderTest, owner: Bootstrapped) -> None:
    """A key opens the workspace that it names, and no other, however it is spelt."""
    app = create_app(workspace.workspaces, workspace.settings)
    secret = str(owner.api_key).split("_", 2)[2]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8005") as client:

        async def status(key: Any) -> int:
            return (await client.get("/api/v1/leads", headers={"Authorization": f"Bearer {key}"})).status_code

        assert await status(owner.api_key) == 200
        for key in (f"grc_main_{secret}", f"grc_postgres_{secret}", f"grc__{secret}", secret, "", "grc_", "x" * 5000):
            assert await status(key) == 401
