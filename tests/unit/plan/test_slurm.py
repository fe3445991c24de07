"""The `slurm:` part of a configuration."""

from __future__ import annotations

import pytest

from orchestrator.errors import UserError
from orchestrator.plan.config import Config, decode, override


def test_fields_from_the_command_line_come_on_top_of_the_file():
    config = decode(b"executor: slurm\nslurm: {partition: gpu, queue: 8, options: [--qos=low]}", "x.yaml")
    changed = override(config, slurm={"partition": "long"})
    assert (changed.slurm.partition, changed.slurm.queue, changed.slurm.options) == ("long", 8, ["--qos=low"])
    assert override(Config(), slurm=None).slurm.partition is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("slurm: {partition: '-x'}", "$.slurm.partition"),
        ("slurm: {options: ['--qos=low', 'rm -rf /']}", "$.slurm.options[1]"),
        ("slurm: {time: soon}", "$.slurm.time"),
        ("slurm: {queue: 0}", "$.slurm.queue"),
        ("slurm: {python: bin/python}", "$.slurm.python"),
        ("slurm: {images: {by: archive}}", "$.slurm.images"),
        ("slurm: {images: {by: present, registry: reg.example/x}}", "$.slurm.images"),
        ("slurm: {partitoin: gpu}", "$.slurm"),
    ],
)
def test_a_bad_value_is_named_by_its_path(text, path):
    with pytest.raises(UserError) as caught:
        decode(text.encode(), "x.yaml")
    assert path in caught.value.message


@pytest.mark.parametrize(
    "option",
    [
        *(
            "--comment=x",
            "--comm=x",
            "--job-name=x",
            "--array=1-3",
            "--chdir=/",
            "--output=x",
            "--error=x",
            "--input=x",
        ),
        *("--open-mode=truncate", "--export=NONE", "--export-file=x", "--parsable", "--wrap=ls", "--test-only"),
        *("--requeue", "--req", "--no-requeue", "--nodes=2", "--ntasks=2", "--wait", "--job=x", "--exclude=/tmp/nodes"),
    ],
)
def test_what_makes_a_job_ours_cannot_be_overwritten(option):
    with pytest.raises(UserError, match=f"`options` may not hold {option}: "):
        override(Config(), slurm={"options": ["--qos=low", option]})


@pytest.mark.parametrize(
    "option",
    [
        *(
            "--qos=low",
            "--mem=16G",
            "--exclude=n[1-3]",
            "--dependency=afterok:7",
            "--ntasks-per-node=1",
            "--nodelist=n1",
        ),
        *("--exclusive", "--time=5", "--constraint=ib", "--cpus-per-task=4", "--reservation=x", "--nice=5", "--gres=x"),
    ],
)
def test_other_words_for_sbatch_are_the_users(option):
    assert override(Config(), slurm={"options": [option]}).slurm.options == [option]


def test_a_misspelt_field_gets_a_hint_from_its_own_part():
    with pytest.raises(UserError) as caught:
        decode(b"slurm: {partitoin: gpu}", "x.yaml")
    assert caught.value.hint == "did you mean 'partition'?"


def test_an_option_of_sbatch_that_is_there_twice_is_refused():
    with pytest.raises(UserError, match="`options` holds --qos twice"):
        override(Config(), slurm={"options": ["--qos=low", "--qos=high"]})
    twice = ["--exclude=n1", "--exclude=n2"]  # these are joined
    assert override(Config(), slurm={"options": twice}).slurm.options == twice
