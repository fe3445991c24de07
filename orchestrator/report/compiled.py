"""Keeps what Jinja makes of the templates beside them, as Python keeps what it compiles: most of a short run's end."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from functools import lru_cache
from importlib.util import cache_from_source
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from orchestrator import text
from orchestrator.errors import OrchestrateError
from orchestrator.files import replacing


@lru_cache(maxsize=1)
def _program() -> int:
    """When the filters were last changed: constants in a template go through them as it is compiled."""
    places = [*Path(__file__).parent.glob("*.py"), Path(text.__file__)]
    return max(place.stat().st_mtime_ns for place in places)


class Compiled(BytecodeCache):
    """The `__pycache__` of a folder of templates. Where it cannot be read or written, templates are compiled again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_bucket(self, environment: jinja2.Environment, name: str, filename: str | None, source: str) -> Bucket:
        """What is kept of a template, if it was made of the same text, in the same way."""
        finalize, autoescape = environment.finalize, environment.autoescape
        escaped = autoescape(name) if callable(autoescape) else autoescape
        way = (environment.trim_blocks, environment.lstrip_blocks, escaped, finalize and finalize.__qualname__)
        made_of = repr((jinja2.__version__, _program(), way, source))
        bucket = Bucket(environment, name, hashlib.sha256(made_of.encode()).hexdigest())
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(Exception), self._place(bucket).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with (
                contextlib.suppress(OSError, OrchestrateError, NotImplementedError),
                replacing(self._place(bucket)) as stream,
            ):
                bucket.write_bytecode(stream)

    def _place(self, bucket: Bucket) -> Path:
        return Path(cache_from_source(str(self._folder / bucket.key)))
