"""Writes packages that behave like Keras and JAX where own.py looks, so that its tests need no framework."""

from __future__ import annotations

from pathlib import Path

JAX = """
__version__ = "0.0"

class config:
    jax_default_matmul_precision = None

def devices():
    return []

def live_arrays():
    return []

def block_until_ready(arrays):
    return arrays
"""

KERAS = '''
import os
import sys
__version__ = "3.0"
BACKEND = os.environ.get("KERAS_BACKEND")
import jax


class backend:
    backend = staticmethod(lambda: "jax")
    floatx = staticmethod(lambda: "float32")
    image_data_format = staticmethod(lambda: "channels_last")


class callbacks:
    class Callback(object):
        def set_model(self, model):
            self.model = model
        def on_train_begin(self, logs=None): pass
        def on_epoch_begin(self, epoch, logs=None): pass
        def on_batch_end(self, batch, logs=None): pass
        def on_test_begin(self, logs=None): pass
        def on_epoch_end(self, epoch, logs=None): pass

    class History(Callback):
        pass


class Trainer(object):
    """Counts what it does; its loss falls with every epoch."""
    fits = []

    def compile(self, optimizer=None, loss=None):
        self.optimizer, self.loss, self.total = optimizer, loss, 0

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose="auto", callbacks=None, validation_split=0.0,
            validation_data=None, shuffle=True, sample_weight=None, initial_epoch=0, steps_per_epoch=None,
            validation_steps=None):
        self.fits.append(dict(epochs=epochs, verbose=verbose, steps=steps_per_epoch, samples=len(x)))
        history = {"loss": []}
        count = steps_per_epoch or -(-len(x) // (batch_size or 32))
        for callback in callbacks or []:
            callback.set_model(self)
            callback.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            self.total += 1
            logs = {"loss": 1.0 / self.total, "accuracy": 0.5}
            for callback in callbacks or []:
                callback.on_epoch_begin(epoch)
            for batch in range(count):
                for callback in callbacks or []:
                    callback.on_batch_end(batch, logs)
            if validation_data is not None:
                for callback in callbacks or []:
                    callback.on_test_begin()
                logs = dict(logs, val_loss=2.0)
            for callback in callbacks or []:
                callback.on_epoch_end(epoch, logs)
            history["loss"].append(logs["loss"])
        found = sys.modules["keras"].callbacks.History()
        found.history = history
        return found


class Model(Trainer):
    built = True

    def count_params(self):
        return 7


class models:
    Model = Model
    Sequential = Model
'''


def write(folder: Path) -> Path:
    """`folder` with a keras.py and a jax.py in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keras.py").write_text(KERAS)
    (folder / "jax.py").write_text(JAX)
    return folder
