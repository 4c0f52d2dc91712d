"""Any usual CSV is read: its encoding, separator and columns are found; broken lines are named, not fatal."""

import gzip
from pathlib import Path

import pytest

from grace.kit.exports import ExportError, open_export


def test_utf_8_with_a_mark_and_quoted_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes('\ufeffName,Notes\r\n"Zoë ""Z""","two\r\nlines"\r\n\r\n'.encode())
    export = open_export(file)
    assert (export.columns, export.encoding, export.note) == (["Name", "Notes"], "utf-8-sig", None)
    assert [row.values for row in export.rows()] == [{"Name": 'Zoë "Z"', "Notes": "two\r\nlines"}]


def test_what_is_not_utf_8_is_windows_1252_and_said_so(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"Name;Firma\n" + b"A;%b\n" % (b"B" * 1_000) * 1_100 + "Jürgen;Café\n".encode("cp1252"))
    export = open_export(file)
    assert export.encoding == "cp1252"
    assert "--encoding" in str(export.note)
    last = list(export.rows())[-1]
    assert last.values == {"Name": "Jürgen", "Firma": "Café"}


@pytest.mark.parametrize(("mark", "encoding"), [(";", "utf-8"), ("\t", "utf-16"), ("|", "utf-8"), (",", "utf-8")])
def test_separators_and_utf_16(tmp_path: Path, mark: str, encoding: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"Name{mark}E-Mail\nÄda{mark}a@b.de\n", encoding=encoding)
    assert [row.values for row in open_export(file).rows()] == [{"Name": "Äda", "E-Mail": "a@b.de"}]


def test_excels_first_line_is_no_header(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("sep=;\nName;Mail\nA;B\n")
    assert [row.values for row in open_export(file).rows()] == [{"Name": "A", "Mail": "B"}]


def test_gzip_is_known_by_its_content_and_must_be_whole(tmp_path: Path) -> None:
    whole = gzip.compress(b"Name\n" + b"".join(b"person %d\n" % n for n in range(5000)))
    file = tmp_path / "a.csv"
    file.write_bytes(whole)
    assert len(list(open_export(file).rows())) == 5000
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ExportError, match="not whole"):
        list(open_export(file).rows())


def test_columns_without_a_name_or_with_the_same(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("A,,A\n1,2,3\n")
    assert open_export(file).columns == ["A", "column 2", "A (2)"]


def test_a_broken_line_is_named_and_the_next_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"A,B\n1\n1,2,3\n{'x' * 1_000_001},1\n1,2\n")
    rows = list(open_export(file).rows())
    assert [row.line for row in rows] == [2, 3, 4, 5]
    assert [row.broken is None for row in rows] == [False, False, False, True]
    assert rows[0].broken == "it has 1 cells, the header has 2"


@pytest.mark.parametrize("content", ["", "\n\n", ",,\n1,2,3\n"])
def test_a_file_without_a_header(tmp_path: Path, content: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(content)
    with pytest.raises(ExportError, match="header"):
        open_export(file)


def test_the_identity_of_a_row_is_its_content(tmp_path: Path) -> None:
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text("A,B\n1,2\n2,1\n")
    other.write_text("B,A,rejected_because\n2,1,nothing\n")
    first, second = [row.identity for row in open_export(one).rows()]
    assert [row.identity for row in open_export(other).rows()] == [first]
    assert first != second
