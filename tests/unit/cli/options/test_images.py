"""How images are made: each option reaches the settings of a build."""

from __future__ import annotations

from click.testing import CliRunner

from orchestrator.cli.options import BUILD, build_settings, command


def test_each_reaches_the_settings(tmp_path):
    seen = []

    @command()
    @BUILD
    def ask(**given):
        seen.append(build_settings(given))

    words = ["--base", "pull", "--no-cache", "--cuda-dir", str(tmp_path), "--cuda-route", "a", "--cuda-route", "b"]
    CliRunner().invoke(ask, words, standalone_mode=False, catch_exceptions=False)
    made = seen[0]
    assert (made.base_mode, made.no_cache, made.cuda_dir, made.cuda_routes) == ("pull", True, str(tmp_path), ["a", "b"])
    assert not made.without_cuda and made.base_image is None
