"""One vocabulary for Keras since 1.2: the only file that knows that Keras has versions.

`Keras(variant, threads, seed)` gives the speaker of the generation at hand: one object with the layers, optimizers and
calls that the five models need. The faithful variant means the same thing everywhere: what Keras 2.0.8 did by default
in 2017. The modern variant, on Keras 3 only, leaves everything to today's defaults.
"""
import numpy as np

import backends
import fits
import stack_keras
import varied
import weights

keras, VERSION = stack_keras.find()
K = keras.backend
layers = keras.layers


def hard_sigmoid_2017(x):
    """The recurrent activation of 2017; Keras 3 has another function under the same name."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def inner(layer):
    """The layer itself, or the one that TimeDistributed wraps."""
    return layer.layer if type(layer).__name__ == "TimeDistributed" else layer


class Speaker(object):
    """What the generations agree on, in the words of Keras 2.0."""

    version = VERSION
    callback_class = keras.callbacks.Callback
    #: What `fit` calls the number of epochs.
    epochs = "epochs"
    #: What an optimizer calls its rate.
    rate = "lr"

    def __init__(self, variant, threads, seed, deterministic):
        if variant == "modern" and not isinstance(self, Keras3):
            raise ValueError("the modern variant needs Keras 3, this is Keras %s" % VERSION)
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
        self.axes = varied.Axes({})
        self._set_layout()
        self._set_seed()

    def vary(self, asked):
        """Applies the axes of this job, before anything is built."""
        self.axes = varied.Axes(asked)
        self.axes.settle(keras, self.library)
        if self.axes.asked.get("precision") in ("float32", "tf32") and backends.gpu_requested():
            self.precision = self.library.precision()

    def _set_layout(self):
        K.set_image_data_format(self.image_data_format)

    def _set_seed(self):
        np.random.seed(self.seed)
        self.library.seed(self.seed)

    # Layers and models.

    def input(self, shape, dtype="float32"):
        return layers.Input(shape=shape, dtype=dtype)

    def _first(self, shape):
        """The first layer of a stack of layers."""
        return layers.InputLayer(input_shape=shape)

    def sequential(self, shape, stack):
        model = keras.models.Sequential()
        for layer in [self._first(shape)] + stack:
            model.add(layer)
        return model

    def model(self, inputs, outputs):
        return keras.models.Model(inputs, outputs)

    def dense(self, units, activation):
        return layers.Dense(units, activation=activation)

    def conv2d(self, filters, side, activation, padding="valid"):
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
        return layers.LSTM(units)

    def time_distributed(self, layer):
        return layers.TimeDistributed(layer)

    def repeat_vector(self, times):
        return layers.RepeatVector(times)

    def add(self, tensors):
        return layers.add(tensors)

    # Optimizers, with the defaults of 2017 spelt out.

    def rmsprop(self, lr=1e-3, rho=0.9, epsilon=1e-8, decay=0.0):
        if self._adds_epsilon_under_the_root():
            epsilon = epsilon ** 2
        return self._optimizer("RMSprop", lr, decay, rho=rho, epsilon=epsilon)

    def _adds_epsilon_under_the_root(self):
        """Keras itself adds it to the root; so did all backends of 2017 but MXNet."""
        return self.library.name == "mxnet"

    def adadelta(self, lr=1.0, rho=0.95, epsilon=1e-8, decay=0.0):
        return self._optimizer("Adadelta", lr, decay, rho=rho, epsilon=epsilon)

    def adam(self, lr=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-8, decay=0.0):
        return self._optimizer("Adam", lr, decay, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)

    def sgd(self, lr=0.01, momentum=0.0, decay=0.0):
        return self._optimizer("SGD", lr, decay, momentum=momentum)

    def adamw(self, lr=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7, decay=0.0):
        """Younger than 2017: with the defaults of Keras 3."""
        return self._optimizer("AdamW", lr, decay, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)

    def _optimizer(self, name, lr, decay, **settings):
        settings[self.rate] = lr
        optimizer = getattr(self._optimizers(), name)(decay=decay, **settings)
        self.library.settle(optimizer)
        return optimizer

    def _optimizers(self):
        """The module whose optimizers keep the arguments of 2017."""
        return keras.optimizers

    def compile(self, model, optimizer):
        settings = dict(self._compiling(), loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
        settings.update(self.axes.compiling(dict(fits.parameters_of(type(model).compile))))
        if "optimizer" in self.axes.asked:
            settings["optimizer"] = getattr(self, self.axes.asked["optimizer"])()
        model.compile(**settings)

    def _compiling(self):
        """Further arguments of compile()."""
        return {}

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
        kind = type(layer).__name__
        shape = layer.get_weights()[0].shape
        if kind == "Conv2D":
            return self._convolution(shape, random)
        arrays = weights.draw(kind, shape, random)
        if flattened:
            arrays[0] = _channels_to_front(arrays[0], flattened)
        return arrays

    def _convolution(self, shape, random):
        kernel, bias = weights.draw("Conv2D", shape, random)
        if self.library.name == "theano":
            kernel = kernel[::-1, ::-1]  # Theano convolves, all others correlate
        return [kernel, bias]

    # Training.

    def fit(self, model, data, epochs, batch_size, callback, batches=None):
        """Trains with validation after every epoch; `batches` is an endless generator or None.

        The old versions shuffle with numpy, which is seeded here, so their batches are the same
        on every backend. Keras 3 shuffles with the means of its backend.
        """
        np.random.seed(self.seed)
        common = {self.epochs: epochs, "verbose": 0, "callbacks": [callback],
                  "validation_data": (data.x_val, data.y_val)}
        common.update(self.axes.feed(keras, data.x, data.y, batch_size))
        callback.fit_called()
        if "x" in common:
            return model.fit(**common)
        if batches is None:
            return model.fit(data.x, data.y, batch_size=batch_size, **common)
        return self._fit_batches(model, batches, len(data.y) // batch_size, batch_size, common)

    def _fit_batches(self, model, batches, steps, batch_size, common):
        return model.fit_generator(batches, steps_per_epoch=steps, **common)

    def wait_for_device(self, model):
        """Returns once everything dispatched so far has been computed; up to Keras 2 all steps compute at once."""

    # Calls without training.

    def compiled(self, model):
        """The library's own plain call (backends.py); None where Keras builds graphs of its own, as all did before 2.4."""

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
            "shuffled_by": self.shuffled_by(),
        }

    def shuffled_by(self):
        return "numpy"

    def _lstm_settings(self, model):
        for layer in map(inner, model.layers):
            if type(layer).__name__ == "LSTM":
                names = ("consume_less", "implementation", "use_cudnn", "unroll")
                found = {name: getattr(layer, name) for name in names if hasattr(layer, name)}
                activation = getattr(layer, "inner_activation", None) or layer.recurrent_activation
                return dict(found, recurrent_activation=activation.__name__, cudnn=self._cudnn(layer))
        return None


    def _cudnn(self, layer):
        """Whether Keras computes this LSTM with cuDNN; None up to Keras 2, which has a layer of its own for that."""


