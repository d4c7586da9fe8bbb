"""Small real images for tests of learning: trousers and bags at 16x16."""

import numpy as np

from kerasgan import data

NEAR = 0.2  # Mean squared error; what untrained models generate is farther.


def trousers_and_bags():
    """Returns 12,000 images of Fashion-MNIST in [-1, 1], and labels 0, 1."""
    arrays = data.load("fashion_mnist", "train")
    images, labels = np.asarray(arrays["image"]), np.asarray(arrays["label"])
    chosen = np.isin(labels, (1, 8))
    images, labels = images[chosen], (labels[chosen] == 8).astype("int32")
    images = images.reshape(-1, 16, 2, 16, 2, 1).mean((2, 4)) / 127.5 - 1
    return images.astype("float32"), labels


def classes(generated, images, labels):
    """Returns the class of each image by its nearest real image.

    -1 where none is near.

    Args:
        generated: uint8 array `(n, 16, 16, 1)`.
        images: float array `(count, 16, 16, 1)` in [-1, 1].
        labels: int array `(count,)`.
    """
    generated = generated / 127.5 - 1
    errors = ((generated[:, None] - images[None]) ** 2).mean((2, 3, 4))
    return np.where(errors.min(1) < NEAR, labels[errors.argmin(1)], -1)
