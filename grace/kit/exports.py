"""Reading another program's CSV export, plain or gzipped, row by row in flat memory.

The encoding is UTF-8 (or UTF-16 with its mark), else Windows-1252; the separator is the one that splits the header
into most columns.
"""

import codecs
import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SEPARATORS = ",;\t|"
LARGEST_CELL = 1_000_000
MOST_COLUMNS = 2_000
_BLOCK = 1 << 20
# What a file of rejected rows has besides the columns of its origin.
REJECTED = ("rejected_line", "rejected_because")


class ExportError(ValueError):
    """The file cannot be read as an export; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its columns, empty when it is `broken`, and where in the file it is: its line, the bytes read so far."""

    line: int
    read: int
    cells: list[str]
    values: dict[str, str]
    broken: str | None = None

    @property
    def identity(self) -> str:
        """The same for the same texts under the same headers, whatever their order and the file."""
        texts = sorted((name, text) for name, text in self.values.items() if name not in REJECTED)
        return "row-" + hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Export:
    """A file with its columns; `size` is in bytes on disk. `note` tells of an encoding that had to be guessed."""

    path: Path
    encoding: str
    separator: str
    columns: list[str]
    size: int
    note: str | None

    def rows(self) -> Iterator[Row]:
        """Every row that is not blank. ExportError when the file ends before its compression does."""
        with _opened(self.path) as (raw, data):
            reader = csv.reader(self._text(data), delimiter=self.separator)
            next(reader)
            while True:
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Row(reader.line_num, raw.tell(), [], {}, f"the line cannot be read: {error}")
                    continue
                if any(cell.strip() for cell in cells):
                    yield self._row(reader.line_num, raw.tell(), cells)

    def _row(self, line: int, read: int, cells: list[str]) -> Row:
        if len(cells) != len(self.columns):
            return Row(line, read, cells, {}, f"it has {len(cells)} cells, the header has {len(self.columns)}")
        return Row(line, read, cells, dict(zip(self.columns, cells, strict=True)))

    def _text(self, data: BinaryIO) -> io.TextIOWrapper:
        return _skip_separator_line(io.TextIOWrapper(data, self.encoding, errors="replace", newline=""))


def open_export(path: Path, *, encoding: str | None = None, largest: int | None = None) -> Export:
    """Look at a file: its encoding, separator and columns. ExportError when it has no header of use, or when it is
    unpacked of more than `largest` bytes."""
    csv.field_size_limit(LARGEST_CELL)
    if not path.is_file():
        raise ExportError(f"{path} is not a file.")
    if largest is not None:
        _check_size(path, largest)
    found, note = (encoding, None) if encoding else _encoding(path)
    try:
        with _opened(path) as (_, data):
            text = _skip_separator_line(io.TextIOWrapper(data, found, errors="replace", newline=""))
            sample = text.read(_BLOCK)
    except LookupError as error:
        raise ExportError(f"There is no encoding {encoding!r}.") from error
    if re.search(r"[\x00-\x08\x0e-\x1f]", sample.partition("\n")[0]):
        raise ExportError(f"{path.name} is no text: save the table as CSV first.")
    headers = {mark: next(csv.reader(io.StringIO(sample, newline=""), delimiter=mark), []) for mark in SEPARATORS}
    separator = max(headers, key=lambda mark: len(headers[mark]))
    if not any(header.strip() for header in headers[separator]):
        raise ExportError(f"{path.name} has no header line.")
    if len(headers[separator]) > MOST_COLUMNS:
        raise ExportError(f"{path.name} has more than {MOST_COLUMNS:,} columns.")
    return Export(path, found, separator, _distinct(headers[separator]), path.stat().st_size, note)


def _check_size(path: Path, largest: int) -> None:
    left = largest
    with _opened(path) as (_, data):
        while block := data.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise ExportError(f"{path.name} holds more than {largest >> 20} MB when it is unpacked.")


def _encoding(path: Path) -> tuple[str, str | None]:
    """Reads the file once: only a whole file of good UTF-8 is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(path) as (_, data):
        block = data.read(_BLOCK)
        if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", None
        try:
            while block:
                decoder.decode(block)
                block = data.read(_BLOCK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252", "The file is not UTF-8; it is read as Windows-1252. --encoding names another."
    return "utf-8-sig", None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The file on disk, and its content."""
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        try:
            yield raw, gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[misc]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ExportError(f"{path.name} is not whole: {error}.") from error


def _skip_separator_line(text: io.TextIOWrapper) -> io.TextIOWrapper:
    """Excel's first line `sep=;` is no header."""
    start = text.buffer.peek(16)[:16] if hasattr(text.buffer, "peek") else b""
    if start.removeprefix(codecs.BOM_UTF8).lower().startswith(b"sep="):
        text.readline()
    return text


def _distinct(headers: list[str]) -> list[str]:
    """The columns' names, none empty and none twice."""
    names: list[str] = []
    for place, header in enumerate(headers, 1):
        name, again = header.strip() or f"column {place}", 2
        while name in names:
            name, again = f"{header.strip()} ({again})", again + 1
        names.append(name)
    return names
