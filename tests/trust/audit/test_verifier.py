"""Verification finds each kind of tampering, wherever it is done; what only an outside copy can show, with one."""

import random
from base64 import b64encode

import pytest

from grace.trust.audit import queries, service
from grace.trust.audit.rules import canonical
from grace.trust.audit.rules.notes import Signer
from tests.trust.audit.conftest import Log

SIZE = 60


async def filled(log: Log) -> None:
    """60 sealed entries under several checkpoints, one of them with an erased payload."""
    for _ in range(6):
        await log.record(SIZE // 6 - (1 if _ == 5 else 0))
        await log.seal()
    async with log.tx() as tx:
        await service.erase_payload(tx, subject=("invoice", "in_1"))
    await log.seal()


def flip(column: str, at: int) -> str:
    return f"set_byte({column}, {at}, get_byte({column}, {at}) # 1)"


def entry(leaf: int) -> str:
    return f"(select entry_id from audit_leaf where index = {leaf})"


TAMPERING: dict[str, tuple[str, ...]] = {
    "header changed": ("update audit_entry set header = {flip_header} where id = {entry}",),
    "commitment changed": ("update audit_entry set commitment = {flip_commitment} where id = {entry}",),
    "columns changed": ("update audit_entry set action = 'other' where id = {entry}",),
    "principal changed": ("update audit_entry set principal_id = 'user_2' where id = {entry}",),
    "time changed": ("update audit_entry set at = at - interval '1 microsecond' where id = {entry}",),
    "time out of range": ("update audit_entry set at = 'infinity' where id = {entry}",),
    "entry deleted": ("delete from audit_entry where id = {entry}",),
    "entry deleted with its payload": (
        "delete from audit_payload where entry_id = {entry}",
        "delete from audit_entry where id = {entry}",
    ),
    "entry and leaf deleted": (
        "delete from audit_entry where id = {entry}",
        "delete from audit_leaf where index = {leaf}",
    ),
    "entry removed, the rest moved up": (
        "delete from audit_payload where entry_id = {entry}",
        "delete from audit_entry where id = {entry}",
        "delete from audit_leaf where index = {leaf}",
        "update audit_leaf set index = -index where index > {leaf}",
        "update audit_leaf set index = -index - 1 where index < 0",
    ),
    "payload changed": ("update audit_payload set payload = {flip_payload} where entry_id = {kept}",),
    "salt changed": ("update audit_payload set salt = {flip_salt} where entry_id = {kept}",),
    "payload deleted": ("delete from audit_payload where entry_id = {kept}",),
    "payloads exchanged": (
        "update audit_payload a set payload = b.payload, salt = b.salt from audit_payload b"
        " where (a.entry_id, b.entry_id) in (({kept}, {kept2}), ({kept2}, {kept}))",
    ),
    "leaf changed": ("update audit_leaf set hash = {flip_hash} where index = {leaf}",),
    "entry changed with its leaf": (
        "update audit_entry set header = {flip_header} where id = {entry}",
        "update audit_leaf l set hash = sha256('\\x00'::bytea || e.header || e.commitment) from audit_entry e"
        " where l.index = {leaf} and e.id = l.entry_id",
    ),
    "leaves exchanged": (
        "update audit_leaf a set index = -1 - b.index from audit_leaf b"
        " where (a.index, b.index) in (({leaf}, {leaf2}), ({leaf2}, {leaf}))",
        "update audit_leaf set index = -1 - index where index < 0",
    ),
    "entries exchanged": (
        "update audit_entry a set header = b.header, commitment = b.commitment, subject_id = b.subject_id"
        " from audit_entry b where (a.id, b.id) in (({entry}, {entry2}), ({entry2}, {entry}))",
    ),
    "node changed": ("update audit_node set hash = {flip_hash} where index = {node}",),
    "node deleted": ("delete from audit_node where index = {node}",),
    "node added": ("insert into audit_node values (8, 0, sha256(''))",),
    "root of a checkpoint changed": ("update audit_checkpoint set root = {flip_root} where size = {size}",),
    "checkpoint resized": ("update audit_checkpoint set size = size + 1 where size = {size}",),
    "last checkpoint deleted": ("delete from audit_checkpoint where size = 60",),
    "note of a checkpoint changed": (
        "update audit_checkpoint set note = overlay(note placing 'xxxx' from length(note) - 40) where size = {size}",
    ),
    "note of a checkpoint replaced": ("update audit_checkpoint set note = 'signed' where size = {size}",),
    "entry put among the sealed": (
        "insert into audit_entry overriding system value select id - 1000000, xid, at, principal_id, action,"
        " subject_kind, subject_id, header, commitment"
        " from audit_entry where id = {entry}",
    ),
    "head moved": ("update audit_head set size = size - 1",),
}


@pytest.mark.parametrize("kind", TAMPERING)
async def test_tampering_is_found(log: Log, kind: str) -> None:
    """At three random places of the log, each on top of the ones before."""
    await filled(log)
    assert (await log.verify()).ok
    chance, found = random.Random(kind), 0
    for _ in range(3):
        leaf, leaf2 = chance.sample([n for n in range(SIZE - 1) if n % 10 != 1], 2)
        at = chance.randrange(30)
        places = {
            "leaf": str(leaf), "leaf2": str(leaf2), "entry": entry(leaf), "entry2": entry(leaf2), "kept": entry(leaf),
            "kept2": entry(leaf2), "node": str(chance.randrange(3)), "size": str(chance.randrange(1, 6) * 10),
        }  # fmt: skip
        flips = {f"flip_{c}": flip(c, at) for c in ("header", "commitment", "payload", "salt", "hash", "root")}
        touched = await log.tamper(*(statement.format(**places, **flips) for statement in TAMPERING[kind]))
        report = await log.verify()
        if touched:
            assert report.finding_count, kind
            found += 1
        assert report.ok == (found == 0)
        if "added" in kind or "put" in kind or "resized" in kind:
            break
    assert found


async def test_an_untouched_log(log: Log) -> None:
    await filled(log)
    await log.record(2, subject="unsealed")
    report = await log.verify()
    assert (report.size, report.checkpoints, report.unsealed) == (SIZE, 7, 2)
    assert report.erased == 6
    assert not report.completeness_proven
    assert report.sentences()[-2:] == [
        "Completeness is unproven: whoever holds the database and its key could have cut or rewritten the log. "
        "Verify against a checkpoint that was kept elsewhere.",
        "Nothing was altered.",
    ]


async def test_a_workspace_without_a_log(log: Log) -> None:
    await log.tamper("delete from audit_signer")
    report = await log.verify()
    assert (report.ok, report.size) == (True, 0)


async def test_an_entry_deleted_before_it_was_sealed(log: Log) -> None:
    await log.record(3)
    await log.tamper("delete from audit_entry where subject_id = 'in_1'")
    await log.seal()
    assert "Entry 2 was deleted before it was sealed; its payload is still there." in (await log.verify()).sentences()


async def outside(log: Log) -> bytes:
    async with log.tx() as tx:
        checkpoint = await queries.last_checkpoint(tx)
    assert checkpoint is not None
    return checkpoint.note.encode()


async def test_an_outside_checkpoint_proves_completeness(log: Log) -> None:
    await filled(log)
    note = await outside(log)
    await log.record(5)
    await log.seal()
    report = await log.verify(against=note)
    assert (report.ok, report.completeness_proven, report.proven_size, report.size) == (True, True, SIZE, SIZE + 5)


async def test_a_cut_log_is_found_with_an_outside_checkpoint_only(log: Log) -> None:
    await filled(log)
    note = await outside(log)
    await log.tamper(
        "delete from audit_payload where entry_id >= (select entry_id from audit_leaf where index = 40)",
        "delete from audit_entry where id >= (select entry_id from audit_leaf where index = 40)",
        "delete from audit_leaf where index >= 40",
        "delete from audit_node where index >= 2",
        "delete from audit_checkpoint where size > 40",
        "update audit_head h set size = 40, xid = l.xid, entry_id = l.entry_id from audit_leaf l where l.index = 39",
        # The erasure on record was cut off too.
        "insert into audit_payload select e.id, sha256('a'), 'b' from audit_entry e where false",
    )
    report = await log.verify()
    assert all("no erasure is on record" in finding.detail for finding in report.findings)
    assert not report.completeness_proven
    report = await log.verify(against=note)
    assert f"The outside checkpoint covers {SIZE} entries; the log, of 40, was cut." in report.sentences()
    assert not report.completeness_proven


async def test_a_log_rewritten_with_its_key_is_found_with_an_outside_checkpoint_only(log: Log) -> None:
    await log.record(50)
    await log.seal()
    note = await outside(log)
    async with log.owner() as connection:
        cursor = await connection.execute("select header from audit_entry where id = 20")
        (original,) = await cursor.fetchone() or (b"",)
    header = canonical.header_bytes(canonical.read_header(original)._replace(principal_id="user_666"))
    await log.tamper(
        "delete from audit_leaf",
        "delete from audit_node",
        "delete from audit_checkpoint",
        "update audit_head set size = 0, xid = '0', entry_id = 0",
        f"update audit_entry set principal_id = 'user_666', header = '\\x{header.hex()}' where id = 20",
    )
    await log.seal()
    report = await log.verify(keys=log.workspaces.keys(log.handle))
    assert (report.ok, report.completeness_proven) == (True, False)
    report = await log.verify(against=note)
    assert [f.detail for f in report.findings] == [
        "The outside checkpoint of 50 entries does not match: the log was rewritten."
    ]


async def test_a_log_signed_with_another_key_is_found(log: Log) -> None:
    await log.record(5)
    await log.seal()
    note = await outside(log)
    forger = Signer(log.signer.origin, b"\x05" * 32)
    await log.tamper(
        "delete from audit_leaf",
        "delete from audit_checkpoint",
        "update audit_head set size = 0, xid = '0', entry_id = 0",
        f"update audit_signer set public_key = '\\x{forger.public_key.hex()}'",
    )
    log.signer = forger
    await log.seal()
    assert (await log.verify()).ok
    report = await log.verify(keys=log.workspaces.keys(log.handle))
    assert "not the one that this installation made" in str(report.findings[0])
    assert "is not signed by this log" in (await log.verify(against=note)).sentences()[0]


@pytest.mark.parametrize("content", ["", "nothing", "a\n1\n" + b64encode(bytes(32)).decode() + "\n\n— a AAAAAAAA\n"])
async def test_an_outside_file_that_proves_nothing_is_a_finding(log: Log, content: str) -> None:
    await log.record(1)
    await log.seal()
    report = await log.verify(against=content.encode())
    assert not report.ok
    assert not report.completeness_proven


async def test_findings_are_counted_and_the_first_are_kept(log: Log) -> None:
    await log.record(150)
    await log.seal()
    await log.tamper("update audit_entry set action = 'other'")
    report = await log.verify()
    assert (report.finding_count, len(report.findings)) == (150, 100)
    assert report.findings[0].leaf == 0
    assert "… and 50 findings more." in report.sentences()
