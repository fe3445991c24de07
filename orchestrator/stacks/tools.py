"""Runs uv and pip, with settings of ours and a cache that is the caller's."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from orchestrator import ownership
from orchestrator.errors import HostError
from orchestrator.files import cache_folder
from orchestrator.text import public

#: Characters of a failed command's output that its error quotes.
TAIL = 600


class Failed(HostError):
    """uv or pip ended with an error; `said` is all that it said, on one line and without secrets."""

    def __init__(self, message: str, hint: str, said: str) -> None:
        super().__init__(message, hint)
        self.said = said


def run(argv: list[str], environment: Mapping[str, str]) -> None:
    """Runs uv or pip to its end. Raises HostError for a full disk, else Failed with its last words."""
    settled = tool_environment(environment)
    answer = subprocess.run(
        argv,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=settled,
        umask=0o022,
        # A Python would import what lies where it is started; uv is none, and finds what a requirement names there.
        cwd="/" if "-m" in argv else None,
    )
    if answer.returncode == 0:
        return
    text = " ".join((answer.stderr or answer.stdout).split())
    if "No space left on device" in text or "os error 28" in text:
        raise HostError("disk full while making an environment", "free space; nothing half-made is kept")
    hint = "is the package index in reach? PIP_INDEX_URL names another (docs/HOSTS.md: what the environment says)"
    said = public(text)
    raise Failed(f"{Path(argv[0]).name} failed: {said[-TAIL:]}", hint, said)


def tool_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` for uv or pip, with what holds for each call of them."""
    return {"UV_NO_PROGRESS": "1", **_uv_cache(), **environment, "UV_NO_CONFIG": "1", "VIRTUAL_ENV": ""}


def _uv_cache() -> dict[str, str]:
    """A cache of our own for uv, where the one that it would take unasked can be another user's: uv believes it."""
    ours = cache_folder()
    with contextlib.suppress(OSError):
        if ownership.trouble(ours.with_name("uv")):
            return {"UV_CACHE_DIR": str(ours / "uv")}
    return {}
