"""Where results go: a folder for runs, one document, and the run that goes on."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from orchestrator.cli.options import DRY_RUN, JSON, NO_FETCH, OUT, RESUME, command, resume_request


def test_each_reaches_its_parameter(tmp_path):
    seen = []

    @command()
    @OUT
    @JSON
    @DRY_RUN
    @NO_FETCH
    @RESUME
    def ask(**given):
        seen.append(given)

    CliRunner().invoke(ask, [], standalone_mode=False, catch_exceptions=False)
    assert seen[0]["out"] == Path("results") and seen[0]["resume"] is None and not seen[0]["as_json"]
    words = ["--out", str(tmp_path), "--json", "--no-fetch", "--resume", "latest", "--retry-failed"]
    CliRunner().invoke(ask, words, standalone_mode=False, catch_exceptions=False)
    request = resume_request(seen[1], seen[1]["resume"], {}, retry_failed=seen[1]["retry_failed"])
    assert (request.out, request.run, request.retry_failed, request.may_fetch) == (tmp_path, "latest", True, False)
