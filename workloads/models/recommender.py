"""A recommender with large embeddings, as in keras.io's example "Collaborative Filtering for Movie Recommendations".

100,000 users and 50,000 items with embeddings of 32; what they have in common goes through two dense layers; Adam. The
likes are made up: few users and items are frequent, most are rare, and nine likes of ten follow item and user.
"""

import numpy as np
from keras import layers, models

TITLE = "Recommender"
KIND = "Recommender"
UNIT = "likes"
PLACE = 9
PARAMETERS = 4808321
NEEDS = ["concatenate", "multiply"]
BATCH = 256
EPOCHS = 3
SCALES = {
    "smoke": {"epochs": 2, "train": 1024, "validation": 256, "timeout_s": 900},
    "quick": {"epochs": 3, "train": 16384, "validation": 2048, "timeout_s": 900},
    "article": {"epochs": 5, "train": 1000000, "validation": 100000, "timeout_s": 43200},
    "gpu": {"epochs": 5, "train": 524288, "validation": 65536, "timeout_s": 600},
}
LEARNED = {"quick": 0.65}
USERS, ITEMS, WIDTH = 100000, 50000, 32


def drawn(random, most, size):
    """Numbers below `most`, the low ones far more often."""
    return np.minimum(most ** random.uniform(size=size), most - 1).astype("int32")


def data(train=16384, validation=2048, seed=0):
    random, fixed = np.random.RandomState(seed), np.random.RandomState(2017)
    size = train + validation
    users, items = drawn(random, USERS, size), drawn(random, ITEMS, size)
    liked = fixed.normal(size=ITEMS)[items] + 0.3 * fixed.normal(size=USERS)[users] > 0
    y = np.where(random.uniform(size=size) < 0.9, liked, ~liked).astype("float32")
    return [users[:train], items[:train]], y[:train], [users[train:], items[train:]], y[train:]


def build():
    inputs = [layers.Input((1,), dtype="int32") for _ in range(2)]
    user, item = [
        layers.Flatten()(layers.Embedding(most, WIDTH)(number)) for most, number in zip((USERS, ITEMS), inputs)
    ]
    x = layers.concatenate([user, item, layers.multiply([user, item])])
    for units in (64, 32):
        x = layers.Dense(units, activation="relu")(x)
    model = models.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model
