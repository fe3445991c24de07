"""Builds a model and forgets it."""
import keras

keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).compile("adam", "mse")
