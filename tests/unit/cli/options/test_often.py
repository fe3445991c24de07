"""How often: repeats, seed and time limit reach the configuration, --until and --budget the request."""

from __future__ import annotations

from click.testing import CliRunner

from orchestrator.cli.options import CONFIGURATION, OUT, UNTIL, command, run_request


def test_each_reaches_what_it_is_for():
    seen = []

    @command()
    @CONFIGURATION
    @OUT
    @UNTIL
    def ask(**given):
        seen.append(run_request(given))

    words = ["--repeats", "5", "--seed", "7", "--timeout", "2h", "--until", "2%", "--budget", "10m"]
    CliRunner().invoke(ask, words, standalone_mode=False, catch_exceptions=False)
    request = seen[0]
    assert (request.config.repeats, request.config.seed, request.config.timeout) == (5, 7, "2h")
    assert (request.until, request.budget_s) == (0.02, 600)
