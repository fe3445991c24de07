"""Head first, then everything: a new compile() makes it another fit; a second model is a third."""
import keras
import numpy as np
from keras import layers

random = np.random.default_rng(20)
x, y = random.normal(size=(128, 8)).astype("float32"), random.integers(0, 2, 128)
base = keras.Sequential([keras.Input((8,)), layers.Dense(16, activation="relu")])
base.trainable = False
model = keras.Sequential([keras.Input((8,)), base, layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=32, epochs=2)

base.trainable = True
model.compile(keras.optimizers.Adam(1e-5), "sparse_categorical_crossentropy", metrics=["accuracy"])
fine = model.fit(x, y, batch_size=32, epochs=3, validation_split=0.25)
assert len(fine.history["loss"]) >= 1

other = keras.Sequential([keras.Input((8,)), layers.Dense(1)])
other.compile("sgd", "mse")
other.fit(x, y, batch_size=64, epochs=1)
