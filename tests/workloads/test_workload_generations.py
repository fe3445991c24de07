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


@pytest.mark.parametrize("version", ["2.1.0", "2.2.4", "1.0.8", "4.0.0"])
def test_a_keras_between_the_generations_is_refused_in_one_line(tmp_path, mnist, keras, version):
    argv = [sys.executable, "-B", WORKLOADS / "run.py", "mnist_mlp", "--data", mnist, "--out", tmp_path / "out"]
    answer = subprocess.run(argv, env=keras(version), capture_output=True)
    assert answer.returncode == 1
    events = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    message = next(event for event in events if event["event"] == "error")["message"]
    known = "Keras 1.2, 2.0, 2.3 to 2.15 (and tf_keras) and 3"
    assert message == f"the built-in workloads speak {known}, and this is Keras {version}"
