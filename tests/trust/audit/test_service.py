"""Recording and erasing: one statement per transaction, in it or not at all, append-only."""

import json
from datetime import timedelta

import psycopg
import pytest

from grace.kit.keys import Keys, OtherKey
from grace.kit.tx import Principal, transaction
from grace.kit.workspace import Workspaces
from grace.trust.audit import queries, service
from tests.fixtures.workspace import MASTER_KEY
from tests.trust.audit.conftest import OWNER, Log

INVOICE = ("invoice", "in_1")


async def test_an_entry_says_who_what_why_and_the_change(log: Log) -> None:
    agent = Principal("agent", "agent_1", "Ada", owner="user_1")
    async with log.tx(agent) as tx:
        service.record(
            tx, action="issue_invoice", subject=INVOICE, reason="due", before={"status": "draft"}, after={"total": 5}
        )
        moment, request_id = tx.now, tx.request_id
    async with log.tx() as tx:
        [entry] = await queries.history(tx, subject=INVOICE)
    assert (entry.principal_kind, entry.principal_id, entry.principal_owner) == ("agent", "agent_1", "user_1")
    assert (entry.action, entry.subject_kind, entry.subject_id) == ("issue_invoice", *INVOICE)
    assert (entry.request_id, entry.at, entry.leaf) == (request_id, moment, None)
    assert entry.at - entry.recorded_at == timedelta(days=3)
    assert json.loads(entry.payload or "") == {"reason": "due", "before": {"status": "draft"}, "after": {"total": 5}}


async def test_all_entries_of_a_transaction_are_one_statement_before_the_commit(log: Log) -> None:
    async with log.tx() as tx:
        before = tx.statements
        for n in range(50):
            service.record(tx, action="touch", subject=("thing", f"t_{n}"), after={"n": n})
        assert tx.statements == before
        await tx.flush()
        assert tx.statements == before + 1
        rows = await tx.all(
            dict,
            "select e.subject_id, convert_from(p.payload, 'UTF8') as payload from audit_entry e"
            " join audit_payload p on p.entry_id = e.id order by e.id",
        )
    assert [row["subject_id"] for row in rows] == [f"t_{n}" for n in range(50)]
    assert [json.loads(row["payload"])["after"]["n"] for row in rows] == list(range(50))


async def test_nothing_is_left_of_a_transaction_that_fails(log: Log) -> None:
    async def fail() -> None:
        async with log.tx() as tx:
            service.record(tx, action="touch", subject=INVOICE)
            await tx.flush()
            raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        await fail()
    assert await log.value("select count(*) from audit_entry") == 0
    assert await log.value("select count(*) from audit_payload") == 0


async def test_no_secret_enters(log: Log) -> None:
    async with log.tx() as tx:
        service.record(
            tx,
            action="store_key",
            subject=INVOICE,
            reason="replaces sk_live_0123456789abcdef",
            before={"api_key": "hunter2-old"},
            after={"nested": [{"client_secret": "hunter2-new"}], "note": "Bearer hunter2hunter2"},
        )
    payload = await log.value("select convert_from(payload, 'UTF8') from audit_payload")
    assert "hunter2" not in str(payload)
    assert "sk_live" not in str(payload)


@pytest.mark.parametrize("table", ["entry", "payload", "leaf", "node", "checkpoint", "signer"])
@pytest.mark.parametrize("change", ["delete from {}", "update {} set {}", "truncate {}"])
async def test_append_only(log: Log, table: str, change: str) -> None:
    await log.record(20)
    await log.seal()
    column = {"entry": "header", "payload": "payload", "signer": "public_key", "checkpoint": "root"}.get(table, "hash")
    statement = change.format(f"audit_{table}", f"{column} = {column}").encode()
    async with log.owner() as connection:
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never changed"):
            await connection.execute(statement)
    if await log.workspaces.app_role_exists():
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with log.tx() as tx:
                await tx.execute(statement.decode())


async def test_the_application_cannot_seal(log: Log) -> None:
    if not await log.workspaces.app_role_exists():
        pytest.skip("this login may not create the restricted role")
    for table, columns in (("leaf", "(0, '1', 1, sha256(''))"), ("checkpoint", "(0, sha256(''), '')")):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with log.tx() as tx:
                await tx.execute(f"insert into audit_{table} values {columns}")


async def test_erasing_payloads_breaks_no_proof_and_is_on_record(log: Log) -> None:
    await log.record(40)
    await log.record(3, subject="person")
    await log.seal()
    async with log.tx() as tx:
        erased = await service.erase_payload(tx, subject=("invoice", "person_0"), reason="request 17")
    await log.seal()
    assert erased == 1
    report = await log.verify()
    assert (report.ok, report.erased, report.size) == (True, 1, 44)
    async with log.tx() as tx:
        newest, oldest = await queries.history(tx, subject=("invoice", "person_0"))
    assert oldest.payload is None
    assert (newest.action, newest.principal_id) == (service.ERASED, OWNER.id)
    assert json.loads(newest.payload or "")["after"] == {"entries": 1}


async def test_the_signer_is_made_once_and_kept_encrypted(log: Log) -> None:
    async with log.tx() as tx:
        again = await service.load_or_create_signer(tx)
        tx.keys = Keys(b"\x01" * 32, log.handle)
        with pytest.raises(OtherKey):
            await service.load_or_create_signer(tx)
    assert again.origin == f"grace/{log.handle}"
    assert again.public_key == log.signer.public_key
    sealed = await log.value("select sealed_private_key from audit_signer")
    assert isinstance(sealed, bytes)
    assert len(sealed) == 12 + 32 + 16


async def test_a_connection_keeps_the_signer_that_is_stored_and_none_that_was_rolled_back(
    log: Log, postgres_server: str
) -> None:
    await log.tamper("delete from audit_signer")
    alone = Workspaces(postgres_server, master_key=MASTER_KEY, pool_size=1)
    keys: list[bytes] = []
    with pytest.raises(ZeroDivisionError):
        async with transaction(alone, log.handle) as tx:
            keys = [(await service.signer(tx)).public_key for _ in range(2)]
            raise ZeroDivisionError
    for _ in range(3):
        async with transaction(alone, log.handle) as tx:
            keys.append((await service.signer(tx)).public_key)
    async with transaction(alone, log.handle) as tx:
        assert await service.signer(tx) is await service.signer(tx)
    await alone.close()
    gone, gone_too, *kept = keys
    assert gone == gone_too
    assert {*kept} == {await log.value("select public_key from audit_signer")} != {gone}


async def test_a_replaced_key_is_refused(log: Log) -> None:
    await log.tamper("update audit_signer set public_key = sha256('mine')")
    with pytest.raises(OtherKey):
        async with log.tx() as tx:
            await service.load_or_create_signer(tx)
