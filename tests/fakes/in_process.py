"""`orchestrate` in the process of the test: the same code and the same answer, without a new interpreter's start."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

from orchestrator.cli import app


def orchestrate(words: Sequence[object], cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The exit code and what was printed, from `cwd` and with these variables; a bug of ours is raised."""
    argv = ["orchestrate", *map(str, words)]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with (
        _inside(cwd),
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            app.main()
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(argv, code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Python 3.10 has no contextlib.chdir."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
