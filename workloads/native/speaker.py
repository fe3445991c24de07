"""What stands in the place of a Keras (compat.py) for a job without one: a library with its plain models."""
import importlib

import numpy as np

import backends
import varied
from native import loop


class Plain(object):
    """One library; `name` is what Keras calls it. It asks the library for what the faithful variant asks."""

    version = None
    callback_class = object

    def __init__(self, name, threads, seed, deterministic=False):
        self.library = backends.library(name)
        self.threads = self.library.set_threads(threads)
        self.deterministic = self.library.deterministic() if deterministic else None
        self.seed = seed
        self.devices = self.library.devices()
        backends.check_gpu(self.library, self.devices)
        self.precision = self.library.exact() if backends.gpu_requested() else {}
        self._own = importlib.import_module("native.plain_" + name)
        self.image_data_format = self._own.image_data_format
        self.axes = varied.Axes({})
        np.random.seed(seed)
        self.library.seed(seed)

    def vary(self, asked):
        """Batch size and threads, which are options of their own; the plan refuses any other."""
        self.axes = varied.Axes(asked)

    def model(self, workload, **settings):
        """A trainer with the workload's initial weights. `settings`: those of the library's Trainer."""
        trainer = self._own.Trainer(workload.name, **settings)
        trainer.set_weights(workload.weights)
        return trainer

    def set_initial_weights(self, model):
        """It has them."""

    def compile(self, model, optimizer):
        self._optimizer = optimizer
        model.compile(optimizer)

    def fit(self, model, data, epochs, batch_size, clock, batches=None):
        loop.fit(model, data, epochs, batch_size, clock, self.seed, batches)

    def wait_for_device(self, model):
        model.wait()

    def settings(self, model):
        jit = self._own.jit
        return {"optimizer": self._optimizer, "jit_compile": jit() if callable(jit) else jit, "lstm": None,
                "devices": self.devices, "gpu_requested": backends.gpu_requested(), "floatx": "float32",
                "shuffled_by": "numpy"}
