"""Executes the code cells of docs/notebook.ipynb in one namespace, as a notebook would, and compares their outputs.

python -m tests.notebook            exit code 1 where an output differs from the one that the notebook shows
python -m tests.notebook --write    writes the outputs into the notebook
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import pprint
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def executed(cells: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The outputs of each code cell: what it printed, and the value of its last line where that is an expression."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate((cell for cell in cells if cell["cell_type"] == "code"), 1):
        tree, printed, value = ast.parse("".join(cell["source"])), io.StringIO(), None
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, f"cell {number}", "exec"), names)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
        yield list(_outputs(printed.getvalue(), value, number))


def _outputs(printed: str, value: Any, number: int) -> Iterator[dict[str, Any]]:
    if printed:
        yield {"output_type": "stream", "name": "stdout", "text": printed.splitlines(keepends=True)}
    if value is not None:
        data = {"text/plain": _plain(value).splitlines(keepends=True)}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = value._repr_html_().splitlines(keepends=True)
        yield {"output_type": "execute_result", "execution_count": number, "data": data, "metadata": {}}


def _plain(value: Any) -> str:
    """As notebooks show it: a list that is too long for a line has one for each element."""
    return pprint.pformat(value) if isinstance(value, list) else repr(value)


def main(words: list[str]) -> int:
    os.environ["CHECKOUT"] = str(ROOT)  # a program of its own: the notebook opens what lies in the checkout
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found = list(executed(notebook["cells"]))
    if words == ["--write"]:
        for number, (cell, outputs) in enumerate(zip(code, found, strict=True), 1):
            cell["outputs"], cell["execution_count"] = outputs, number
        NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return 0
    for number, (cell, outputs) in enumerate(zip(code, found, strict=True), 1):
        if cell["outputs"] != outputs:
            shown, given = (json.dumps(each, indent=1) for each in (cell["outputs"], outputs))
            print(f"cell {number} shows\n{shown}\nand gives\n{given}")
            return 1
    print(f"{len(code)} cells give what they show")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
