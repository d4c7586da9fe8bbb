"""Baseline: a DCGAN as the Keras guides write it, on the same images.

Independent of kerasgan: two tapes, batch normalization, width 64, 128 latents,
batches of 64, Adam(2e-4, 0.5), no average of the weights, 20 epochs. About
half an hour on 2 cores. The generator is saved after every epoch:

    python scripts/benchmarks/baseline_dcgan.py FOLDER

The same command resumes after the last complete epoch.
`scripts/benchmarks/score_baseline.py FOLDER` scores the generators under the
protocol of the zoo.
"""

import argparse
import pathlib
import re
import time

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from keras import layers

LATENTS, WIDTH, BATCH, EPOCHS = 128, 64, 64, 20


def generator():
    return keras.Sequential(
        [
            keras.Input((LATENTS,)),
            layers.Dense(4 * 4 * WIDTH * 4, use_bias=False),
            layers.Reshape((4, 4, WIDTH * 4)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(WIDTH * 2, 4, 2, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(WIDTH, 4, 2, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(1, 4, 2, "same", activation="tanh"),
        ],
        name="generator",
    )


def discriminator():
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Conv2D(WIDTH, 4, 2, "same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(WIDTH * 2, 4, 2, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Conv2D(WIDTH * 4, 4, 2, "same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1),
        ],
        name="discriminator",
    )


class Baseline(keras.Model):
    """The model of the Keras guides: networks as arguments, two tapes."""

    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.d_optimizer = keras.optimizers.Adam(2e-4, 0.5)
        self.g_optimizer = keras.optimizers.Adam(2e-4, 0.5)
        self.d_optimizer.build(discriminator.trainable_variables)
        self.g_optimizer.build(generator.trainable_variables)
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
        self.built = True

    def train_step(self, real):
        n = tf.shape(real)[0]
        fake = self.generator(tf.random.normal((n, LATENTS)), training=True)
        with tf.GradientTape() as tape:
            real_scores = self.discriminator(real, training=True)
            fake_scores = self.discriminator(fake, training=True)
            d_loss = self.loss_fn(tf.ones((n, 1)), real_scores)
            d_loss += self.loss_fn(tf.zeros((n, 1)), fake_scores)
        weights = self.discriminator.trainable_variables
        self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)
        with tf.GradientTape() as tape:
            fake = self.generator(tf.random.normal((n, LATENTS)), training=True)
            scores = self.discriminator(fake, training=True)
            g_loss = self.loss_fn(tf.ones((n, 1)), scores)
        weights = self.generator.trainable_variables
        self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)
        return {"d": d_loss, "g": g_loss}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(0)
    images, _ = tfds.load(
        "fashion_mnist", split="train", batch_size=-1, as_supervised=True
    )
    images = np.pad(images.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)))
    dataset = (
        tf.data.Dataset.from_tensor_slices(images)
        .shuffle(len(images))
        .batch(BATCH, drop_remainder=True)
        .map(lambda x: tf.cast(x, "float32") / 127.5 - 1.0)
        .prefetch(2)
    )
    model = Baseline(generator(), discriminator())
    model.compile(optimizer=None)
    state = tf.train.Checkpoint(
        generator=model.generator,
        discriminator=model.discriminator,
        g_optimizer=model.g_optimizer,
        d_optimizer=model.d_optimizer,
    )
    manager = tf.train.CheckpointManager(state, str(folder / "state"), 1)
    done = 0
    if manager.restore_or_initialize():
        done = int(re.search(r"-(\d+)$", manager.latest_checkpoint)[1])
    for epoch in range(done + 1, EPOCHS + 1):
        start = time.time()
        model.fit(dataset, epochs=1, verbose=0)
        model.generator.save(folder / f"generator_{epoch:02d}.keras")
        manager.save(epoch)
        print(f"epoch {epoch}: {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
