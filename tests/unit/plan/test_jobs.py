"""Which jobs, in which order: pure, from literals and from the real catalogue."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.model import OwnFile, Workload
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.jobs import PlanInput, make_jobs, select, split_excluded, split_unable

WISH = PlanInput(
    stacks=["keras1-*", "keras2-*"],
    backends=["*"],
    workloads=["*"],
    variants=["faithful"],
    exclude=[],
    device="cpu",
    scale="quick",
    repeats=1,
    epochs=None,
    timeout_s=None,
    seed=2017,
    threads=2,
)


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def jobs(catalog, **changes):
    return make_jobs(msgspec.structs.replace(WISH, **changes), catalog.stacks, catalog.workloads)


def test_the_article_has_twenty_cells(catalog):
    planned = jobs(catalog)
    assert len({job.id for job in planned}) == len(planned) == 20
    assert Counter(job.backend for job in planned) == dict.fromkeys(["tensorflow", "cntk", "theano", "mxnet"], 5)


def test_with_todays_stacks_there_are_thirty_five(catalog):
    assert len(jobs(catalog, stacks=["*"])) == 35


def test_modern_is_for_todays_stacks_only(catalog):
    planned = jobs(catalog, stacks=["*"], variants=["faithful", "modern"])
    assert len(planned) == 50
    assert {job.stack.split("-")[0] for job in planned if job.variant == "modern"} == {"keras3"}


def test_the_order_is_seeded_and_repeats_are_interleaved(catalog):
    first, again = jobs(catalog, repeats=3), jobs(catalog, repeats=3)
    assert first == again
    assert first != jobs(catalog, repeats=3, seed=1)
    for block in range(3):
        cells = [job.cell for job in first[20 * block : 20 * (block + 1)]]
        assert len(set(cells)) == 20
        assert len({cell[0] for cell in cells[:4]}) == 1  # the first row of figures is complete after four jobs
    assert [j.cell for j in first[:20]] != [j.cell for j in first[20:40]]


def test_a_plan_that_would_fill_the_memory_is_refused_at_once(catalog):
    message = "100,000,000 repeats of 35 cells are 3,500,000,000 jobs, more than 100,000"
    with pytest.raises(UserError, match=message) as caught:
        jobs(catalog, stacks=["*"], repeats=100_000_000)
    assert caught.value.hint == "lower --repeats: to 2,857 at most"
    with pytest.raises(UserError, match="100,001 jobs"):
        jobs(catalog, stacks=["keras1-mxnet"], workloads=["mnist_mlp"], repeats=100_001)


def test_backends_share_a_seed_and_repeats_do_not(catalog):
    seeds = {(job.repeat, job.seed) for job in jobs(catalog, repeats=3)}
    assert seeds == {(1, 2017), (2, 2018), (3, 2019)}


def test_a_scale_is_data_and_options_win(catalog):
    planned = jobs(catalog, workloads=["mnist_mlp"], scale="article")
    assert {(j.epochs, j.train, j.validation, j.batch_size) for j in planned} == {(20, 60000, 10000, 128)}
    assert {j.epochs for j in jobs(catalog, epochs=7)} == {7}
    assert {j.timeout_s for j in jobs(catalog, timeout_s=9)} == {9}


def test_a_misnamed_workload_is_refused_with_a_suggestion(catalog):
    with pytest.raises(UserError) as caught:
        jobs(catalog, workloads=["mnist_mpl"])
    assert "mnist_mpl" in caught.value.message
    assert "mnist_mlp" in caught.value.hint


def test_a_misnamed_scale_is_refused_with_a_suggestion(catalog):
    with pytest.raises(UserError, match="no scale 'quik'") as caught:
        jobs(catalog, scale="quik")
    assert "quick" in caught.value.hint


def test_a_choice_that_leaves_nothing_is_refused(catalog):
    with pytest.raises(UserError, match="nothing to run"):
        jobs(catalog, stacks=["keras2-theano"], backends=["cntk"])


def test_globs_select_in_catalogue_order():
    assert select(["b*", "a"], ["a", "b1", "c", "b2"], "thing") == ["a", "b1", "b2"]


def test_excluded_jobs_keep_their_row(catalog):
    planned = jobs(catalog)
    kept, skipped = split_excluded(planned, ["mnist_cnn.keras1-mxnet.*", "babi_rnn.*.theano.*"])
    assert len(kept) + len(skipped) == 20
    assert {skip.job.id for skip in skipped} == {
        "mnist_cnn.keras1-mxnet.mxnet.cpu.1",
        "babi_rnn.keras2-theano.theano.cpu.1",
    }
    assert all(skip.status == "excluded" and skip.reason for skip in skipped)


def test_modern_goes_by_the_version_of_keras_and_not_by_the_era(catalog):
    """A stack of today may hold Keras 2.15, which has no defaults of Keras 3."""
    old = msgspec.structs.replace(catalog.stack("keras3-tensorflow"), name="keras215", keras="2.15.0")
    wish = msgspec.structs.replace(WISH, stacks=["keras215", "keras3-jax"], variants=["faithful", "modern"])
    planned = make_jobs(wish, [*catalog.stacks, old], catalog.workloads)
    assert {job.stack for job in planned if job.variant == "modern"} == {"keras3-jax"}
    assert {job.stack for job in planned if job.variant == "faithful"} == {"keras215", "keras3-jax"}
    with pytest.raises(UserError, match="the variant modern needs Keras 3"):
        make_jobs(msgspec.structs.replace(wish, stacks=["keras215"], variants=["modern"]), [old], catalog.workloads)


@pytest.mark.parametrize(
    ("what", "hint"), [("workload", "orchestrate my.py"), ("stack", "--stack ./my.yaml"), ("backend", "known: a")]
)
def test_a_name_that_there_is_not_says_how_ones_own_is_named(what, hint):
    with pytest.raises(UserError) as caught:
        select(["zzz"], ["a"], what)
    assert hint in caught.value.hint


def test_without_training_jobs_have_a_name_and_a_batch_of_their_own_and_no_epochs(catalog):
    trained, called = jobs(catalog), jobs(catalog, mode="predict", predict_batch=8)
    assert {job.batch_size for job in called} == {8}
    assert {job.epochs for job in called} == {None}
    assert all(".predict." in job.id and job.cell[-1] == "predict" for job in called)
    assert not {job.id for job in called} & {job.id for job in trained}
    assert {len(job.cell) for job in trained} == {5}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"predict_batch": 8}, "--predict-batch is the batch of --mode predict"),
        ({"mode": "generate", "predict_batch": 8}, "--predict-batch is the batch of --mode predict"),
        ({"mode": "generate"}, "no chosen model makes tokens"),
        ({"mode": "predict", "epochs": 2}, "--epochs and --steps are amounts of training, and --mode predict has none"),
    ],
)
def test_amounts_of_another_mode_are_refused(catalog, changes, words):
    with pytest.raises(UserError, match=words):
        jobs(catalog, **changes)


def test_a_script_cannot_be_called_without_training(catalog):
    own = OwnFile(path="/my.py", sha256="0" * 64, contract="script")
    wish = msgspec.structs.replace(WISH, mode="predict", workloads=["my"], stacks=["keras3-jax"])
    with pytest.raises(UserError, match=r"my.py is a script that trains: --mode predict needs a file with build\(\)"):
        make_jobs(wish, catalog.stacks, [Workload(name="my", title="my.py", own=own)])


def test_what_makes_no_tokens_is_unsupported_with_the_reason(catalog):
    models = [*catalog.workloads, msgspec.structs.replace(catalog.workloads[0], name="gpt", generates=True)]
    wish = msgspec.structs.replace(
        WISH, mode="generate", workloads=["mnist_mlp", "gpt"], stacks=["keras3-jax", "keras1-*"]
    )
    kept, skipped = split_unable(make_jobs(wish, catalog.stacks, models), catalog.stacks, models)
    assert [job.id for job in kept] == ["gpt.generate.keras3-jax.jax.cpu.1"]
    reasons = {skip.job.id: (skip.status, skip.reason) for skip in skipped}
    assert reasons["gpt.generate.keras1-mxnet.mxnet.cpu.1"] == ("unsupported", "--mode generate needs Keras 3")
    assert "MNIST MLP makes no tokens" in reasons["mnist_mlp.generate.keras3-jax.jax.cpu.1"][1]
