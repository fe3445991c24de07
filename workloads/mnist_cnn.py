"""A small convolutional network on MNIST.

Restates examples/mnist_cnn.py of Keras 2.0.8: two convolutions, pooling, one dense layer,
Adadelta.
"""
import data

DEFAULTS = {
    "dataset": "mnist",
    "batch_size": 128,
    "epochs": 12,
    "train": 60000,
    "validation": 10000,
    "parameters": 1199882,
}


def load(path, train, validation, image_data_format):
    """Digits as images of one channel."""
    return data.mnist(path, train, validation, data.image_shape(28, 28, 1, image_data_format))


def build(keras, shapes, classes):
    """The model and its optimizer."""
    model = keras.sequential(shapes[0], [
        keras.conv2d(32, 3, "relu"),
        keras.conv2d(64, 3, "relu"),
        keras.max_pooling2d(2),
        keras.dropout(0.25),
        keras.flatten(),
        keras.dense(128, "relu"),
        keras.dropout(0.5),
        keras.dense(classes, "softmax"),
    ])
    return model, keras.adadelta()
