"""own.py as a process: what it does with a script, and what it says. Keras and JAX are stubs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.own import keras_stub
from tests.workloads.archives import WORKLOADS

MODEL = "import keras\nmodel = keras.Model()\nmodel.compile('adam', 'mse')\nx = [1.0] * 64\n"


class Ran:
    def __init__(self, out: Path, done: subprocess.CompletedProcess[str]) -> None:
        self.out, self.code, self.stdout, self.stderr = out, done.returncode, done.stdout, done.stderr
        self.events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (event,) = self.all(kind)
        return event


@pytest.fixture
def own(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A function that runs a script's text, by its own name my.py in a folder of its own."""
    stubs = keras_stub.write(tmp_path / "stubs")
    folder = tmp_path / "mine"
    folder.mkdir()

    def run(
        text: str,
        *words: str,
        contract: str = "script",
        stdin: int = subprocess.DEVNULL,
        timeout: float | None = None,
        **environ: str,
    ) -> Ran:
        script, out = folder / "my.py", tmp_path / "out"
        script.write_text(text)
        argv = [sys.executable, "-B", str(WORKLOADS / "own.py"), str(script), "--contract", contract, "--out", str(out)]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(stubs), "KERAS_BACKEND": "jax", **environ}
        done = subprocess.run(
            [*argv, *words],
            stdin=stdin,
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            timeout=timeout,
        )
        return Ran(out, done)

    return run


def test_a_script_is_told_of_as_a_workload_is(own) -> None:  # type: ignore[no-untyped-def]
    ran = own(MODEL + "model.fit(x, x, epochs=2, batch_size=16, validation_data=(x[:8], x[:8]), verbose=1)\n")
    assert ran.code == 0, ran.stderr
    kinds = [event["event"] for event in ran.events if event["event"] != "phase"]
    assert kinds == ["start", "data", "ready", *["epoch_begin", "epoch_end"] * 2, "end"]
    assert {event["name"] for event in ran.all("phase")} == {"import", "fit_setup", "first_batch"}
    data, ready = ran.one("data"), ran.one("ready")
    assert (data["kind"], data["file"], data["sha256"]) == ("own", None, None)
    assert (data["train"], data["validation"]) == ([64], [8])
    assert (ready["backend"], ready["keras_version"], ready["parameters"]) == ("jax", "3.0", 7)
    assert set(ready["arrays"]) == {"x", "y", "validation.x", "validation.y"}
    assert ready["arrays"]["x"]["sha256"] == ready["arrays"]["y"]["sha256"] != ready["arrays"]["validation.x"]["sha256"]
    assert [
        (e["epoch"], e["batches"], e["samples"], e["loss"], e["acc"], e["val_loss"]) for e in ran.all("epoch_end")
    ] == [
        (1, 4, 64, 1.0, 0.5, 2.0),
        (2, 4, 64, 0.5, 0.5, 2.0),
    ]
    assert ran.one("end")["metrics"] == {"loss": 0.5, "acc": 0.5, "val_loss": 2.0, "val_acc": None}


def test_the_bounds_take_the_place_of_the_scripts_numbers(own) -> None:  # type: ignore[no-untyped-def]
    text = MODEL + "model.fit(x, x, 16, 9, validation_split=0.25)\nprint(model.fits)\n"
    ran = own(text, "--epochs", "2", "--steps", "2")
    assert ran.stdout.splitlines() == ["[{'epochs': 2, 'verbose': 0, 'steps': None, 'samples': 32}]"]
    assert [(e["batches"], e["samples"]) for e in ran.all("epoch_end")] == [(2, 32), (2, 32)]
    assert (ran.one("data")["train"], ran.one("data")["validation"]) == ([32], [16])


def test_a_fit_in_a_loop_goes_on_with_the_epochs_and_the_bound_is_of_their_sum(own) -> None:  # type: ignore[no-untyped-def]
    text = MODEL + "for _ in range(5):\n    print(len(model.fit(x, x).history['loss']))\n"
    ran = own(text)
    assert [event["epoch"] for event in ran.all("epoch_end")] == [1, 2, 3, 4, 5]
    assert not ran.all("fit")
    ends = [event["elapsed_s"] for event in ran.all("epoch_end")]
    assert ends == sorted(ends)

    (ran.out / "events.jsonl").unlink()
    bounded = own(text + "print(len(model.fits))\n", "--epochs", "3")
    assert [event["epoch"] for event in bounded.all("epoch_end")] == [1, 2, 3]
    assert bounded.stdout.split() == ["3", "1", "1", "1", "1", "1"]  # what was answered, and that only one fit() ran


