"""Models that generate images and learn to classify them from a few labels."""

import functools
import random

import numpy as np
import tensorflow as tf

from kerasgan import checks, data
from kerasgan.models import inputs
from kerasgan.models.base import describe_batch
from kerasgan.models.sampling import LatentGAN

# The label of an image without one.
UNLABELLED = -1


class SemiSupervisedGAN(LatentGAN):
    """Base class of the models that learn from images and a few labels.

    A subclass overrides `class_logits`, and takes batches as `triple` returns
    them.

    Args:
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        **kwargs: See `LatentGAN`: `latent_dim`, `ema_decay`, `seed`, `name`,
            `dtype`.

    Raises:
        ValueError: If `num_classes` is not positive.

    Training data:
        Images, float32 in `[-1, 1]`, and integer labels `(batch,)`, -1 for an
        image without a label. If `fit` is given arrays, every step takes a
        batch of all images and a batch of those with labels. A dataset has
        such batches, triples of images, images with labels, and these labels;
        or pairs of images and labels.
    """

    part_names = ("images", "labels")

    def __init__(self, num_classes, **kwargs):
        checks.positive(num_classes=num_classes)
        self.num_classes = num_classes
        super().__init__(**kwargs)

    # Training data

    def to_dataset(
        self, x, y=None, batch_size=None, first_epoch=0, shuffle=True
    ):
        if shuffle and not (
            isinstance(x, tf.data.Dataset) or inputs.is_loader(x)
        ):
            arrays = inputs.as_arrays(x, y, self.part_names)
            labelled = _labelled_rows(arrays)
            if 0 < len(labelled) < len(arrays[0]):
                return self._two_streams(
                    *arrays, labelled, batch_size, first_epoch
                )
        return super().to_dataset(x, y, batch_size, first_epoch, shuffle)

    def _two_streams(self, images, labels, labelled, batch_size, first_epoch):
        """Returns batches of all images, and of those with labels."""
        few = tf.constant(np.asarray(images)[labelled])
        labels = tf.constant(np.asarray(labels)[labelled])

        def transform(images, rows, _):
            return images, tf.gather(few, rows), tf.gather(labels, rows)

        # Every image with a label comes as often as any other.
        rows = np.arange(len(images)) % len(labelled)
        seed = self.seed
        return data.stream_groups(
            ((images,), (rows,)),
            self.default_batch_size if batch_size is None else batch_size,
            transform=transform,
            seed=random.randrange(2**31) if seed is None else seed,
            first_epoch=first_epoch,
        )

    def triple(self, batch):
        """Returns images, images with labels, and these labels."""
        if len(batch) == 3:
            return batch
        images, labels = batch
        return images, images, labels

    def split_batch(self, batch):
        return batch[0], None

    def check_batch(self, batch):
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise ValueError(
                "The training data must be pairs `(images, labels)`, with "
                f"the label {UNLABELLED} for an image without one, or triples "
                "`(images, labelled_images, labels)`. "
                f"Received: {describe_batch(batch)}"
            )
        images, labelled, labels = self.triple(batch)
        data.check_images(images, self.image_shape)
        data.check_images(labelled, self.image_shape, "labelled_images")
        # As if the unlabelled had the label 0.
        known = labels
        if tf.as_dtype(labels.dtype).is_integer:
            known = tf.where(labels == UNLABELLED, 0, labels)
        data.check_labels(known, self.num_classes)
        names = ("labelled_images", "labels")
        data.check_same_length(labelled, labels, names)

    def rules(self, batch):
        labels = batch[-1]
        holds = (labels >= UNLABELLED) & (labels < self.num_classes)
        text = (
            f"Labels must lie in 0..{self.num_classes - 1}, or be {UNLABELLED} "
            "for none, in every batch, not in the first one alone. Received: "
            "labels from {} to {}"
        )
        values = [tf.reduce_min(labels), tf.reduce_max(labels)]
        return [*super().rules(batch), (tf.reduce_all(holds), text, values)]

    # Classifying and exporting

    def class_logits(self, images):
        """Returns the logits of the classes.

        Args:
            images: Float tensor `(batch, height, width, channels)` in
                `[-1, 1]`.

        Returns:
            Float tensor `(batch, num_classes)`.
        """
        raise NotImplementedError

    def classify(self, images, batch_size=64):
        """Returns the probabilities of the classes.

        Args:
            images: uint8 array `(n, height, width, channels)`.
            batch_size: int. How many to classify at once. Defaults to `64`.

        Returns:
            float32 array `(n, num_classes)`, rows that sum to 1.

        Raises:
            ValueError: If `images` are not such an array.
        """
        images = tf.convert_to_tensor(images)
        if images.dtype != tf.uint8 or images.shape[1:] != self.image_shape:
            raise ValueError(
                "`images` must be uint8 in 0..255, "
                f"(n, {', '.join(map(str, self.image_shape))}). Received: "
                f"dtype={images.dtype.name}, shape={tuple(images.shape)}. "
                "`kerasgan.data.to_uint8` converts floats in [-1, 1]."
            )
        # Not that of `LatentGAN`, which takes latents.
        return super(LatentGAN, self).run_in_batches(
            images, batch_size, self._probabilities
        )

    @functools.cached_property
    def _probabilities(self):
        return tf.function(self.class_probabilities, reduce_retracing=True)

    def class_probabilities(self, images):
        """Returns the probabilities of the classes, in a graph.

        Args:
            images: uint8 tensor `(batch, height, width, channels)`.

        Returns:
            Float tensor `(batch, num_classes)`.
        """
        return tf.nn.softmax(self.class_logits(data.to_float(images)))

    def score_signatures(self):
        def classify(images):
            return {"probabilities": self.class_probabilities(images)}

        images = tf.TensorSpec((None, *self.image_shape), "uint8", "images")
        return {**super().score_signatures(), "classify": (classify, [images])}


def _labelled_rows(arrays):
    """Returns the numbers of the rows with labels, if there are labels."""
    if len(arrays) != 2 or len(arrays[0]) != len(arrays[1]):
        return []
    labels = np.asarray(arrays[1])
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        return []
    return np.flatnonzero(labels != UNLABELLED)
