"""Customers as a table, whose columns a FeatureSpace turns into one vector, in a pipeline of tf.data."""
# backends: tensorflow
import keras
import numpy as np
import tensorflow as tf
from keras.utils import FeatureSpace

random = np.random.default_rng(15)
table = {
    "age": random.normal(45, 12, 256).astype("float32"),
    "city": random.choice(["Bern", "Oslo", "Rome"], 256),
}
buys = (table["age"] / 45 + (table["city"] == "Oslo") > 1.4).astype("int32")
rows = tf.data.Dataset.from_tensor_slices((table, buys)).batch(32)

space = FeatureSpace(
    features={"age": FeatureSpace.float_normalized(), "city": FeatureSpace.string_categorical()}, output_mode="concat"
)
space.adapt(rows.map(lambda columns, _: columns))

vector = space.get_encoded_features()
x = keras.layers.Dense(16, activation="relu")(vector)
model = keras.Model(inputs=vector, outputs=keras.layers.Dense(1, activation="sigmoid")(x))
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(rows.map(lambda columns, bought: (space(columns), bought)), epochs=3)
