"""Trains each model for one short epoch without dropout, from equal weights and on equal batches, on the Keras at hand.

    KERAS_BACKEND=... python equal_steps.py WORKLOADS_FOLDER [WORKLOAD ...]

Prints one JSON line per workload: parameters, the loss before training, the mean loss of its batches and the loss after.
What is left to differ between backends is rounding, so these figures say whether models, layouts of weights, optimizers
and their settings are the same. Runs on Python 2.7 too.
"""

from __future__ import print_function

import importlib
import json
import sys

import numpy as np

SHAPES = {
    "mnist_mlp": [(784,)],
    "mnist_cnn": [(28, 28, 1)],
    "cifar10_cnn": [(32, 32, 3)],
    "mnist_rnn": [(28, 28, 1)],
    "babi_rnn": [(60,), (5,)],
}
BATCHES, BATCH = 3, 32


def samples(name, image_data_format):
    """The same inputs and one-hot labels for every stack, learnable: a label shows in its input."""
    random = np.random.RandomState(1)
    size = BATCHES * BATCH
    classes = 36 if name == "babi_rnn" else 10
    labels = random.randint(0, classes, size)
    if name == "babi_rnn":
        x = [random.randint(0, classes, (size,) + shape).astype("int32") for shape in SHAPES[name]]
        x[1][:] = labels[:, None]
    else:
        (shape,) = SHAPES[name]
        x = 0.5 * random.uniform(size=(size,) + shape).astype("float32")
        x[np.arange(size), 2 * labels] += 0.5
        if image_data_format == "channels_first" and name.endswith("_cnn"):
            x = x.transpose(0, 3, 1, 2)
    return x, np.eye(classes, dtype="float32")[labels]


def nothing_dropped(compat):
    """A maker of layers in place of dropout, whose masks are each backend's own.

    Keras 2 on MXNet dies of a layer that hands on its very input: it evaluates that, of a batch of no size.
    """
    if compat.K.backend() == "mxnet" and not compat.VERSION.startswith("1."):
        return lambda rate: compat.layers.Lambda(lambda x: x * 1.0)
    return lambda rate: compat.layers.Dropout(0.0)


def steps(name):
    """The figures of one workload."""
    import compat

    keras = compat.Keras("faithful", threads=1, seed=0)
    keras.dropout = nothing_dropped(compat)
    x, y = samples(name, keras.image_data_format)
    shapes = [array.shape[1:] for array in (x if isinstance(x, list) else [x])]
    model, optimizer = importlib.import_module(name).build(keras, shapes, y.shape[1])
    keras.set_initial_weights(model)
    keras.compile(model, optimizer)
    before = model.evaluate(x, y, batch_size=BATCH, verbose=0)
    history = model.fit(x, y, batch_size=BATCH, shuffle=False, validation_data=(x, y), verbose=0, **{keras.epochs: 1}).history
    losses = [before[0], history["loss"][0], history["val_loss"][0]]
    return dict(zip(["before", "during", "after"], map(float, losses)), parameters=int(model.count_params()))


def main(workloads_folder, *names):
    sys.path.insert(0, workloads_folder)
    for name in names or sorted(SHAPES):
        print(json.dumps(dict(steps(name), workload=name), sort_keys=True))
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
