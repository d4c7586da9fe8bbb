"""Schedules of growth and learning rates, as functions of progress."""

import dataclasses
import math

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Growth:
    """How progressive networks grow with the number of images seen.

    First `stable_images` at `start_resolution`; then for each doubling
    `fade_images` while the new layers fade in, and `stable_images` after
    that.

    Attributes:
        start_resolution: int. The first resolution.
        final_resolution: int. The last one.
        stable_images: int. Images at each resolution, not fading.
        fade_images: int. Images while a resolution fades in, at least one.

    Example:
    ```python
    growth = Growth(4, 1024, 600_000, 600_000)
    growth(900_000)  # (8, 0.5): 8x8 is half faded in
    ```

    Reference:
        [Karras et al., 2018](https://arxiv.org/abs/1710.10196), appendix A.
    """

    start_resolution: int
    final_resolution: int
    stable_images: int
    fade_images: int

    @classmethod
    def over(cls, images, start_resolution, final_resolution):
        """Returns the growth that takes a whole run.

        All phases are equally long, but that of the last resolution, which is
        twice as long.

        Args:
            images: int. Of the whole run: steps times batch size.
            start_resolution: int. The first resolution.
            final_resolution: int. The last one.

        Returns:
            A `Growth`.
        """
        doublings = (final_resolution // start_resolution).bit_length() - 1
        share = max(1, images // (2 * doublings + 2))
        return cls(start_resolution, final_resolution, share, share)

    def __call__(self, images_seen):
        """Returns the resolution and how far it has faded in.

        Args:
            images_seen: int. Images since the start of training.

        Returns:
            Pair of int and float, from 0 at the start of a resolution to 1.
        """
        resolution = self.start_resolution
        while (
            resolution < self.final_resolution
            and images_seen >= self.fade_start(2 * resolution)
        ):
            resolution *= 2
        if resolution == self.start_resolution:
            return resolution, 1.0
        faded = (images_seen - self.fade_start(resolution)) / self.fade_images
        return resolution, min(faded, 1.0)

    def fade_start(self, resolution):
        """Returns the number of images before a resolution starts.

        Args:
            resolution: int. Larger than the first one.
        """
        doublings = (resolution // self.start_resolution).bit_length() - 1
        phase = self.stable_images + self.fade_images
        return doublings * phase - self.fade_images

    def fade(self, images_seen, resolution):
        """Returns how far a resolution has faded in, as a tensor.

        Args:
            images_seen: Integer scalar tensor.
            resolution: int. Larger than the first one.

        Returns:
            Float32 scalar tensor in [0, 1].
        """
        since = images_seen - self.fade_start(resolution)
        # After the subtraction, integers are small enough for float32.
        return tf.clip_by_value(
            tf.cast(since, "float32") / self.fade_images, 0.0, 1.0
        )


def linear_decay(epoch, epochs, decay_epochs):
    """Returns the learning rate of an epoch, as a fraction of the full one.

    1 at first; over the last epochs it decays in equal steps, one more of
    which would give 0.

    Args:
        epoch: int. Index of the epoch, from 0.
        epochs: int. Number of epochs.
        decay_epochs: int. Number of epochs, the last ones, that decay.

    Returns:
        float in (0, 1].

    Raises:
        ValueError: If `decay_epochs` is larger than `epochs`.

    Reference:
        [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), section 4.
    """
    if decay_epochs > epochs:
        raise ValueError(
            "`decay_epochs` must not exceed the number of epochs, of which "
            "they are the last; reduce it or train longer. "
            f"Received: epochs={epochs}, decay_epochs={decay_epochs}"
        )
    decayed = max(0, epoch + 1 - (epochs - decay_epochs))
    return 1.0 - decayed / (decay_epochs + 1)


def half_cosine(share, first, last):
    """Returns a value on its way along the falling half of a cosine.

    Slow at both ends, and constant after the end.

    Args:
        share: Float scalar tensor, at least 0. 0 at the start, 1 at the end
            and more after it.
        first: float. The value at the start.
        last: float. The value at the end.

    Returns:
        Float scalar tensor.

    Reference:
        [Loshchilov and Hutter, 2017](https://arxiv.org/abs/1608.03983),
        equation 5, without restarts
    """
    angle = math.pi * tf.minimum(share, 1.0)
    return last + (first - last) * (1.0 + tf.cos(angle)) / 2.0
