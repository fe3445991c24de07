"""The five models as data, and the initial weights."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import weights
import yaml

from tests.workloads.archives import WORKLOADS

LISTED = yaml.safe_load((WORKLOADS / "workloads.yaml").read_text())["workloads"]


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed["name"])
def test_a_script_and_its_entry_agree(listed: dict) -> None:
    defaults = importlib.import_module(listed["name"]).DEFAULTS
    article = listed["scales"]["article"]
    assert defaults["dataset"] == listed["dataset"]
    assert defaults["batch_size"] == listed["batch_size"]
    assert defaults["parameters"] == listed["parameters"]
    assert {name: defaults[name] for name in ("epochs", "train", "validation")} == {
        name: article[name] for name in ("epochs", "train", "validation")
    }


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed["name"])
def test_small_scales_are_whole_batches_and_long_enough(listed: dict) -> None:
    quick, smoke = listed["scales"]["quick"], listed["scales"]["smoke"]
    assert quick["epochs"] >= 3 and smoke["epochs"] >= 2
    assert quick["train"] % listed["batch_size"] == smoke["train"] % listed["batch_size"] == 0


def test_every_script_is_listed_and_offered() -> None:
    run = importlib.import_module("run")
    assert sorted(listed["name"] for listed in LISTED) == list(run.workloads())
    assert all((WORKLOADS / f"{name}.py").exists() for name in run.workloads())


@pytest.mark.parametrize("name", [listed["name"] for listed in LISTED])
def test_a_model_is_a_short_file(name: str) -> None:
    assert len((WORKLOADS / f"{name}.py").read_text().splitlines()) <= 80


def draw(kind: str, shape: tuple[int, ...], seed: int = 0) -> list[np.ndarray]:
    return weights.draw(kind, shape, np.random.RandomState(seed))


def test_weights_depend_on_the_seed_alone() -> None:
    first, same, other = (draw("LSTM", (3, 8), seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_shapes_and_limits_of_each_kind() -> None:
    kernel, bias = draw("Conv2D", (3, 3, 16, 32))
    assert kernel.shape == (3, 3, 16, 32) and bias.shape == (32,) and not bias.any()
    assert 0.9 * (6 / (9 * 48)) ** 0.5 < abs(kernel).max() <= (6 / (9 * 48)) ** 0.5
    (table,) = draw("Embedding", (36, 50))
    assert table.shape == (36, 50) and 0.045 < abs(table).max() <= 0.05
    kernel, recurrent, bias = draw("LSTM", (28, 4 * 16))
    assert (kernel.shape, recurrent.shape, bias.shape) == ((28, 64), (16, 64), (64,))
    assert bias.tolist() == [0.0] * 16 + [1.0] * 16 + [0.0] * 32
    assert np.allclose(recurrent.dot(recurrent.T), np.eye(16), atol=1e-6)
    assert {array.dtype for array in (kernel, recurrent, bias, table)} == {np.dtype("float32")}


def test_an_unknown_kind_of_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="GRU"):
        draw("GRU", (3, 3))


class Pipelines:
    """What TensorFlow's data module looks like from outside: options, and data sets that are iterated over."""

    class Options:
        def __init__(self) -> None:
            self.autotune = type("Autotune", (), {"enabled": None})()

    class Dataset:
        def __init__(self, tuned: bool | None = None) -> None:
            self.tuned = tuned

        def with_options(self, options: Pipelines.Options) -> Pipelines.Dataset:
            return type(self)(options.autotune.enabled)

        def __iter__(self):  # type: ignore[no-untyped-def]
            return iter([self.tuned])


def test_tensorflow_leaves_the_tuner_of_its_input_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import backends

    monkeypatch.setattr(Pipelines.Dataset, "__iter__", Pipelines.Dataset.__iter__)  # it is put back after the test
    assert list(Pipelines.Dataset()) == [None]
    backends.TensorFlow2("tensorflow", type("TensorFlow", (), {"data": Pipelines})).settle_input()
    assert list(Pipelines.Dataset()) == [False]


def test_what_an_older_tensorflow_lacks_is_not_asked_for() -> None:
    """2.11 has no test.experimental, and 2.1 no choice of TensorFloat-32: what needs neither ended with an error."""
    import backends

    old = backends.TensorFlow2(
        "tensorflow", SimpleNamespace(test=SimpleNamespace(), config=SimpleNamespace(experimental=SimpleNamespace()))
    )
    old.wait()
    old.inexact()
    assert old.exact() == {}
    asked: list[Any] = []
    newer = SimpleNamespace(
        test=SimpleNamespace(experimental=SimpleNamespace(sync_devices=lambda: asked.append("wait"))),
        config=SimpleNamespace(experimental=SimpleNamespace(enable_tensor_float_32_execution=asked.append)),
    )
    library = backends.TensorFlow2("tensorflow", newer)
    library.wait()
    assert library.exact() == {"tensor_float_32_execution": False}
    library.inexact()
    assert asked == ["wait", False, True]
