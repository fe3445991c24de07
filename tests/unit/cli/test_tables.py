"""Tables fit the terminal, whatever its width: nothing is cut, and no row is wrapped by the terminal."""

from __future__ import annotations

import pytest

from orchestrator.cli.tables import UNBOUNDED, Column, figures, paragraph, table, tables, width

COLUMNS = (Column("cell"), Column("first"), Column("s/epoch", "figure"), Column("", "name"), Column("verdict", "words"))
ROWS = [
    ["name of a cell", "a", "1.00", "", "slower by 3-4 % than the first, as far as that is known"],
    ["another", "b", "1,234.50", "", ""],
]


def test_a_table_has_heads_and_figures_flush_right_and_no_empty_column():
    assert table(COLUMNS, ROWS, 200) == [
        "  cell            first   s/epoch  verdict",
        "  " + "─" * 88,
        "  name of a cell  a          1.00  slower by 3-4 % than the first, as far as that is known",
        "  another         b      1,234.50",
    ]


def test_words_wrap_before_anything_else_moves():
    assert table(COLUMNS, ROWS, 66) == [
        "  cell            first   s/epoch  verdict",
        "  " + "─" * 64,
        "  name of a cell  a          1.00  slower by 3-4 % than the first,",
        "                                   as far as that is known",
        "  another         b      1,234.50",
    ]


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 200, UNBOUNDED])
def test_no_line_is_longer_than_the_terminal_and_nothing_is_lost(columns):
    text = " ".join(table(COLUMNS, ROWS, columns))
    assert max(map(len, table(COLUMNS, ROWS, columns))) <= columns
    for word in (word for row in ROWS for field in row for word in field.split()):
        assert word in text


def test_where_there_is_no_room_each_name_stands_above_its_fields():
    assert table(COLUMNS, ROWS, 50)[-2:] == ["  another", "    b      1,234.50"]
    assert table(COLUMNS, [ROWS[1]], 16) == ["  another", "    first: b", "    s/epoch:", "      1,234.50"]


def test_heads_of_figures_wrap_where_that_makes_room():
    columns = (Column("contender"), *(Column(f"MNIST {name}", "figure") for name in ("MLP", "CNN", "RNN")))
    assert table(columns, [["jax", "1", "2", "3"]], 34) == [
        "  contender  MNIST  MNIST  MNIST",
        "               MLP    CNN    RNN",
        "  " + "─" * 30,
        "  jax            1      2      3",
    ]


def test_several_tables_are_laid_out_alike():
    first, second = tables((Column("a"), Column("n", "figure")), [[["x", "1"]], [["longer", "1,000"]]], 80)
    assert first[:2] == second[:2]
    assert (first[2], second[2]) == ("  x           1", "  longer  1,000")


def test_a_field_of_several_lines_keeps_them_and_steers_nothing():
    lines = table((Column("a"), Column("b", "words")), [["x\x1b[31m", ["one", "two\x07\n"]]], 80)
    assert lines[2:] == ["  x [31m  one", "          two"]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([8, 28, 12], ["8.0", "28.0", "12.0"]),
        ([1234.5, 9.996], ["1,234.5", "10.0"]),
        ([1234.5, 2345.6, 0.5], ["1,234.50", "2,345.60", "0.50"]),
        ([0.015, 0.15, 0.163], ["0.015", "0.150", "0.163"]),
        ([None, 1.0, float("nan")], ["", "1.00", ""]),
        ([0, 0.0], ["0", "0"]),
        ([1e-12], ["0.000000"]),
        ([], []),
    ],
)
def test_figures_of_one_column_have_one_number_of_decimals(values, texts):
    assert figures(values) == texts
    assert all("e" not in text for text in texts)


def test_no_rows_are_the_head_alone():
    assert table(COLUMNS, [], 80) == ["  cell", "  ────"]


def test_a_sentence_fits_too():
    assert paragraph("one two three", 9, "  ") == ["  one two", "  three"]


def test_no_number_is_parted_from_its_unit_and_no_option_at_a_hyphen():
    for limit in range(24, 60):
        lines = paragraph("it slept 1.50 s (100 %) of 31.4 GiB, see --data-dir FOLDER", limit)
        assert not any(line.startswith(("s ", "%", "GiB", "dir")) for line in lines)
        assert " ".join(lines) == "it slept 1.50 s (100 %) of 31.4 GiB, see --data-dir FOLDER"


def test_the_width_is_that_of_the_terminal_and_a_pipe_has_none(monkeypatch):
    monkeypatch.setenv("COLUMNS", "77")
    assert width() == 77
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr("sys.__stdout__", None)
    assert width() == UNBOUNDED
