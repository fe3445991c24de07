"""One vocabulary for Keras 1.2, 2.0 and 3: the only file that knows that Keras has versions.

`Keras(variant)` offers the layers, optimizers and calls that the five models need. The faithful
variant means the same thing everywhere: what Keras 2.0.8 did by default in 2017. The modern
variant, on Keras 3 only, leaves everything to today's defaults.
"""
import keras
import numpy as np
from keras import backend as K
from keras import layers

import backends
import weights

MAJOR = int(keras.__version__.split(".")[0])
#: The generations that this file speaks; those between them changed arguments and calls once more.
KNOWN = ("1.2.", "2.0.", "3.")


def hard_sigmoid_2017(x):
    """The recurrent activation of 2017; Keras 3 has another function under the same name."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def cudnn_lstm(layer):
    """Whether Keras computes this LSTM with cuDNN, by its own check; None where it has none."""
    try:
        from keras.src.backend import cudnn_ok
    except ImportError:  # Keras 1 and 2 have a layer of their own for that
        return None
    return layer.use_cudnn in ("auto", True) and bool(
        cudnn_ok(layer.activation, layer.recurrent_activation, layer.unroll, use_bias=layer.use_bias))


def inner(layer):
    """The layer itself, or the one that TimeDistributed wraps."""
    return layer.layer if type(layer).__name__ == "TimeDistributed" else layer


class Keras(object):
    """Keras as the workloads speak it. Raises ValueError if the variant needs a newer Keras."""

    version = keras.__version__
    callback_class = keras.callbacks.Callback

    def __init__(self, variant, threads, seed, deterministic=False):
        if not keras.__version__.startswith(KNOWN):
            raise ValueError("the built-in workloads speak Keras 1.2, 2.0 and 3, and this is Keras %s" % self.version)
        if variant == "modern" and MAJOR < 3:
            raise ValueError("the modern variant needs Keras 3, this is Keras %s" % keras.__version__)
        self.faithful = variant == "faithful"
        self.seed = seed
        self.library = backends.library(K.backend())
        self.threads = self.library.set_threads(threads)
        self.deterministic = self.library.deterministic() if deterministic else None
        self.library.settle_input()
        self.devices = self.library.devices()
        backends.check_gpu(self.library, self.devices)
        self.precision = self.library.exact() if self.faithful and backends.gpu_requested() else {}
        # The layout that each backend had by default in 2017: only MXNet put channels first.
        self.image_data_format = "channels_first" if self.library.name == "mxnet" else "channels_last"
        if MAJOR > 1:
            K.set_image_data_format(self.image_data_format)
        else:
            K.set_image_dim_ordering("th" if self.image_data_format == "channels_first" else "tf")
        self._seed()

    def _seed(self):
        if MAJOR == 3:
            keras.utils.set_random_seed(self.seed)
        else:
            np.random.seed(self.seed)
            self.library.seed(self.seed)

    # Layers and models. What is positional is what the versions agree on.

    def input(self, shape, dtype="float32"):
        return keras.Input(shape, dtype=dtype) if MAJOR == 3 else layers.Input(shape=shape, dtype=dtype)

    def sequential(self, shape, stack):
        first = keras.Input(shape) if MAJOR == 3 else layers.InputLayer(input_shape=shape)
        model = keras.models.Sequential()
        for layer in [first] + stack:
            model.add(layer)
        return model

    def model(self, inputs, outputs):
        return keras.models.Model(inputs, outputs)

    def dense(self, units, activation):
        return layers.Dense(units, activation=activation)

    def conv2d(self, filters, side, activation, padding="valid"):
        if MAJOR == 1:
            return layers.Convolution2D(filters, side, side, activation=activation, border_mode=padding)
        return layers.Conv2D(filters, (side, side), activation=activation, padding=padding)

    def max_pooling2d(self, side):
        return layers.MaxPooling2D(pool_size=(side, side))

    def dropout(self, rate):
        return layers.Dropout(rate)

    def flatten(self):
        return layers.Flatten()

    def embedding(self, words, size):
        return layers.Embedding(words, size)

    def lstm(self, units):
        if MAJOR == 3 and self.faithful:
            return layers.LSTM(units, recurrent_activation=hard_sigmoid_2017)
        return layers.LSTM(units)

    def time_distributed(self, layer):
        return layers.TimeDistributed(layer)

    def repeat_vector(self, times):
        return layers.RepeatVector(times)

    def add(self, tensors):
        return layers.merge(tensors, mode="sum") if MAJOR == 1 else layers.add(tensors)

    # Optimizers, with the defaults of 2017 spelt out.

    def rmsprop(self, lr=1e-3, rho=0.9, epsilon=1e-8, decay=0.0):
        # Keras 3 and MXNet add epsilon under the square root, the others of 2017 to the root.
        if MAJOR == 3 or self.library.name == "mxnet":
            epsilon = epsilon ** 2
        return self._optimizer("RMSprop", lr, decay, rho=rho, epsilon=epsilon)

    def adadelta(self, lr=1.0, rho=0.95, epsilon=1e-8, decay=0.0):
        return self._optimizer("Adadelta", lr, decay, rho=rho, epsilon=epsilon)

    def adam(self, lr=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-8, decay=0.0):
        return self._optimizer("Adam", lr, decay, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)

    def _optimizer(self, name, lr, decay, **settings):
        kind = getattr(keras.optimizers, name)
        if not self.faithful:
            return kind()
        if MAJOR < 3:
            optimizer = kind(lr=lr, decay=decay, **settings)
        else:
            # Keras 3 accepts decay= and ignores it.
            rate = keras.optimizers.schedules.InverseTimeDecay(lr, 1, decay) if decay else lr
            optimizer = kind(learning_rate=rate, **settings)
        self.library.settle(optimizer)
        return optimizer

    def compile(self, model, optimizer):
        extra = {}
        if self.library.name == "mxnet":
            extra["context"] = self.devices  # a list: as a plain string it is mishandled
        elif MAJOR == 3:
            # On PyTorch, True means torch.compile: minutes for a recurrent model.
            eager = self.faithful and self.library.name == "torch"
            extra["jit_compile"] = False if eager else "auto"
        model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"], **extra)

    # Initial weights.

    def set_initial_weights(self, model):
        """Gives the model the weights that depend on the seed alone."""
        random = np.random.RandomState(self.seed)
        flattened = None
        for layer in model.layers:
            if type(layer).__name__ == "Flatten" and self.image_data_format == "channels_first":
                flattened = layer.input_shape[1:]
            target = inner(layer)
            if target.weights:
                target.set_weights(self._arrays(target, random, flattened))
                flattened = None

    def _arrays(self, layer, random, flattened):
        """New arrays for one layer in the layout of this Keras and backend."""
        kind = {"Convolution2D": "Conv2D"}.get(type(layer).__name__, type(layer).__name__)
        shape = layer.get_weights()[0].shape
        if kind == "Conv2D":
            return self._convolution(shape, random)
        if kind == "LSTM" and MAJOR == 1:
            return _separate_gates(weights.draw(kind, (shape[0], 4 * shape[1]), random))
        arrays = weights.draw(kind, shape, random)
        if flattened:
            arrays[0] = _channels_to_front(arrays[0], flattened)
        return arrays

    def _convolution(self, shape, random):
        channels_first_kernel = MAJOR == 1 and self.image_data_format == "channels_first"
        if channels_first_kernel:
            shape = (shape[2], shape[3], shape[1], shape[0])
        kernel, bias = weights.draw("Conv2D", shape, random)
        if self.library.name == "theano":
            kernel = kernel[::-1, ::-1]  # Theano convolves, all others correlate
        if channels_first_kernel:
            kernel = kernel.transpose(3, 2, 0, 1)
        return [kernel, bias]

    # Training.

    def fit(self, model, data, epochs, batch_size, callback, batches=None):
        """Trains with validation after every epoch; `batches` is an endless generator or None.

        The old versions shuffle with numpy, which is seeded here, so their batches are the same
        on every backend. Keras 3 shuffles with the means of its backend.
        """
        np.random.seed(self.seed)
        common = {"nb_epoch" if MAJOR == 1 else "epochs": epochs, "verbose": 0, "callbacks": [callback],
                  "validation_data": (data.x_val, data.y_val)}
        if batches is None:
            callback.fit_called()
            return model.fit(data.x, data.y, batch_size=batch_size, **common)
        steps = len(data.y) // batch_size
        callback.fit_called()
        if MAJOR == 1:
            return model.fit_generator(batches, samples_per_epoch=steps * batch_size, **common)
        train = model.fit if MAJOR == 3 else model.fit_generator
        return train(batches, steps_per_epoch=steps, **common)

    def wait_for_device(self, model):
        """Returns once everything dispatched so far has been computed.

        Keras 3 on JAX, and PyTorch on a GPU, only queue the steps: without waiting, the training
        of an epoch would be counted as its validation. The last variable that a step updates is
        there when the whole step is; it is a few numbers, so reading it costs nothing.
        """
        if MAJOR == 3:
            keras.ops.convert_to_numpy(model.trainable_variables[-1])

    # What a result should say about how it was made.

    def settings(self, model):
        """The effective settings, as far as they can be read back."""
        return {
            "optimizer": dict(model.optimizer.get_config(), class_name=type(model.optimizer).__name__),
            "jit_compile": getattr(model, "jit_compile", None),
            "lstm": self._lstm_settings(model),
            "devices": self.devices,
            "gpu_requested": backends.gpu_requested(),
            "floatx": K.floatx(),
            "shuffled_by": self.library.name if MAJOR == 3 else "numpy",
        }

    def _lstm_settings(self, model):
        for layer in map(inner, model.layers):
            if type(layer).__name__ == "LSTM":
                names = ("consume_less", "implementation", "use_cudnn", "unroll")
                found = {name: getattr(layer, name) for name in names if hasattr(layer, name)}
                activation = getattr(layer, "inner_activation", None) or layer.recurrent_activation
                return dict(found, recurrent_activation=activation.__name__, cudnn=cudnn_lstm(layer))
        return None


def _separate_gates(arrays):
    """Keras 1 keeps kernel, recurrent kernel and bias of each gate apart, candidate before forget."""
    gates = [np.split(array, 4, axis=-1) for array in arrays]
    return [array[gate] for gate in (0, 2, 1, 3) for array in gates]


def _channels_to_front(kernel, image):
    """Reorders a dense kernel's rows for flattened images whose channels come first."""
    channels, rows, columns = image
    return kernel.reshape(rows, columns, channels, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
