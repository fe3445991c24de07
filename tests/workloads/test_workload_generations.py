"""The built-in workloads on a Keras that they do not know: one line, before anything is built."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.workloads.archives import WORKLOADS

STUB = "__version__ = {!r}\nclass callbacks:\n    class Callback: pass\nfrom . import backend, layers\n"


@pytest.mark.parametrize("version", ["2.15.0", "2.3.1", "1.0.8", "4.0.0"])
def test_a_keras_between_the_generations_is_refused_in_one_line(tmp_path, mnist, version):
    keras = tmp_path / "site" / "keras"
    keras.mkdir(parents=True)
    (keras / "__init__.py").write_text(STUB.format(version))
    (keras / "backend.py").write_text("def backend():\n    return 'tensorflow'\n")
    (keras / "layers.py").touch()
    argv = [sys.executable, "-B", WORKLOADS / "run.py", "mnist_mlp", "--data", mnist, "--out", tmp_path / "out"]
    answer = subprocess.run(argv, env={"PYTHONPATH": str(tmp_path / "site")}, capture_output=True)
    assert answer.returncode == 1
    events = [json.loads(line) for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    message = next(event for event in events if event["event"] == "error")["message"]
    assert message == f"the built-in workloads speak Keras 1.2, 2.0 and 3, and this is Keras {version}"
