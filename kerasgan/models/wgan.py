"""WGAN: a critic that estimates a distance, kept smooth by small weights.

Arjovsky, Chintala and Bottou, "Wasserstein GAN", 2017.
https://arxiv.org/abs/1701.07875

The discriminator becomes a critic: it assigns scores instead of classifying,
and the difference between the mean scores of real and fake images estimates,
up to a constant factor, the Wasserstein distance between the two
distributions, provided that the critic is trained nearly to its optimum and
its gradient is bounded. So it takes five steps for each step of the generator,
and after each of them all its weights are clipped to [-c, c] (Algorithm 1).
The estimate decreases as images improve (section 4.2), so it is logged.

One `train_step` is one iteration of the outer loop of Algorithm 1. Each batch
is divided among the critic steps, so that no image is used twice: for the
paper's 64 images per step, use batches of 320. As in the authors' code, the
critic takes 100 steps before each of the first 25 generator updates and before
every 500th; these go on over several batches, in which the generator waits.

All weights means batch normalization's scale and offset, too. They are clipped
after the update, as in Algorithm 1, so that the critic that the generator sees
is within the bounds; the authors' code clips before it, which leaves weights
outside by at most one step.

Differences from the paper, besides those of `dcgan.py`, whose networks these
are: the 100 steps, which are the authors' later addition; images are generated
by a moving average of the generator.
"""

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks
from kerasgan.models import dcgan
from kerasgan.models.sampling import LatentGAN

# Generator updates with a long critic phase before them: the first ones, and
# every so many.
FIRST, EVERY = 25, 500


@keras.saving.register_keras_serializable(package="kerasgan")
class WGAN(LatentGAN):
    """Wasserstein GAN with weight clipping.

    The logs contain `wasserstein`, the estimate of the distance by the last
    critic step of each batch, up to a constant factor that depends on the
    critic. It varies between batches; its authors show medians of 101. It
    is positive unless the critic is far from its optimum.

    Args:
        image_size: int, or pair of height and width, powers of two from 16.
        channels: int. 1 for grayscale images, 3 for color. Defaults to `3`.
        width: int. Feature maps at the largest resolution; each halving of
            resolution doubles them. Defaults to `64`.
        latent_dim: int. Length of the noise vector. Defaults to `100`.
        critic_steps: int. Critic updates for each generator update; every
            batch is divided among them. Defaults to `5`, as in the paper.
        long_critic_steps: int. Critic updates before each of the first 25
            generator updates and before every 500th. Defaults to `100`, as
            in the authors' code; `critic_steps` gives Algorithm 1.
        clip: float. Largest absolute value of the critic's weights, c in the
            paper. Defaults to `0.01`.
        synchronized: bool. Whether batch statistics are taken over all
            replicas. Defaults to `False`.
        **kwargs: See `GAN`: `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`, from a unit normal.

    Returns:
        Float tensor `(batch, height, width, channels)` in
        `[-1, 1]`, from the averaged generator.

    Raises:
        ValueError: If a side is not a power of two of at least 16,
            another size is not positive, or `clip` is not a positive number.

    Training data:
        A dataset of image batches, float32 in `[-1, 1]`; no labels. Each
        critic step takes `1 / critic_steps` of a batch, and the generator
        step generates as many images. The default batch size for arrays is
        `64 * critic_steps`.

    Example:
    ```python
    gan = WGAN(image_size=32)
    gan.compile()
    gan.fit(data.images("faces/", size=32, batch_size=5 * 64), epochs=10)
    images = gan.generate(16, seed=0)  # uint8, (16, 32, 32, 3)
    ```

    Reference:
        [Arjovsky et al., 2017](https://arxiv.org/abs/1701.07875)
    """

    loss_names = ("d_loss", "g_loss", "wasserstein")
    divided_among = "critic_steps"

    def __init__(
        self,
        image_size,
        channels=3,
        width=64,
        latent_dim=100,
        critic_steps=5,
        long_critic_steps=100,
        clip=0.01,
        synchronized=False,
        **kwargs,
    ):
        image_size = checks.image_sides(image_size)
        checks.positive(
            channels=channels,
            width=width,
            critic_steps=critic_steps,
            long_critic_steps=long_critic_steps,
        )
        checks.weight(clip=clip)
        if clip == 0.0:
            raise ValueError(
                "`clip` must be positive, because all weights of the critic "
                f"would be zero. Received: clip={clip!r}"
            )
        self.image_size = image_size
        self.channels = channels
        self.width = width
        self.critic_steps = critic_steps
        self.long_critic_steps = long_critic_steps
        self.clip = clip
        self.synchronized = synchronized
        super().__init__(latent_dim=latent_dim, **kwargs)

    def build_networks(self):
        self.generator = self.build_generator()
        self.discriminator = dcgan.build_discriminator(
            self.image_size, self.channels, self.width, self.synchronized
        )

    def build_generator(self):
        """Returns the generator, a Keras model; a relative has another."""
        return dcgan.build_generator(
            self.image_size,
            self.channels,
            self.width,
            self.latent_dim,
            self.synchronized,
        )

    @classmethod
    def paper(cls, **changes):
        """Returns the networks of the authors' code, for 64x64 images.

        Args:
            **changes: Arguments to override.
        """
        return cls(**{"image_size": 64, **changes})

    def default_optimizers(self):
        # Algorithm 1, with the constants of PyTorch's RMSprop. It adds 1e-8
        # outside of the root, Keras its square inside.
        def rmsprop():
            return keras.optimizers.RMSprop(5e-5, rho=0.99, epsilon=1e-16)

        return rmsprop(), rmsprop()

    def train_step(self, real_images):
        # Critic: on each share of the batch, maximize the difference between
        # scores of real and fake images, then clip.
        d_losses = []
        for step in range(self.critic_steps):
            # Every `critic_steps`-th image, so that a step takes the same
            # images of the global batch on any number of replicas.
            share = real_images[step :: self.critic_steps]
            count = tf.shape(share)[0]
            fake_images = self.generator(
                self.sample_latents(count), training=True
            )
            with tf.GradientTape() as tape:
                # Two passes, so that batch statistics never mix the two.
                real_scores = self.discriminator(share, training=True)
                fake_scores = self.discriminator(fake_images, training=True)
                d_loss = tf.reduce_mean(fake_scores) - tf.reduce_mean(
                    real_scores
                )
            self.update_discriminators(tape, d_loss)
            self.clip_weights()
            d_losses.append(d_loss)

        # Generator: maximize the critic's scores of fakes, unless the critic
        # is in a long phase.
        is_due = self.generator_is_due()
        latents = self.sample_latents(count)
        with tf.GradientTape() as tape:
            fake_images = self.generator(latents, training=True)
            fake_scores = self.discriminator(fake_images, training=True)
            g_loss = -tf.reduce_mean(fake_scores)
        before = self.generator_state()
        self.update_generators(tape, g_loss)
        self.update_average(inputs=latents)
        self.restore_unless(is_due, before)

        return self.report(
            d_loss=tf.reduce_mean(d_losses),
            g_loss=g_loss,
            wasserstein=-d_losses[-1],
        )

    def clip_weights(self):
        """Clips every trained weight of the critic to [-clip, clip]."""
        for weight in self.discriminator.trainable_variables:
            weight.assign(tf.clip_by_value(weight, -self.clip, self.clip))

    def generator_is_due(self):
        """Returns whether the critic has taken the steps before an update.

        Both numbers of steps are those of the optimizers, which are saved, so
        that a resumed run continues within a long phase.

        Returns:
            Boolean scalar tensor.
        """
        update = tf.cast(self.generator_optimizer.iterations, "int64")
        long_phases = tf.minimum(update + 1, FIRST) + update // EVERY
        short_phases = update + 1 - long_phases
        needed = (
            self.long_critic_steps * long_phases
            + self.critic_steps * short_phases
        )
        return tf.cast(self.discriminator_optimizer.iterations, "int64") >= (
            needed
        )

    def generator_state(self):
        """Returns what a generator update changes: variables and values.

        Returns:
            List of pairs of a `keras.Variable` and a tensor.
        """
        variables = [
            *self.generator.trainable_variables,
            *self.average_generator.variables,
            *self.generator_optimizer.variables,
        ]
        return [(v, tf.identity(v.value)) for v in variables]

    def restore_unless(self, condition, state):
        """Undoes a generator update where a condition does not hold.

        Replicas cannot update within a branch of `tf.cond`.

        Args:
            condition: Boolean scalar tensor.
            state: What `generator_state` returned before the update.
        """
        for variable, value in state:
            variable.assign(tf.where(condition, variable.value, value))


