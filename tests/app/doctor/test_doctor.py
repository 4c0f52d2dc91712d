"""Every check of `grace doctor` finds what it is there for, broken for real, and nothing where nothing is wrong."""

import json
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from grace.app import running
from grace.app.doctor import machine, server, workspaces
from grace.app.doctor.examination import examine
from grace.app.doctor.findings import Finding
from grace.app.doctor.workspaces import Place
from grace.app.postgres.server import stop
from grace.kit.settings import Settings
from grace.kit.workspace import Workspaces
from grace.trust.audit import jobs as sealer
from grace.trust.audit.checkpoints import CheckpointFile
from grace.trust.audit.service import load_or_create_signer
from tests.fixtures.cards import Till
from tests.fixtures.running import GRACE, RunningGrace, plain_environment
from tests.fixtures.workspace import MASTER_KEY, WorkspaceUnderTest

TRIES = 60


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a data directory of its own, in which everything is right."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "master.key").write_text(MASTER_KEY.hex())
    (folder / "master.key").chmod(0o600)
    return settings.model_copy(update={"data_dir": folder})


@pytest.fixture
def place(workspace: WorkspaceUnderTest, own: Settings) -> Place:
    """The workspace under test as the doctor sees it."""
    return Place(workspace.workspaces, workspace.handle, own, True)


@pytest.fixture
async def connection(postgres_server: str) -> AsyncIterator[AsyncConnection]:
    """The owner's connection to the server."""
    async with await AsyncConnection.connect(postgres_server, autocommit=True) as opened:
        yield opened


async def asked(found: Iterator[Finding] | AsyncIterator[Finding]) -> list[Finding]:
    """All that a check finds; every problem and notice says why and what to do."""
    findings = list(found) if isinstance(found, Iterator) else [one async for one in found]
    assert all(one.why and one.cure for one in findings if one.state != "fine")
    return findings


async def only(found: Iterator[Finding] | AsyncIterator[Finding]) -> tuple[str, str]:
    """State and text of the one thing that a check finds."""
    (one,) = await asked(found)
    return one.state, one.found


async def test_the_data_directory(own: Settings) -> None:
    assert (await only(machine.check_data_directory(own)))[0] == "fine"
    own.data_dir.chmod(0o770)
    assert await only(machine.check_data_directory(own)) == (
        "problem",
        f"{own.data_dir} is writable for others.",
    )
    gone = own.model_copy(update={"data_dir": own.data_dir / "nowhere"})
    assert "does not exist" in (await only(machine.check_data_directory(gone)))[1]
    assert await asked(machine.check_disk(gone)) == []


def test_a_data_directory_of_somebody_else(own: Settings) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        folder.mkdir(mode=0o555)
        Path(name).chmod(0o755)
        (folder / "up.lock").touch(mode=0o400)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            (one,) = machine.check_data_directory(own.model_copy(update={"data_dir": folder}))
            assert running.find(folder) is None
        finally:
            os.seteuid(before)
    assert (one.state, "is not writable for this user" in one.found) == ("problem", True)


async def test_the_disk(own: Settings) -> None:
    assert "are free at" in (await only(machine.check_disk(own)))[1]
    gigabyte = machine.GIGABYTE
    for free, state in ((0, "problem"), (gigabyte - 1, "problem"), (2 * gigabyte, "notice"), (60 * gigabyte, "fine")):
        assert machine.judge_disk("/", 100 * gigabyte, 0, free).state == state


async def test_the_master_keys_file(own: Settings) -> None:
    path = own.data_dir / "master.key"
    assert (await only(machine.check_master_key(own)))[0] == "fine"
    path.chmod(0o644)
    assert "open to others (mode 644)" in (await only(machine.check_master_key(own)))[1]
    path.write_text("not a key")
    assert "does not hold a 256-bit key" in (await only(machine.check_master_key(own)))[1]
    path.write_bytes(b"\xff\xfe")
    assert "cannot be read" in (await only(machine.check_master_key(own)))[1]
    path.unlink()
    assert "There is no" in (await only(machine.check_master_key(own)))[1]


