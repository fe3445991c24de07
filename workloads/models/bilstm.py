"""Two bidirectional LSTMs that tell two kinds of texts apart, as in keras.io's example "Bidirectional LSTM on IMDB".

Texts of 80 words of a vocabulary of 20,000; Adam. They are made up: most words are drawn at random, and each kind of
text has words of its own that turn up more often.
"""

import numpy as np
from keras import layers, models

TITLE = "Bidirectional LSTM"
KIND = "RNN"
UNIT = "texts"
PLACE = 7
PARAMETERS = 1444993
BATCH = 32
EPOCHS = 3
SCALES = {
    "smoke": {"epochs": 2, "train": 64, "validation": 32, "timeout_s": 900},
    "quick": {"epochs": 3, "train": 512, "validation": 64, "timeout_s": 900},
    "article": {"epochs": 5, "train": 25000, "validation": 5000, "timeout_s": 43200},
    "gpu": {"epochs": 3, "train": 4096, "validation": 512, "timeout_s": 600},
}
LEARNED = {"quick": 0.8}
VOCABULARY, WIDTH, UNITS = 20000, 64, 64
#: Words that one kind of text alone uses, and how often one of them stands at a place.
TELLING, SHARE = 50, 0.2


def data(train=512, validation=64, seed=0, length=80):
    random = np.random.RandomState(seed)
    size = train + validation
    y = random.randint(0, 2, size).astype("float32")
    x = random.randint(1 + 2 * TELLING, VOCABULARY, (size, length))
    told = random.randint(1, 1 + TELLING, (size, length)) + TELLING * y[:, None].astype("int32")
    x = np.where(random.uniform(size=x.shape) < SHARE, told, x).astype("int32")
    return x[:train], y[:train], x[train:], y[train:]


def build(length=80):
    words = layers.Input((length,), dtype="int32")
    x = layers.Embedding(VOCABULARY, WIDTH)(words)
    x = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(UNITS))(x)
    model = models.Model(words, layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model
