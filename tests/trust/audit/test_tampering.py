"""Every kind of tampering with an export, at random places, a thousand times, is found by the stand-alone verifier."""

import base64
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grace.trust.audit.rules.notes import Signer, verifier_key
from tests.trust.audit.exports import PROGRAM, MemoryLog, program, some_log, text

Lines = list[bytes]
Chance = random.Random
TIMES = 1_000
HEAD = 4  # the lines before the checkpoints


def places(lines: Lines, word: bytes) -> list[int]:
    return [place for place, line in enumerate(lines) if line.startswith(word + b" ")]


def flip(chance: Chance, data: bytes) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def in_field(lines: Lines, place: int, number: int, change: Callable[[bytes], bytes]) -> None:
    """Change the decoded bytes of one field of a line."""
    parts = lines[place].split(b" ")
    parts[number] = base64.b64encode(change(base64.b64decode(parts[number])))
    lines[place] = b" ".join(parts)


def whole_entries(lines: Lines) -> list[int]:
    return [place for place in places(lines, b"e") if not lines[place].endswith(b" -")]


def renumber(lines: Lines) -> None:
    """What a careful forger does: numbers and counts fit again."""
    entries, notes = places(lines, b"e"), places(lines, b"c")
    for number, place in enumerate(entries):
        parts = lines[place].split(b" ")
        lines[place] = b" ".join([b"e", b"%d" % number, *parts[2:]])
    lines[2], lines[3] = b"size %d" % len(entries), b"checkpoints %d" % len(notes)


def change_byte(lines: Lines, chance: Chance) -> None:
    """One byte anywhere, also of what is not hashed."""
    place = chance.randrange(len(lines))
    at = chance.randrange(len(lines[place]))
    other = chance.choice([byte for byte in range(32, 127) if byte != lines[place][at]])
    lines[place] = lines[place][:at] + bytes([other]) + lines[place][at + 1 :]


def change_bit(lines: Lines, chance: Chance) -> None:
    """One bit of a header, commitment, salt or payload."""
    in_field(lines, chance.choice(whole_entries(lines)), chance.randrange(2, 6), lambda data: flip(chance, data))


def delete(lines: Lines, chance: Chance) -> None:
    del lines[chance.choice(places(lines, b"e"))]
    renumber(lines)


def reorder(lines: Lines, chance: Chance) -> None:
    one, other = chance.sample(places(lines, b"e"), 2)
    lines[one], lines[other] = lines[other], lines[one]
    renumber(lines)


def cut(lines: Lines, chance: Chance) -> None:
    """The end, anywhere: the checkpoints still know."""
    del lines[chance.choice(places(lines, b"e")) : -1]
    renumber(lines)


def cut_file(lines: Lines, chance: Chance) -> None:
    del lines[chance.randrange(len(lines)) :]


def insert(lines: Lines, chance: Chance) -> None:
    """A new entry, well made."""
    log = MemoryLog()
    log.record("pay", ("invoice", "in_1"), after={"paid": True})
    lines.insert(chance.choice(places(lines, b"e")), places_of_entries(log))
    renumber(lines)


def places_of_entries(log: MemoryLog) -> bytes:
    return next(line for line in log.export() if line.startswith(b"e "))


def double(lines: Lines, chance: Chance) -> None:
    place = chance.choice(places(lines, b"e"))
    lines.insert(chance.choice([place, *places(lines, b"e")]), lines[place])
    renumber(lines)


def swap_payloads(lines: Lines, chance: Chance) -> None:
    """With or without their salts, or the salts alone."""
    one, other = chance.sample(whole_entries(lines), 2)
    for number in chance.choice([(4,), (5,), (4, 5), (3, 4, 5)]):
        mine, theirs = lines[one].split(b" "), lines[other].split(b" ")
        mine[number], theirs[number] = theirs[number], mine[number]
        lines[one], lines[other] = b" ".join(mine), b" ".join(theirs)


def drop_payload(lines: Lines, chance: Chance) -> None:
    """As if it had been erased, of a subject that nobody erased."""
    kept = [place for place in whole_entries(lines) if b"in_3" not in base64.b64decode(lines[place].split(b" ")[2])]
    place = chance.choice(kept)
    lines[place] = b" ".join([*lines[place].split(b" ")[:4], b"-", b"-"])


def shift(lines: Lines, chance: Chance) -> None:
    """The same hashed bytes, taken apart elsewhere: between header and commitment, or salt and payload."""
    place, number = chance.choice(whole_entries(lines)), chance.choice([2, 4])
    parts = lines[place].split(b" ")
    joined = base64.b64decode(parts[number]) + base64.b64decode(parts[number + 1])
    at = chance.choice([at for at in range(len(joined)) if at != len(base64.b64decode(parts[number]))])
    parts[number], parts[number + 1] = base64.b64encode(joined[:at]), base64.b64encode(joined[at:])
    lines[place] = b" ".join(parts)


def change_checkpoint(lines: Lines, chance: Chance) -> None:
    """Its text or its signature."""
    in_field(lines, chance.choice(places(lines, b"c")), 1, lambda data: flip(chance, data))