async def test_the_port(own: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        found = await only(machine.check_port(own.model_copy(update={"port": port})))
        assert found[0] == "problem"
        assert "Another program listens" in found[1]
    assert (await only(machine.check_port(own.model_copy(update={"port": port}))))[0] == "notice"


async def test_the_servers_version_clock_and_connections(connection: AsyncConnection) -> None:
    assert [(await only(check(connection)))[0] for check in (server.check_version, server.check_clock)] == ["fine"] * 2
    assert (await asked(server.check_connections(connection)))[0].found.endswith("connections are in use.")
    assert [server.judge_version(version).state for version in (150004, 160000, 180004)] == ["problem", "fine", "fine"]
    assert [server.judge_clock(skew).state for skew in (-3.0, -1.0, 1.0, 3.0)] == ["problem", "fine", "fine", "problem"]
    assert [server.judge_connections(used, 100).state for used in (80, 81)] == ["fine", "problem"]


async def test_a_login_without_rights(
    connection: AsyncConnection, postgres_server: str, workspace: WorkspaceUnderTest
) -> None:
    assert await only(server.check_rights(connection)) == (
        "fine",
        "Held by privileges (role grace_app) and by triggers.",
    )
    await connection.execute("drop role if exists doctor_plain")
    await connection.execute("create role doctor_plain login password 'plain'")
    try:
        dsn = make_conninfo(postgres_server, user="doctor_plain", password="plain")
        async with await AsyncConnection.connect(dsn, autocommit=True) as plain:
            found = await asked(server.check_rights(plain))
        assert [one.state for one in found] == ["notice", "notice"]
        assert "triggers alone hold the append-only rule" in found[1].found
    finally:
        await connection.execute("drop role doctor_plain")


async def test_durability(connection: AsyncConnection) -> None:
    await connection.execute("set synchronous_commit = off")
    state, found = await only(server.check_durability(connection))
    assert state == "problem"
    assert "synchronous_commit" in found


async def test_a_transaction_that_holds_everything_up(
    connection: AsyncConnection, workspace: WorkspaceUnderTest
) -> None:
    async with workspace.workspaces.owner(workspace.handle) as holding, holding.transaction():
        await holding.execute("select pg_current_xact_id()")
        found = await asked(server.check_transactions(connection, long_s=0))
        pid = holding.info.backend_pid
        assert any(f"Process {pid} " in one.found and one.state == "problem" for one in found)
    assert not any(f"Process {pid} " in one.found for one in await asked(server.check_transactions(connection)))


async def test_what_a_killed_restore_left(connection: AsyncConnection) -> None:
    name = sql.Identifier("restoring_doctored")
    await connection.execute(sql.SQL("create database {}").format(name))
    try:
        assert any("restoring_doctored" in one.found for one in await asked(server.check_leavings(connection)))
    finally:
        await connection.execute(sql.SQL("drop database {}").format(name))
    assert not any("restoring_doctored" in one.found for one in await asked(server.check_leavings(connection)))


async def changed(place: Place, *statements: str) -> None:
    """Break something as the owner of the database could."""
    async with place.workspaces.owner(place.handle) as connection:
        for statement in statements:
            await connection.execute(statement)


async def test_the_schema(place: Place) -> None:
    assert (await only(workspaces.check_schema(place)))[0] == "fine"
    await changed(
        place,
        "delete from migration where name = (select max(name) from migration)",
        "insert into migration (name, checksum) values ('9999_future', 'x')",
        "update migration set checksum = 'x' where name = '0001_kit'",
    )
    found = await asked(workspaces.check_schema(place))
    assert [one.state for one in found] == ["problem"] * 3
    assert [word in one.found for one, word in zip(found, ("pending", "9999_future", "0001_kit"), strict=True)] == [
        True
    ] * 3
    await changed(place, "drop table migration")
    assert "pending" in (await only(workspaces.check_schema(place)))[1]


async def test_another_master_key(place: Place) -> None:
    assert (await only(workspaces.check_key(place)))[0] == "fine"
    stranger = Workspaces(place.workspaces.dsn(), master_key=bytes(32))
    found = await only(workspaces.check_key(Place(stranger, place.handle, place.settings, True)))
    assert found == ("problem", "The master key is not the one that this workspace was made under.")
    await changed(place, "alter table workspace disable trigger keep", "delete from workspace")
    assert "has no row" in (await only(workspaces.check_key(place)))[1]


async def test_the_guards(place: Place) -> None:
    assert (await only(workspaces.check_guards(place)))[0] == "fine"
    await changed(
        place,
        "alter table fact disable trigger append_only",
        "drop trigger append_only on audit_leaf",
        "grant update on ledger_entry to grace_app",
    )
    found = await asked(workspaces.check_guards(place))
    assert ("audit_leaf, fact" in found[0].found, "ledger_entry" in found[1].found) == (True, True)
    assert [one.state for one in found] == ["problem"] * 2


async def test_the_policy(place: Place) -> None:
    assert (await only(workspaces.check_policy(place)))[0] == "fine"
    await changed(
        place, "alter table policy_set disable trigger user", "update policy_set set text = text || ' // older'"
    )
    assert "of an older version" in (await only(workspaces.check_policy(place)))[1]
    await changed(place, "update policy_set set source = 'workspace'")
    assert (await only(workspaces.check_policy(place)))[0] == "fine"
    await changed(place, "update policy_set set text = '// own'")
    state, found = await only(workspaces.check_policy(place))
    assert (state, "lacks rules of the shipped one: " in found) == ("notice", True)
    await changed(place, "delete from policy_set")
    assert "No policy is in force" in (await only(workspaces.check_policy(place)))[1]


async def test_the_worker_and_stuck_and_late_work(place: Place, workspace: WorkspaceUnderTest) -> None:
    await workspace.drain()
    await changed(place, "delete from procrastinate_workers")
    assert (await asked(workspaces.check_work(place)))[0].found == "No worker has ever said that it lives."
    await changed(
        place,
        "insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 h')",
        "insert into fact (kind, topic, subject, data, at, recorded_at, request_id, principal)"
        " values ('X', 'x', 'x', '{}', now(), now() - interval '1 h', 'r', 'p')",
        "insert into reaction (fact_id, subscriber, state) select max(id), 'x', 'stuck' from fact",
        "insert into procrastinate_jobs (task_name, queue_name, status) values ('t', 'q', 'failed')",
        "insert into provider_poll (provider, since, next_at) values ('stripe', 0, now() - interval '1 h')",
        "insert into provider_call (id, kind, work, noun, key, arguments, state, ordered_at)"
        " values ('call_' || repeat('0', 26), 'k', 'w', 'n', 'k', '{}', 'case', now())",
    )
    found = await asked(workspaces.check_work(place))
    said = {one.check: one.found for one in found if one.state == "problem"}
    assert {"worker", "stuck work", "provider calls", "backlog"} <= set(said)
    assert re.search(r"for 3[6-9]\d\d s", said["worker"])
    assert said["stuck work"] == "1 reactions, 1 jobs are stuck."
    late = " ".join(one.found for one in found if one.check == "backlog")
    assert ("facts to dispatch" in late, "look_for_events" in late) == (True, True)
    await changed(place, "update procrastinate_workers set last_heartbeat = now()")
    assert (await asked(workspaces.check_work(place)))[0].state == "fine"


async def test_the_checkpoints_outside(place: Place, workspace: WorkspaceUnderTest) -> None:
    assert (await only(workspaces.check_outside(place)))[0] == "notice"
    async with workspace.tx() as tx:
        signer = await load_or_create_signer(tx)
    file = CheckpointFile(place.settings.data_dir / "checkpoints" / f"{place.handle}.log")
    async with workspace.workspaces.owner(workspace.handle) as connection:
        await sealer.drain(connection, signer=signer)
        await file.complete(connection)
    assert (await only(workspaces.check_outside(place)))[0] == "fine"
    last = file.path.read_text()
    for digits in range(1, 19):  # the tail that is read of a long file begins anywhere in a note
        earlier = signer.checkpoint(10**digits, bytes(32))
        file.path.write_text(f"{earlier}\n" * (workspaces.TAIL_BYTES // len(earlier) + 1) + last)
        assert (await only(workspaces.check_outside(place)))[0] == "fine"
    file.append(signer.checkpoint(1000, bytes(32)))
    assert "does not have" in (await only(workspaces.check_outside(place)))[1]


async def test_the_providers_keys(place: Place) -> None:
    def keyed(key: str | None) -> Place:
        secret = SecretStr(key) if key else None
        return Place(
            place.workspaces, place.handle, place.settings.model_copy(update={"stripe_secret_key": secret}), True
        )

    assert (await only(workspaces.check_provider(keyed(None))))[0] == "notice"
    state, said = await only(workspaces.check_provider(keyed("sk_live_abc")))
    assert (state, "is a live key" in said, "sk_live_abc" in said) == ("problem", True, False)
    found = await asked(workspaces.check_provider(keyed("sk_test_abc")))
    assert [(one.check, one.state) for one in found] == [("provider keys", "fine"), ("webhooks", "problem")]


async def test_the_webhook_endpoint(till: Till) -> None:
    await till.settle()
    place = Place(till.workspace.workspaces, till.workspace.handle, till.settings, True)
    assert [one.state for one in await asked(workspaces.check_provider(place))] == ["fine", "fine"]
    moved = till.settings.model_copy(update={"url": "https://elsewhere.example"})
    found = await asked(workspaces.check_provider(Place(place.workspaces, place.handle, moved, True)))
    assert "another address" in found[-1].found


async def test_the_books_and_the_log(place: Place, workspace: WorkspaceUnderTest, api: httpx.AsyncClient) -> None:
    body = {"project_id": 1, "amount": "10.00", "description": "Work", "client_id": "client_abc"}
    assert (await api.post("/api/business/payments/invoice", json=body)).status_code == 200
    async with workspace.tx() as tx:
        signer = await load_or_create_signer(tx)
    async with workspace.workspaces.owner(place.handle) as connection:
        await sealer.drain(connection, signer=signer)
    assert [(await only(check(place)))[0] for check in workspaces.DEEP] == ["fine", "fine"]
    await changed(
        place,
        "alter table ledger_entry disable trigger user",
        "update ledger_entry set amount_minor = amount_minor + 1 where amount_minor > 0",
        "alter table ledger_entry enable trigger user",
        "alter table audit_entry disable trigger user",
        "update audit_entry set action = 'nothing'",
    )
    for check in workspaces.DEEP:
        found = await asked(check(place))
        assert {one.state for one in found} == {"problem"}


async def test_without_a_database_the_rest_is_still_told(own: Settings) -> None:
    findings = await examine(own)
    assert {one.check for one in findings if one.state == "problem"} == {"database"}
    assert "does not run" in findings[-1].found
    wrong = own.model_copy(update={"database_url": SecretStr("postgresql://a:b@127.0.0.1:1/x")})
    findings = await examine(wrong)
    assert [one.check for one in findings if one.state == "problem"] == ["database"]
    assert "does not answer" in findings[-1].found
    assert stop(own.data_dir) is False


async def test_a_check_that_breaks_off_is_a_finding(
    workspace: WorkspaceUnderTest, own: Settings, postgres_server: str
) -> None:
    await changed(Place(workspace.workspaces, workspace.handle, own, True), "drop table provider_poll cascade")
    reached = own.model_copy(update={"database_url": SecretStr(postgres_server)})
    findings = [one for one in await examine(reached, only=workspace.handle) if one.workspace == workspace.handle]
    (broken,) = [one for one in findings if "broke off" in one.found]
    assert (broken.check, broken.state) == ("work", "problem")
    assert {one.check for one in findings} >= {"schema", "master key", "append-only", "policy", "checkpoints"}
    assert any(one.check == "workspaces" for one in await examine(reached, only="nobody"))


def doctor(environment: dict[str, str], *options: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [GRACE, "doctor", "--json", *options], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_running_grace_is_well(running_grace: RunningGrace) -> None:
    bootstrap = [GRACE, "bootstrap", "--workspace", "healthy", "--email", "h@example.com", "--json"]
    subprocess.run(bootstrap, env=running_grace.environment, capture_output=True, check=True)
    problems: list[dict[str, Any]] = []
    for _ in range(TRIES):  # the worker has just begun with the new workspace
        code, told = doctor(running_grace.environment, "--deep", "--workspace", "healthy")
        problems = [one for one in told["findings"] if one["state"] == "problem"]
        assert code == (1 if problems else 0)
        if not problems:
            break
    assert problems == []
    assert "CREATEROLE" not in running_grace.printed.read_text()
    alive = subprocess.run(
        [GRACE, "worker", "--alive"], env=running_grace.environment, capture_output=True, text=True, check=False
    )
    assert (alive.returncode, alive.stdout, alive.stderr) == (0, "", "")
    fine = {one["check"] for one in told["findings"] if one["state"] == "fine"}
    assert fine >= {"settings", "data directory", "master key", "web", "grace up", "database", "postgresql", "worker"}
    assert fine >= {"schema", "policy", "work", "checkpoints", "provider keys", "webhooks", "books", "log"}


def test_wrong_settings_are_a_finding_too(tmp_path: Path) -> None:
    code, told = doctor({**plain_environment(), "GRACE_PORTT": "1"}, "--data", str(tmp_path))
    assert (code, told["ok"], told["problems"]) == (1, False, 1)
    assert "GRACE_PORTT" in told["findings"][0]["found"]
    done = subprocess.run(
        [GRACE, "doctor"], env=plain_environment(), capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "PROBLEM database" in done.stdout
    assert "do:  grace up" in done.stdout
    assert list(tmp_path.iterdir()) == [], "it looks and touches nothing"
