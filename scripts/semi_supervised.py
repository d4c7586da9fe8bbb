"""What 60,000 images without labels add to 100 labels of each class.

    python scripts/semi_supervised.py [--seeds 3] [--steps 6000]

The classifier of `improved_gan_fashion_mnist_32` on the test images, beside the
same network trained on the same labelled images alone: with the same noise,
optimizer and averaging of weights, until its error on them is zero and beyond,
in several initializations. The labels of 5,000 training images that neither
has seen tell when: the step of the lowest error there is reported, which favors
the network without a GAN.
"""

import argparse

import numpy as np
import tensorflow as tf

import zoo
from kerasgan import data, losses
from kerasgan.models import averaging
from kerasgan.models.improved_gan import CLASSIFIER_DECAY
from kerasgan.recipes import improved_gan_fashion_mnist_32 as recipe

VALIDATION = slice(-5000, None)
EVERY = 200


def error(probabilities, labels):
    """Returns the share of images whose most probable class is wrong."""
    return float(np.mean(probabilities.argmax(axis=1) != labels))


def labels_alone(seed, steps):
    """Returns the error on test images of a network without a GAN."""
    train = data.load("fashion_mnist", "train", 32)
    test = data.load("fashion_mnist", "test", 32)
    rows = recipe.labelled_rows()
    images, labels = train["image"][rows], train["label"][rows]
    gan = recipe.build(seed=seed)
    gan.before_training((data.to_float(images),))
    network, optimizer = gan.discriminator, gan.discriminator_optimizer

    @tf.function
    def step(images, labels):
        with tf.GradientTape() as tape:
            logits, _ = network(images, training=True)
            loss = tf.reduce_mean(losses.classification_loss(labels, logits))
        weights = network.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        decay = averaging.ramped(CLASSIFIER_DECAY, optimizer.iterations)
        averaging.follow(gan.average_discriminator, network, decay)

    batches = data.stream(
        (images, labels),
        recipe.BATCH_SIZE,
        transform=lambda images, labels, _: (data.to_float(images), labels),
        seed=seed,
        epochs=steps * recipe.BATCH_SIZE // len(images),
    )
    best = (np.inf, None)
    for number, batch in enumerate(batches, 1):
        step(*batch)
        if number % EVERY == 0:
            seen = gan.classify(train["image"][VALIDATION], 500)
            found = error(seen, train["label"][VALIDATION])
            if found < best[0]:
                best = found, gan.average_discriminator.get_weights()
    gan.average_discriminator.set_weights(best[1])
    return error(gan.classify(test["image"], 500), test["label"])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6000)
    options = parser.parse_args()
    test = data.load("fashion_mnist", "test", 32)
    gan = zoo.load("improved_gan_fashion_mnist_32")
    found = error(gan.classify(test["image"], 500), test["label"])
    print(f"with 60,000 images without labels: {found:.2%}", flush=True)
    alone = [labels_alone(s, options.steps) for s in range(options.seeds)]
    spread = np.std(alone, ddof=1) / np.sqrt(len(alone))
    print(f"the labels alone: {np.mean(alone):.2%} ± {spread:.2%}")


if __name__ == "__main__":
    main()
