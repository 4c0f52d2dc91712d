"""What Prometheus gets: figures that tell the state, only for who may read them, at a cost that does not grow."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from grace.app.metrics.figures import TIME_LIMIT_S, all_figures, read
from grace.app.web import create_app
from grace.trust.audit import jobs, service
from tests.fixtures.cards import Till
from tests.fixtures.workspace import WorkspaceUnderTest

OPERATE = Path(__file__).parents[3] / "docs" / "operate.md"
STALLED_S = 20.0


def client_of(application: FastAPI, *, at: str = "127.0.0.1", host: str = "127.0.0.1:8005") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application, raise_app_exceptions=False, client=(at, 4711))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


async def scrape(client: httpx.AsyncClient, **headers: str) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation, family.name
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def value(found: dict[str, Any], name: str, **labels: str) -> float | None:
    number: float | None = found.get(name, {}).get(frozenset(labels.items()))
    return number


async def test_every_documented_name_is_there_and_every_name_is_documented(till: Till) -> None:
    invoice = await till.invoice()
    await till.intent(invoice)
    await till.payer.get("/nowhere")
    await till.settle()
    async with till.workspace.tx() as tx:
        await tx.execute("insert into procrastinate_workers (last_heartbeat) values (now())")
    headers = {"Host": httpx.URL(till.settings.url).netloc.decode()}
    found = await scrape(till.payer, **headers)
    documented = {
        line.split("`")[1] for line in OPERATE.read_text().splitlines() if line.startswith(("| `grace_", "| `process_"))
    }
    given = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in found}
    ours = {name for name in given if name.startswith("grace_")}
    figures = {figure.name for figure in all_figures()}
    absent_now = {name for name in figures if name.endswith(("_age_seconds", "_expiry_seconds"))}
    assert sorted(documented - given - absent_now) == []
    assert sorted((ours | figures) - documented) == []


async def test_requests_are_counted_by_their_doors_not_by_their_paths(visitor: httpx.AsyncClient) -> None:
    for path in ("/health", "/health", "/pay/nobody.x", "/nowhere/1", "/nowhere/2", "/api/business/pipeline"):
        await visitor.get(path)
    await visitor.request("BREW", "/health")
    await visitor.post("/api/business/leads", json={})
    found = await scrape(visitor)
    counted = found["grace_http_requests_total"]
    assert value(found, "grace_http_requests_total", route="/health", method="GET", status="200") == 2
    assert value(found, "grace_http_requests_total", route="/pay/{token}", method="GET", status="404") == 1
    assert value(found, "grace_http_requests_total", route="none", method="GET", status="404") >= 2  # type: ignore[operator]
    assert value(found, "grace_refusals_total", type="unauthenticated") >= 1  # type: ignore[operator]
    assert value(found, "grace_http_request_seconds_count", route="/health", method="GET") == 2
    labels = {text for labels in counted for name, text in labels if name != "status"}
    assert not any(raw in label for label in labels for raw in ("nobody", "/1", "/2"))
    assert "BREW" not in labels


async def test_backlog_and_trouble_are_told(workspace: WorkspaceUnderTest, visitor: httpx.AsyncClient) -> None:
    await workspace.drain()
    async with workspace.tx() as tx:
        await tx.execute("delete from procrastinate_workers")
    figures = await read(workspace.workspaces, workspace.handle, stalled_s=STALLED_S, time_limit_s=60)
    assert ("grace_worker_heartbeat_age_seconds", "") not in figures
    async with workspace.tx() as tx:
        await tx.execute(
            "insert into fact (kind, topic, subject, data, at, recorded_at, request_id, principal)"
            " select 'X', 'x', 'x', '{}', now(), now() - interval '100 s', 'r', 'p' from generate_series(1, 3)"
        )
        first = await tx.value("select min(id) from fact where kind = 'X'")
        await tx.execute(
            "insert into reaction (fact_id, subscriber, state, due_at) values"
            f" ({first}, 'a', 'due', now() - interval '50 s'), ({first}, 'b', 'due', now() + interval '1 h'),"
            f" ({first}, 'c', 'stuck', now()), ({first}, 'd', 'done', now())"
        )
        await tx.execute(
            "with w as (insert into procrastinate_workers (last_heartbeat)"
            " values (now() - interval '60 s') returning id)"
            " insert into procrastinate_jobs (task_name, queue_name, status, worker_id)"
            " select 't', 'q', s::procrastinate_job_status, case when s = 'doing' then w.id end"
            " from w, unnest(array['todo', 'failed', 'failed', 'doing']) s"
        )
        await tx.execute("insert into refused_event (source, reason, remote) values ('stripe', 'bad', 'x')")
    figures = await read(workspace.workspaces, workspace.handle, stalled_s=STALLED_S, time_limit_s=60)
    assert figures["grace_facts_undispatched", ""] >= 3
    assert 100 <= figures["grace_facts_oldest_age_seconds", ""] < 400
    assert figures["grace_reactions_due", ""] == 1
    assert 50 <= figures["grace_reactions_oldest_age_seconds", ""] < 400
    assert figures["grace_reactions_stuck", ""] == 1
    assert 100 <= figures["grace_reactions_stuck_oldest_age_seconds", ""] < 400
    assert (figures["grace_jobs_due", ""], figures["grace_jobs_failed", ""]) == (1 + await connecting(workspace), 2)
    assert figures["grace_jobs_stuck", ""] == 1
    assert 60 <= figures["grace_worker_heartbeat_age_seconds", ""] < 400
    assert figures["grace_inbox_refused_total", ""] == 1
    assert figures["grace_audit_unsealed", ""] >= 1
    told = await scrape(visitor)
    assert value(told, "grace_reactions_stuck", workspace=workspace.handle) == 1
    assert value(told, "grace_workspace_up", workspace=workspace.handle) == 1


async def connecting(workspace: WorkspaceUnderTest) -> int:
    """Jobs that a new workspace has by itself."""
    async with workspace.tx() as tx:
        return int(await tx.value("select count(*) from procrastinate_jobs where task_name <> 't' and status = 'todo'"))


async def test_an_overdue_row_is_late_by_its_kind(workspace: WorkspaceUnderTest) -> None:
    async with workspace.tx() as tx:
        await tx.execute(
            "insert into provider_poll (provider, since, next_at) values ('stripe', 0, now() - interval '90 s')"
        )
    figures = await read(workspace.workspaces, workspace.handle, stalled_s=STALLED_S, time_limit_s=60)
    late = {kind: seconds for (name, kind), seconds in figures.items() if name == "grace_due_late_seconds"}
    assert 90 <= late["flows.collect_cash.jobs.look_for_events"] < 400


async def test_entries_that_were_sealed_on_another_server_do_not_wait(workspace: WorkspaceUnderTest) -> None:
    """After a restore their transactions' ids may lie above the watermark of sealing."""
    async with workspace.tx() as tx:
        signer = await service.load_or_create_signer(tx)
        service.record(tx, action="issue_invoice", subject=("invoice", "in_1"), after={})
    async with workspace.workspaces.owner(workspace.handle) as connection:
        await jobs.drain(connection, signer=signer)
        await connection.execute("update audit_head set xid = '3', entry_id = 0")
    figures = await read(workspace.workspaces, workspace.handle, stalled_s=STALLED_S, time_limit_s=60)
    assert figures["grace_audit_unsealed", ""] == 0
    assert ("grace_audit_unsealed_age_seconds", "") not in figures


