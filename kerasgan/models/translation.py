"""Models that translate images to images."""

import functools

import numpy as np
import tensorflow as tf

from kerasgan import data
from kerasgan.models.sampling import ImageGAN


class TranslationGAN(ImageGAN):
    """Base class of the models that translate images to images.

    A subclass has `source_channels`, the channels of the input images, and
    `size_multiple` and `minimum_size`, the rule for their height and width.
    """

    task = "image-to-image"

    def translate(self, images, batch_size=64):
        """Translates images.

        Args:
            images: uint8 array or tensor `(n, height, width, channels)`, in
                0..255. Height and width may differ from those of training,
                as long as they are multiples of `size_multiple`.
            batch_size: int. How many to translate at once. Defaults to
                `64`.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If the images do not fit the model.

        Example:
        ```python
        gan = zoo.load("pix2pix_fluent_64")
        images = gan.translate(drawings)  # uint8 in, uint8 out
        ```
        """
        return self.serve("translate", images, batch_size)

    def serve(self, signature, images, batch_size, *more):
        """Checks images and runs a signature on them in batches.

        Args:
            signature: str. A key of `signatures()`.
            images: See `translate`.
            batch_size: int. How many to run at once.
            *more: Further arguments of the signature, a row for each image.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If the images do not fit the model.
        """
        self.check_source(images)
        return self.run_in_batches(
            (images, *more),
            batch_size,
            lambda batch: self._served[signature](*batch)["images"],
        )

    @functools.cached_property
    def _served(self):
        return {
            name: tf.function(function, specs, autograph=False)
            for name, (function, specs) in self.signatures().items()
        }

    @property
    def source_spec(self):
        """`tf.TensorSpec` of the input images."""
        shape = (None, None, None, self.source_channels)
        return tf.TensorSpec(shape, "uint8", "images")

    @property
    def size_rule(self):
        """The rule for the size of input images, for messages."""
        return (
            "The height and width of the images must be multiples of "
            f"{self.size_multiple} of at least {self.minimum_size}, because "
            "the network halves and doubles them"
        )

    def check_source(self, images):
        """Checks that images can be translated.

        Args:
            images: The argument of `translate`.

        Raises:
            ValueError: If not.
        """
        expected = f"(n, height, width, {self.source_channels})"
        if not isinstance(images, (np.ndarray, tf.Tensor)):
            raise ValueError(
                f"`images` must be a uint8 array or tensor {expected}. "
                f"Received: {type(images).__name__}. Stack the images with "
                "`numpy.stack`."
            )
        shape, dtype = tuple(images.shape), tf.as_dtype(images.dtype)
        if dtype != tf.uint8:
            raise ValueError(
                "`images` must be uint8 in 0..255, because the scale of "
                f"other types is not known. Received: dtype={dtype.name}, "
                f"shape={shape}. Convert floats in [-1, 1] with "
                "`kerasgan.data.to_uint8`."
            )
        if len(shape) != 4:
            raise ValueError(
                f"`images` must have rank 4, {expected}. "
                f"Received: shape={shape}. "
                + (
                    "Give a single image a batch axis: `images[None]`."
                    if len(shape) == 3
                    else "Stack the images along one batch axis."
                )
            )
        if shape[0] == 0:
            raise ValueError(
                f"There must be at least one image. Received: shape={shape}"
            )
        if shape[3] != self.source_channels:
            raise ValueError(
                f"`images` must have {self.source_channels} channels, as in "
                f"training: {expected}. Received: shape={shape}. Convert the "
                "images first."
            )
        for size in shape[1:3]:
            if size % self.size_multiple or size < self.minimum_size:
                raise ValueError(
                    f"{self.size_rule}. Received: shape={shape}. Resize, "
                    "crop or pad the images with `kerasgan.data`."
                )

    def as_source(self, images):
        """Converts uint8 images for the networks, if their size is valid.

        For signatures, whose inputs have not been checked.

        Args:
            images: uint8 tensor `(batch, height, width, channels)`.

        Returns:
            float32 tensor of the same shape, in `[-1, 1]`.
        """
        sizes = tf.shape(images)[1:3]
        fits = (sizes % self.size_multiple == 0) & (sizes >= self.minimum_size)
        check = tf.debugging.Assert(
            tf.reduce_all(fits), [f"{self.size_rule}. Received:", sizes]
        )
        with tf.control_dependencies([check]):
            return data.to_float(tf.identity(images))

    def check_pair(self, batch, names, shapes):
        """Checks that a batch is a pair of equally many images.

        Args:
            batch: One element of the training data, eager.
            names: Two strings, the names of both in messages.
            shapes: Two tuples `(height, width, channels)`.

        Raises:
            ValueError: If not.
        """
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            received = (
                f"{len(batch)} parts"
                if isinstance(batch, (tuple, list))
                else f"one {type(batch).__name__}"
            )
            raise ValueError(
                f"Each batch must be a pair ({names[0]}, {names[1]}). "
                f"Received: {received}. Zip two datasets with "
                "`tf.data.Dataset.zip`, or give `fit` two arrays."
            )
        for images, name, shape in zip(batch, names, shapes, strict=True):
            data.check_images(images, shape, name)
        data.check_same_length(*batch, names)
