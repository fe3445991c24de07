"""Customers as a table: numbers, words, several named inputs, weights of samples."""
import keras
import numpy as np
from keras import layers

random = np.random.default_rng(8)
count = 512
customers = {
    "age": random.normal(45, 12, count).astype("float32"),
    "income": random.lognormal(10, 0.5, count).astype("float32"),
    "city": random.integers(0, 4, count).astype("int32"),
}
buys = (customers["age"] / 45 + (customers["city"] == 2) + random.normal(0, 0.3, count) > 1.4).astype("float32")

inputs = {
    "age": keras.Input((1,), name="age"),
    "income": keras.Input((1,), name="income"),
    "city": keras.Input((1,), name="city", dtype="int32"),
}
scales = {}
for name in ("age", "income"):
    scales[name] = layers.Normalization(name=name + "_scale")
    scales[name].adapt(customers[name][:, None])
places = layers.Flatten()(layers.Embedding(4, 4)(inputs["city"]))
x = layers.concatenate([scales["age"](inputs["age"]), scales["income"](inputs["income"]), places])
x = layers.Dense(32, activation="relu")(x)
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(name="auc")])
model.fit(
    {name: column[:, None] for name, column in customers.items()}, buys, batch_size=32, epochs=3,
    sample_weight=np.linspace(0.5, 1.5, count),
)
