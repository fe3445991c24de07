"""One epoch at a time, with a look at the model in between."""
import keras
import numpy as np

random = np.random.default_rng(21)
x, y = random.normal(size=(96, 8)).astype("float32"), random.normal(size=96)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile("adam", "mse")
for number in range(5):
    history = model.fit(x, y, batch_size=32, epochs=1)
    assert history.history["loss"]
    print(number, history.history["loss"][0], model.predict(x[:1], verbose=0)[0, 0])