def test_another_compile_or_another_model_is_a_further_fit(own) -> None:  # type: ignore[no-untyped-def]
    text = MODEL + (
        "model.fit(x, x, epochs=2)\nmodel.compile('sgd', 'mse')\nmodel.fit(x, x, epochs=3)\n"
        "other = keras.Model()\nother.compile('sgd', 'mse')\nother.fit(x[:32], x[:32])\n"
    )
    ran = own(text)
    assert len(ran.all("epoch_end")) == 2
    second, third = ran.all("fit")
    assert (second["fit"], second["epochs"], second["parameters"], second["samples"]) == (2, 3, 7, 64)
    assert second["metrics"]["acc"] == 0.5 and second["epoch_s"] is not None
    assert (third["fit"], third["epochs"], third["samples"], third["epoch_s"]) == (3, 1, 32, None)
    assert ran.one("end")["fits"] == 3


def test_nobody_sees_that_fit_is_timed(own) -> None:  # type: ignore[no-untyped-def]
    """Keras compares a model's compile() with its own to see whether a script overrides it."""
    text = MODEL + (
        "import inspect\n"
        "print(keras.Model.compile == keras.Trainer.compile, keras.Model.fit == keras.Trainer.fit)\n"
        "print(list(inspect.signature(keras.Model.fit).parameters)[:4], keras.Model.fit.__name__)\n"
        "class Mine(keras.Model):\n    def fit(self, *a, **k):\n        return super().fit(*a, **k)\n"
        "mine = Mine()\nmine.compile('sgd', 'mse')\nmine.fit(x, x)\n"
    )
    ran = own(text)
    assert ran.stdout.splitlines() == ["True True", "['self', 'x', 'y', 'batch_size'] fit"]
    assert len(ran.all("epoch_end")) == 1


def test_the_contenders_backend_wins_and_what_was_asked_is_on_record(own) -> None:  # type: ignore[no-untyped-def]
    ran = own("import os\nos.environ['KERAS_BACKEND'] = 'torch'\n" + MODEL + "print(keras.BACKEND)\nmodel.fit(x, x)\n")
    assert ran.stdout.strip() == "jax"
    assert ran.one("ready")["settings"]["script_asked"] == {"KERAS_BACKEND": "torch"}


