"""The five models as data, the initial weights, and what needs Keras 3 where it is installed."""

from __future__ import annotations

import importlib

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
    assert sorted(listed["name"] for listed in LISTED) == list(run.WORKLOADS)
    assert all((WORKLOADS / f"{name}.py").exists() for name in run.WORKLOADS)


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


@pytest.fixture
def compat():  # type: ignore[no-untyped-def]
    pytest.importorskip("keras", minversion="3.0")
    return importlib.import_module("compat")


def test_gates_are_separated_in_the_order_of_keras_1(compat) -> None:  # type: ignore[no-untyped-def]
    kernel, recurrent, bias = (np.repeat(np.arange(4), 2)[None, :] + base for base in (0, 10, 20))
    arrays = compat._separate_gates([kernel, recurrent, bias[0]])
    assert [int(array.flat[0]) for array in arrays] == [0, 10, 20, 2, 12, 22, 1, 11, 21, 3, 13, 23]


def test_dense_rows_follow_the_channels_to_the_front(compat) -> None:  # type: ignore[no-untyped-def]
    image = np.random.RandomState(0).rand(4, 5, 3)  # rows, columns, channels
    kernel = np.random.RandomState(1).rand(60, 7)
    moved = compat._channels_to_front(kernel, (3, 4, 5))
    assert np.allclose(image.reshape(-1).dot(kernel), image.transpose(2, 0, 1).reshape(-1).dot(moved))


#: Loss of the untrained models on the samples below with seed 0. Seen alike, to 1e-6, on TensorFlow 1.3,
#: CNTK 2.5.1, Theano 0.9, MXNet 0.11 and on Keras 3 with TensorFlow, JAX and PyTorch.
FIRST_LOSS = {
    "mnist_mlp": 2.3889523,
    "mnist_cnn": 2.3267758,
    "cifar10_cnn": 2.2913685,
    "mnist_rnn": 2.3030024,
    "babi_rnn": 3.5817332,
}
SHAPES = {
    "mnist_mlp": [(784,)],
    "mnist_cnn": [(28, 28, 1)],
    "cifar10_cnn": [(32, 32, 3)],
    "mnist_rnn": [(28, 28, 1)],
    "babi_rnn": [(552,), (5,)],
}


def samples_for(name: str) -> tuple[list[np.ndarray], np.ndarray]:
    """One batch of 32 that any stack can make: inputs and one-hot labels."""
    random = np.random.RandomState(1)
    if name == "babi_rnn":
        x = [random.randint(0, 36, (32, *shape)).astype("int32") for shape in SHAPES[name]]
    else:
        x = [random.uniform(size=(32, *shape)).astype("float32") for shape in SHAPES[name]]
    classes = 36 if name == "babi_rnn" else 10
    return x, np.eye(classes, dtype="float32")[random.randint(0, classes, 32)]


@pytest.mark.slow
@pytest.mark.parametrize("name", FIRST_LOSS)
def test_size_and_first_loss_are_the_same_on_every_backend(compat, name: str) -> None:  # type: ignore[no-untyped-def]
    workload = importlib.import_module(name)
    keras = compat.Keras("faithful", threads=1, seed=0)
    x, y = samples_for(name)
    model, optimizer = workload.build(keras, SHAPES[name], y.shape[1])
    keras.set_initial_weights(model)
    keras.compile(model, optimizer)
    assert model.count_params() == workload.DEFAULTS["parameters"]
    assert float(model.test_on_batch(x, y)[0]) == pytest.approx(FIRST_LOSS[name], abs=1e-6)


def test_2017_settings_on_keras_3(compat) -> None:  # type: ignore[no-untyped-def]
    keras = compat.Keras("faithful", threads=1, seed=0)
    assert np.allclose(np.asarray(compat.hard_sigmoid_2017(np.array([-3.0, 0.0, 1.0, 3.0]))), [0, 0.5, 0.7, 1])
    config = keras.rmsprop(lr=1e-4, decay=1e-6).get_config()
    assert config["rho"] == 0.9 and config["epsilon"] == pytest.approx(1e-16)
    assert config["learning_rate"]["config"]["decay_rate"] == 1e-6
    assert keras.adadelta().get_config()["learning_rate"] == 1.0
    assert keras.adam().get_config()["epsilon"] == 1e-8
    modern = compat.Keras("modern", threads=1, seed=0)
    assert modern.adadelta().get_config()["learning_rate"] == pytest.approx(1e-3)
