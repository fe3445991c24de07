"""The models in plain TensorFlow: tf.function, with XLA where Keras' "auto" comes to it for them."""
import tensorflow as tf

import texts

image_data_format = "channels_last"


def jit():
    """Keras takes XLA where there is more than a CPU, unless operations must be deterministic."""
    from tensorflow.python.framework.config import is_op_determinism_enabled

    cpu_only = all(device.device_type == "CPU" for device in tf.config.list_physical_devices())
    return not cpu_only and not is_op_determinism_enabled()


def dropout(x, rate, training):
    return tf.nn.dropout(x, rate) if training else x


def dense(x, kernel, bias):
    return tf.matmul(x, kernel) + bias


def mlp(weights, x, training):
    """Two dense layers of 512 with dropout."""
    x = dropout(tf.nn.relu(dense(x, *weights[0:2])), 0.2, training)
    x = dropout(tf.nn.relu(dense(x, *weights[2:4])), 0.2, training)
    return dense(x, *weights[4:6])


def convolution(x, kernel, bias, padding="VALID"):
    return tf.nn.conv2d(x, kernel, 1, padding) + bias


def cnn(weights, x, training):
    """Four convolutions, two poolings, one dense layer, with dropout."""
    for first in (0, 4):
        x = tf.nn.relu(convolution(x, weights[first], weights[first + 1], padding="SAME"))
        x = tf.nn.relu(convolution(x, weights[first + 2], weights[first + 3]))
        x = dropout(tf.nn.max_pool2d(x, 2, 2, "VALID"), 0.25, training)
    x = dropout(tf.nn.relu(dense(tf.reshape(x, (-1, 6 * 6 * 64)), *weights[8:10])), 0.5, training)
    return dense(x, *weights[10:12])


def norm(x, scale, shift):
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, shift, scale, 1e-6)


def text_transformer(weights, x, training):
    """One block of two heads over embeddings of words and places."""
    x = tf.gather(weights[0], x) + weights[1]
    query, key, value = (tf.einsum("btd,dnh->btnh", x, weights[i]) + weights[i + 1] for i in (2, 4, 6))
    shares = tf.nn.softmax(tf.einsum("bsnh,btnh->bnst", query, key) / texts.WIDTH ** 0.5)
    told = tf.einsum("bnst,btnh,nhd->bsd", shares, value, weights[8]) + weights[9]
    x = norm(x + dropout(told, 0.1, training), *weights[10:12])
    inner = tf.nn.relu(tf.einsum("btd,de->bte", x, weights[12]) + weights[13])
    inner = tf.einsum("btd,de->bte", inner, weights[14]) + weights[15]
    x = norm(x + dropout(inner, 0.1, training), *weights[16:18])
    x = tf.nn.relu(dense(dropout(tf.reduce_mean(x, 1), 0.1, training), *weights[18:20]))
    return dense(dropout(x, 0.1, training), *weights[20:22])


MODELS = {"mnist_mlp": mlp, "cifar10_cnn": cnn, "text_transformer": text_transformer}


def rmsprop(settings, weights, gradients, moments, steps):
    """As in Keras: epsilon stands under the root. `moments`: what it keeps of each array, zeros at first."""
    rate = settings["learning_rate"] / (1 + settings["decay"] * steps)
    for weight, gradient, (velocity,) in zip(weights, gradients, moments):
        velocity.assign(settings["rho"] * velocity + (1 - settings["rho"]) * gradient * gradient)
        weight.assign_sub(rate * gradient / tf.sqrt(velocity + settings["epsilon"]))


def adam(settings, weights, gradients, moments, steps):
    """As in Keras: epsilon is added before the root is corrected for its begin at zero."""
    one, two, step = settings["beta_1"], settings["beta_2"], steps + 1
    rate = settings["learning_rate"] * tf.sqrt(1 - two ** step) / (1 - one ** step)
    for weight, gradient, (mean, square) in zip(weights, gradients, moments):
        mean.assign_add((gradient - mean) * (1 - one))
        square.assign_add((gradient * gradient - square) * (1 - two))
        weight.assign_sub(rate * mean / (tf.sqrt(square) + settings["epsilon"]))


#: Each with how many moments it keeps.
OPTIMIZERS = {"RMSprop": (rmsprop, 1), "Adam": (adam, 2)}


class Trainer(object):
    """One model with its optimizer. `dropout=False` is for whoever compares steps."""

    def __init__(self, name, dropout=True):
        self._model, self._training = MODELS[name], dropout
        self._loss, self._right = tf.Variable(0.0), tf.Variable(0.0)

    def count_params(self):
        return sum(int(tf.size(weight)) for weight in self._weights)

    def set_weights(self, arrays):
        """`arrays`: in the order and the layout of Keras."""
        self._weights = [tf.Variable(array) for array in arrays]

    def weights(self):
        """The arrays in the order and the layout of Keras."""
        return [weight.numpy() for weight in self._weights]

    def compile(self, settings):
        update, count = OPTIMIZERS[settings["class_name"]]
        moments = [[tf.Variable(tf.zeros_like(weight)) for _ in range(count)] for weight in self._weights]
        steps = tf.Variable(0.0)

        def train(x, y):
            with tf.GradientTape() as tape:
                loss = self._measured(x, y, self._training)
            gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, self._weights)]
            update(settings, self._weights, gradients, moments, steps)
            steps.assign_add(1.0)

        def evaluate(x, y):
            self._measured(x, y, False)

        self._train, self._evaluate = (
            tf.function(step, jit_compile=jit(), reduce_retracing=True) for step in (train, evaluate))

    def _measured(self, x, y, training):
        logits, one_hot = self._model(self._weights, x, training), len(y.shape) == 2
        loss_of = tf.nn.softmax_cross_entropy_with_logits if one_hot else tf.nn.sparse_softmax_cross_entropy_with_logits
        losses = loss_of(labels=y, logits=logits)
        labels = tf.argmax(y, 1) if one_hot else tf.cast(y, "int64")
        self._loss.assign_add(tf.reduce_sum(losses))
        self._right.assign_add(tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == labels, "float32")))
        return tf.reduce_mean(losses)

    def begin(self):
        """Loss and accuracy are measured anew."""
        self._loss.assign(0.0)
        self._right.assign(0.0)
        self._samples = 0

    def train(self, x, y):
        """One step on one batch of numpy arrays; `y` is one-hot, or has numbers of classes."""
        self._train(tf.convert_to_tensor(x), tf.convert_to_tensor(y))
        self._samples += len(x)

    def evaluate(self, x, y):
        self._evaluate(tf.convert_to_tensor(x), tf.convert_to_tensor(y))
        self._samples += len(x)

    def figures(self):
        return {"loss": float(self._loss) / self._samples, "acc": float(self._right) / self._samples}

    def wait(self):
        self._weights[-1].numpy()