async def test_a_long_history_costs_nothing(workspace: WorkspaceUnderTest) -> None:
    async def blocks() -> int:
        """Pages that one reading touches."""
        async with workspace.workspaces.owner(workspace.handle) as connection:
            await connection.execute("analyze")
        async with workspace.tx() as tx:
            statements: list[str] = []
            for figure in all_figures():
                statements += figure.sql.values() if isinstance(figure.sql, dict) else [figure.sql]
            total = 0
            for statement in statements:
                plan = await tx.value(f"explain (analyze, buffers, format json) {statement}".format(stalled_s=20))
                total += plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
            return total

    await workspace.drain()
    before = await blocks()
    async with workspace.workspaces.owner(workspace.handle) as connection:
        await connection.execute(
            "insert into fact (kind, topic, subject, data, at, request_id, principal)"
            " select 'X', 'x', 'x', '{}', now(), 'r', 'p' from generate_series(1, 20000)"
        )
        await connection.execute("update fact_cursor set xid = pg_current_xact_id(), fact_id = 1000000000000")
        await connection.execute(
            "insert into reaction (fact_id, subscriber, state, done_at) select id, 'a', 'done', now() from fact"
        )
        await connection.execute(
            "insert into inbox (source, account, event_id, kind, body) select 's', 'a', 'e' || n, 'k', '{}'"
            " from generate_series(1, 20000) n"
        )
        await connection.execute(
            "insert into provider_call (id, kind, work, noun, key, arguments, state, ordered_at, ended_at)"
            " select 'call_' || lpad(n::text, 26, '0'), 'k', 'w', 'n', 'k' || n, '{}', 'done', now(), now()"
            " from generate_series(1, 20000) n"
        )
    assert await blocks() < before + 100


async def test_a_workspace_that_does_not_answer_in_time_is_down_and_the_others_are_told(
    workspace: WorkspaceUnderTest, visitor: httpx.AsyncClient
) -> None:
    async with workspace.workspaces.owner(workspace.handle) as connection, connection.transaction():
        await connection.execute("lock table reaction in access exclusive mode")
        found = await scrape(visitor)
    assert TIME_LIMIT_S < 5
    assert value(found, "grace_workspace_up", workspace=workspace.handle) == 0
    assert value(found, "grace_facts_undispatched", workspace=workspace.handle) is None
    assert value(found, "grace_database_up") == 1


@pytest.mark.parametrize(
    ("at", "host", "headers"),
    [
        ("10.1.2.3", "127.0.0.1:8005", {}),
        ("127.0.0.1", "grace.example.com", {}),
        ("127.0.0.1", "127.0.0.1:8005", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", "localhost", {"Forwarded": "for=127.0.0.1"}),
    ],
)
async def test_without_a_token_only_this_machine_may_read(
    application: FastAPI, at: str, host: str, headers: dict[str, str]
) -> None:
    async with client_of(application, at=at, host=host) as client:
        assert (await client.get("/metrics", headers=headers)).status_code == 403


async def test_with_a_token_only_who_has_it_may_read(workspace: WorkspaceUnderTest) -> None:
    settings = workspace.settings.model_copy(update={"metrics_token": SecretStr("s3cret")})
    application = create_app(workspace.workspaces, settings)
    async with client_of(application) as here, client_of(application, at="10.1.2.3", host="grace.example.com") as far:
        for client in (here, far):
            for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
                assert (await client.get("/metrics", headers=wrong)).status_code == 401
            assert (await client.get("/metrics", headers={"Authorization": "Bearer s3cret"})).status_code == 200
