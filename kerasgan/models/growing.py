"""Progressive growing, shared by ProGAN and StyleGAN.

Karras, Aila, Laine and Lehtinen, "Progressive Growing of GANs for Improved
Quality, Stability, and Variation", 2018. https://arxiv.org/abs/1710.10196

Networks contain the layers of all resolutions from the start, so that no step
creates variables, and run only those up to the current resolution. The stage of
growth is a function of one variable, the number of images seen. Within a step
the resolution is fixed and the fade is a tensor; between steps `GrowingGAN`
recompiles the step if another stage is due. A run resumed at any point
therefore continues as if it had not been interrupted.
"""

import collections
import functools
import inspect
import types
import warnings

import keras
import tensorflow as tf

from kerasgan import checks
from kerasgan.layers.resampling import blend, downsample, upsample
from kerasgan.models import averaging, rates
from kerasgan.models.augmented import AugmentedGAN
from kerasgan.optimizers import Adam
from kerasgan.schedules import Growth

activate = functools.partial(tf.nn.leaky_relu, alpha=0.2)

_SIZE_REASON = "because resolutions double, starting from 4"

# The resolution at which networks run, and whether it is still fading in.
Stage = collections.namedtuple("Stage", ["resolution", "fading"])


@keras.saving.register_keras_serializable(package="kerasgan")
class GrowthState(keras.layers.Layer):
    """The progress of training, as variables that are saved and exported.

    Args:
        start_resolution: int. The first resolution.
        **kwargs: See `keras.layers.Layer`.
    """

    def __init__(self, start_resolution, **kwargs):
        super().__init__(**kwargs)
        self.start_resolution = start_resolution

    def build(self, input_shape=None):
        self.images_seen = self.add_weight(
            name="images_seen",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        # The resolution of the last step, to which the moments belong.
        self.trained_resolution = self.add_weight(
            name="trained_resolution",
            shape=(),
            dtype="int32",
            initializer=keras.initializers.Constant(self.start_resolution),
            trainable=False,
            aggregation="only_first_replica",
        )


class Grow(keras.callbacks.Callback):
    """Before each step, recompiles the step if another stage is due.

    Adds the resolution to the logs of each epoch, and warns after the first
    step if the run will end before the last resolution is trained.
    """

    def on_train_begin(self, logs=None):
        self.seen_before = int(self.model.images_seen.numpy())
        self.first_epoch = None
        self.warned = False

    def on_epoch_begin(self, epoch, logs=None):
        if self.first_epoch is None:
            self.first_epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        self.model.make_train_function()

    def on_train_batch_end(self, batch, logs=None):
        if not self.warned and self.params["steps"]:
            self._look_ahead(self.params["steps"] / (batch + 1))

    def on_epoch_end(self, epoch, logs=None):
        if not self.warned:
            self._look_ahead(1)
        if logs is not None and self.model.grows:
            logs["resolution"] = self.model.due_stage().resolution

    def _look_ahead(self, factor):
        """Warns if the run is too short.

        Args:
            factor: float. Images of an epoch, in those of the run until now.
        """
        self.warned = True
        seen = int(self.model.images_seen.numpy()) - self.seen_before
        epochs = self.params["epochs"] - self.first_epoch
        run = round(seen * factor * epochs)
        resolution, fade = self.model.schedule(self.seen_before + run)
        if resolution < self.model.image_size or fade < 1.0:
            name = type(self.model).__name__
            warnings.warn(
                f"This run ends at {resolution}x{resolution} pixels, "
                f"{fade:.0%} faded in, after {run:,} images, and its images "
                f"stay that coarse. `{name}.over({run}, image_size="
                f"{self.model.image_size}, ...)` makes a model that grows to "
                "the end within them.",
                stacklevel=2,
            )


class GrowingNetwork(keras.Model):
    """Base class of networks with the layers of all resolutions.

    The name of a layer ends with its resolution. Layers between images and
    feature maps have "rgb" in their names: only that of the current resolution
    is used and, while it fades in, the one below.

    Args:
        image_size: int. The final resolution.
        channels: int. 1 for grayscale images, 3 for color.
        fmap_base: int. A resolution has `2 * fmap_base / resolution` feature
            maps.
        fmap_max: int. Maximum number of feature maps.
        first_rgb: int. The lowest resolution with images at the output or
            input. Defaults to `4`.
        **kwargs: See `keras.Model`: `name`, `dtype`.
    """

    def __init__(
        self, image_size, channels, fmap_base, fmap_max, first_rgb=4, **kwargs
    ):
        # The layers cast their own inputs; the fade stays float32.
        super().__init__(autocast=False, **kwargs)
        self.image_size = image_size
        self.channels = channels
        self.fmap_base = fmap_base
        self.fmap_max = fmap_max
        self.first_rgb = first_rgb

    @property
    def resolutions(self):
        """4, 8 ... up to the image size."""
        return [2**k for k in range(2, self.image_size.bit_length())]

    def features(self, resolution):
        """Returns the number of feature maps at a resolution."""
        return max(1, min(2 * self.fmap_base // resolution, self.fmap_max))

    def add(self, layer, shape):
        """Builds a layer and stores it as the attribute of its name.

        Args:
            layer: A Keras layer with a unique name.
            shape: Input shape, or pair of input shapes.
        """
        layer.build(shape)
        setattr(self, layer.name, layer)

    def active(self, stage):
        """Returns the layers that are used at a stage.

        Args:
            stage: `Stage`.
        """
        rgb = {stage.resolution}
        if stage.fading:
            rgb.add(stage.resolution // 2)
        chosen = []
        for layer in self.layers:
            resolution = int(layer.name.rsplit("_", 1)[1])
            if "rgb" in layer.name:
                used = resolution in rgb
            else:
                used = resolution <= stage.resolution
            if used:
                chosen.append(layer)
        return chosen

    def get_config(self):
        return {
            **super().get_config(),
            "image_size": self.image_size,
            "channels": self.channels,
            "fmap_base": self.fmap_base,
            "fmap_max": self.fmap_max,
            "first_rgb": self.first_rgb,
        }


class GrowingGAN(AugmentedGAN):
    """Base class of progressively growing models.

    Args:
        image_size: int. Final height and width, a power of two from 8.
        start_resolution: int. The first resolution; `image_size` means no
            growth.
        stable_images: int. Images at each resolution, without fade.
        fade_images: int. Images while a resolution fades in.
        channels: int. 1 for grayscale images, 3 for color. Defaults to `3`.
        latent_dim: int. Length of the latent vectors. Defaults to `512`.
        fmap_base: int. A resolution has `2 * fmap_base / resolution` feature
            maps. Defaults to `8192`.
        fmap_max: int. Maximum number of feature maps. Defaults to `512`.
        **kwargs: See `AugmentedGAN`: `augment`, `ema_decay`, `seed`, `name`,
            `dtype`.

    Raises:
        ValueError: If a size is invalid.
    """

    # Multiples of the learning rate at large resolutions.
    rate_factors = types.MappingProxyType({})

    def __init__(
        self,
        image_size,
        start_resolution,
        stable_images,
        fade_images,
        channels=3,
        latent_dim=512,
        fmap_base=8192,
        fmap_max=512,
        **kwargs,
    ):
        checks.power_of_two(8, _SIZE_REASON, image_size=image_size)
        checks.power_of_two(4, _SIZE_REASON, start_resolution=start_resolution)
        if start_resolution > image_size:
            raise ValueError(
                "`start_resolution` must not be larger than `image_size`; "
                "equal values mean no growth. Received: "
                f"start_resolution={start_resolution}, image_size={image_size}"
            )
        checks.positive(
            channels=channels,
            fmap_base=fmap_base,
            fmap_max=fmap_max,
            fade_images=fade_images,
        )
        checks.count(stable_images=stable_images)
        self.image_size = image_size
        self.channels = channels
        self.fmap_base = fmap_base
        self.fmap_max = fmap_max
        self.start_resolution = start_resolution
        self.stable_images = stable_images
        self.fade_images = fade_images
        self.schedule = Growth(
            start_resolution, image_size, stable_images, fade_images
        )
        # The stages for which functions were last compiled.
        self._compiled = types.SimpleNamespace(
            train=None, test=None, samples=None
        )
        super().__init__(latent_dim=latent_dim, **kwargs)

    def build_networks(self):
        self.growth = GrowthState(self.start_resolution, name="growth")
        self.growth.build()

    @classmethod
    def over(cls, images, image_size, **arguments):
        """Returns a model whose growth takes a whole run; see `Growth.over`.

        Args:
            images: int. Real images that the run will show: epochs times
                steps times batch size.
            image_size: int. Final height and width.
            **arguments: See the class, without `stable_images` and
                `fade_images`, which follow.

        Raises:
            ValueError: If an argument is invalid.

        Example:
        ```python
        gan = ProGAN.over(40 * 10_000, image_size=64, fmap_max=128)
        gan.compile()
        gan.fit(images, epochs=40)  # 10,000 images
        ```
        """
        checks.positive(images=images)
        checks.power_of_two(8, _SIZE_REASON, image_size=image_size)
        start = arguments.get("start_resolution", _default_start(cls))
        checks.power_of_two(4, _SIZE_REASON, start_resolution=start)
        growth = Growth.over(images, start, image_size)
        return cls(
            image_size=image_size,
            stable_images=growth.stable_images,
            fade_images=growth.fade_images,
            **arguments,
        )

    @property
    def grows(self):
        """Whether there is more than one resolution."""
        return self.start_resolution < self.image_size

    @property
    def is_grown(self):
        return self.due_stage() == Stage(self.image_size, fading=False)

    @classmethod
    def paper(cls, **changes):
        """Returns the networks of the paper, for 1024x1024.

        Args:
            **changes: Arguments to override, `image_size` for example.
        """
        return cls(**{"image_size": 1024, **changes})

    def default_optimizers(self):
        # ProGAN, appendix A.1; StyleGAN, appendix C.
        rate = 1e-3 * self.rate_factor(self.start_resolution)
        return (
            Adam(rate, beta_1=0.0, beta_2=0.99),
            Adam(rate, beta_1=0.0, beta_2=0.99),
        )

    @property
    def network_sizes(self):
        """Constructor arguments that all growing networks share."""
        return {
            "image_size": self.image_size,
            "channels": self.channels,
            "fmap_base": self.fmap_base,
            "fmap_max": self.fmap_max,
            "first_rgb": self.first_rgb,
            "dtype": self.dtype_policy,
        }

    @property
    def first_rgb(self):
        """The lowest resolution with images at the output or input."""
        # Without growth only the final one is used.
        return 4 if self.grows else self.image_size

    @property
    def images_seen(self):
        """Number of images seen in training, a variable."""
        return self.growth.images_seen

    # Growing

    def due_stage(self):
        """Returns the `Stage` for the images seen so far."""
        # Its value is also needed while a function is traced.
        with tf.init_scope():
            images_seen = int(self.images_seen.numpy())
        resolution, fade = self.schedule(images_seen)
        return Stage(resolution, fade < 1.0)

    def fade_at(self, stage):
        """Returns how far a stage has faded in, `None` if it is not fading."""
        if not stage.fading:
            return None
        return self.schedule.fade(self.images_seen.value, stage.resolution)

    def _ready(self, optimizer, networks):
        optimizer = super()._ready(optimizer, networks)
        rates.make_ongoing(optimizer)
        return optimizer

    def make_train_function(self, force=False):
        stage = self.due_stage()
        grown = stage != self._compiled.train
        if grown:
            self._compiled.train = stage
            self._start_resolution(stage.resolution)
        super().make_train_function(force=force or grown)

    def make_test_function(self, force=False):
        stage = self.due_stage()
        grown = stage != self._compiled.test
        self._compiled.test = stage
        super().make_test_function(force=force or grown)

    def run_in_batches(self, inputs, batch_size):
        stage = self.due_stage()
        if stage != self._compiled.samples:
            self._compiled.samples = stage
            vars(self).pop("_to_samples", None)
        return super().run_in_batches(inputs, batch_size)

    def training_callbacks(self):
        return [*super().training_callbacks(), Grow()]

    @property
    def training_stage(self):
        """The `Stage` for which the step is compiled."""
        return self._compiled.train or self.due_stage()

    def rate_factor(self, resolution):
        """Returns the multiple of the learning rate at a resolution."""
        return self.rate_factors.get(resolution, 1.0)

    def _start_resolution(self, resolution):
        """Resets the optimizers before the first step at a resolution."""
        before = int(self.growth.trained_resolution.numpy())
        if resolution == before:
            return
        self.growth.trained_resolution.assign(resolution)
        steps = int(self.generator_optimizer.iterations.numpy())
        self.optimizer.steps_before += steps
        factor = self.rate_factor(resolution) / self.rate_factor(before)
        with self.distribute_strategy.scope():
            rates.restart(self.generator_optimizer, self.generator, factor)
            rates.restart(
                self.discriminator_optimizer, self.discriminator, factor
            )

    # Parts of the step

    def shown_images(self, real_images, stage, fade):
        """Returns real images at the resolution and fade of a stage.

        While a resolution fades in, real images are interpolated from half the
        resolution in the same way.

        Args:
            real_images: Float tensor of full-size images, in `[-1, 1]`.
            stage: `Stage`.
            fade: Float scalar tensor in [0, 1], or `None`.

        Returns:
            Float tensor `(batch, resolution, resolution, channels)`.
        """
        images = downsample(real_images, self.image_size // stage.resolution)
        if fade is None:
            return images
        return blend(upsample(downsample(images)), images, fade)

    def full_size(self, images):
        """Returns images of any resolution at full size, in `[-1, 1]`."""
        images = upsample(images, self.image_size // images.shape[1])
        return tf.clip_by_value(images, -1.0, 1.0)

    def count_images(self, batch_size):
        """Adds the images of a step, on all replicas, to those seen.

        Args:
            batch_size: Integer scalar tensor, on this replica.
        """
        replicas = self.distribute_strategy.num_replicas_in_sync
        seen = self.images_seen.value + tf.cast(batch_size * replicas, "int64")
        self.images_seen.assign(seen)

    def update_generators(self, tape, loss):
        networks = self.generator.active(self.training_stage)
        self.minimize(tape, loss, networks, self.generator_optimizer)

    def update_discriminators(self, tape, loss):
        networks = self.discriminator.active(self.training_stage)
        self.minimize(tape, loss, networks, self.discriminator_optimizer)

    def update_average(self, decay=None):
        # Unused layers still equal their averages.
        decay = self.ema_decay if decay is None else decay
        stage = self.training_stage
        averages = self.average_generator.active(stage)
        layers = self.generator.active(stage)
        for average, layer in zip(averages, layers, strict=True):
            averaging.follow(average, layer, decay)

    def scores(self, images, condition=None):
        return self.all_scores(images)[:, 0]

    def all_scores(self, images):
        """Returns scores of full-size images at the current resolution.

        Args:
            images: Float tensor of full-size images, in `[-1, 1]`.

        Returns:
            Float tensor `(batch, num_scores)`.
        """
        stage = self.due_stage()
        fade = self.fade_at(stage)
        shown = self.shown_images(images, stage, fade)
        return self.discriminator(shown, fade=fade)


def _default_start(model_class):
    """Returns the `start_resolution` of a class where none is given."""
    for parent in model_class.__mro__:
        parameters = inspect.signature(parent.__init__).parameters
        if "start_resolution" in parameters:
            return parameters["start_resolution"].default
    raise TypeError(f"{model_class.__name__} has no `start_resolution`.")
