"""The models that there are without Keras: their initial weights, in Keras' shapes and order, and their optimizers.

An optimizer is its name and its settings; each library writes its formula out, as Keras has it.
"""
import importlib

import numpy as np

import weights


def rmsprop(rate=1e-3, decay=0.0):
    """That of 2017: in Keras 3 the square of its epsilon stands under the root."""
    return {"class_name": "RMSprop", "learning_rate": rate, "decay": decay, "rho": 0.9, "epsilon": 1e-16}


def drawn(layers):
    """A function of the seed that draws the arrays of layers (kind, shape of the kernel), as compat.py does."""
    def draw(seed):
        random = np.random.RandomState(seed)
        return [array for kind, shape in layers for array in weights.draw(kind, shape, random)]
    return draw


class Workload(object):
    """One workload as run.py wants it, but for `build`, which takes plain.Plain in place of a Keras.

    It has the data, batches and sizes of the Keras workload `module`; `weights`: a function of the seed that gives the
    initial weights.
    """

    def __init__(self, name, module, weights, optimizer):
        its = importlib.import_module(module)
        self.name, self.weights, self.optimizer = name, weights, optimizer
        self.DEFAULTS, self.load = its.DEFAULTS, its.load
        if hasattr(its, "batches"):
            self.batches = its.batches

    def build(self, plain, shapes, classes):
        return plain.model(self), self.optimizer


def mnist_mlp():
    layers = [("Dense", (784, 512)), ("Dense", (512, 512)), ("Dense", (512, 10))]
    return Workload("mnist_mlp", "mnist_mlp", drawn(layers), rmsprop())


MODELS = {"mnist_mlp": mnist_mlp}
