"""Trains models of workloads/native/ and the same of Keras for two epochs of three batches without dropout, on one library.

    KERAS_BACKEND=... python native_steps.py WORKLOADS_FOLDER [WORKLOAD ...]

Prints one JSON line per model: the loss before training, the mean loss of the batches of each epoch and the loss after it,
of `keras` and of the `plain` library, and `moved`: how far apart the weights are in the end, relative to how far training
has moved them. Weights and batches are equal, so what is left to differ is rounding.
"""

from __future__ import print_function

import json
import os
import sys

import numpy as np

EPOCHS, SEED = 2, 0


class Clock(object):
    """Takes the hooks of an EpochClock, and keeps the figures of the epochs."""

    def __init__(self):
        self.logs = []

    def __getattr__(self, name):
        return lambda *given: None

    def on_epoch_end(self, epoch, logs):
        self.logs.append(logs)


def in_order(x, y, batch):
    """Endless batches in the order of the samples, for both alike."""
    while True:
        for begin in range(0, len(y), batch):
            yield x[begin:begin + batch], y[begin:begin + batch]


def keras_part(name):
    """(a compiled Keras model without dropout and with its initial weights, inputs, labels, batch size)."""
    import equal_steps

    if name not in equal_steps.SHAPES:
        return keras_model(name)
    import compat
    import importlib

    keras = compat.Keras("faithful", threads=1, seed=SEED)
    keras.dropout = equal_steps.nothing_dropped(compat)
    x, y = equal_steps.samples(name, "channels_last")
    model, optimizer = importlib.import_module(name).build(keras, [x.shape[1:]], y.shape[1])
    keras.set_initial_weights(model)
    keras.compile(model, optimizer)
    return model, x, y, equal_steps.BATCH


def keras_model(name):
    """The same of one of workloads/models/."""
    import importlib

    import backends
    import equal
    import equal_models
    import keras

    dropout = keras.layers.Dropout
    keras.layers.Dropout = lambda rate, **named: dropout(0.0, **named)
    module = importlib.import_module(name)
    x, y = equal_models.samples(module, 3 * 16)
    model = module.build()
    assert equal.weigh(keras, model, None, SEED) == "equal"
    backends.library(keras.backend.backend()).settle(model.optimizer)
    return model, x, y, 16


def weights_of(model):
    """The trained arrays in the layout of Keras."""
    return [np.array(variable) if not hasattr(variable, "detach") else variable.detach().cpu().numpy()
            for variable in (part.value for part in model.trainable_variables)]


def flat(arrays):
    return np.concatenate([array.ravel() for array in arrays])


def steps(name):
    from data import Data
    from native import loop, models, speaker

    model, x, y, batch = keras_part(name)
    old = [array.copy() for array in weights_of(model)]
    found = {"keras": [float(model.evaluate(x, y, batch_size=batch, verbose=0)[0])]}
    history = model.fit(x, y, batch_size=batch, shuffle=False, validation_data=(x, y), verbose=0, epochs=EPOCHS).history
    found["keras"] += [float(history[key][epoch]) for epoch in range(EPOCHS) for key in ("loss", "val_loss")]

    plain = speaker.Plain(os.environ["KERAS_BACKEND"], threads=1, seed=SEED)
    workload = models.MODELS[name](SEED)
    trainer = plain.model(workload, dropout=False)
    plain.compile(trainer, workload.optimizer)
    if x.ndim == 4 and plain.image_data_format == "channels_first":
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    data, clock = Data(x, y, x, y), Clock()
    found["plain"] = [loop.validated(trainer, data, batch)["loss"]]
    plain.fit(trainer, data, EPOCHS, batch, clock, in_order(x, y, batch))
    found["plain"] += [logs[key] for logs in clock.logs for key in ("loss", "val_loss")]
    assert trainer.count_params() == model.count_params() == workload.DEFAULTS["parameters"]
    ends, begin = [flat(trainer.weights()), flat(weights_of(model))], flat(old)
    found["moved"] = float(np.linalg.norm(ends[0] - ends[1]) / np.linalg.norm(ends[1] - begin))
    return found


def main(folder, *names):
    sys.path[:0] = [folder, os.path.join(folder, "models")]
    from native.names import MODELS

    for name in names or MODELS:
        print(json.dumps(dict(steps(name), workload=name), sort_keys=True))
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
