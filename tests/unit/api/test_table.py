"""Rows to read, and rows as a data frame; what a notebook shows of them is no markup."""

from __future__ import annotations

import duckdb
import pytest

from orchestrator import extras
from orchestrator.api.table import MOST_SHOWN, Table, escaped

KINDS = {"name": "VARCHAR", "n": "BIGINT", "s": "DOUBLE", "yes": "BOOLEAN"}
ROWS = [
    {"name": "a", "n": 2**40, "s": 0.1, "yes": None, "beside": 1},
    {"name": None, "n": None, "s": None, "yes": None},
]


def test_rows_are_a_list_of_dictionaries_with_the_columns_and_nothing_else():
    table = Table(ROWS, KINDS)
    assert list(table) == [dict.fromkeys(KINDS) | {"name": "a", "n": 2**40, "s": 0.1}, dict.fromkeys(KINDS)]
    assert (len(table), table[-1], list(table[:1])) == (2, dict.fromkeys(KINDS), [table[0]])
    assert table.columns == {"name": str, "n": int, "s": float, "yes": bool}
    assert repr(table) == "<2 rows of 4 columns>"


def test_a_library_of_data_frames_takes_it_with_its_types():
    found = Table(ROWS, KINDS)
    taken = duckdb.sql("select * from found")
    assert [str(kind) for kind in taken.types] == list(KINDS.values())
    assert taken.fetchall() == [("a", 2**40, 0.1, None), (None, None, None, None)]
    found = found[2:]
    assert [str(kind) for kind in duckdb.sql("select * from found").types] == list(KINDS.values())


def test_without_duckdb_there_are_rows_and_no_data_frame(monkeypatch):
    monkeypatch.setattr(extras, "is_there", lambda module: module != "duckdb")
    table = Table(ROWS, KINDS)
    assert len(list(table)) == 2
    with pytest.raises(extras.Lacking, match="need duckdb, which is not installed"):
        table.__arrow_c_stream__()


def test_a_notebook_shows_what_is_known_and_how_much_is_not_shown():
    shown = Table([*ROWS, *[{"n": 1}] * MOST_SHOWN], KINDS)._repr_html_()
    assert "<th>n</th>" in shown and "<th>yes</th>" not in shown
    assert f"22 rows, of which {MOST_SHOWN} are shown" in shown and shown.count("<tr>") == 1 + MOST_SHOWN


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>&'\"", "&lt;script&gt;&amp;&#x27;&quot;"),
        ("a\x1b[31m\u202eb\nc", "a [31m b c"),
        ("https://me:secret@host/x", "https://host/x"),
        (1234567.0, "1.235e+06"),
        (None, ""),
    ],
)
def test_what_strangers_wrote_is_no_markup_and_holds_no_secret(text, shown):
    assert escaped(text) == shown
    assert f"<td>{shown}</td>" in Table([{"name": text, "n": 1}], KINDS)._repr_html_() or text is None
