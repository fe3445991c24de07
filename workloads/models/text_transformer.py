"""A Transformer that tells two kinds of texts apart, trained from scratch.

The model of keras.io's example "Text classification with Transformer": one block of two heads over 200 words of a
vocabulary of 20,000, with embeddings of 32; Adam. The texts are made up: most words are drawn at random, and each kind
of text has words of its own that turn up more often.
"""

import keras
import texts
from keras import layers, ops
from texts import HEADS, INNER, VOCABULARY, WIDTH

TITLE = "Text Transformer"
KIND = "Transformer"
UNIT = "texts"
PLACE = 1
PARAMETERS = 657758
NEEDS = ["MultiHeadAttention", "keras.ops"]
BATCH = 32
EPOCHS = 2
SCALES = {
    "smoke": {"epochs": 2, "train": 128, "validation": 64, "timeout_s": 900},
    "quick": {"epochs": 3, "train": 1024, "validation": 256, "timeout_s": 900},
    "article": {"epochs": 5, "train": 25000, "validation": 5000, "timeout_s": 14400},
    "gpu": {"epochs": 5, "train": 25600, "validation": 5120, "timeout_s": 600},
}
LEARNED = {"quick": 0.85, "article": 0.9, "gpu": 0.9}


def data(train=1024, validation=256, seed=0, length=200):
    return texts.data(train, validation, seed, length)


class Positions(layers.Layer):
    """Embeddings of words and of their places, added."""

    def __init__(self, words, length, width, **named):
        super(Positions, self).__init__(**named)
        self.words = layers.Embedding(words, width)
        self.places = layers.Embedding(length, width)

    def build(self, shape):
        self.words.build(shape)
        self.places.build(shape)
        self.built = True

    def call(self, x):
        return self.words(x) + self.places(ops.arange(x.shape[-1]))


def block(x, dropout=0.1):
    told = layers.MultiHeadAttention(HEADS, WIDTH)(x, x)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.add([x, layers.Dropout(dropout)(told)]))
    inner = layers.Dense(WIDTH)(layers.Dense(INNER, activation="relu")(x))
    return layers.LayerNormalization(epsilon=1e-6)(layers.add([x, layers.Dropout(dropout)(inner)]))


def build(length=200):
    words = keras.Input((length,), dtype="int32")
    x = block(Positions(VOCABULARY, length, WIDTH)(words))
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(x))
    x = layers.Dropout(0.1)(layers.Dense(20, activation="relu")(x))
    model = keras.Model(words, layers.Dense(2, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
