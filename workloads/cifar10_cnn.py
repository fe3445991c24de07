"""A convolutional network on augmented CIFAR-10.

Restates examples/cifar10_cnn.py of Keras 2.0.8: four convolutions, two poolings, one dense layer,
RMSprop with a decaying rate, images shifted and flipped at random. The example trains for 200
epochs; the article, which is followed here, for 50.
"""
import data

DEFAULTS = {
    "dataset": "cifar10",
    "batch_size": 32,
    "epochs": 50,
    "train": 50000,
    "validation": 10000,
    "parameters": 1250858,
}


def load(path, train, validation, image_data_format):
    """Colour images of 32 x 32."""
    return data.cifar10(path, train, validation, image_data_format)


def batches(samples, batch_size, seed, image_data_format):
    """Endless augmented batches: shifts of up to a tenth of the image, half of them flipped."""
    return data.augmented_batches(samples.x, samples.y, batch_size, seed, 0.1, image_data_format)


def build(keras, shapes, classes):
    """The model and its optimizer."""
    model = keras.sequential(shapes[0], [
        keras.conv2d(32, 3, "relu", padding="same"),
        keras.conv2d(32, 3, "relu"),
        keras.max_pooling2d(2),
        keras.dropout(0.25),
        keras.conv2d(64, 3, "relu", padding="same"),
        keras.conv2d(64, 3, "relu"),
        keras.max_pooling2d(2),
        keras.dropout(0.25),
        keras.flatten(),
        keras.dense(512, "relu"),
        keras.dropout(0.5),
        keras.dense(classes, "softmax"),
    ])
    return model, keras.rmsprop(lr=1e-4, decay=1e-6)
