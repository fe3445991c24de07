"""A classifier of middle size that writes the times of its epochs by itself: tests/bench/own_script.py compares them."""
import json
import time

import keras
import numpy as np
from keras import layers


class Times(keras.callbacks.Callback):
    async_safe = True
    seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.begin)


random = np.random.default_rng(40)
x = random.normal(size=(4096, 32, 16)).astype("float32")
y = (x[:, :, 0].mean(axis=1) > 0).astype("int32")
inputs = keras.Input((32, 16))
h = layers.LayerNormalization()(layers.Dense(64)(inputs) + layers.MultiHeadAttention(2, 16)(layers.Dense(64)(inputs), inputs))
h = layers.Dense(128, activation="gelu")(h)
model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(h)))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=64, epochs=6, validation_split=0.1, verbose=0, callbacks=[Times()])
with open("epoch_times.json", "w") as file:
    json.dump(Times.seconds, file)