def test_the_scripts_own_modules_are_not_ours(own, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name in ("data", "events", "weights", "job"):
        (tmp_path / "mine" / f"{name}.py").write_text(f"said = 'my {name}'\n")
    names = "import data, events, weights, job\nprint([m.said for m in (data, events, weights, job)])\n"
    ran = own(names + MODEL + "model.fit(x, x)\n")
    assert ran.stdout.strip() == "['my data', 'my events', 'my weights', 'my job']"
    assert ran.code == 0


def test_a_script_runs_in_a_folder_of_its_own_beside_its_files(own, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    mine, given = tmp_path / "mine", tmp_path / "given.csv"
    (mine / "beside.txt").write_text("beside")
    (mine / "model.keras").write_text("old")
    (mine / "folder").mkdir()
    given.write_text("1,2")
    text = MODEL + (
        "import os, sys\nmodel.fit(x, x)\nassert sys.argv == [__file__] and __name__ == '__main__'\n"
        "assert sys.path[0] == os.path.dirname(__file__)\n"
        "open('model.keras', 'w').write('new')\nopen('made.txt', 'w').write('made')\n"
        "print(open('beside.txt').read(), os.path.isdir('folder'), open('table').read(), os.environ['DATA_TABLE'])\n"
        "print(os.environ['HOME'], os.environ['MPLBACKEND'])\n"
    )
    ran = own(text, "--data", f"table={given}")
    assert ran.code == 0, ran.stderr
    assert ran.stdout.splitlines() == [f"beside True 1,2 {given}", f"{ran.out} Agg"]
    assert (mine / "model.keras").read_text() == "old"
    assert {path.name for path in mine.iterdir()} == {"my.py", "beside.txt", "model.keras", "folder"}
    assert (ran.out / "work" / "made.txt").read_text() == "made"


def test_data_sets_that_are_there_are_in_keras_folder(own, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "mnist.npz").write_text("digits")
    text = MODEL + "import os\nprint(open(os.path.expanduser('~/.keras/datasets/mnist.npz')).read())\nmodel.fit(x, x)\n"
    ran = own(text, KERAS_ORCHESTRATE_KERAS_DATASETS=str(tmp_path / "sets"))
    assert ran.stdout.strip() == "digits"


LOOP = """
from orchestrated import epochs
import jax
for epoch in epochs(4):
    assert isinstance(epoch, int)
    epoch.trained(loss=0.5 / (epoch + 1), batches=3, samples=96)
    epoch.metrics(val_loss=1.5, val_acc=0.25, odd=7)
"""


def test_a_loop_of_ones_own_is_timed_by_its_marks(own) -> None:  # type: ignore[no-untyped-def]
    ran = own(LOOP, "--epochs", "2")
    assert ran.code == 0, ran.stderr
    found = [
        (e["epoch"], e["loss"], e["val_loss"], e["val_acc"], e["batches"], e["samples"]) for e in ran.all("epoch_end")
    ]
    assert found == [(1, 0.5, 1.5, 0.25, 3, 96), (2, 0.25, 1.5, 0.25, 3, 96)]
    ready = ran.one("ready")
    assert (ready["backend"], ready["keras_version"], ready["settings"]["data"]) == ("jax", None, "loop")
    assert ran.one("end")["metrics"]["odd"] == 7


@pytest.mark.parametrize("axis", ["pipeline=arrays", "jit=on", "optimizer=sgd"])
def test_a_loop_of_ones_own_refuses_what_would_not_reach_it(own, axis: str) -> None:  # type: ignore[no-untyped-def]
    ran = own(LOOP, "--axis", axis)
    assert ran.code == 1 and "not of a loop of one's own" in ran.one("error")["message"]


@pytest.mark.parametrize(("layers", "got"), [("4", "float32"), ("[Layer]", "mixed_float16")])
def test_a_loop_of_ones_own_tells_what_its_model_got(own, layers: str, got: str) -> None:  # type: ignore[no-untyped-def]
    model = f"class Layer:\n    dtype_policy, weights = 'mixed_float16', [1]\nclass Model:\n    layers = {layers}\n"
    ran = own(model + LOOP.replace("epochs(4)", "epochs(4, Model())"), "--axis", "precision=float32")
    assert ran.one("end")["axes"] == {"precision": got}, ran.stderr


def test_a_loop_that_is_left_counts_the_epoch_that_was_trained(own) -> None:  # type: ignore[no-untyped-def]
    ran = own(LOOP + "    if epoch == 1:\n        break\n")
    assert [event["epoch"] for event in ran.all("epoch_end")] == [1, 2]
    assert ran.one("end")["fits"] == 1


PARSED = """
import argparse
from orchestrated import epochs

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("names", nargs="*")
args = parser.parse_args()
assert (args.lr, args.epochs, args.names) == (0.1, 3, ["", "a b; $(c)"]), args
for epoch in epochs(args.epochs):
    epoch.trained(loss=args.lr)
"""


def test_what_stands_behind_two_dashes_is_the_scripts(own) -> None:  # type: ignore[no-untyped-def]
    ran = own(PARSED, "--seed", "4", "--", "--lr", "0.1", "--epochs", "3", "", "a b; $(c)")
    assert [event["epoch"] for event in ran.all("epoch_end")] == [1, 2, 3]
    bounded = own(PARSED, "--epochs", "2", "--", "--lr", "0.1", "--epochs", "3", "", "a b; $(c)")
    assert len(bounded.all("epoch_end")) == 3 + 2, "ours bounds the script's"


def test_elsewhere_the_marks_are_numbers(tmp_path: Path) -> None:
    script = "from orchestrated import epochs\nfor e in epochs(3): e.trained(loss=1); e.metrics(a=2); print(e + 1)\n"
    answer = subprocess.run(
        [sys.executable, "-B", "-c", script], env={"PYTHONPATH": str(WORKLOADS)}, capture_output=True, text=True
    )
    assert answer.stdout.split() == ["1", "2", "3"], answer.stderr


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("1 / 0\n", "ZeroDivisionError", "division by zero"),
        ("def broken(:\n", "SyntaxError", "invalid syntax"),
        ("import sys\nsys.exit('no luck')\n", "SystemExit", "my.py ended itself: no luck"),
        ("import sys\nsys.exit(3)\n", "SystemExit", "my.py ended itself: exit code 3"),
        (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\np.parse_args()\n",
            "SystemExit",
            "ended itself: the following arguments are required: data (arguments for the script come after --",
        ),
        ("import sys\nopen(sys.argv[1])\n", "IndexError", "arguments for the script come after --"),
        ("raise IndexError('no argv')\n", "IndexError", "no argv"),
        ("from . import parts\n", "ImportError", "let it import what lies beside it by plain names"),
        ("raise RuntimeError('TensorBoard is not installed')\n", "RuntimeError", "brings packages: docs/OWN.md"),
        ("input('epochs? ')\n", "EOFError", "nobody answers a job"),
        ("import cv2\n", "ModuleNotFoundError", "my.py needs the package opencv-python-headless"),
        ("import keras\n", "RuntimeError", "my.py ended without training: it called no fit() and marked no epoch"),
        (MODEL + "model.fit((n for n in x), batch_size=4)\n", "TypeError", "has no len()"),
    ],
)
def test_what_goes_wrong_is_said(own, text: str, kind: str, words: str) -> None:  # type: ignore[no-untyped-def]
    ran = own(text)
    assert ran.code == 1
    error = ran.one("error")
    assert error["type"] == kind and words in error["message"]
    assert str(WORKLOADS) not in error["traceback"]
    assert "Traceback" in ran.stderr or kind in ("SyntaxError", "RuntimeError")