class Keras1(Speaker):
    """Keras 1.2."""

    epochs = "nb_epoch"

    def _set_layout(self):
        K.set_image_dim_ordering("th" if self.image_data_format == "channels_first" else "tf")

    def conv2d(self, filters, side, activation, padding="valid"):
        return layers.Convolution2D(filters, side, side, activation=activation, border_mode=padding)

    def add(self, tensors):
        return layers.merge(tensors, mode="sum")

    def _compiling(self):
        return {"context": self.devices} if self.library.name == "mxnet" else {}  # a plain string is mishandled

    def _arrays(self, layer, random, flattened):
        kind, shape = type(layer).__name__, layer.get_weights()[0].shape
        if kind == "Convolution2D":
            return self._convolution(shape, random)
        if kind == "LSTM":
            return _separate_gates(weights.draw(kind, (shape[0], 4 * shape[1]), random))
        return super(Keras1, self)._arrays(layer, random, flattened)

    def _convolution(self, shape, random):
        return _convolution_of_channels(super(Keras1, self)._convolution, self.image_data_format, shape, random)

    def _fit_batches(self, model, batches, steps, batch_size, common):
        return model.fit_generator(batches, samples_per_epoch=steps * batch_size, **common)


class Keras20(Speaker):
    """Keras 2.0, the article's."""


