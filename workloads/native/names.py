"""What there is without Keras: the models, and the libraries by the names that Keras has for them. Imports nothing."""

MODELS = ("mnist_mlp",)
LIBRARIES = ("tensorflow", "jax", "torch")
