"""Tables as files: every column in order, and types also where nothing is known."""

from __future__ import annotations

import csv
import io

import duckdb
import pytest

from orchestrator.results.export import to_csv, write_parquet

COLUMNS = {"name": "VARCHAR", "n": "BIGINT", "s": "DOUBLE", "yes": "BOOLEAN"}
ROWS = [{"s": 1.5, "name": 'a "b", c', "n": None, "yes": None}, {"s": None, "name": None, "n": 2**40, "yes": None}]


def test_csv_has_the_columns_in_their_order():
    assert to_csv(ROWS, COLUMNS) == b'name,n,s,yes\n"a ""b"", c",,1.5,\n,1099511627776,,\n'
    assert to_csv([], COLUMNS) == b"name,n,s,yes\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_text_is_no_formula_and_numbers_are_as_they_are(text):
    row = {"name": text, "n": -1, "s": -0.5, "yes": None}
    (_, cells) = csv.reader(io.StringIO(to_csv([row], COLUMNS).decode(), newline=""))
    assert cells[1:] == ["-1", "-0.5", ""]
    assert cells[0].startswith("'") and cells[0].replace("'", "") == text.replace("\r", "\n")


def test_no_text_begins_a_row_of_its_own():
    table = to_csv([{"name": "a\r=1", "n": 1, "s": 1.0, "yes": None}], COLUMNS)
    assert table == b'name,n,s,yes\n"a\n\'=1",1,1.0,\n'


@pytest.mark.parametrize("separator", [";", "\t"])
def test_text_is_no_formula_whatever_a_spreadsheet_takes_for_the_separator(separator):
    row = {"name": f"a{separator}=cmd|x{separator}\uff1d1", "n": 1, "s": 1.0, "yes": None}
    table = to_csv([row], COLUMNS).decode()
    cells = [cell for line in csv.reader(io.StringIO(table), delimiter=separator) for cell in line]
    assert any("cmd" in cell for cell in cells)
    assert not any(cell.startswith(("=", "\uff1d")) for cell in cells)


def test_a_table_steers_no_terminal_that_shows_it():
    table = to_csv([{"name": "a\x1b[2J\x9b\u202e\x00b", "n": 1, "s": 1.0, "yes": None}], COLUMNS).decode()
    assert table == "name,n,s,yes\na [2J   b,1,1.0,\n"


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []])
def test_parquet_has_types_also_where_every_value_is_absent(tmp_path, rows):
    path = tmp_path / "table.parquet"
    write_parquet(rows, COLUMNS, path)
    table = duckdb.sql(f"select * from '{path}'")
    assert dict(zip(table.columns, map(str, table.types), strict=True)) == COLUMNS
    assert table.fetchall() == [tuple(row[name] for name in COLUMNS) for row in rows]
    assert [p.name for p in tmp_path.iterdir()] == ["table.parquet"]  # nothing temporary is left
