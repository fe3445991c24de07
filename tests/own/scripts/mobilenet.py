"""A model of keras.applications, without weights that would have to be fetched."""
import keras
import numpy as np

random = np.random.default_rng(4)
images = random.random((32, 32, 32, 3), dtype="float32")
labels = keras.utils.to_categorical(random.integers(0, 5, 32), 5)

base = keras.applications.MobileNetV2(input_shape=(32, 32, 3), alpha=0.35, include_top=False, weights=None, pooling="avg")
model = keras.Sequential([base, keras.layers.Dropout(0.2), keras.layers.Dense(5, activation="softmax")])
model.compile(optimizer="sgd", loss="categorical_crossentropy", metrics=["categorical_accuracy"])
model.fit(images, labels, batch_size=16, epochs=2)
model.save("mobilenet.keras")