def test_a_question_ends_the_script_and_not_the_watch(own) -> None:  # type: ignore[no-untyped-def]
    """Standard input is the lifeline: whoever reads it would wait for as long as the starter lives."""
    read, write = os.pipe()
    try:
        ran = own("import sys\nprint(repr(sys.stdin.read()))\ninput()\n", "--lease", stdin=read, timeout=30)
    finally:
        os.close(read)
        os.close(write)
    assert (ran.code, ran.stdout) == (1, "''\n")
    assert ran.one("error")["type"] == "EOFError"


def test_a_missing_package_is_brought_by_a_block(own) -> None:  # type: ignore[no-untyped-def]
    message = own("import keras_hub\n").one("error")["message"]
    assert '# dependencies = ["keras-hub"]' in message and "# /// script" in message
    assert message.endswith("; a module of your own must lie beside the script") and "--backend" not in message


def test_a_library_that_is_missing_may_be_what_the_script_belongs_to(own) -> None:  # type: ignore[no-untyped-def]
    message = own("import mxnet\n").one("error")["message"]
    assert '["mxnet"]' in message and message.endswith("; --backend mxnet leaves out who has it not")


def test_sys_exit_0_is_a_normal_end(own) -> None:  # type: ignore[no-untyped-def]
    assert own(MODEL + "model.fit(x, x)\nimport sys\nsys.exit(0)\n").code == 0


def test_what_the_job_refuses_no_script_can_swallow(own) -> None:  # type: ignore[no-untyped-def]
    """A GPU job on a library that sees none: a script's own `except` must not make a CPU's figures of it."""
    text = MODEL + "try:\n    model.fit(x, x)\nexcept Exception:\n    pass\n"
    ran = own(text, CUDA_VISIBLE_DEVICES="0")
    assert ran.code == 1 and not ran.all("epoch_end")
    assert "a GPU was given to this job" in ran.one("error")["message"]


FETCH = """
import urllib.request
try:
    urllib.request.urlopen("http://data.example.com/x", timeout=5)
except Exception as error:
    raise RuntimeError("could not load the data")
"""


def test_no_network_is_said_in_words_whatever_the_library_makes_of_it(own) -> None:  # type: ignore[no-untyped-def]
    error = own(FETCH).one("error")
    assert (error["type"], error["message"]) == (
        "OSError",
        "my.py wants the network (data.example.com): `--network` allows it",
    )
    assert "could not load the data" in error["traceback"]


