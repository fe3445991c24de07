"""Reads a file beside it by a relative path, imports a module beside it, and has a data.py of its own."""
import json
import os

import data
import keras
import numpy as np

with open("settings.json") as file:
    settings = json.load(file)
assert os.path.samefile(os.path.join(os.path.dirname(__file__), "settings.json"), os.path.realpath("settings.json")) \
    or open("settings.json").read()
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(settings["units"]), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(data.inputs(np), np.ones(32), epochs=1, verbose=2)
with open("written.txt", "w") as file:
    file.write("done")
