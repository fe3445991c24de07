"""Where: places, GPUs and the cluster reach the configuration; what was not typed is left to it."""

from __future__ import annotations

import click
from click.testing import CliRunner

from orchestrator.cli.options import CONFIGURATION, OUT, command, run_request
from orchestrator.cli.options.request import explicit


def test_each_reaches_its_field_and_only_what_was_typed_counts_as_typed():
    seen = []

    @command()
    @CONFIGURATION
    @OUT
    def ask(**given):
        seen.append((run_request(given).config, explicit(click.get_current_context(), given)))

    words = [
        "--threads",
        "3",
        "--memory",
        "4g",
        "--gpu",
        "1",
        "--no-sampling",
        "--partition",
        "p",
        "--executor",
        "slurm",
    ]
    CliRunner().invoke(ask, words, standalone_mode=False, catch_exceptions=False)
    config, typed = seen[0]
    assert (config.threads, config.memory, config.gpus, config.device, config.sample_hz) == (3, "4g", ["1"], "gpu", 0)
    assert config.slurm.partition == "p"
    assert sorted(typed) == ["executor", "gpus", "memory", "sample_hz", "slurm", "threads"]