def reorder_checkpoints(lines: Lines, chance: Chance) -> None:
    one, other = chance.sample(places(lines, b"c"), 2)
    lines[one], lines[other] = lines[other], lines[one]


def sign_otherwise(lines: Lines, chance: Chance) -> None:
    """Another key signs a checkpoint of the same log, or its key is named instead."""
    stranger = Signer("grace/main", chance.randbytes(32))
    if chance.random() < 0.5:
        lines[1] = b"key " + verifier_key("grace/main", stranger.public_key).encode()
        return
    place = chance.choice(places(lines, b"c"))
    note = base64.b64decode(lines[place].split(b" ")[1]).decode().split("\n")
    forged = stranger.checkpoint(int(note[1]), base64.b64decode(note[2]))
    lines[place] = b"c " + base64.b64encode(forged.encode())


def rewrite(lines: Lines, chance: Chance) -> None:
    """A header is changed, and so is its payload's commitment: a well-made entry says something else."""
    place = chance.choice(places(lines, b"e"))
    in_field(lines, place, 2, lambda header: header.replace(b"issue_invoice", b"grant_rebates").replace(b"r", b"s"))


KINDS = [
    change_byte, change_bit, delete, reorder, cut, cut_file, insert, double, swap_payloads, drop_payload, shift,
    change_checkpoint, reorder_checkpoints, sign_otherwise, rewrite,
]  # fmt: skip


def exit_code(content: bytes, folder: Path, *options: str) -> int:
    path = folder / "log.export"
    path.write_bytes(content)
    code: int = program().main([str(path), *options])
    return code


def test_an_honest_export_has_no_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = some_log()
    assert exit_code(text(log.export()), tmp_path, "--key", log.key) == 0
    said = capsys.readouterr().out
    assert "41 entries under 9 signed checkpoints" in said
    assert "Nothing was altered" in said
    assert "Not proven: completeness" in said
    assert "what 6 entries said whose payloads were erased" in said


def test_whatever_is_tampered_with_is_found(tmp_path: Path) -> None:
    honest = some_log().export()
    chance = random.Random(7)
    for number in range(TIMES):
        kind = KINDS[number % len(KINDS)]
        lines = list(honest)
        kind(lines, chance)
        if lines != honest:
            assert exit_code(text(lines), tmp_path) != 0, f"{kind.__name__}, {number}"


def test_a_log_that_was_cut_or_rewritten_by_its_own_key_is_found_by_a_checkpoint_kept_elsewhere(
    tmp_path: Path,
) -> None:
    log = some_log()
    kept = tmp_path / "kept"
    kept.write_text(f"{log.notes[4]}\n{log.notes[6]}\n")
    assert exit_code(text(log.export()), tmp_path, "--against", str(kept)) == 0
    chance = random.Random(3)
    for _ in range(50):
        other = MemoryLog(signer=log.signer, entries=list(log.entries))
        place, kind = chance.randrange(34), chance.randrange(3)
        if kind == 0:
            del other.entries[place]
        elif kind == 1:
            other.entries.insert(0, other.entries[place])
        else:
            del other.entries[place:]
        other.seal()
        assert exit_code(text(other.export()), tmp_path, "--against", str(kept)) == 1


@pytest.mark.parametrize("size", [0, 1, 2, 3, 16, 17])
def test_small_logs(size: int, tmp_path: Path) -> None:
    log = MemoryLog(every=1)
    for number in range(size):
        log.record("issue_invoice", ("invoice", f"in_{number}"))
    log.seal()
    assert exit_code(text(log.export()), tmp_path) == 0


GARBAGE = {
    "nothing": b"",
    "text": b"a letter\n",
    "noise": random.Random(1).randbytes(10_000),
    "an export of the future": b"grace-audit-export 2\n",
    "a head alone": b"grace-audit-export 1\n",
    "no number": b"grace-audit-export 1\nkey a+b+c\nsize many\n",
    "no json": b'{"format": ',
    "json of something": b'{"format": "x"}',
    "deep json": b"[" * 100_000,
    "json twice": b'{"format": "grace-receipt-1", "format": "grace-receipt-1"}',
    "a gzip's beginning": bytes.fromhex("1f8b0800000000000003"),
    "no gzip": b"\x1f\x8b" + random.Random(2).randbytes(1000),
    "one line": b"grace-audit-export 1" + b"x" * (1 << 20) + b"\n",
    "hidden": b"\x1b[2Jgrace-audit-export\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_a_sentence(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(GARBAGE[name], tmp_path) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.count("\n") == 1
    assert said.err.rstrip().endswith(".")
    assert said.err.rstrip("\n").isprintable()


def test_it_needs_nothing_of_grace(tmp_path: Path) -> None:
    path = tmp_path / "log.export"
    path.write_bytes(text(some_log().export()))
    done = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", PROGRAM, path],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "cryptography" in modules
    assert not modules & {"grace", "psycopg", "pydantic"}
