"""The copy of all checkpoints in a file, out of reach of whoever can only rewrite the database.

Each note is followed by an empty line. The file is completed from the table at every start of a sealer, so
a crash between the commit and the file loses nothing.
"""

import itertools
import os
from pathlib import Path

from psycopg import AsyncConnection

from grace.trust.audit.errors import LogRewound
from grace.trust.audit.rules.notes import MalformedNote, SignedCheckpoint, Signer, key_id, parse_checkpoint

_TAIL_BYTES = 64 * 1024
_PAGE = 1_000


class CheckpointFile:
    """An append-only file of signed notes (`<data>/checkpoints/<handle>.log`) of one log."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def leave_to(self, signer: Signer) -> Path | None:
        """Move a file of another log aside, as when a workspace was dropped and one of its name made; where it is now.

        It is named after the key that signed it, and never overwrites another. What is no checkpoint stays.
        """
        last = self._last()
        ours = key_id(signer.origin, signer.public_key)
        if last is None or any(body[:4] == ours for _, body in last.signatures):
            return None
        key = last.signatures[0][1][:4].hex()
        names = (f"{self.path.stem}.{key}{f'.{n}' if n else ''}{self.path.suffix}" for n in itertools.count())
        aside = next(path for path in map(self.path.with_name, names) if not path.exists())
        os.link(self.path, aside)  # unlike a rename it fails where a file has come meanwhile
        self.path.unlink()
        return aside

    async def complete(self, connection: AsyncConnection) -> None:
        """Bring the file up to the table: drop a note that a crash left half written, add the missing ones.

        Raises LogRewound when the file ends in a checkpoint that the table does not have.
        """
        last = self._repair()
        size = 0 if last is None else last.size
        if last is not None:
            cursor = await connection.execute("select root from audit_checkpoint where size = %s", [size])
            row = await cursor.fetchone()
            if row is None or row[0] != last.root:
                raise LogRewound(
                    f"{self.path} ends in a checkpoint of {size} entries that the database does not have;"
                    " if that log was given up on purpose, move the file aside"
                )
        while True:
            cursor = await connection.execute(
                "select size, note from audit_checkpoint where size > %s order by size limit %s",
                [size, _PAGE],
            )
            rows = await cursor.fetchall()
            if not rows:
                return
            self.append(*(note for _, note in rows))
            size = rows[-1][0]

    def append(self, *notes: str) -> None:
        """Add notes and wait until they are on the disk."""
        is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write("".join(f"{note}\n" for note in notes).encode())
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            directory = os.open(self.path.parent, os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)

    def _last(self) -> SignedCheckpoint | None:
        """The last whole note; None without one, also in a file of something else."""
        try:
            return self._repair()
        except LogRewound:
            return None

    def _repair(self) -> SignedCheckpoint | None:
        """The last whole note; what follows it is cut off."""
        if not self.path.exists():
            return None
        with self.path.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, end - _TAIL_BYTES))
            tail = file.read()
            whole = _end_of_last_note(tail)
            if start + whole < end:
                file.truncate(start + whole)
                os.fsync(file.fileno())
        if whole == 0:
            if start:
                raise LogRewound(f"{self.path} does not end in checkpoints")
            return None
        blocks = tail[:whole].decode().rstrip("\n").rsplit("\n\n", 2)
        try:
            return parse_checkpoint("\n\n".join(blocks[-2:]) + "\n")
        except MalformedNote as error:
            raise LogRewound(f"{self.path} does not end in a checkpoint: {error}") from error


def _end_of_last_note(tail: bytes) -> int:
    """Where the last note ends whose signature line and empty line are both there."""
    mark = "\n\n\u2014 ".encode()
    signature = tail.rfind(mark)
    while signature >= 0:
        end = tail.find(b"\n\n", signature + len(mark))
        if end >= 0:
            return end + 2
        signature = tail.rfind(mark, 0, signature)
    return 0
