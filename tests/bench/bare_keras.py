"""The MNIST models as a plain Keras script, as a person writes one: nothing of this project is imported or corrected.

    python bare_keras.py mnist_mlp --data mnist.npz --train 12800 --validation 2560 --epochs 4

Runs on Keras 1.2, 2.0 and 3. Prints one line of JSON: the seconds of each epoch, validation included, and the last
validation accuracy. Flags that it does not know are ignored, so a launcher can start it in the place of a workload.
"""

from __future__ import print_function

import argparse
import json
import time

import keras
import numpy as np
from keras import backend
from keras import layers as kl

MAJOR = int(keras.__version__.split(".")[0])
clock = getattr(time, "monotonic", time.time)  # Python 2.7 has no monotonic clock
moments = []


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        moments.append(clock())

    def on_train_end(self, logs=None):
        moments.append(clock())


def convolution(filters, **extra):
    if MAJOR == 1:
        return kl.Convolution2D(filters, 3, 3, activation="relu", **extra)
    return kl.Conv2D(filters, (3, 3), activation="relu", **extra)


def mlp():
    model = keras.models.Sequential()
    model.add(kl.Dense(512, activation="relu", input_shape=(784,)))
    model.add(kl.Dropout(0.2))
    model.add(kl.Dense(512, activation="relu"))
    model.add(kl.Dropout(0.2))
    return model, keras.optimizers.RMSprop()


def cnn(shape):
    model = keras.models.Sequential()
    model.add(convolution(32, input_shape=shape))
    model.add(convolution(64))
    model.add(kl.MaxPooling2D((2, 2)))
    model.add(kl.Dropout(0.25))
    model.add(kl.Flatten())
    model.add(kl.Dense(128, activation="relu"))
    model.add(kl.Dropout(0.5))
    return model, keras.optimizers.Adadelta()


def channels_first():
    return backend.image_dim_ordering() == "th" if MAJOR == 1 else backend.image_data_format() == "channels_first"


def prepared(images, shape):
    return images.reshape((len(images),) + shape).astype("float32") / 255


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=("mnist_mlp", "mnist_cnn"))
    parser.add_argument("--data")
    for size in ("--train", "--validation", "--epochs"):
        parser.add_argument(size, type=int)
    args = parser.parse_known_args()[0]

    image = (1, 28, 28) if channels_first() else (28, 28, 1)
    shape = (784,) if args.workload == "mnist_mlp" else image
    with np.load(args.data) as data:
        x = prepared(data["x_train"][: args.train], shape)
        x_val = prepared(data["x_test"][: args.validation], shape)
        y, y_val = np.eye(10)[data["y_train"][: args.train]], np.eye(10)[data["y_test"][: args.validation]]

    model, optimizer = mlp() if args.workload == "mnist_mlp" else cnn(shape)
    model.add(kl.Dense(10, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    epochs = {"nb_epoch" if MAJOR == 1 else "epochs": args.epochs}
    history = model.fit(x, y, batch_size=128, verbose=0, validation_data=(x_val, y_val), callbacks=[Clock()], **epochs)
    seconds = [end - begin for begin, end in zip(moments, moments[1:])]
    reached = history.history.get("val_accuracy", history.history.get("val_acc"))
    print(json.dumps({"epochs": seconds, "val_acc": float(reached[-1])}))


if __name__ == "__main__":
    main()
