"""No Keras at all: a training loop of JAX, whose epochs are marked."""
# backends: jax
import jax
import jax.numpy as jnp
from orchestrated import epochs

keys = jax.random.split(jax.random.PRNGKey(13), 3)
x = jax.random.normal(keys[0], (512, 16))
y = (x[:, 0] > 0).astype(jnp.float32)
model = {"hidden": jax.random.normal(keys[1], (16, 32)) * 0.3, "out": jax.random.normal(keys[2], (32,)) * 0.3}


def loss_of(model, x, y):
    says = jnp.tanh(x @ model["hidden"]) @ model["out"]
    return jnp.mean(jnp.logaddexp(0.0, says) - y * says)


@jax.jit
def step(model, x, y):
    loss, gradients = jax.value_and_grad(loss_of)(model, x, y)
    return jax.tree_util.tree_map(lambda weight, gradient: weight - 0.1 * gradient, model, gradients), loss


for epoch in epochs(3, model=model):
    for begin in range(0, 448, 32):
        model, loss = step(model, x[begin:begin + 32], y[begin:begin + 32])
    epoch.trained(loss=loss, batches=14)
    epoch.metrics(val_loss=loss_of(model, x[448:], y[448:]))
