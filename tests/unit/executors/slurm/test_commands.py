"""Slurm's words in and out: the literals were printed by Slurm 22.05.8."""

from __future__ import annotations

import pytest

from orchestrator.executors.slurm import commands
from orchestrator.executors.slurm.commands import JobState, Request, Ticket
from orchestrator.plan.slurm import Slurm

TICKET = Ticket(run_id="20261125-101500-ab12", job_id="mnist_mlp.keras3-jax.jax.gpu.1", attempt=2, token="0badcafe")
COMMENT = "kbo/20261125-101500-ab12/mnist_mlp.keras3-jax.jax.gpu.1/2/0badcafe"
SQUEUE = f"""\
1|RUNNING|None|n1|{COMMENT}
4|COMPLETED|None|n1|(null)
2|FAILED|BadConstraints||(null)
3|PENDING|PartitionConfig||{COMMENT}x
"""
SINFO = """\
n1|mixed|2|gpu:k80:2(S:0-1)|k80|gpu*
n2|idle|4|gpu:h100:1,shard:4|h100|gpu*
n2|idle|4|gpu:h100:1,shard:4|h100|urgent
n3|down*|8|(null)|(null)|gpu*
"""


def test_a_job_is_submitted_by_words_alone_and_the_users_own_come_last():
    settings = Slurm(gpu_type="k80", partition="gpu", account="me", constraint="x", options=["--qos=low"])
    request = Request(gpus=1, settings=settings)
    argv = commands.sbatch(request, TICKET, 3, "70", "/results/job", "/opt/job.sh", ["python", "-m", "x; rm -rf /"])
    assert argv == [
        *("sbatch", "--parsable", "--no-requeue", "--nodes=1", "--ntasks=1"),
        "--job-name=kbo-20261125-101500-ab12",
        f"--comment={COMMENT}",
        *("--cpus-per-task=3", "--time=70", "--chdir=/", "--output=/results/job/slurm.log"),
        *("--open-mode=append", "--input=/dev/null", "--export=ALL"),
        *("--gres=gpu:k80:1", "--partition=gpu", "--account=me", "--constraint=x", "--qos=low"),
        *("/opt/job.sh", "python", "-m", "x; rm -rf /"),
    ]
    assert commands.test_only(argv)[:2] == ["sbatch", "--test-only"]


def test_the_name_of_a_folder_is_no_pattern_of_sbatch():
    assert commands.only("/r/100%j/slurm.log") == "/r/100%%j/slurm.log"
    assert commands.only("/r/a\\b%j/slurm.log") == "/r/a\\b%j/slurm.log"
    argv = commands.sbatch(Request(settings=Slurm()), TICKET, 1, "1", "/r/%j", "s", [])
    assert "--output=/r/%%j/slurm.log" in argv


def test_what_is_not_asked_for_is_left_to_the_site():
    assert commands.asked(Request()) == []
    assert commands.asked(Request(gpus=1, exclude=["n1", "n2"])) == ["--gres=gpu:1", "--exclude=n1,n2"]


@pytest.mark.parametrize("option", ["--exclude=n[3-4]", "--exclud=n[3-4]"])
def test_nodes_that_the_user_excludes_are_excluded_beside_ours(option):
    """Of two such options, sbatch forgets the first."""
    request = Request(exclude=["n1"], settings=Slurm(options=[option, "--exclusive"]))
    assert commands.asked(request) == ["--exclude=n1,n[3-4]", "--exclusive"]
    assert commands.asked(Request(settings=Slurm(options=[option]))) == ["--exclude=n[3-4]"]


def test_a_job_is_known_by_our_words_and_never_by_its_number():
    found = commands.states(SQUEUE)
    assert found[COMMENT] == [JobState(number="1", state="RUNNING", reason="None", node="n1", comment=COMMENT)]
    assert set(found) == {COMMENT, COMMENT + "x"}  # which is another token
    assert commands.states("") == commands.states("garbage\n|||\n") == {}