def test_this_host_can_be_reached_and_a_refusal_that_is_caught_is_no_error(own) -> None:  # type: ignore[no-untyped-def]
    text = MODEL + (
        "import socket\nserver = socket.socket()\nserver.bind(('127.0.0.1', 0))\nserver.listen(1)\n"
        "socket.create_connection(('localhost', server.getsockname()[1])).close()\n"
        "try:\n    socket.create_connection(('192.0.2.1', 80), timeout=1)\nexcept OSError as e:\n    print(e)\n"
        "model.fit(x, x)\n"
    )
    ran = own(text)
    assert ran.code == 0, ran.stderr
    assert ran.stdout.strip() == "my.py wants the network (192.0.2.1): `--network` allows it"


MODULE = """
import keras

BATCH = 16
EPOCHS = 4
SCALES = {"smoke": {"epochs": 2, "train": 48}}

def data(train=64, seed=0, scale=None):
    print(train, seed, scale)
    return [1.0] * train, [2.0] * train

def build():
    model = keras.Model()
    model.compile("adam", "mse")
    return model
"""


def test_a_module_is_trained_by_fit(own) -> None:  # type: ignore[no-untyped-def]
    ran = own(MODULE, "--scale", "smoke", "--seed", "5", contract="module")
    assert ran.code == 0, ran.stderr
    assert ran.stdout.split() == ["48", "5", "smoke"]
    assert [(e["batches"], e["samples"]) for e in ran.all("epoch_end")] == [(3, 48)] * 2
    assert {"data", "build", "import"} <= {event["name"] for event in ran.all("phase")}
    assert "missing" in ran.one("ready")["first_output"]  # the stub cannot be called


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("    model.compile('adam', 'mse')\n", ""), "gives a model that is not compiled: call model.compile(...)"),
        (("[1.0] * train, [2.0] * train", "1, 2, 3"), "data() of my.py must return (x, y), "),
    ],
)
def test_a_module_that_does_not_keep_the_contract_is_told(own, change: tuple[str, str], words: str) -> None:  # type: ignore[no-untyped-def]
    text = MODULE.replace('"', "'").replace(*change)
    ran = own(text, contract="module")
    assert ran.code == 1 and words in ran.one("error")["message"]


def test_a_scale_that_the_file_does_not_have_is_what_its_constants_say(own) -> None:  # type: ignore[no-untyped-def]
    ran = own(MODULE, "--scale", "own", contract="module")
    assert ran.stdout.split() == ["64", "0", "None"]
    assert [(e["batches"], e["samples"]) for e in ran.all("epoch_end")] == [(4, 64)] * 4


@pytest.mark.parametrize("words", [["--data", "x"], ["--data", "a/b=c"], ["--epochs", "0"], ["--contract", "novel"]])
def test_wrong_arguments_are_exit_2(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text("")
    argv = [sys.executable, "-B", str(WORKLOADS / "own.py"), str(tmp_path / "my.py"), "--contract", "script"]
    done = subprocess.run([*argv, "--out", str(tmp_path / "out"), *words], capture_output=True, text=True)
    assert done.returncode == 2 and "usage:" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "asked", "words", "got"),
    [
        ("", "65", (), "64"),  # the model's 64 samples are one batch
        ("", "16", (), "16"),
        ("", "65", ("--steps", "1"), "64"),
        (", validation_split=0.25", "65", (), "48"),
    ],
)
def test_a_batch_holds_no_more_than_the_samples_that_there_are(  # type: ignore[no-untyped-def]
    own, more: str, asked: str, words: tuple[str, ...], got: str
) -> None:
    fit = f"model.fit(x, x{more})\n"
    ran = own(MODEL + fit, "--batch-size", asked, "--axis", f"batch_size={asked}", *words)
    assert ran.one("end")["axes"] == {"batch_size": got}, ran.stderr


def test_calls_tell_what_came_of_each_axis_and_leave_out_what_jit_does_not_reach(own) -> None:  # type: ignore[no-untyped-def]
    text = MODULE.replace("build()", "build(width=4)").replace('    model.compile("adam", "mse")\n', "") + (
        "keras.Model.predict_on_batch = lambda self, x: x\n"
        "keras.Model.predict = lambda self, x, batch_size, verbose: x\n"
    )
    words = ("--mode", "predict", "--call-seconds", "0.01", "--batch-size", "8")
    ran = own(text, *words, "--parameter", "width=8", "--axis", "batch_size=8", "--axis", "jit=on", contract="module")
    assert ran.code == 0, ran.stderr
    assert ran.one("end")["axes"] == {"width": "8", "batch_size": "8"}
    assert {event["way"] for event in ran.all("calls")} == {"predict", "predict_on_batch"}
