"""Trains models of workloads/models/ for two epochs of three batches without dropout, from equal weights, on Keras 3.

    KERAS_BACKEND=... python equal_models.py WORKLOADS_FOLDER MODEL ...

Prints one JSON line per model: parameters, the loss before training, and the mean loss of the batches of both epochs:
what is left to differ between backends is rounding, once TensorFlow sums the gradients of a word that occurs twice as
the others do (`settle` in workloads/backends.py), which a job leaves as Keras has it. Of the data set that a model reads, pictures of the same shape take
the place. Once trained, each layer that has weights must have changed one of them.
"""

from __future__ import print_function

import importlib
import json
import os
import sys

import numpy as np

BATCHES, SEED = 3, 7
PICTURES = {"cifar10": (32, 32, 3)}


def pictures(shape, size):
    """Pictures in 0..1 that show their label, as rows that are lighter; and the labels, one-hot."""
    random = np.random.RandomState(SEED)
    labels = random.randint(0, 10, size)
    x = 0.5 * random.uniform(size=(size,) + shape).astype("float32")
    x[np.arange(size), 2 * labels] += 0.5
    return x, np.eye(10, dtype="float32")[labels]


def samples(module, size):
    dataset = getattr(module, "DATASET", None)
    if dataset is None:
        return module.data(train=size, validation=size, seed=SEED)[:2]
    return pictures(PICTURES[dataset], size)


def loss_of(model, x, y, batch):
    found = model.evaluate(x, y, batch_size=batch, verbose=0)
    return float(found[0] if isinstance(found, (list, tuple)) else found)


def steps(name):
    """The figures of one model. Raises ValueError for a layer that does not learn."""
    import backends
    import equal
    import keras

    dropout = keras.layers.Dropout
    keras.layers.Dropout = lambda rate, **named: dropout(0.0, **named)  # masks are each backend's own
    module = importlib.import_module(name)
    batch = min(module.BATCH, 16)
    x, y = samples(module, BATCHES * batch)
    model = module.build()
    if equal.weigh(keras, model, None, SEED) != "equal":
        raise ValueError("%s is built while it trains" % name)
    backends.library(keras.backend.backend()).settle(model.optimizer)
    before = loss_of(model, x, y, batch)
    weights = [keras.ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables]
    first, second = model.fit(x, y, batch_size=batch, shuffle=False, verbose=0, epochs=2).history["loss"]
    for variable, old in zip(model.trainable_variables, weights):
        if old.ndim > 1 and (keras.ops.convert_to_numpy(variable) == old).all():
            raise ValueError("%s: %s did not change" % (name, variable.path))
    return {"before": before, "first": float(first), "second": float(second), "parameters": int(model.count_params())}


def main(folder, *names):
    sys.path[:0] = [folder, os.path.join(folder, "models")]
    for name in names:
        print(json.dumps(dict(steps(name), workload=name), sort_keys=True))
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
