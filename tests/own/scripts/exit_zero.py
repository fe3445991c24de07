"""Ends itself, and all is well."""
import sys

import keras
import numpy as np

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(np.ones((32, 4)), np.ones(32))
sys.exit(0)
