"""Mixtures of models: several generators of one kind, one of them trained."""

import json

import keras
import tensorflow as tf

from kerasgan import checks
from kerasgan.models import averaging, rates
from kerasgan.models.base import GAN
from kerasgan.models.components import (
    check_component,
    component_class,
    initializers_of,
    plain_arguments,
)
from kerasgan.random import uniform
from kerasgan.tasks import TASKS


class Mixture(GAN):
    """Base class of the models that mix models of one architecture.

    One component, a whole GAN, is trained; of those before it the averaged
    generators are kept. A subclass calls `begin_component` when the next is
    due, and its `train_step` calls that of `current`.

    Args:
        component: str. Name of the components' architecture.
        component_arguments: dict or `None`. The components' arguments, numbers
            and text, without those in `**kwargs`.
        components: int.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`. The latents of a component,
            and last a number uniform in [0, 1), which selects the component.
            All components are computed for each sample.

    Returns:
        The component's: float tensor of images in `[-1, 1]`, or of points.

    Raises:
        ValueError: If an argument is invalid, or cannot make a component.
    """

    def __init__(self, component, component_arguments, components, **kwargs):
        checks.positive(components=components)
        self._class = component_class(component)
        # Text, because Keras would make other objects of a dict.
        self._arguments = plain_arguments(self._class, component_arguments)
        self.component = component
        self.components = components
        super().__init__(**kwargs)
        # The number that selects a component needs more than 8 bits.
        self.autocast = False

    @property
    def component_arguments(self):
        return json.loads(self._arguments)

    @property
    def task(self):
        return self._class.task

    @property
    def part_names(self):
        return self._class.part_names

    @property
    def loss_names(self):
        return self._class.loss_names

    @property
    def default_batch_size(self):
        return self.current.default_batch_size

    @property
    def sample_shape(self):
        return self.current.sample_shape

    @property
    def latent_dim(self):
        return self.current.latent_dim + 1

    # Building

    def build_networks(self):
        # The component that is trained, a whole GAN.
        self.current = self.new_component()
        check_component(self.current)
        # One source of random numbers, which `evaluate` sets and restores.
        self.current.seed_generator = self.seed_generator
        self.trackers = self.current.trackers
        self.generator = self.current.generator
        self.discriminator = self.current.discriminator
        # Of the component in training, then of the others in their order.
        self.mixture_weights = self.add_weight(
            name="mixture_weights",
            shape=(self.components,),
            initializer=lambda shape, dtype: tf.one_hot(0, *shape, dtype=dtype),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def build_averages(self):
        self.average_generator = self.current.average_generator
        self.finished = []
        copy = self.average_generator
        for number in range(1, self.components):
            copy = averaging.copy_of(copy, f"finished_{number}")
            self.finished.append(copy)

    def new_component(self):
        """Returns a component with new weights, not compiled."""
        return self._class(
            **self.component_arguments,
            ema_decay=self.ema_decay,
            seed=self.seed,
            dtype=self.dtype_policy.name,
        )

    def default_optimizers(self):
        return self.current.default_optimizers()

    def compile(self, *args, **kwargs):
        super().compile(*args, **kwargs)
        # The component checks its optimizers, and then trains with these.
        copies = map(keras.saving.serialize_keras_object, self.optimizers())
        self.current.compile(*copies)
        self.current.generator_optimizer = self.generator_optimizer
        self.current.discriminator_optimizer = self.discriminator_optimizer

    # Training

    def check_batch(self, batch):
        self.current.check_batch(batch)

    def rules(self, batch):
        return self.current.rules(batch)

    def before_training(self, batch):
        self.current.before_training(batch)

    def begin_component(self, number, beta, seed):
        """Adds the trained component to the mixture and begins another.

        Args:
            number: int. Of the new component, from 0.
            beta: float in (0, 1). Its share of the mixture.
            seed: Tuple of ints. Of its first weights.
        """
        finished = self.average_generator.get_weights()
        self.finished[number - 1].set_weights(finished)
        shares = self.mixture_weights.numpy().astype("float64")
        shares *= 1.0 - beta
        shares[number], shares[0] = shares[0], beta
        self.mixture_weights.assign(shares)
        with initializers_of(seed):
            new = self.new_component()
        self.current.set_weights(new.get_weights())
        steps = int(self.generator_optimizer.iterations.numpy())
        self.optimizer.steps_before += steps
        with self.distribute_strategy.scope():
            rates.restart(self.generator_optimizer, self.generator, 1.0)
            rates.restart(self.discriminator_optimizer, self.discriminator, 1.0)

    # Sampling and exporting

    def call(self, inputs, training=False):
        return self.mix(inputs, self.mixture_weights)

    def mix(self, inputs, shares):
        """Returns samples, each of the component that its input selects.

        Args:
            inputs: Float tensor `(batch, latent_dim)`; see the class.
            shares: Float tensor `(components,)`, not negative; like
                `mixture_weights`.

        Returns:
            See the class.
        """
        latents, chance = inputs[:, :-1], inputs[:, -1:]
        # The share of each component and of all after it. A component without
        # a share is never selected.
        sums = tf.cumsum(tf.convert_to_tensor(shares), reverse=True)
        later = chance * sums[0] < sums[None, 1:]
        selected = tf.reduce_sum(tf.cast(later, "int32"), axis=1)
        samples = self.average_generator(latents)
        axes = (-1, *(1 for _ in self.sample_shape))
        for number, generator in enumerate(self.finished, 1):
            is_own = tf.reshape(selected == number, axes)
            samples = tf.where(is_own, generator(latents), samples)
        return samples

    def to_samples(self, outputs):
        return self.current.to_samples(outputs)

    def sample_latents(self, batch_size):
        """Samples latents `(batch_size, latent_dim)`; see the class."""
        latents = self.current.sample_latents(batch_size)
        chance = uniform(self.seed_generator, (batch_size, 1))
        return tf.concat([latents, chance], axis=1)

    def seeded_latents(self, seed, count):
        """Returns the latents of a seed; a larger count only adds rows.

        Args:
            seed: Integer scalar.
            count: Integer scalar.

        Returns:
            Float32 tensor `(count, latent_dim)`; see the class.
        """
        latents = self.current.seeded_latents(seed, count)
        # Stream 1 of the seed: the latents have stream 0.
        chance = tf.random.stateless_uniform(
            (count, 1), (seed, 1), alg="philox"
        )
        return tf.concat([latents, chance], axis=1)

    def generate(self, n, seed=None, batch_size=64, truncation=None):
        """Generates samples of the mixture.

        Args:
            n: int. Number of samples.
            seed: int or `None`. The same seed gives the same samples, whatever
                the batch size, and in the exported model too; a larger `n`
                only adds samples; all to rounding. Defaults to a random seed.
            batch_size: int. How many to generate at once. Defaults to `64`.
            truncation: Must be `None`.

        Returns:
            The component's: uint8 images `(n, height, width, channels)`, or
            float32 points `(n, dimensions)`.

        Raises:
            ValueError: If an argument is invalid.
        """
        checks.positive(n=n)
        if truncation is not None:
            raise ValueError(
                "AdaGAN has no truncation: less varied samples are what it "
                f"prevents. Received: truncation={truncation!r}"
            )
        latents = self.seeded_latents(checks.as_seed(seed), n)
        return self.run_in_batches(latents, batch_size)

    def samples_to_compare(self, batch):
        latents = self.sample_latents(tf.shape(batch)[0])
        return self.to_samples(batch), self.to_samples(self(latents))

    def signatures(self):
        name = TASKS[self.task].output

        def from_latents(latents):
            return {name: self.to_samples(self(latents))}

        def sample(seed, count):
            return from_latents(self.seeded_latents(seed, count))

        latents = tf.TensorSpec((None, self.latent_dim), "float32", "latents")
        seed = tf.TensorSpec((), "int64", "seed")
        count = tf.TensorSpec((), "int32", "count")
        return {
            "serving_default": (from_latents, [latents]),
            "sample": (sample, [seed, count]),
        }

    def score_signatures(self):
        return self.current.score_signatures()

    def clear_memory(self):
        self.current.clear_memory()
