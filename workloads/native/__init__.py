"""Some of the workloads without Keras: what one would write in plain PyTorch, JAX or TensorFlow.

`models.py` has what is the same for all three: sizes, initial weights, optimizers. A file per library has the models as
functions or modules of that library and one step of training, and `loop.py` the epochs around it. They take the steps
that the Keras models take: tests/native_steps.py trains both and compares losses and weights.
"""
