"""The display, at many sizes of terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from orchestrator.cli.live import view
from orchestrator.cli.live.board import Board
from orchestrator.executors.executor import Outlook
from orchestrator.plan.names import Names
from tests.make import make_job, make_result

MODELS = {"mnist_mlp": "MNIST MLP", "mnist_cnn": "MNIST CNN", "babi_rnn": "bAbI RNN"}
TITLES = {"s-a/theano": "Theano", "s-b/jax": "JAX 0.10.2", "s-c/torch": "PyTorch 2.13.0"}


def jobs():
    pairs = [name.split("/") for name in TITLES]
    return [make_job(workload=w, stack=s, backend=b, epochs=12) for w in MODELS for s, b in pairs]


@pytest.fixture
def board():
    """Nine jobs: four ended, one of them badly; two run, one of them in its third epoch; three wait."""
    found = Board(lambda: 1000.0)
    planned = jobs()
    found.plan(Outlook(names=Names(workloads=MODELS, contenders=TITLES), jobs=planned, seconds={planned[8].id: 60.0}))
    found.expect(9)
    for job in planned[:4]:
        found.start(job)
        found.finish(make_result(job, status="failed" if job is planned[3] else "ok"))
    for job in planned[4:6]:
        found.start(job, " on node7 (Slurm job 12)" if job is planned[5] else "", ago=95)
    for number in (1, 2, 3):
        found.hear(planned[4], {"t": 1.0, "event": "epoch_end", "epoch": number, "train_s": 4.4, "validation_s": 0.6})
    return found


def drawn(board, width, height):
    return [text.plain for text in view.lines(board, width, height)]


def test_the_whole_display(board):
    text = drawn(board, 80, 30)
    assert text[0] == "seconds per epoch so far"
    assert [line.split() for line in text[1:5]] == [
        ["MNIST", "CNN", "MNIST", "MLP", "bAbI", "RNN"],
        ["JAX", "0.10.2", ">", "2.50", "·"],
        ["PyTorch", "2.13.0", ">", "2.50", "·"],
        ["Theano", "failed", "2.50", "·"],
    ]
    assert text[5].split() == ["running", "for", "epoch", "s/epoch", "left"]
    assert text[6].startswith("MNIST CNN on JAX 0.10.2 (cpu)") and text[6].split()[-5:] == [
        "s", "3/12", "4.40", "45", "s",
    ]  # fmt: skip
    assert "node7" in text[7]
    assert text[8] == view.BAR["ok"][0] * 13 + "xxxx" + ">" * 8 + "·" * 15
    assert text[9].startswith("4 of 9 jobs: 3 ok, 1 failed, 2 running, 3 waiting · 0 s, about ")
    assert len(text) == 10


@pytest.mark.parametrize("width", [1, 12, 30, 40, 60, 80, 100, 120, 300])
@pytest.mark.parametrize("height", [1, 2, 3, 4, 6, 10, 14, 24, 60])
def test_it_fits_every_terminal(board, width, height):
    text = drawn(board, width, height)
    assert 1 <= len(text) <= max(height - 1, 1)
    assert all(cell_len(line) <= width for line in text)
    assert ("4" in text[-1] and "9" in text[-1]) or width < 4


def test_what_matters_most_stays_on_a_small_terminal(board):
    text = drawn(board, 40, 7)
    assert text[-1].startswith("4 of 9 jobs")
    assert any("MNIST CNN" in line for line in text)
    assert "seconds per epoch so far" not in text


def test_of_many_running_jobs_the_first_and_how_many_others(board):
    for repeat in range(2, 40):
        board.start(make_job(repeat=repeat))
    text = drawn(board, 80, 12)
    assert "and 33 more" in text and len(text) <= 11


def test_a_matrix_that_is_too_wide_is_turned(board):
    wide = {f"s-{n}/b{n}": f"Contender number {n}" for n in range(6)}
    found = Board(lambda: 0.0)
    found.plan(
        Outlook(names=Names(contenders=wide), jobs=[make_job(stack=f"s-{n}", backend=f"b{n}") for n in range(6)])
    )
    found.expect(6)
    found.finish(make_result(make_job(stack="s-1", backend="b1")))
    assert len(view.matrix(found, 60)) == 8
    assert view.matrix(found, 20) == []


def test_names_of_strangers_neither_steer_nor_widen(board):
    odd = Outlook(names=Names(workloads={"mnist_mlp": "\x1b[2J[red]深層学習" * 20}), jobs=[make_job()])
    found = Board(lambda: 0.0)
    found.plan(odd)
    found.expect(1)
    found.start(make_job())
    for width in (20, 33, 80):
        text = drawn(found, width, 20)
        assert all(cell_len(line) <= width and line.isprintable() for line in text)
