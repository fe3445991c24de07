"""A script of 2016, for Keras 1."""
# backends: keras1
from __future__ import print_function

import numpy as np
from keras.layers import Activation, Dense, Input, merge
from keras.models import Model, Sequential

np.random.seed(31)
x = np.random.rand(256, 20)
y = (x.sum(axis=1) > 10).astype("float32")
model = Sequential()
model.add(Dense(16, input_shape=(20,)))
model.add(Activation("relu"))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x, y, batch_size=32, nb_epoch=3, validation_split=0.25)
print(history.history)

inputs = Input(shape=(20,))
sides = [Dense(8)(inputs), Dense(8)(inputs)]
other = Model(input=inputs, output=Dense(1)(merge(sides, mode="sum")))
other.compile(loss="mse", optimizer="sgd")


def batches():
    while True:
        for begin in range(0, 256, 32):
            yield x[begin:begin + 32], y[begin:begin + 32]


other.fit_generator(batches(), samples_per_epoch=256, nb_epoch=2)
