"""Models that generate images of requested classes."""

import numpy as np
import tensorflow as tf

from kerasgan import checks, data, random
from kerasgan.models.base import describe_batch
from kerasgan.models.sampling import LatentGAN
from kerasgan.names import hint


class ClassGAN(LatentGAN):
    """Base class of the models that map latents and labels to images.

    Args:
        num_classes: int. Labels go from 0 to `num_classes - 1`.
        class_names: Sequence of `num_classes` strings or `None`. Names that
            `generate` also takes as labels. May be set later, as an
            attribute. Defaults to `None`.
        class_frequencies: Sequence of `num_classes` numbers or `None`.
            Relative frequencies of the classes, by which `generate` samples
            labels where none are given. May be set later, as an attribute.
            Defaults to `None`, all equal.
        **kwargs: See `LatentGAN`: `latent_dim`, `ema_decay`, `seed`, `name`,
            `dtype`.

    Call arguments:
        inputs: Pair of latents, float tensor `(batch, latent_dim)`, and
            labels, integer tensor `(batch,)`.

    Training data:
        A dataset of pairs: image batches, float32 in `[-1, 1]`, and integer
        labels `(batch,)`.

    Raises:
        ValueError: If `num_classes` is not positive, or the number of names
            or frequencies differs from it.
    """

    task = "class-to-image"
    part_names = ("images", "labels")

    def __init__(
        self, num_classes, class_names=None, class_frequencies=None, **kwargs
    ):
        checks.positive(num_classes=num_classes)
        self.num_classes = num_classes
        self.class_names = class_names
        self.class_frequencies = class_frequencies
        super().__init__(**kwargs)

    @property
    def class_names(self):
        """Tuple of class names, or `None`."""
        return self._class_names

    @class_names.setter
    def class_names(self, names):
        if names is not None:
            names = tuple(names)
            if not len(names) == len(set(names)) == self.num_classes:
                raise ValueError(
                    "`class_names` must contain a different name for each of "
                    f"the {self.num_classes} classes. "
                    f"Received: class_names={names}"
                )
        self._class_names = names

    @property
    def class_frequencies(self):
        """Tuple of relative frequencies of the classes, or `None`."""
        return self._class_frequencies

    @class_frequencies.setter
    def class_frequencies(self, frequencies):
        if frequencies is not None:
            frequencies = tuple(float(f) for f in frequencies)
            if (
                len(frequencies) != self.num_classes
                or not all(0 <= f < np.inf for f in frequencies)
                or not sum(frequencies) > 0
            ):
                raise ValueError(
                    "`class_frequencies` must contain a number for each of "
                    f"the {self.num_classes} classes, none negative and not "
                    f"all zero. Received: class_frequencies={frequencies}"
                )
        self._class_frequencies = frequencies

    # The condition

    @property
    def condition_spec(self):
        return tf.TensorSpec((None,), "int32", "labels")

    def split_batch(self, batch):
        images, labels = batch
        return images, tf.cast(labels, "int32")

    def encode_condition(self, labels):
        # The lookup fails for labels out of range, for which a one-hot code
        # would be zero and the image of no class.
        # In ONNX negative ones would count from the last.
        known = tf.where(labels < 0, labels - self.num_classes, labels)
        return tf.gather(tf.range(self.num_classes), known)

    def sample_condition(self, seed, count):
        frequencies = self.class_frequencies or (1.0,) * self.num_classes
        # [0, 1] is divided among the classes, here at these bounds.
        bounds = np.cumsum(frequencies)[:-1] / np.sum(frequencies)
        # Stream 1 of the seed: the latents have stream 0.
        uniform = tf.random.stateless_uniform((count,), (seed, 1), alg="philox")
        return tf.searchsorted(bounds.astype("float32"), uniform, side="right")

    def sample_labels(self, batch_size):
        """Samples labels `(batch_size,)` uniformly, for training."""
        uniform = random.uniform(self.seed_generator, (batch_size,))
        return tf.cast(uniform * self.num_classes, "int32")

    def check_batch(self, batch):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ValueError(
                "The training data must be pairs `(images, labels)`. "
                f"Received: {describe_batch(batch)}"
            )
        images, labels = batch
        data.check_images(images, self.image_shape)
        data.check_labels(labels, self.num_classes)
        data.check_same_length(images, labels, ("images", "labels"))

    def rules(self, batch):
        labels = batch[1]
        holds = tf.reduce_all((labels >= 0) & (labels < self.num_classes))
        text = (
            f"Labels must lie in 0..{self.num_classes - 1} in every batch, "
            "not in the first one alone. Received: labels from {} to {}"
        )
        values = [tf.reduce_min(labels), tf.reduce_max(labels)]
        return [*super().rules(batch), (holds, text, values)]

    def class_numbers(self, labels):
        """Returns labels as integers.

        Args:
            labels: Sequence of ints from 0 to `num_classes - 1`, or of
                strings: a string that is a class's name means that class;
                where no name is a number, `"3"` means the class 3.

        Returns:
            int32 array `(n,)`.

        Raises:
            ValueError: If there are no labels, or one is not a class.
        """
        if np.ndim(labels) != 1 or len(labels) == 0:
            raise ValueError(
                "`labels` must be a sequence of classes, one for each image, "
                f"such as [3, 3, 7]. Received: labels={labels!r}"
            )
        names = self.class_names or ()
        numbers = []
        for label in labels:
            number = label
            if isinstance(label, str):
                if label in names:
                    number = names.index(label)
                elif _is_number(label) and not any(map(_is_number, names)):
                    number = int(label)
            if not checks.is_whole(number) or not (
                0 <= number < self.num_classes
            ):
                raise ValueError(
                    "Each of `labels` must be an integer from 0 to "
                    f"{self.num_classes - 1} or a class name "
                    f"({', '.join(names) or 'none set'}). "
                    f"{hint(label, names)}Received: {label!r}"
                )
            numbers.append(number)
        return np.array(numbers, "int32")

    # Sampling and exporting

    def generate(
        self, n=None, labels=None, seed=None, batch_size=64, truncation=None
    ):
        """Generates images of requested or of sampled classes.

        Args:
            n: int. Number of images, whose classes are sampled by
                `class_frequencies`. Give either this or `labels`.
            labels: Sequence of ints or of class names, one for each image.
            seed: int or `None`. The same seed gives the same images,
                whatever the batch size, and in the exported model too; a
                larger `n` only adds images; both to rounding, which may
                change single values by one grey level. Defaults to a random
                seed.
            batch_size: int. How many to generate at once. Defaults to `64`.
            truncation: float in [-1, 1] or `None`. Psi: closer to zero,
                images are more typical and less diverse, and their class is
                clearer. Defaults to `None`, no truncation.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If an argument is invalid, or a label is not a class.

        Example:
        ```python
        gan.generate(labels=["Bag", "Bag", "Coat"], seed=0)
        ```
        """
        if (n is None) == (labels is None):
            raise ValueError(
                "`generate` takes either `n`, for images of any class, or "
                "`labels`, one for each image. "
                f"Received: n={n!r}, labels={labels!r}"
            )
        if labels is not None:
            labels = tf.constant(self.class_numbers(labels))
        return self.generate_images(n, labels, seed, batch_size, truncation)

    def signatures(self):
        def sample_any(seed, count):
            labels = self.sample_condition(seed, count)
            outputs = self.served(self.seeded_latents(seed, count), labels)
            return {**outputs, "labels": labels}

        seed = tf.TensorSpec((), "int64", "seed")
        count = tf.TensorSpec((), "int32", "count")
        return {
            **super().signatures(),
            "sample_any": (sample_any, [seed, count]),
        }


def _is_number(text):
    return text.isascii() and text.isdecimal()
