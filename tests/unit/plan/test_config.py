"""Wishes are checked before anything starts, and the message names the bad value."""

from __future__ import annotations

import json
import sys

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.plan.config import Config, decode, load_config, override, parse_duration, parse_memory, presets
from orchestrator.run.resume import refuse_contradictions


def test_every_preset_is_valid_and_says_what_it_is():
    found = presets()
    assert {"all", "any-cuda", "azure-nc6", "cpu-quick", "modern", "smoke"} <= set(found)
    assert all(config.description for config in found.values())


def test_azure_nc6_is_the_article():
    config = load_config("azure-nc6")
    assert (config.device, config.scale, config.launcher) == ("gpu", "article", "docker")
    assert config.stacks == ["keras2-tensorflow-cntk", "keras2-theano", "keras1-mxnet"]


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        (b"scales: quick", "unknown field `scales`", "scale"),
        (b"repeats: many", "$.repeats", ""),
        (b"repeats: 0", "$.repeats", ""),
        (b"stacks: keras2-theano", "$.stacks", ""),
        (b"device: tpu", "$.device", ""),
        (b"version: 2", "$.version", ""),
        (b"a: [", "not YAML", ""),
        (b"- 1", "Expected `object`", ""),
        (b"\xff\xfe", "conf.yaml", ""),
        (b"description: 2020-99-99", "not YAML", ""),
    ],
)
def test_bad_files_are_named_with_the_path_of_the_bad_value(text, words, hint):
    with pytest.raises(UserError) as caught:
        decode(text, "conf.yaml")
    assert "conf.yaml" in caught.value.message
    assert words in caught.value.message
    assert hint in caught.value.hint


def test_a_misspelt_preset_gets_a_suggestion():
    with pytest.raises(UserError) as caught:
        load_config("azure-nc7")
    assert "azure-nc6" in caught.value.hint


def test_a_file_by_its_path(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("workloads: [mnist_*]\nrepeats: 3\n")
    assert load_config(str(path)) == Config(workloads=["mnist_*"], repeats=3)


def test_the_command_line_wins_over_the_file_and_is_checked_alike():
    config = override(Config(repeats=3, seed=1), repeats=5, seed=None, workloads=[])
    assert (config.repeats, config.seed, config.workloads) == (5, 1, ["*"])
    with pytest.raises(UserError, match="repeats"):
        override(Config(), repeats=0)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200)])
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "0", "-5", "1d", "1.5h", "ten", "8785h", "9" * 5000])
def test_other_texts_are_no_durations(text):
    with pytest.raises(UserError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "mib"), [("64m", 64), ("512M", 512), ("4g", 4096)])
def test_amounts_of_memory(text, mib):
    assert parse_memory(text) == mib


@pytest.mark.parametrize("text", ["", "g", "4", "xg", "-4g", "1.5g", "4t", "63m", "65537g", "9" * 5000 + "g"])
def test_other_texts_are_no_amounts_of_memory(text):
    with pytest.raises(UserError, match="not an amount of memory"):
        parse_memory(text)


@pytest.mark.parametrize(
    "text", ["epochs: 10001", "threads: 4097", "parallel: 4097", "timeout: 9999999999h", "memory: 9999999999g",
             "epochs: 1000000000000000000000000000000"],
)  # fmt: skip
def test_numbers_that_explode_are_refused_at_once(text):
    with pytest.raises(UserError):
        decode(text.encode(), "c.yaml")
    name, value = text.split(": ")
    with pytest.raises(UserError):
        override(Config(), **{name: int(value) if value.isdecimal() else value})


def test_a_key_that_is_there_twice_is_told_with_both_lines():
    with pytest.raises(UserError, match=r"c\.yaml: 'repeats' is there twice, in line 1 and in line 3"):
        decode(b"repeats: 5\nscale: smoke\nrepeats: 1\n", "c.yaml")


def test_a_variant_that_is_there_twice_is_one_variant():
    assert override(Config(), variants=["modern", "faithful", "modern"]).variants == ["modern", "faithful"]


def test_points_given_up_are_kept_in_one_order():
    """Typed in another order they are the same run, also when it is resumed."""
    typed = override(Config(), weaken=["read_only", "network", "read_only"])
    assert typed.weaken == ["network", "read_only"]
    assert decode(b"weaken: [read_only, network]", "c.yaml") == typed
    planned = msgspec.structs.replace(typed, weaken=["read_only", "network"])  # as it was once written
    refuse_contradictions({"weaken": ["network", "read_only"]}, planned)
    with pytest.raises(UserError, match="weaken is"):
        refuse_contradictions({"weaken": ["network"]}, planned)


def test_processes_have_no_confinement_to_give_up():
    for wrong in (
        lambda: override(Config(launcher="process"), weaken=["network"]),
        lambda: decode(b"{launcher: process, weaken: [network]}", "c.yaml"),
    ):
        with pytest.raises(UserError, match="the process launcher confines nothing: --weaken is for containers"):
            wrong()


def test_found_environments_are_recorded_by_absolute_paths_and_decide_the_launcher(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    config = override(Config(), pythons=["same", "./link", "./link"])
    assert config.pythons == [sys.executable, str(tmp_path / "link")] and config.launcher == "process"
    assert override(Config(), images=["a/b:1"]).launcher == "docker"
    assert override(Config(), images=["a/b:1"], launcher="podman").launcher == "podman"
    assert override(config) == config


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pythons": ["same"], "images": ["x"]}, "one run takes one of both"),
        ({"pythons": ["same"], "launcher": "docker"}, "runs as a process, not with docker"),
        ({"images": ["x"], "launcher": "process"}, "runs in containers, not as a process"),
        ({"pythons": ["same"], "weaken": ["network"]}, "confines nothing"),
        ({"additions": ["keras"]}, "--with is for --python and --image"),
        ({"pythons": ["same"], "additions": ["keras @ https://me:token@host/keras.whl"]}, "is no package by its name"),
        ({"images": ["x"], "additions": ["--index-url=http://evil"]}, "is no package by its name"),
    ],
)
def test_what_a_found_environment_cannot_be_run_with_is_refused_in_words(changes, words):
    with pytest.raises(UserError, match=words) as caught:
        override(Config(), **changes)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["../own", "/etc", ".keras-datasets", "a=b", ""])
def test_a_file_names_data_as_the_command_line_does(name):
    with pytest.raises(UserError, match="data"):
        decode(f"data: {{{json.dumps(name)}: /tmp}}".encode(), "my.yaml")
