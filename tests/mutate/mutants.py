"""Small faults that a person could make, planted in the text of a module: everything else stays as it is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

COMPARED = {
    ast.Lt: ("<", ("<=", ">")),
    ast.LtE: ("<=", ("<", ">=")),
    ast.Gt: (">", (">=", "<")),
    ast.GtE: (">=", (">", "<=")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: (r"not\s+in", ("in",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: (r"is\s+not", ("is",)),
}
COMBINED = {ast.And: ("and", "or"), ast.Or: ("or", "and")}
CALCULATED = {ast.Add: (r"\+", "-"), ast.Sub: ("-", "+"), ast.Mult: (r"\*", "/"), ast.Div: ("/", "*")}
#: Neither a calculation nor a condition: an annotation is never evaluated, a string beside `+` or `/` is no number.
NO_NUMBER = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp)


class Mutant(NamedTuple):
    """`start` and `end` are positions in the source between which `text` stands instead."""

    line: int
    start: int
    end: int
    text: str

    def planted(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]

    def change(self, source: str) -> str:
        """Its lines as they are written and as they are then."""
        begin = source.rfind("\n", 0, self.start) + 1
        finish = source.find("\n", self.end)
        finish = len(source) if finish < 0 else finish
        before, after = source[begin:finish], source[begin : self.start] + self.text + source[self.end : finish]
        return f"{' '.join(before.split())}  ->  {' '.join(after.split())}"


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its text; each parses."""
    found = _Finder(source)
    found.visit(ast.parse(source))
    return sorted(set(found.mutants), key=lambda mutant: mutant[1:])


class _Finder(ast.NodeVisitor):
    def __init__(self, source: str) -> None:
        self.source = source
        self.mutants: list[Mutant] = []
        lines = source.encode().splitlines(keepends=True)
        self._starts = [len(b"".join(lines[:i]).decode()) for i in range(len(lines) + 1)]
        self._lines = lines

    def _at(self, line: int, column: int) -> int:
        """The position in the text; ast counts columns in bytes."""
        return self._starts[line - 1] + len(self._lines[line - 1][:column].decode())

    def _start(self, node: ast.expr) -> int:
        return self._at(node.lineno, node.col_offset)

    def _end(self, node: ast.expr) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._at(node.end_lineno, node.end_col_offset)

    def _add(self, start: int, end: int, text: str) -> None:
        self.mutants.append(Mutant(self.source.count("\n", 0, start) + 1, start, end, text))

    def _between(self, left: ast.expr, right: ast.expr, operator: str, texts: tuple[str, ...]) -> None:
        begin, finish = self._end(left), self._start(right)
        word = rf"\b{operator}\b" if operator[0].isalpha() else operator
        found = re.search(word, self.source[begin:finish])
        assert found is not None, (operator, self.source[begin:finish])
        for text in texts:
            self._add(begin + found.start(), begin + found.end(), text)

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            self._between(left, right, *COMPARED[type(operator)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        old, new = COMBINED[type(node.op)]
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between(left, right, old, (new,))
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        names = [side for side in (node.left, node.right) if isinstance(side, NO_NUMBER)]
        texts = [side for side in names if not (isinstance(side, ast.Constant) and isinstance(side.value, int | float))]
        if type(node.op) in CALCULATED and not texts:
            old, new = CALCULATED[type(node.op)]
            self._between(node.left, node.right, old, (new,))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            begin = self._start(node)  # the operand may begin later: behind a parenthesis
            self._add(begin, begin + len("not "), "")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._add(self._start(node), self._end(node), str(not node.value))
        elif isinstance(node.value, int | float):
            self._add(self._start(node), self._end(node), str(node.value + 1))

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._add(self._start(node.value), self._end(node.value), "None")
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg != "strict":  # zip() only makes sure
            self.visit(node.value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:  # its keywords are declarations
            self.visit(statement)

    def visit_arg(self, node: ast.arg) -> None:
        return None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in _evaluated(node):
            self.visit(part)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Python 3.11 does not know where the parts of an f-string are."""


def _evaluated(node: ast.FunctionDef) -> Iterator[ast.AST]:
    yield from node.args.defaults
    yield from (default for default in node.args.kw_defaults if default)
    yield from node.body
