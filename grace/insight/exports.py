"""Figures and rows as files: CSV, XLSX, Parquet, JSON. Written to disk page by page, then sent: memory stays flat."""

import asyncio
import csv
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol

from fastapi.responses import FileResponse, Response
from starlette.background import BackgroundTask

from grace.insight import panels, reading
from grace.insight.figures import Figure, Span
from grace.insight.rows import place_of, row_out
from grace.insight.schemas import FigureOut, RowOut
from grace.kit import json
from grace.kit.errors import Invalid
from grace.kit.tx import Tx

MAX_ROWS = 200_000
"""The most rows of one file; a longer time is exported in parts."""
PAGE = 2_000
Format = Literal["csv", "xlsx", "parquet", "json"]
Cells = Sequence[Any]
MEDIA: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}
GIVES = tuple(media.partition(";")[0] for media in MEDIA.values())
"""What a door that sends a file may answer."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_ROW_COLUMNS = tuple(RowOut.model_fields)
_FIGURE_COLUMNS = (
    "figure",
    "value",
    "unit",
    "currency",
    "sum_of_values",
    "sum_of_weights",
    "formula",
    "starts_at",
    "ends_at",
)
_NUMBERS = frozenset({"amount", "value", "weight", "sum_of_values", "sum_of_weights"})
_TIMES = frozenset({"at", "starts_at", "ends_at"})


class Sheet(Protocol):
    """A file that takes pages of rows."""

    def write(self, page: Sequence[Cells]) -> None: ...

    def close(self) -> None: ...


async def rows_file(tx: Tx, figure: Figure, span: Span, format: Format) -> Response:
    """The rows behind a figure. Refused when there are more than a file holds."""
    return await _file(figure.name, _ROW_COLUMNS, _row_pages(tx, figure, span), format)


async def figures_file(tx: Tx, span: Span, format: Format) -> Response:
    """Every figure over a time."""
    found = await panels.all_figures(tx, span)

    async def pages() -> AsyncIterator[list[Cells]]:
        yield [_figure_cells(figure) for figure in found]

    return await _file("figures", _FIGURE_COLUMNS, pages(), format)


async def _row_pages(tx: Tx, figure: Figure, span: Span) -> AsyncIterator[list[Cells]]:
    after, count = None, 0
    while True:
        found = await reading.rows(tx, figure, span, after=after, limit=PAGE)
        count += len(found)
        if count > MAX_ROWS:
            raise Invalid(f"There are more than {MAX_ROWS} rows: export shorter times.", type="too-many-rows")
        yield [tuple(getattr(row_out(tx, figure, span, row), name) for name in _ROW_COLUMNS) for row in found]
        if len(found) < PAGE:
            return
        after = place_of(found[-1])


def _figure_cells(figure: FigureOut) -> Cells:
    return [getattr(figure, name) for name in _FIGURE_COLUMNS]


async def _file(name: str, columns: Sequence[str], pages: AsyncIterator[list[Cells]], format: Format) -> Response:
    with tempfile.NamedTemporaryFile(prefix="grace-export-", suffix=f".{format}", delete=False) as made:
        path = Path(made.name)
    try:
        sheet = _SHEETS[format](path, columns)
        try:
            async for page in pages:
                await asyncio.to_thread(sheet.write, page)
        finally:
            await asyncio.to_thread(sheet.close)
    except BaseException:
        _remove(path)
        raise
    return FileResponse(
        path, media_type=MEDIA[format], filename=f"{name}.{format}", background=BackgroundTask(_remove, path)
    )


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


def plain(cell: Any) -> Any:
    """A cell of a text file. What a spreadsheet would take for a formula is led by an apostrophe; numbers are not."""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat()
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


class _Csv:
    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(columns)

    def write(self, page: Sequence[Cells]) -> None:
        self._writer.writerows([plain(cell) for cell in cells] for cells in page)

    def close(self) -> None:
        self._file.close()


class _Json:
    """One array of objects; amounts keep their digits."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._columns = columns
        self._file.write("[")
        self._comma = "\n"

    def write(self, page: Sequence[Cells]) -> None:
        for cells in page:
            values = [cell.astimezone(UTC).isoformat() if isinstance(cell, datetime) else cell for cell in cells]
            self._file.write(self._comma + json.dumps(dict(zip(self._columns, values, strict=True))))
            self._comma = ",\n"

    def close(self) -> None:
        self._file.write("\n]\n")
        self._file.close()


class _Xlsx:
    """One worksheet. Text is written as text, never as a formula or a link."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(
            path,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "remove_timezone": True,
                "default_date_format": "yyyy-mm-dd hh:mm:ss",
            },
        )
        self._sheet = self._book.add_worksheet()
        self._line = 0
        self.write([columns])

    def write(self, page: Sequence[Cells]) -> None:
        for cells in page:
            for column, cell in enumerate(cells):
                self._put(column, cell)
            self._line += 1

    def _put(self, column: int, cell: Any) -> None:
        if isinstance(cell, str):
            self._sheet.write_string(self._line, column, cell)
        elif isinstance(cell, datetime):
            self._sheet.write_datetime(self._line, column, cell.astimezone(UTC))
        elif cell is not None:
            self._sheet.write_number(self._line, column, cell)

    def close(self) -> None:
        self._book.close()


class _Parquet:
    """Text, times in UTC, and numbers as exact decimals."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        import pyarrow
        import pyarrow.parquet

        kinds = {name: pyarrow.decimal128(38, 6) for name in _NUMBERS} | {
            name: pyarrow.timestamp("us", tz="UTC") for name in _TIMES
        }
        self._schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in columns])
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema)
        self._batch = pyarrow.RecordBatch

    def write(self, page: Sequence[Cells]) -> None:
        if page:
            rows = [dict(zip(self._schema.names, cells, strict=True)) for cells in page]
            self._writer.write_batch(self._batch.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


_SHEETS: Mapping[Format, Callable[[Path, Sequence[str]], Sheet]] = {
    "csv": _Csv,
    "json": _Json,
    "xlsx": _Xlsx,
    "parquet": _Parquet,
}
