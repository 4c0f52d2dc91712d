"""Files of work, kept in the database in pieces; read and written with flat memory."""

import asyncio
import hashlib
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from grace.flows.work.models import Side
from grace.kit.tx import Tx

PIECE = 512 * 1024
_PAGE = 8
_LONGEST_NAME = 100
_EPOCH = (2000, 1, 1, 0, 0, 0)
"""The time of files in an archive: the same archive is made each time."""


@dataclass(frozen=True, slots=True)
class _Piece:
    number: int
    name: str | None
    content: bytes


async def append(tx: Tx, work_id: str, side: Side, content: bytes, *, name: str | None = None) -> None:
    """Add a piece at the end."""
    if content:
        await tx.execute(
            "insert into work_piece (work_id, side, number, name, content) select %(id)s, %(side)s,"
            " coalesce(max(number), 0) + 1, %(name)s, %(content)s from work_piece"
            " where work_id = %(id)s and side = %(side)s",
            id=work_id,
            side=side,
            name=name,
            content=content,
        )


async def append_file(tx: Tx, work_id: str, side: Side, file: BinaryIO) -> None:
    """Add all that is left of a file."""
    while content := await asyncio.to_thread(file.read, PIECE):
        await append(tx, work_id, side, content)


async def has(tx: Tx, work_id: str, side: Side) -> bool:
    """Whether there is anything of it."""
    return bool(
        await tx.value(
            "select exists (select from work_piece where work_id = %(id)s and side = %(side)s)", id=work_id, side=side
        )
    )


async def clear(tx: Tx, work_id: str, side: Side) -> None:
    """Forget a file."""
    await tx.execute("delete from work_piece where work_id = %(id)s and side = %(side)s", id=work_id, side=side)


async def whole(tx: Tx, work_id: str, side: Side) -> bytes:
    """A small file at once."""
    return b"".join([piece.content async for page in _pages(tx, work_id, side) for piece in page])


async def write_to(tx: Tx, work_id: str, side: Side, file: BinaryIO) -> None:
    """Copy a file out; pieces with names as an archive of them."""
    archive: zipfile.ZipFile | None = None
    async for page in _pages(tx, work_id, side):
        if archive is None and page[0].name is not None:
            archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)  # PDFs are compressed already
        await asyncio.to_thread(_write, page, file, archive)
    if archive is not None:
        archive.close()


def _write(page: list[_Piece], file: BinaryIO, archive: zipfile.ZipFile | None) -> None:
    for piece in page:
        if archive is None:
            file.write(piece.content)
        else:
            archive.writestr(zipfile.ZipInfo(piece.name or str(piece.number), _EPOCH), piece.content)


async def _pages(tx: Tx, work_id: str, side: Side) -> AsyncIterator[list[_Piece]]:
    after = 0
    while True:
        found = await tx.all(
            _Piece,
            "select number, name, content from work_piece where work_id = %(id)s and side = %(side)s"
            " and number > %(after)s order by number limit %(limit)s",
            id=work_id,
            side=side,
            after=after,
            limit=_PAGE,
        )
        if found:
            yield found
        if len(found) < _PAGE:
            return
        after = found[-1].number


@contextmanager
def folder() -> Iterator[Path]:
    """A folder on the local disk, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="grace-work-") as path:
        yield Path(path)


@dataclass(frozen=True, slots=True)
class Received:
    """A file that was sent, on the local disk, and its digest."""

    path: Path
    sha256: str


@asynccontextmanager
async def received(name: str, pieces: Callable[[], AsyncIterator[bytes]]) -> AsyncIterator[Received]:
    """What somebody sends, as a file of that name while the block runs."""
    with folder() as place:
        path, digest = place / plain_name(name), hashlib.sha256()
        with path.open("wb") as file:
            async for piece in pieces():
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
        yield Received(path, digest.hexdigest())


def plain_name(name: str) -> str:
    """The last part of a file's name, in letters that every system takes."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter if letter.isalnum() or letter in " ._-()" else "_" for letter in last).strip(" .")
    return kept.encode()[-_LONGEST_NAME:].decode(errors="ignore").strip(" .") or "file"
