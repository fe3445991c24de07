"""The models that there are without Keras: their initial weights, in Keras' shapes and order, and their optimizers.

An optimizer is its name and its settings; each library writes its formula out, as Keras has it.
"""
import importlib

import numpy as np

import data
import equal
import texts
import weights


def rmsprop(rate=1e-3, decay=0.0):
    """That of 2017: in Keras 3 the square of its epsilon stands under the root."""
    return {"class_name": "RMSprop", "learning_rate": rate, "decay": decay, "rho": 0.9, "epsilon": 1e-16}


def adam():
    """Keras' defaults of today."""
    return {"class_name": "Adam", "learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


def drawn(layers, seed):
    """The arrays of layers (kind, shape of the kernel), drawn as compat.py draws them."""
    random = np.random.RandomState(seed)
    return [array for kind, shape in layers for array in weights.draw(kind, shape, random)]


class Workload(object):
    """One workload as run.py wants it, but for `build`, which takes plain.Plain in place of a Keras.

    `load`, `DEFAULTS` and, where there are any, `batches` are those of a workload of Keras; `weights` the initial ones.
    """

    def __init__(self, name, weights, optimizer, load, DEFAULTS, batches=None):
        self.name, self.weights, self.optimizer = name, weights, optimizer
        self.load, self.DEFAULTS = load, DEFAULTS
        if batches is not None:
            self.batches = batches

    def build(self, plain, shapes, classes):
        return plain.model(self), self.optimizer


def of_keras(name, weights, optimizer):
    """One that has the data, batches and sizes of the workload of its name."""
    its = importlib.import_module(name)
    return Workload(name, weights, optimizer, its.load, its.DEFAULTS, getattr(its, "batches", None))


def mnist_mlp(seed):
    layers = [("Dense", (784, 512)), ("Dense", (512, 512)), ("Dense", (512, 10))]
    return of_keras("mnist_mlp", drawn(layers, seed), rmsprop())


def cifar10_cnn(seed):
    layers = [("Conv2D", (3, 3, 3, 32)), ("Conv2D", (3, 3, 32, 32)), ("Conv2D", (3, 3, 32, 64)), ("Conv2D", (3, 3, 64, 64)),
              ("Dense", (6 * 6 * 64, 512)), ("Dense", (512, 10))]
    return of_keras("cifar10_cnn", drawn(layers, seed), rmsprop(rate=1e-4, decay=1e-6))


def text_transformer(seed):
    """Its data are made up, from the seed."""
    def load(path, train, validation, image_data_format):
        return data.Data(*texts.data(train, validation, seed))

    sizes = {"dataset": None, "batch_size": 32, "epochs": 2, "train": 1024, "validation": 256, "parameters": 657758}
    return Workload("text_transformer", text_weights(seed), adam(), load, sizes)


def text_weights(seed):
    """As equal.py draws those of Keras: what has two axes or more, in the order of the layers."""
    random = np.random.RandomState(seed)
    width, heads, inner = texts.WIDTH, texts.HEADS, texts.INNER
    found = [random.uniform(-0.05, 0.05, (size, width)) for size in (texts.VOCABULARY, texts.LENGTH)]
    for _ in ("query", "key", "value"):
        found += [equal.draw(None, (width, heads, width), random), np.zeros((heads, width))]
    found += [equal.draw(None, (heads, width, width), random), np.zeros(width)]
    norm = [np.ones(width), np.zeros(width)]
    dense = [[equal.draw(None, shape, random), np.zeros(shape[-1])]
             for shape in ((width, inner), (inner, width), (width, 20), (20, 2))]
    found += norm + dense[0] + dense[1] + norm + dense[2] + dense[3]
    return [array.astype("float32") for array in found]


MODELS = {"mnist_mlp": mnist_mlp, "cifar10_cnn": cifar10_cnn, "text_transformer": text_transformer}