class Keras22(Keras20):
    """Keras 2.2.4, and faults of its backends mended: two of them computed another LSTM, and said nothing."""

    def __init__(self, *settings):
        super(Keras22, self).__init__(*settings)
        mend = {"cntk": _mend_cntk, "mxnet": _mend_mxnet}.get(self.library.name)
        if mend and not hasattr(K, "mended"):
            mend(self.devices)
            K.mended = True

    def lstm(self, units):
        # MXNet's loop starts the weights of an LSTM at zero, and reads the bias of one gate for all four.
        return layers.LSTM(units, unroll=self.library.name == "mxnet")

    def _arrays(self, layer, random, flattened):
        return super(Keras22, self)._arrays(layer, random, None)  # Flatten itself puts channels last

    def _convolution(self, shape, random):
        return _convolution_of_channels(super(Keras22, self)._convolution, self.image_data_format, shape, random)


class Keras23(Keras22):
    """Keras 2.3, the last one with several backends before Keras 3; its CNTK is that of 2.2.4."""

    rate = "learning_rate"

    def lstm(self, units):
        return layers.LSTM(units, recurrent_activation="hard_sigmoid")  # the default is a sigmoid since then


class TensorFlowKeras(Keras23):
    """Keras 2.4 to 2.10: tensorflow.keras."""

    def _fit_batches(self, model, batches, steps, batch_size, common):
        return model.fit(batches, steps_per_epoch=steps, **common)

    def compiled(self, model):
        return self.library.compiled(model)


class LegacyOptimizers(TensorFlowKeras):
    """Keras 2.11 to 2.15 and tf_keras: new optimizers, with the old ones beside them."""

    def _optimizers(self):
        return keras.optimizers.legacy


class Keras3(Speaker):
    """Keras 3."""

    rate = "learning_rate"

    def compiled(self, model):
        return self.library.compiled(model)

    def _set_seed(self):
        keras.utils.set_random_seed(self.seed)

    def input(self, shape, dtype="float32"):
        return keras.Input(shape, dtype=dtype)

    def _first(self, shape):
        return keras.Input(shape)

    def lstm(self, units):
        return layers.LSTM(units, recurrent_activation=hard_sigmoid_2017) if self.faithful else layers.LSTM(units)

    def _adds_epsilon_under_the_root(self):
        return True

    def _optimizer(self, name, lr, decay, **settings):
        kind = getattr(keras.optimizers, name)
        if not self.faithful:
            return kind()
        # decay= is accepted and ignored.
        rate = keras.optimizers.schedules.InverseTimeDecay(lr, 1, decay) if decay else lr
        optimizer = kind(learning_rate=rate, **settings)
        self.library.settle(optimizer)
        return optimizer

    def _compiling(self):
        # On PyTorch, True means torch.compile: minutes for a recurrent model.
        return {"jit_compile": False if self.faithful and self.library.name == "torch" else "auto"}

    def _fit_batches(self, model, batches, steps, batch_size, common):
        return model.fit(batches, steps_per_epoch=steps, **common)

    def wait_for_device(self, model):
        """Keras 3 on JAX, and PyTorch on a GPU, only queue the steps: without waiting, the training
        of an epoch would be counted as its validation. The last variable that a step updates is
        there when the whole step is; it is a few numbers, so reading it costs nothing.
        """
        keras.ops.convert_to_numpy(model.trainable_variables[-1])

    def shuffled_by(self):
        return self.library.name

    def _cudnn(self, layer):
        """By Keras' own check, where this release has it."""
        try:
            from keras.src.backend import cudnn_ok
        except ImportError:
            return None
        return getattr(layer, "use_cudnn", None) in ("auto", True) and bool(
            cudnn_ok(layer.activation, layer.recurrent_activation, layer.unroll, use_bias=layer.use_bias))


