"""The models in plain JAX: functions of a list of arrays, and a step that jax.jit compiles whole, as Keras' is."""
import functools

import jax
from jax import numpy as jnp

image_data_format = "channels_last"
jit = True


def dropout(x, rate, key, training):
    """Zeros for a share of `x`, and the rest larger by as much."""
    if not training:
        return x
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0.0)


def dense(x, kernel, bias):
    return jnp.dot(x, kernel) + bias


def mlp(weights, x, key, training):
    """Two dense layers of 512 with dropout."""
    keys = jax.random.split(key, 2)
    x = dropout(jax.nn.relu(dense(x, *weights[0:2])), 0.2, keys[0], training)
    x = dropout(jax.nn.relu(dense(x, *weights[2:4])), 0.2, keys[1], training)
    return dense(x, *weights[4:6])


def convolution(x, kernel, bias, padding="VALID"):
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias


def pooling(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def cnn(weights, x, key, training):
    """Four convolutions, two poolings, one dense layer, with dropout."""
    keys = jax.random.split(key, 3)
    for first, drop in ((0, keys[0]), (4, keys[1])):
        x = jax.nn.relu(convolution(x, weights[first], weights[first + 1], padding="SAME"))
        x = jax.nn.relu(convolution(x, weights[first + 2], weights[first + 3]))
        x = dropout(pooling(x), 0.25, drop, training)
    x = dropout(jax.nn.relu(dense(x.reshape(len(x), -1), *weights[8:10])), 0.5, keys[2], training)
    return dense(x, *weights[10:12])


def norm(x, scale, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-6) * scale + shift


def text_transformer(weights, x, key, training):
    """One block of two heads over embeddings of words and places."""
    keys = jax.random.split(key, 4)
    x = weights[0][x] + weights[1]
    query, key_, value = (jnp.einsum("btd,dnh->btnh", x, weights[i]) + weights[i + 1] for i in (2, 4, 6))
    told = jax.nn.dot_product_attention(query, key_, value)
    told = jnp.einsum("btnh,nhd->btd", told, weights[8]) + weights[9]
    x = norm(x + dropout(told, 0.1, keys[0], training), *weights[10:12])
    inner = dense(jax.nn.relu(dense(x, *weights[12:14])), *weights[14:16])
    x = norm(x + dropout(inner, 0.1, keys[1], training), *weights[16:18])
    x = jax.nn.relu(dense(dropout(x.mean(1), 0.1, keys[2], training), *weights[18:20]))
    return dense(dropout(x, 0.1, keys[3], training), *weights[20:22])


MODELS = {"mnist_mlp": mlp, "cifar10_cnn": cnn, "text_transformer": text_transformer}


def rmsprop(settings, weights, gradients, moments, steps):
    """As in Keras: epsilon stands under the root. `moments`: what it keeps of each array, zeros at first."""
    rate = settings["learning_rate"] / (1 + settings["decay"] * steps)
    rho, (velocities,) = settings["rho"], moments
    velocities = [rho * v + (1 - rho) * g * g for v, g in zip(velocities, gradients)]
    weights = [w - rate * g / jnp.sqrt(v + settings["epsilon"]) for w, g, v in zip(weights, gradients, velocities)]
    return weights, (velocities,)


def adam(settings, weights, gradients, moments, steps):
    """As in Keras: epsilon is added before the root is corrected for its begin at zero."""
    (one, two), (means, squares), step = (settings["beta_1"], settings["beta_2"]), moments, steps + 1
    rate = settings["learning_rate"] * jnp.sqrt(1 - two ** step) / (1 - one ** step)
    means = [m + (g - m) * (1 - one) for m, g in zip(means, gradients)]
    squares = [v + (g * g - v) * (1 - two) for v, g in zip(squares, gradients)]
    weights = [w - rate * m / (jnp.sqrt(v) + settings["epsilon"]) for w, m, v in zip(weights, means, squares)]
    return weights, (means, squares)


#: Each with how many moments it keeps.
OPTIMIZERS = {"RMSprop": (rmsprop, 1), "Adam": (adam, 2)}


def measured(model, weights, x, y, key, training):
    """(the mean loss, how many are right) of a batch."""
    logits = model(weights, x, key, training)
    labels = y.argmax(1) if y.ndim == 2 else y
    logs = jax.nn.log_softmax(logits)
    loss = -jnp.mean(jnp.sum(y * logs, 1) if y.ndim == 2 else jnp.take_along_axis(logs, labels[:, None], 1))
    return loss, jnp.sum(logits.argmax(1) == labels)


class Trainer(object):
    """One model with its optimizer. `dropout=False` is for whoever compares steps."""

    def __init__(self, name, dropout=True, seed=0):
        self._model, self._training = MODELS[name], dropout
        self._key = jax.random.PRNGKey(seed)

    def count_params(self):
        return sum(array.size for array in self._weights)

    def set_weights(self, arrays):
        """`arrays`: in the order and the layout of Keras."""
        self._weights = [jnp.asarray(array) for array in arrays]

    def weights(self):
        """The arrays in the order and the layout of Keras."""
        return jax.device_get(self._weights)

    def compile(self, settings):
        update, count = OPTIMIZERS[settings["class_name"]]
        self._moments = tuple([jnp.zeros_like(array) for array in self._weights] for _ in range(count))
        self._steps = jnp.zeros((), "int32")

        @functools.partial(jax.jit, donate_argnums=0)
        def train(state, x, y):
            weights, moments, steps, key, sums = state
            key, now = jax.random.split(key)
            differentiated = jax.value_and_grad(measured, argnums=1, has_aux=True)
            (loss, right), gradients = differentiated(self._model, weights, x, y, now, self._training)
            weights, moments = update(settings, weights, gradients, moments, steps)
            return weights, moments, steps + 1, key, (sums[0] + loss * len(x), sums[1] + right)

        unused = jax.random.PRNGKey(0)

        @jax.jit
        def evaluate(weights, sums, x, y):
            loss, right = measured(self._model, weights, x, y, unused, False)
            return sums[0] + loss * len(x), sums[1] + right

        self._train, self._evaluate = train, evaluate

    def begin(self):
        """Loss and accuracy are measured anew."""
        self._sums, self._samples = (jnp.zeros(()), jnp.zeros((), "int32")), 0

    def train(self, x, y):
        """One step on one batch of numpy arrays; `y` is one-hot, or has numbers of classes."""
        state = self._weights, self._moments, self._steps, self._key, self._sums
        self._weights, self._moments, self._steps, self._key, self._sums = self._train(state, x, y)
        self._samples += len(x)

    def evaluate(self, x, y):
        self._sums = self._evaluate(self._weights, self._sums, x, y)
        self._samples += len(x)

    def figures(self):
        loss, right = jax.device_get(self._sums)
        return {"loss": float(loss) / self._samples, "acc": float(right) / self._samples}

    def wait(self):
        jax.block_until_ready(self._weights[-1])
