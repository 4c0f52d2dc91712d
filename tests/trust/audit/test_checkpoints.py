"""The file of checkpoints outside the database: complete after every crash, and it knows a log that was rewound."""

from pathlib import Path

import pytest

from grace.trust.audit.checkpoints import CheckpointFile
from grace.trust.audit.errors import LogRewound
from grace.trust.audit.rules.notes import Signer, split_notes
from tests.trust.audit.conftest import Log


async def notes_in_table(log: Log) -> list[str]:
    async with log.owner() as connection:
        cursor = await connection.execute("select note from audit_checkpoint order by size")
        return [note for (note,) in await cursor.fetchall()]


async def complete(log: Log, file: CheckpointFile) -> None:
    async with log.owner() as connection:
        await file.complete(connection)


async def sealed(log: Log, passes: int) -> None:
    for _ in range(passes):
        await log.record(2)
        await log.seal()


async def test_a_missing_file_is_made_from_the_table(log: Log, tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "checkpoints" / "main.log")
    await complete(log, file)
    assert not file.path.exists()
    await sealed(log, 3)
    await complete(log, file)
    await complete(log, file)
    assert split_notes(file.path.read_text()) == await notes_in_table(log)
    report = await log.verify(against=file.path.read_bytes())
    assert (report.completeness_proven, report.proven_size) == (True, 6)


async def test_a_crash_at_any_byte_is_mended(log: Log, tmp_path: Path) -> None:
    await sealed(log, 3)
    file = CheckpointFile(tmp_path / "main.log")
    await complete(log, file)
    whole = file.path.read_bytes()
    async with log.owner() as connection:
        for end in range(len(whole)):
            file.path.write_bytes(whole[:end])
            await file.complete(connection)
            assert file.path.read_bytes() == whole, end


async def test_a_long_file_is_read_from_its_end(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await sealed(log, 3)
    file = CheckpointFile(tmp_path / "main.log")
    await complete(log, file)
    whole = file.path.read_bytes()
    monkeypatch.setattr("grace.trust.audit.checkpoints._TAIL_BYTES", len(whole) * 5 // 6)
    file.path.write_bytes(whole[:-5])
    await complete(log, file)
    assert file.path.read_bytes() == whole


@pytest.mark.parametrize("size", ["size = 6", "size > 0"])
async def test_a_rewound_log_is_refused(log: Log, tmp_path: Path, size: str) -> None:
    await sealed(log, 3)
    file = CheckpointFile(tmp_path / "main.log")
    await complete(log, file)
    await log.tamper(f"delete from audit_checkpoint where {size}")
    with pytest.raises(LogRewound, match="does not have"):
        await complete(log, file)


async def test_another_root_is_refused(log: Log, tmp_path: Path) -> None:
    await sealed(log, 2)
    file = CheckpointFile(tmp_path / "main.log")
    await complete(log, file)
    await log.tamper("update audit_checkpoint set root = sha256('') where size = 4")
    with pytest.raises(LogRewound):
        await complete(log, file)


async def test_a_file_of_something_else_is_refused(log: Log, tmp_path: Path) -> None:
    await sealed(log, 1)
    file = CheckpointFile(tmp_path / "main.log")
    file.path.write_text("a letter\n\n— from somebody\n\n")
    with pytest.raises(LogRewound, match="does not end in a checkpoint"):
        await complete(log, file)


async def test_the_file_of_a_log_that_is_gone_is_moved_aside(log: Log, tmp_path: Path) -> None:
    await sealed(log, 2)
    file = CheckpointFile(tmp_path / "main.log")
    aside = {}
    for number in range(3):
        gone = Signer("grace/main", bytes([number // 2]) * 32)
        note = gone.checkpoint(99 + number, bytes(32)) + "\n"
        file.path.write_text(note)
        assert file.leave_to(gone) is None
        moved = file.leave_to(log.signer)
        assert moved is not None
        assert not file.path.exists()
        aside[moved] = note
    assert len(aside) == 3
    assert all(path.read_text() == note for path, note in aside.items())
    await complete(log, file)
    assert file.leave_to(log.signer) is None
