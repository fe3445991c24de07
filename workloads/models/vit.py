"""A Vision Transformer on CIFAR-10, as in keras.io's example "Image classification with Vision Transformer" in small.

An image is 64 patches of 4 x 4 pixels; four blocks of four heads, width 64, read them; AdamW.
"""

import os

import keras
from data import cifar10
from keras import layers, ops

TITLE = "Vision Transformer"
KIND = "Transformer"
UNIT = "images"
PLACE = 6
PARAMETERS = 141898
NEEDS = ["MultiHeadAttention", "keras.ops"]
DATASET = "cifar10"
BATCH = 64
EPOCHS = 3
SCALES = {
    "smoke": {"epochs": 2, "train": 128, "validation": 64, "timeout_s": 900},
    "quick": {"epochs": 3, "train": 640, "validation": 128, "timeout_s": 900},
    "article": {"epochs": 20, "train": 50000, "validation": 10000, "timeout_s": 86400},
    "gpu": {"epochs": 4, "train": 49984, "validation": 9984, "timeout_s": 600},
}
PATCH, WIDTH, HEADS, BLOCKS = 4, 64, 4, 4


def data(train=640, validation=128):
    found = cifar10(os.environ["DATA_CIFAR10"], train, validation, "channels_last")
    return found.x, found.y, found.x_val, found.y_val


class Places(layers.Layer):
    """Adds an embedding of each patch's place."""

    def __init__(self, patches, width, **named):
        super(Places, self).__init__(**named)
        self.places = layers.Embedding(patches, width)

    def build(self, shape):
        self.places.build(shape)
        self.built = True

    def call(self, x):
        return x + self.places(ops.arange(x.shape[1]))


def block(x, dropout=0.1):
    seen = layers.LayerNormalization(epsilon=1e-6)(x)
    x = layers.add([x, layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(seen, seen)])
    inner = layers.Dense(2 * WIDTH, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x))
    return layers.add([x, layers.Dropout(dropout)(layers.Dense(WIDTH)(inner))])


def build():
    images = keras.Input((32, 32, 3))
    x = layers.Conv2D(WIDTH, PATCH, strides=PATCH)(images)
    x = Places((32 // PATCH) ** 2, WIDTH)(layers.Reshape((-1, WIDTH))(x))
    for _ in range(BLOCKS):
        x = block(x)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(x))
    model = keras.Model(images, layers.Dense(10, activation="softmax")(x))
    model.compile(keras.optimizers.AdamW(1e-3, weight_decay=1e-4), "categorical_crossentropy", metrics=["accuracy"])
    return model
