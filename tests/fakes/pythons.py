"""Interpreters that are none, and libraries that are stubs, for environments that are found."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path

from orchestrator.stacks.found.script import MARK

ANSWER = {
    "executable": "/opt/x/bin/python",
    "packages": ["jax==0.10.2", "keras==3.15.1", "python==3.11.7"],
    "keras": ["keras"],
    "met": {"jax": {"version": "0.10.2", "keras": "3.15.1", "module": "keras"}},
}


def fake_python(path: Path, script: str) -> str:
    """A program at this path that runs a script of the shell, whatever it is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}\n")
    path.chmod(0o755)
    return str(path)


def saying(answer: object) -> str:
    """The script of an interpreter that answers so: a text as it is, anything else as JSON."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return f"cat <<'END'\n{MARK}{text}\nEND"


def stub_libraries(folder: Path, modules: Mapping[str, str]) -> dict[str, str]:
    """Packages of these names and contents, listed as installed in version 1.0; the variables that show them."""
    for name, content in modules.items():
        package = folder.joinpath(*name.split("."))
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(content)
        if "." not in name:
            (folder / f"{name}-1.0.dist-info").mkdir()
    return {"PYTHONPATH": str(folder)}


#: A Keras that runs on what KERAS_BACKEND says.
KERAS = "import os\n__version__ = '3.15.1'\nfrom . import backend\n"
KERAS_BACKEND = "import os\ndef backend():\n    return os.environ['KERAS_BACKEND']\n"
