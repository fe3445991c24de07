"""Models without Keras, in environments of today: the steps of Keras on the same library, and a run of the preset."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from orchestrator.plan import natives
from tests.cells import reasons, run
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network]

LIBRARIES = ["tensorflow", "jax", "torch"]
#: Relative, of the losses before training, and of those of two epochs and after each. Seen: 4e-7; and 4e-5 of the CNN
#: on TensorFlow, elsewhere 1e-6.
BEFORE, LATER = 5e-6, 2e-4
#: How far apart weights may be in the end, in parts of how far training has moved them. Seen: 0.06 of the CNN on
#: TensorFlow, elsewhere 2e-4. RMSprop and Adam divide a gradient by its own size, so a rounded 0 is a whole step.
MOVED = 0.15


@pytest.mark.parametrize("library", LIBRARIES)
def test_they_take_the_steps_of_keras(python_of, library):
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "KERAS_BACKEND": library}
    program = [python_of(f"keras3-{library}"), "-B", str(ROOT / "tests" / "native_steps.py"), str(ROOT / "workloads")]
    answer = subprocess.run(program, capture_output=True, text=True, env=environment)
    assert answer.returncode == 0, answer.stderr[-3000:]
    printed = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    assert [found["workload"] for found in printed] == list(natives.WORKLOADS)
    for found in printed:
        keras, plain = found["keras"], found["plain"]
        assert plain[0] == pytest.approx(keras[0], rel=BEFORE), found
        assert plain[1:] == pytest.approx(keras[1:], rel=LATER), found
        assert keras[-1] < keras[2], "training changes something"
        assert found["moved"] < MOVED, found


def test_a_run_says_what_each_of_them_is(python_of, tmp_path):
    for library in LIBRARIES:
        python_of(f"keras3-{library}")  # skips where no index answers
    words = ["--config", "native", "--launcher", "process", "--scale", "smoke", "--workload", "mnist_mlp"]
    code, rows, stderr = run(tmp_path, *words, module="tests.fakes.no_report")
    assert reasons(rows) == {} and code == 0, stderr[-3000:]
    assert len(rows) == 6
    of_keras = {row["backend"]: row for row in rows if row["keras_version"]}
    plain = {row["backend"]: row for row in rows if not row["keras_version"]}
    assert of_keras.keys() == set(LIBRARIES)
    assert plain.keys() == {f"{library}-native" for library in LIBRARIES}
    for row in rows:
        library = row["backend"].removesuffix("-native")
        assert row["framework_version"] == of_keras[library]["framework_version"]
        assert (row["parameters"], row["epochs"], row["variant"]) == (669706, 2, "faithful")
        assert row["epoch_s"] > 0 and row["import_s"] > 0 and row["val_accuracy"] > 0
    compiled = {}
    for events in tmp_path.glob("2*/jobs/*/events.jsonl"):
        (ready,) = [e for e in map(json.loads, events.read_text().splitlines()) if e["event"] == "ready"]
        plainly = "keras" not in ready["versions"]
        compiled[ready["backend"].removesuffix("-native"), plainly] = ready["settings"]["jit_compile"]
        assert not plainly or ready["settings"]["shuffled_by"] == "numpy"
    assert [compiled[library, True] for library in LIBRARIES] == [compiled[library, False] for library in LIBRARIES]
    assert compiled["tensorflow", True] is False and compiled["jax", True] is True  # on a CPU
