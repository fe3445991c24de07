"""A script of 2017, for Keras 2.0."""
# backends: keras2
from __future__ import print_function

import numpy as np
from keras.callbacks import ModelCheckpoint
from keras.layers import Dense, Dropout
from keras.models import Sequential
from keras.utils import to_categorical

np.random.seed(30)
x = np.random.rand(256, 20)
y = to_categorical((x.sum(axis=1) > 10).astype("int32"), 2)
model = Sequential()
model.add(Dense(32, activation="relu", input_dim=20))
model.add(Dropout(0.2))
model.add(Dense(2, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
model.fit(x[:192], y[:192], epochs=2, batch_size=32, validation_data=(x[192:], y[192:]), verbose=1,
          callbacks=[ModelCheckpoint("best.h5")])


def batches():
    while True:
        for begin in range(0, 192, 32):
            yield x[begin:begin + 32], y[begin:begin + 32]


model.compile(loss="categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
model.fit_generator(batches(), steps_per_epoch=6, epochs=2)
print("score:", model.evaluate(x, y, verbose=0))