#: First and last version of each generation that this file speaks: those whose steps were seen to be equal.
GENERATIONS = (
    ((1, 2), (1, 2), Keras1),
    ((2, 0), (2, 0), Keras20),
    ((2, 2, 4), (2, 2, 4), Keras22),
    ((2, 3), (2, 3), Keras23),
    ((2, 4), (2, 10), TensorFlowKeras),
    ((2, 11), (2, 999), LegacyOptimizers),
    ((3, 0), (3, 999), Keras3),
)


def generation():
    """The class that speaks the Keras at hand. Raises ValueError for one that this file does not speak."""
    for first, last, speaker in GENERATIONS:
        if first <= stack_keras.numbers(VERSION)[:len(first)] <= last:
            return speaker
    raise ValueError("the built-in workloads speak Keras 1.2, 2.0, 2.2.4 to 2.15 (and tf_keras) and 3, "
                     "and this is Keras %s" % VERSION)


def Keras(variant, threads, seed, deterministic=False):
    """The speaker for the Keras at hand. Raises ValueError for a Keras or a variant that it does not speak."""
    return generation()(variant, threads, seed, deterministic)


def _mend_cntk(devices):
    """Makes recurrent layers of Keras 2.2 on CNTK give back their output.

    There it is the last of a layer's states, which is the cell state of an LSTM (up to 2.2.2: the first, its output).
    Here states are handed over the other way round.
    """
    recur = K.rnn

    def rnn(step_function, inputs, initial_states, **more):
        count = len(initial_states)

        def step(x, states):
            output, new = step_function(x, states[:count][::-1] + states[count:])
            return output, new[::-1]

        last, outputs, states = recur(step, inputs, initial_states[::-1], **more)
        return last, outputs, states[::-1]

    K.rnn = rnn


def _mend_mxnet(devices):
    """Makes recurrent layers of Keras 2.2 work on MXNet 1.5, which no longer knows shapes of batches of any size.

    The first states came out as one row for the whole batch, and repeating a vector ended the process. Models compute
    on the first GPU that nvidia-smi names unless they are told, and cannot be told when they are compiled.
    """
    import mxnet

    symbols = mxnet.sym

    @K.keras_mxnet_symbol
    def zeros(inputs, size):
        nothing = symbols.sum(symbols.zeros_like(inputs.symbol), axis=(1, 2))
        return K.KerasSymbol(symbols.tile(symbols.reshape(nothing, shape=(-1, 1)), reps=(1, size)))

    @K.keras_mxnet_symbol
    def repeat(x, n):
        return K.KerasSymbol(symbols.tile(symbols.expand_dims(x.symbol, axis=1), reps=(1, n, 1)))

    layers.RNN.get_initial_state = lambda layer, inputs: [zeros(inputs, size) for size in layer.cell.state_size]
    K.repeat = repeat
    K.Context(devices).__enter__()  # of this whole process


def _convolution_of_channels(draw, image_data_format, shape, random):
    """A convolution's kernel and bias; where channels come first, MXNet keeps its filters first, too."""
    if image_data_format != "channels_first":
        return draw(shape, random)
    kernel, bias = draw((shape[2], shape[3], shape[1], shape[0]), random)
    return [kernel.transpose(3, 2, 0, 1), bias]


def _separate_gates(arrays):
    """Keras 1 keeps kernel, recurrent kernel and bias of each gate apart, candidate before forget."""
    gates = [np.split(array, 4, axis=-1) for array in arrays]
    return [array[gate] for gate in (0, 2, 1, 3) for array in gates]


def _channels_to_front(kernel, image):
    """Reorders a dense kernel's rows for flattened images whose channels come first."""
    channels, rows, columns = image
    return kernel.reshape(rows, columns, channels, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
