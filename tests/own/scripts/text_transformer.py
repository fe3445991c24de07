"""Which of two topics is a sentence about? A transformer block over words, with layers of its own."""
import keras
import numpy as np
from keras import layers, ops

WORDS, LENGTH, WIDTH = 500, 32, 16


class Positions(layers.Layer):
    """Words and where they stand."""

    def __init__(self, words, length, width, **settings):
        super().__init__(**settings)
        self.words = layers.Embedding(words, width)
        self.places = layers.Embedding(length, width)

    def call(self, tokens):
        return self.words(tokens) + self.places(ops.arange(ops.shape(tokens)[-1]))


class Block(layers.Layer):
    """Attention and a small network, each with a way around it."""

    def __init__(self, width, heads, **settings):
        super().__init__(**settings)
        self.attend = layers.MultiHeadAttention(heads, width)
        self.think = keras.Sequential([layers.Dense(2 * width, activation="gelu"), layers.Dense(width)])
        self.norms = [layers.LayerNormalization(epsilon=1e-6), layers.LayerNormalization(epsilon=1e-6)]
        self.drop = layers.Dropout(0.1)

    def call(self, x, training=None):
        x = self.norms[0](x + self.drop(self.attend(x, x), training=training))
        return self.norms[1](x + self.think(x))


def sentences(count, random):
    topics = random.integers(0, 2, count)
    tokens = random.integers(10, WORDS, (count, LENGTH))
    tokens[np.arange(count), random.integers(0, LENGTH, count)] = 1 + topics
    return tokens.astype("int32"), topics.astype("int32")


random = np.random.default_rng(1)
x, y = sentences(512, random)
x_val, y_val = sentences(128, random)

inputs = keras.Input((LENGTH,), dtype="int32")
h = Positions(WORDS, LENGTH, WIDTH)(inputs)
h = Block(WIDTH, 2)(h)
h = layers.GlobalMaxPooling1D()(h)
outputs = layers.Dense(2, activation="softmax")(h)
model = keras.Model(inputs, outputs)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=32, epochs=2, validation_data=(x_val, y_val))
