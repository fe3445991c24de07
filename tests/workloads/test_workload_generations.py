"""Which generation of Keras the built-in workloads speak with; one that they do not know ends in one line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.workloads.archives import WORKLOADS

STUB = "__version__ = {!r}\nclass callbacks:\n    class Callback: pass\nbackend = layers = None\n"


@pytest.fixture
def keras(tmp_path):
    """A function that plants a Keras of a version, alone or as TensorFlow's own, and gives the environment for it."""

    def plant(version, *names):
        for name in names or ("keras",):
            package = tmp_path / "site" / name
            package.mkdir(parents=True)
            (package / "__init__.py").write_text(STUB.format(version))
        (tmp_path / "site" / "tensorflow.py").write_text("import keras\nkeras.by_tensorflow = True\n")
        return {"PYTHONPATH": f"{tmp_path / 'site'}:{WORKLOADS}"}

    return plant


@pytest.mark.parametrize(
    ("version", "generation", "by_tensorflow"),
    [
        ("1.2.2", "Keras1", False),
        ("2.0.8", "Keras20", False),
        ("2.2.4", "Keras22", False),
        ("2.3.1", "Keras23", False),
        ("2.5.0", "TensorFlowKeras", True),
        ("2.10.0-tf", "TensorFlowKeras", True),
        ("2.11.1", "LegacyOptimizers", True),
        ("2.15.0", "LegacyOptimizers", True),
        ("3.0.5", "Keras3", False),
        ("3.15.1", "Keras3", False),
    ],
)
def test_each_keras_has_one_speaker_and_is_imported_as_its_users_do(keras, version, generation, by_tensorflow):
    code = "import compat; print(compat.generation().__name__, hasattr(compat.keras, 'by_tensorflow'))"
    answer = subprocess.run([sys.executable, "-c", code], env=keras(version), capture_output=True, text=True)
    assert answer.stdout.split() == [generation, str(by_tensorflow)], answer.stderr


def test_tf_keras_is_spoken_with_where_the_variable_of_tensorflow_asks_for_it(keras):
    env = keras("2.21.0", "tf_keras") | {"TF_USE_LEGACY_KERAS": "1"}
    code = "import compat; print(compat.generation().__name__, compat.keras.__name__)"
    answer = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert answer.stdout.split() == ["LegacyOptimizers", "tf_keras"], answer.stderr


@pytest.mark.parametrize("version", ["2.1.0", "2.2.2", "2.2.5", "1.0.8", "4.0.0"])
def test_a_keras_between_the_generations_is_refused_in_one_line(tmp_path, mnist, keras, version):
    argv = [sys.executable, "-B", WORKLOADS / "run.py", "mnist_mlp", "--data", mnist, "--out", tmp_path / "out"]
    answer = subprocess.run(argv, env=keras(version), capture_output=True)
    assert answer.returncode == 1
    events = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    message = next(event for event in events if event["event"] == "error")["message"]
    known = "Keras 1.2, 2.0, 2.2.4 to 2.15 (and tf_keras) and 3"
    assert message == f"the built-in workloads speak {known}, and this is Keras {version}"


#: A recurrent layer of two states on a backend that gives back the last of them, as Keras 2.2.4 does on CNTK.
RECURRENT = """
import compat

def rnn(step, inputs, initial, constants=None, **more):
    output, states = step(inputs, tuple(initial) + tuple(constants or ()))
    return states[-1], states[-1], states

class K: pass
compat.K = K
K.rnn = staticmethod(rnn)
compat._mend_cntk([])
lstm = lambda x, states: (x + states[0], [x + states[0], x * states[1]])
print(K.rnn(lstm, 5, [2, 3], constants=[9], mask=None))
"""


def test_an_lstm_of_keras_2_2_on_cntk_gives_back_its_output_and_its_states_in_order(keras):
    answer = subprocess.run([sys.executable, "-c", RECURRENT], env=keras("2.2.4"), capture_output=True, text=True)
    assert answer.stdout == "(7, 7, [7, 15])\n", answer.stderr


#: TensorFlow 1 as far as settle() goes: what an update waits for is told; and the optimizer of a Keras.
COUNTED = """
import backends

class TensorFlow:
    waited = []
    def tuple(self, gradients): return gradients
    def control_dependencies(self, ops):
        self.waited.append(ops)
        import contextlib
        return contextlib.suppress()

class Count:
    def assign_add(self, by): return ("count", by, list(TensorFlow.waited))

class Optimizer:
    iterations = Count()
    def get_gradients(self, loss, params): return [loss]
    def get_updates(self, loss, params): return ["counted at once", "moments", "weights"]

optimizer = Optimizer()
backends.TensorFlow1("tensorflow", TensorFlow()).settle(optimizer)
print(optimizer.get_updates(params=[], loss=1))
"""


def test_tensorflow_1_counts_a_step_once_its_updates_are_made():
    answer = subprocess.run([sys.executable, "-c", COUNTED], cwd=WORKLOADS, capture_output=True, text=True)
    assert answer.stdout == "[('count', 1, [['moments', 'weights']]), 'moments', 'weights']\n", answer.stderr
