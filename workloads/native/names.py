"""What there is without Keras: the models, and the libraries by the names that Keras has for them. Imports nothing."""

MODELS = ("mnist_mlp", "cifar10_cnn", "text_transformer")
LIBRARIES = ("tensorflow", "jax", "torch")
