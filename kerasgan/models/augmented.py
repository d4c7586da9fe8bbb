"""Models whose discriminator may see augmented images."""

import keras

from kerasgan.augment import Augmentation
from kerasgan.models.sampling import LatentGAN


class AugmentedGAN(LatentGAN):
    """Base class of the models that can be trained on few images.

    In `train_step` of a subclass all images, real and generated, in both
    players' steps, pass through `seen` on their way to the discriminator; and
    `observe` is given the scores of the real ones.

    Args:
        augment: `kerasgan.augment.DiffAugment`, `AdaptiveAugmentation` or
            another `Augmentation`, one of its own for each model; or its
            configuration. Defaults to `None`, no augmentation.
        **kwargs: See `LatentGAN`: `latent_dim`, `ema_decay`, `seed`, `name`,
            `dtype`.

    Raises:
        ValueError: If `augment` is something else, or belongs to another
            model, or cannot augment images of these channels.
    """

    def __init__(self, augment=None, **kwargs):
        augment = as_augmentation(augment)
        super().__init__(**kwargs)
        # After the networks, whose weights keep their places.
        self.augment = augment
        if augment is not None:
            with self._own_settings():
                augment.build((None, *self.image_shape))

    def arguments(self):
        arguments = super().arguments()
        if self.augment is not None:
            arguments["augment"] = keras.saving.serialize_keras_object(
                self.augment
            )
        return arguments

    # Parts of the step

    def seen(self, images):
        """Returns images of a training step as the discriminator sees them.

        Args:
            images: Float tensor `(batch, height, width, channels)` in
                `[-1, 1]`.

        Returns:
            Float tensor of the same shape, newly augmented in each call.
        """
        if self.augment is None:
            return images
        return self.augment(images, training=True)

    def observe(self, real_scores):
        """Lets the augmentation adapt, after a step of the discriminator.

        Args:
            real_scores: Float tensor, the raw scores of the real images.
        """
        if self.augment is not None:
            self.augment.observe(real_scores)


def as_augmentation(augment):
    """Returns what was given as `augment`, as a layer.

    Args:
        augment: An `Augmentation`, its configuration, or `None`.

    Raises:
        ValueError: If it is something else, or belongs to another model.
    """
    if isinstance(augment, dict):
        # Not built, which would be outside of the model's settings.
        config = {k: v for k, v in augment.items() if k != "build_config"}
        augment = keras.saving.deserialize_keras_object(config)
    if augment is None:
        return None
    if not isinstance(augment, Augmentation):
        raise ValueError(
            "`augment` must be a layer such as `augment.DiffAugment()` or "
            "`augment.AdaptiveAugmentation()`, or None. "
            f"Received: augment={augment!r}"
        )
    if augment.built:
        raise ValueError(
            "`augment` must be a new layer for each model, because its "
            "random numbers and its p belong to one run. Received: "
            f"augment={augment!r}, of another model"
        )
    return augment
