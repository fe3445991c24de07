"""A U-Net that says of every pixel whether it shows a disc, after keras.io's "Image segmentation with a U-Net-like architecture".

Convolutions on the way down, transposed ones on the way up, and what was seen on the way down beside them; Adam. The
pictures are made up: a disc and a square of equal brightness on a noisy ground of 64 x 64 pixels.
"""

import numpy as np
from keras import layers, models

TITLE = "U-Net"
KIND = "CNN"
UNIT = "pictures"
PLACE = 8
PARAMETERS = 484145
NEEDS = ["Conv2D", "Conv2DTranspose"]
BATCH = 16
EPOCHS = 3
SCALES = {
    "smoke": {"epochs": 2, "train": 32, "validation": 16, "timeout_s": 900},
    "quick": {"epochs": 3, "train": 256, "validation": 32, "timeout_s": 900},
    "article": {"epochs": 10, "train": 6000, "validation": 1000, "timeout_s": 28800},
    "gpu": {"epochs": 5, "train": 6144, "validation": 1024, "timeout_s": 600},
}
DEPTHS = (16, 32, 64)


def data(train=256, validation=32, seed=0, side=64):
    random = np.random.RandomState(seed)
    size = train + validation
    rows, columns = np.mgrid[:side, :side]
    x = random.normal(0.5, 0.1, (size, side, side, 3)).astype("float32")
    y = np.zeros((size, side, side, 1), "float32")
    for number in range(size):
        (a, b), (c, d) = random.randint(12, side - 12, (2, 2))
        disc = (rows - a) ** 2 + (columns - b) ** 2 < 14**2
        square = np.maximum(abs(rows - c), abs(columns - d)) < 12
        x[number][disc | square] += 0.4
        y[number][disc] = 1
    return x[:train], y[:train], x[train:], y[train:]


def twice(x, filters):
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
    return x


def build(side=64):
    pictures = layers.Input((side, side, 3))
    x, seen = pictures, []
    for filters in DEPTHS:
        x = twice(x, filters)
        seen.append(x)
        x = layers.MaxPooling2D()(x)
    x = twice(x, 2 * DEPTHS[-1])
    for filters in reversed(DEPTHS):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = twice(layers.concatenate([x, seen.pop()]), filters)
    model = models.Model(pictures, layers.Conv2D(1, 1, activation="sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model
