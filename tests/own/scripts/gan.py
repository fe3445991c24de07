"""A generator against a discriminator: a train_step of its own, for each backend as that backend wants it."""
# backends: tensorflow torch
import keras
import numpy as np
from keras import layers, ops

NOISE = 8


class Gan(keras.Model):
    def __init__(self):
        super().__init__()
        self.judge = keras.Sequential([keras.Input((12,)), layers.Dense(32, activation="relu"), layers.Dense(1)])
        self.forge = keras.Sequential([keras.Input((NOISE,)), layers.Dense(32, activation="relu"), layers.Dense(12)])
        self.seeds = keras.random.SeedGenerator(9)
        self.judged = keras.metrics.Mean(name="judge_loss")
        self.forged = keras.metrics.Mean(name="forge_loss")
        self.built = True

    @property
    def metrics(self):
        return [self.judged, self.forged]

    def compile(self, judge_optimizer, forge_optimizer, loss):
        super().compile()
        self.judge_optimizer, self.forge_optimizer, self.score = judge_optimizer, forge_optimizer, loss
        self.judge_optimizer.build(self.judge.trainable_variables)
        self.forge_optimizer.build(self.forge.trainable_variables)

    def losses_of(self, real):
        """(the judge's loss, the forger's loss)"""
        count = ops.shape(real)[0]
        fake = self.forge(keras.random.normal((count, NOISE), seed=self.seeds))
        says_real, says_fake = self.judge(real), self.judge(fake)
        judge = self.score(ops.ones_like(says_real), says_real) + self.score(ops.zeros_like(says_fake), says_fake)
        return judge, self.score(ops.ones_like(says_fake), says_fake)

    def step(self, real, network, optimizer, which):
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            with tf.GradientTape() as tape:
                loss = self.losses_of(real)[which]
            gradients = tape.gradient(loss, network.trainable_weights)
        else:
            import torch

            self.zero_grad()
            loss = self.losses_of(real)[which]
            loss.backward()
            gradients = [weight.value.grad for weight in network.trainable_weights]
            with torch.no_grad():
                optimizer.apply(gradients, network.trainable_weights)
            return loss
        optimizer.apply(gradients, network.trainable_weights)
        return loss

    def train_step(self, data):
        real = data[0] if isinstance(data, tuple) else data
        self.judged.update_state(self.step(real, self.judge, self.judge_optimizer, 0))
        self.forged.update_state(self.step(real, self.forge, self.forge_optimizer, 1))
        return {metric.name: metric.result() for metric in self.metrics}


real = np.cumsum(np.random.default_rng(9).normal(size=(256, 12)), axis=1).astype("float32")
gan = Gan()
gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
gan.fit(real, batch_size=32, epochs=2)
print(gan.forge.predict(np.zeros((2, NOISE)), verbose=0))