@keras.saving.register_keras_serializable(package="kerasgan")
class MLPWGAN(WGAN):
    """Wasserstein GAN whose generator has dense layers and no normalization.

    An experiment of the paper (section 4.3): with the critic of WGAN such a
    generator still learns, with the DCGAN objective it fails. As in the
    authors' code its output is linear, so that values beyond [-1, 1] occur.

    Args:
        image_size: int, or pair of height and width, powers of two from 16.
        generator_units: int. Units of each of the three hidden layers.
            Defaults to `512`.
        **kwargs: See `WGAN`.

    Call arguments:
        latents: See `WGAN`.

    Returns:
        Float tensor `(batch, height, width, channels)`, about in `[-1, 1]`,
        from the averaged generator.

    Raises:
        ValueError: See `WGAN`.

    Reference:
        [Arjovsky et al., 2017](https://arxiv.org/abs/1701.07875), section 4.3
    """

    def __init__(self, image_size, generator_units=512, **kwargs):
        checks.positive(generator_units=generator_units)
        self.generator_units = generator_units
        super().__init__(image_size, **kwargs)

    def build_generator(self):
        return build_mlp_generator(
            self.image_shape, self.generator_units, self.latent_dim
        )


def build_mlp_generator(image_shape, units, latent_dim):
    """Latents `(latent_dim,)` to an image of unbounded values."""
    latents = keras.Input((latent_dim,), name="latents")
    x = latents
    for number in (1, 2, 3):
        x = dense(x, units, f"hidden_{number}")
        x = layers.ReLU(name=f"relu_{number}")(x)
    height, width, channels = image_shape
    x = dense(x, height * width * channels, "to_image")
    # Float32, so that mixed precision does not round the images.
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def dense(x, units, name):
    """A dense layer with PyTorch's first weights and biases.

    Args:
        x: Keras tensor `(batch, features)`.
        units: int. Length of the result.
        name: str. Of the layer.
    """
    limit = x.shape[-1] ** -0.5
    kernel, bias = (
        keras.initializers.RandomUniform(-limit, limit) for _ in range(2)
    )
    return layers.Dense(
        units, kernel_initializer=kernel, bias_initializer=bias, name=name
    )(x)
