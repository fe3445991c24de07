"""No Keras in the loop: a training loop of TensorFlow, whose epochs are marked."""
# backends: tensorflow
import tensorflow as tf
from orchestrated import epochs

tf.random.set_seed(14)
x = tf.random.normal((512, 16))
y = tf.cast(x[:, :1] > 0, tf.float32)


class Network(tf.Module):
    def __init__(self):
        self.hidden = tf.Variable(tf.random.normal((16, 32), stddev=0.3))
        self.out = tf.Variable(tf.random.normal((32, 1), stddev=0.3))

    def loss(self, x, y):
        says = tf.tanh(x @ self.hidden) @ self.out
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, says))


network = Network()


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = network.loss(x, y)
    for variable, gradient in zip(network.variables, tape.gradient(loss, network.variables)):
        variable.assign_sub(0.1 * gradient)
    return loss


for epoch in epochs(3, model=network):
    for begin in range(0, 448, 32):
        loss = step(x[begin:begin + 32], y[begin:begin + 32])
    epoch.trained(loss=loss, batches=14, samples=448)
    epoch.metrics(val_loss=network.loss(x[448:], y[448:]))
