"""The MNIST MLP as a plain Keras 3 script: `python bare_keras.py MNIST_NPZ TRAIN VALIDATION EPOCHS`.

Prints the seconds of each epoch, validation included, as JSON. Nothing of this project is imported.
"""

import json
import sys
import time

import keras
import numpy

keras.utils.set_random_seed(1)
train, validation, epochs = (int(text) for text in sys.argv[2:])
with numpy.load(sys.argv[1]) as data:
    x, y, x_val, y_val = (data[name] for name in ("x_train", "y_train", "x_test", "y_test"))
x, x_val = (a[:n].reshape(n, 784).astype("float32") / 255 for a, n in ((x, train), (x_val, validation)))
y, y_val = (numpy.eye(10, dtype="float32")[a[:n]] for a, n in ((y, train), (y_val, validation)))
layers = keras.layers
model = keras.Sequential([
    keras.Input((784,)), layers.Dense(512, activation="relu"), layers.Dropout(0.2),
    layers.Dense(512, activation="relu"), layers.Dropout(0.2), layers.Dense(10, activation="softmax"),
])  # fmt: skip
model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.RMSprop(1e-3), metrics=["accuracy"])
moments = []


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        moments.append(time.monotonic())

    def on_train_end(self, logs=None):
        moments.append(time.monotonic())


model.fit(x, y, 128, epochs, verbose=0, validation_data=(x_val, y_val), callbacks=[Clock()])
print(json.dumps([moments[i + 1] - moments[i] for i in range(len(moments) - 1)]))
