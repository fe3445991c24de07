"""Which Keras a stack's models import, whatever its package is called."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
import stack_keras


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that puts a Keras of a version there, tensorflow.keras and tf_keras beside it; it gives all three."""
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)

    def there(version: str) -> dict[str, types.ModuleType]:
        found = {name: types.ModuleType(name) for name in ("keras", "tf_keras", "tensorflow")}
        inside = types.ModuleType("keras_of_tensorflow")
        inside.layers = types.SimpleNamespace(Dense="Dense of TensorFlow's")  # type: ignore[attr-defined]
        found["tensorflow"].keras = inside  # type: ignore[attr-defined]
        found["keras"].__version__, found["tf_keras"].__version__ = version, "2.21.0"  # type: ignore[attr-defined]
        for name, module in found.items():
            monkeypatch.setitem(sys.modules, name, module)
        return {**found, "inside": inside}

    return there


@pytest.mark.parametrize(
    ("version", "asked", "wanted"),
    [
        ("2.3.1", "", "keras"),
        ("2.8.0", "", "inside"),  # keras.optimizers of that package has no SGD
        ("2.15.0", "", "inside"),
        ("3.15.1", "", "keras"),
        ("3.15.1", "1", "tf_keras"),  # and not the Keras 3 that is installed with it
    ],
)
def test_a_model_gets_the_keras_of_its_stack(packages, monkeypatch, tmp_path, version, asked, wanted):
    found = packages(version)
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", asked)
    found[wanted].layers = types.SimpleNamespace(Dense="its Dense")
    path = tmp_path / "model.py"
    path.write_text("import keras\nfrom keras import layers\nfrom keras.layers import Dense\nimport json\n")
    module = run(path, tmp_path)
    assert module["keras"] is found[wanted] and module["layers"] is found[wanted].layers
    assert (module["Dense"], module["json"].__name__) == ("its Dense", "json")


def test_files_elsewhere_import_what_they_name_and_nothing_stays_changed(packages, tmp_path):
    found, before = packages("2.8.0"), __import__
    path = tmp_path / "script.py"
    path.write_text("import keras\n")
    assert run(path, tmp_path / "models")["keras"] is found["keras"], "a library's own file"
    assert run(path, None)["keras"] is found["keras"], "somebody's script"
    assert __import__ is before


def run(path: Path, folder: Path | None) -> dict[str, Any]:
    names: dict[str, Any] = {"__file__": str(path), "__builtins__": __builtins__}
    with stack_keras.imported_by(None if folder is None else str(folder)):
        exec(compile(path.read_text(), str(path), "exec"), names)
    return names
