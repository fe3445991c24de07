"""uv and pip are run with our settings; what they say when they fail is one line without secrets."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import HostError
from orchestrator.stacks import tools


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("error: No space left on device (os error 28)", "disk full while making an environment"),
        ("error: no such package", "sh failed: error: no such package"),
    ],
)
def test_a_tool_that_fails_is_quoted(words: str, message: str):
    with pytest.raises(HostError, match=message):
        tools.run(["sh", "-c", f"echo '{words}' >&2; exit 2"], os.environ)
    tools.run(["true"], os.environ)


def test_all_that_it_said_is_kept_for_who_can_make_more_of_it_and_no_secret():
    words = "x " * 1000 + "from https://me:hunter2@index/simple: no such package"
    with pytest.raises(tools.Failed) as caught:
        tools.run(["sh", "-c", f"echo '{words}' >&2; exit 2"], os.environ)
    assert len(caught.value.said) > 1000 > len(caught.value.message)
    assert "hunter2" not in caught.value.said and "https://index/simple: no such package" in caught.value.message


def test_the_cache_of_uv_is_believed_only_where_it_is_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    uv = tmp_path / "uv"
    uv.mkdir(parents=True)
    monkeypatch.setattr(tools.subprocess, "run", lambda argv, **options: asked.append(options["env"]) or done)
    asked: list[dict[str, str]] = []
    done = subprocess.CompletedProcess([], 0, "", "")
    tools.run(["uv"], {})
    uv.chmod(0o777)
    tools.run(["uv"], {})
    tools.run(["uv"], {"UV_CACHE_DIR": "/mine"})
    assert [each.get("UV_CACHE_DIR") for each in asked] == [None, str(tmp_path / "keras-orchestrate" / "uv"), "/mine"]
