"""Batches from a Python generator and from a keras.utils.PyDataset."""
import keras
import numpy as np


def batches():
    random = np.random.default_rng(22)
    while True:
        x = random.normal(size=(16, 4)).astype("float32")
        yield x, x.sum(axis=1)


class Validation(keras.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, number):
        x = np.random.default_rng(number).normal(size=(16, 4)).astype("float32")
        return x, x.sum(axis=1)


model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("adam", "mse", run_eagerly=keras.backend.backend() == "torch")
model.fit(batches(), steps_per_epoch=10, epochs=2, validation_data=Validation())
assert len(Validation()) == 5
