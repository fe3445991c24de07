"""The module form with batches of its own making."""
import keras
import numpy as np


class Batches(keras.utils.PyDataset):
    def __init__(self, count, size, seed):
        super().__init__()
        self.count, self.size, self.seed = count, size, seed

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        x = np.random.default_rng(self.seed + number).normal(size=(self.size, 6)).astype("float32")
        return x, x[:, :1]


def data(seed=0, batch_size=16):
    return Batches(8, batch_size, seed), Batches(2, batch_size, seed + 100)


class Line(keras.Model):
    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(1)

    def call(self, x):
        return self.last(x)


def build():
    model = Line()
    model.compile("adam", "mse")
    return model
