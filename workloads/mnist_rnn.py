"""A hierarchical recurrent network on MNIST.

Restates examples/mnist_hierarchical_rnn.py of Keras 2.0.8: one LSTM reads each row of pixels,
another reads the rows, RMSprop.
"""
import data

DEFAULTS = {
    "dataset": "mnist",
    "batch_size": 32,
    "epochs": 5,
    "train": 60000,
    "validation": 10000,
    "parameters": 199434,
}


def load(path, train, validation, image_data_format):
    """Digits as 28 rows of 28 pixels of one value, whatever the order of axes of images."""
    return data.mnist(path, train, validation, (28, 28, 1))


def build(keras, shapes, classes):
    """The model and its optimizer."""
    image = keras.input(shapes[0])
    rows = keras.time_distributed(keras.lstm(128))(image)
    columns = keras.lstm(128)(rows)
    prediction = keras.dense(classes, "softmax")(columns)
    return keras.model(image, prediction), keras.rmsprop()
