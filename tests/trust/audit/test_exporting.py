"""The export of a log in the database: what the stand-alone verifier says of it, honest and tampered with."""

from pathlib import Path

import pytest

from grace.trust.audit import service
from grace.trust.audit.errors import NoLog
from grace.trust.audit.exporting import export
from tests.trust.audit.conftest import Log
from tests.trust.audit.exports import program


async def exported(log: Log, path: Path) -> Path:
    async with log.owner() as connection:
        with path.open("wb") as file:
            await export(connection, file.write)
    return path


def findings(path: Path, against: Path | None = None) -> list[str]:
    found: list[str] = program().verify(path, against=against).findings
    return found


async def sealed(log: Log) -> None:
    for part in ("a", "b", "c"):
        await log.record(7, subject=part)
        await log.seal()
    async with log.tx() as tx:
        await service.erase_payload(tx, subject=("invoice", "b_2"), reason="asked")
    await log.record(2, subject="d")
    await log.seal()


async def test_an_export_verifies_and_says_the_same_as_the_database(log: Log, tmp_path: Path) -> None:
    await sealed(log)
    told: list[tuple[int, int]] = []
    async with log.owner() as connection:
        with (tmp_path / "log").open("wb") as file:
            done = await export(connection, file.write, told=lambda *at: told.append(at))
    assert (done.size, done.checkpoints, told) == (24, 4, [(24, 24)])
    report = program().verify(tmp_path / "log")
    assert report.findings == []
    database = await log.verify()
    assert f"Root {database.root.hex()}" in "\n".join(report.about)
    assert "what 1 entries said" in "\n".join(report.unproven)
    kept = tmp_path / "kept"
    kept.write_text(str(await log.value("select note from audit_checkpoint order by size limit 1")))
    report = program().verify(tmp_path / "log", against=kept)
    assert report.findings == []
    assert any("the first 7 entries" in sentence for sentence in report.proven)


TAMPERING = {
    "payload": "update audit_payload set payload = payload || ' ' where entry_id = 4",
    "salt": "update audit_payload set salt = sha256(salt) where entry_id = 4",
    "payload gone": "delete from audit_payload where entry_id = 4",
    "header": "update audit_entry set header = set_byte(header, 40, 65) where id = 9",
    "entry gone": "delete from audit_entry where id = 9",
    "leaf gone": "delete from audit_leaf where index = 9",
    "cut": "delete from audit_leaf where index > 20",
    "swapped": "update audit_leaf l set index = -1 - l.index where index in (3, 4);"
    " update audit_leaf l set index = 7 + 1 + l.index where index < 0",
    "checkpoint": "update audit_checkpoint set note = replace(note, '14', '13') where size = 14",
    "another key": "update audit_signer set public_key = sha256('x')",
    "a line break in a payload": "update audit_payload set payload = E'a\\\\012e 4' where entry_id = 4",
}


@pytest.mark.parametrize("kind", TAMPERING)
async def test_a_damaged_log_is_exported_and_found_out(kind: str, log: Log, tmp_path: Path) -> None:
    await sealed(log)
    assert await log.tamper(*TAMPERING[kind].split(";"))
    assert findings(await exported(log, tmp_path / "log"))


async def test_without_a_log_there_is_nothing_to_export(log: Log, tmp_path: Path) -> None:
    await log.tamper("delete from audit_signer")
    with pytest.raises(NoLog, match="Nothing is recorded"):
        await exported(log, tmp_path / "log")
