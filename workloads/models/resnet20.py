"""ResNet-20 on CIFAR-10: He et al. 2015, section 4.2, and Keras' own example cifar10_resnet.py (version 1).

Three stages of three residual blocks with 16, 32 and 64 filters; SGD with momentum. Images are neither shifted nor
flipped, so that input costs the same everywhere.
"""

import os

import keras
from data import cifar10
from keras import layers, models

TITLE = "ResNet-20"
KIND = "CNN"
UNIT = "images"
PLACE = 3
PARAMETERS = 274042
NEEDS = ["Conv2D"]
DATASET = "cifar10"
BATCH = 64
EPOCHS = 3
SCALES = {
    "smoke": {"epochs": 2, "train": 128, "validation": 64, "timeout_s": 900},
    "quick": {"epochs": 3, "train": 640, "validation": 128, "timeout_s": 900},
    "article": {"epochs": 20, "train": 50000, "validation": 10000, "timeout_s": 86400},
    "gpu": {"epochs": 4, "train": 49984, "validation": 9984, "timeout_s": 600},
}
BLOCKS = 3


def data(train=640, validation=128):
    found = cifar10(os.environ["DATA_CIFAR10"], train, validation, "channels_last")
    return found.x, found.y, found.x_val, found.y_val


def convolved(x, filters, side, strides, scale="ones"):
    named = {"strides": strides, "padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    return layers.BatchNormalization(gamma_initializer=scale)(layers.Conv2D(filters, side, **named)(x))


def residual(x, filters, strides):
    y = layers.Activation("relu")(convolved(x, filters, 3, strides))
    y = convolved(y, filters, 3, 1, "zeros")  # a block begins as its shortcut: nothing grows with depth
    if strides > 1:
        x = convolved(x, filters, 1, strides)
    return layers.Activation("relu")(layers.add([x, y]))


def network(blocks):
    """The network of 6 * blocks + 2 layers."""
    images = layers.Input((32, 32, 3))
    x = layers.Activation("relu")(convolved(images, 16, 3, 1))
    for stage in range(3):
        for block in range(blocks):
            x = residual(x, 16 * 2**stage, 2 if stage and not block else 1)
    scores = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = models.Model(images, scores)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    return model


def build():
    return network(BLOCKS)
