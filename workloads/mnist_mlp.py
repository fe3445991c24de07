"""A multilayer perceptron on MNIST.

Restates examples/mnist_mlp.py of Keras 2.0.8: two dense layers of 512 with dropout, RMSprop.
"""
import data

DEFAULTS = {
    "dataset": "mnist",
    "batch_size": 128,
    "epochs": 20,
    "train": 60000,
    "validation": 10000,
    "parameters": 669706,
}


def load(path, train, validation, image_data_format):
    """Digits as rows of 784; the order of axes plays no part."""
    return data.mnist(path, train, validation, (784,))


def build(keras, shapes, classes):
    """The model and its optimizer."""
    model = keras.sequential(shapes[0], [
        keras.dense(512, "relu"),
        keras.dropout(0.2),
        keras.dense(512, "relu"),
        keras.dropout(0.2),
        keras.dense(classes, "softmax"),
    ])
    return model, keras.rmsprop()