@pytest.mark.parametrize(
    ("state", "reason", "ended", "hopeless"),
    [
        ("RUNNING", "None", False, False),
        ("COMPLETING", "None", False, False),
        ("PENDING", "Resources", False, False),
        ("PENDING", "PartitionConfig", False, True),
        ("PENDING", "AssociationJobLimit", False, False),  # others of the account run
        ("PENDING", "PartitionNodeLimit", False, False),  # nodes are down
        ("PENDING", "QOSMaxWallDurationPerJobLimit", False, True),
        ("NODE_FAIL", "NonZeroExitCode", True, False),
        ("CANCELLED", "None", True, False),
    ],
)
def test_what_a_state_means(state, reason, ended, hopeless):
    known = JobState(number="1", state=state, reason=reason, node="", comment=COMMENT)
    assert (known.ended, known.hopeless) == (ended, hopeless)


def test_the_number_of_a_new_job():
    assert commands.submitted("17\n") == commands.submitted("17;cluster\n") == "17"
    assert commands.submitted("") is commands.submitted("Submitted batch job") is None  # sbatch -Q prints nothing


def test_nodes_are_those_of_the_partition_that_jobs_go_to():
    nodes = {node.name: node for node in commands.nodes(SINFO)}
    assert nodes["n1"].gpus == {"k80": 2}
    assert nodes["n2"].gpus == {"h100": 1}
    assert (nodes["n3"].gpus, nodes["n3"].up, nodes["n1"].up) == ({}, False, True)
    assert [node.name for node in commands.nodes(SINFO, "urgent")] == ["n2"] or len(
        commands.nodes(SINFO, "urgent")
    ) == 3
    assert commands.gpus("gpu:4") == {"": 4}
    assert commands.gpus("gpu:a100:2,gpu:v100:1(S:0)") == {"a100": 2, "v100": 1}


@pytest.mark.parametrize(
    ("said", "full", "silent"),
    [
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", False, False),
        ("sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates "
         "accounting/QOS policy (job submit limit, user's size and/or time limits)", True, False),
        ("sbatch: error: Required partition not available (inactive or drain)", True, False),
        ("sbatch: error: Batch job submission failed: Protocol authentication error", False, True),
        ("sbatch: error: Batch job submission failed: Invalid authentication credential", False, True),
        ('sbatch: error: Munge encode failed: Failed to access "/run/munge/munge.socket.2"', False, True),
        ("sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying", True, False),
        ("sbatch: error: Batch job submission failed: Resource temporarily unavailable", True, False),
        ("slurm_load_jobs error: Unable to contact slurm controller (connect failure)", False, True),
        ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", False, True),
    ],
)  # fmt: skip
def test_a_full_queue_and_a_silent_controller_are_no_refusals(said, full, silent):
    assert (commands.is_full(said), commands.is_silent(said)) == (full, silent)


VIOLATES = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"


@pytest.mark.parametrize(
    ("said", "limited"),
    [
        (VIOLATES, True),
        (f"AssocMaxSubmitJobLimit; {VIOLATES}", False),  # full
        (f"QOSMaxWallDurationPerJobLimit; {VIOLATES}", False),  # too large
        ("Invalid account", False),
    ],
)
def test_slurm_has_one_sentence_for_a_full_queue_and_for_a_job_that_is_too_large(said, limited):
    assert commands.is_limited(said) == limited


def test_the_words_of_a_refusal_are_told_plainly():
    said = "sbatch: error: invalid partition specified: nosuch\nsbatch: error: Batch job submission failed: Invalid x\n"
    assert commands.plain(said) == "invalid partition specified: nosuch; Batch job submission failed: Invalid x"
    assert commands.plain("allocation failure: Requested node configuration is not available\n") == (
        "allocation failure: Requested node configuration is not available"
    )
    assert commands.plain("") == "no reason given"
