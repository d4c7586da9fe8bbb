"""StyleGAN: a generator that is steered by a style at every layer.

Karras, Laine and Aila, "A Style-Based Generator Architecture for Generative
Adversarial Networks", 2019. https://arxiv.org/abs/1812.04948

A mapping network turns latents into w. The synthesis network starts from a
learned constant; after each of its convolutions w sets mean and deviation of
every map (AdaIN), and noise adds what is random in a picture (section 2). In
training two styles are mixed at a random layer, so that neighbouring layers
do not rely on each other (section 3.1). Pulling w towards its average trades
variety for quality (appendix B). The loss is non-saturating, with a penalty
on the discriminator's slope at real images (appendix C). Networks grow as
ProGAN's do, from 8x8, and images are drawn by a moving average.

Noise is fresh in training. Afterwards each layer adds a map of its own that
was drawn once: an image depends on its latents alone, in any batch and in an
exported model.

Differences from the paper: the batch size is the data's at all resolutions.
"""

import functools
import math

import keras
import tensorflow as tf

from kerasgan import data, losses, random
from kerasgan.layers.equalized import (
    Bias,
    EqualizedBlurDownConv2D,
    EqualizedConv2D,
    EqualizedDense,
    EqualizedUpConv2D,
)
from kerasgan.layers.pixel_norm import pixel_norm
from kerasgan.layers.resampling import blur, upsample
from kerasgan.layers.style import AdaIN, LearnedConstant, Noise
from kerasgan.models.base import (
    ClassGAN,
    as_seed,
    check_not_negative,
    check_positive,
    check_truncation,
    is_whole,
)
from kerasgan.models.growing import GrowingGAN, GrowingNetwork
from kerasgan.models.progan import ProGANDiscriminator
from kerasgan.optimizers import Adam
from kerasgan.penalties import scores_and_squared_slopes

activate = functools.partial(tf.nn.leaky_relu, alpha=0.2)


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGAN(GrowingGAN):
    """Style-based GAN for square images.

    `fit` grows the networks by itself, by the number of images seen: with
    `steps_per_execution`, between two executions. `call` and `generate` give
    full-size images at any time, made at the present resolution.
    With each resolution the optimizers start anew; a learning rate schedule
    goes on, over all steps.

    Args:
        image_size: int. Final height and width, a power of two from 8.
        channels: int. 1 for grey images, 3 for color. Defaults to `3`.
        num_classes: int. How many kinds of labels the images have; `0` for
            images without labels. Defaults to `0`.
        class_names: Sequence of `num_classes` strings or `None`. What
            `generate` also takes as labels. Defaults to `None`.
        class_frequencies: Sequence of `num_classes` numbers or `None`. How
            often each class occurs, in any unit. Defaults to `None`, all
            alike.
        latent_dim: int. Length of the noise vector. Defaults to `512`.
        w_dim: int. Length of w. Defaults to `512`.
        mapping_layers: int. Layers of the mapping network. Defaults to `8`.
        fmap_base: int. A resolution has `2 * fmap_base / resolution` feature
            maps. Defaults to `8192`.
        fmap_max: int. But never more than this. Defaults to `512`.
        start_resolution: int. The first resolution; `image_size` means no
            growth. Defaults to `8`.
        stable_images: int. Real images shown at each resolution before the
            next one fades in. Defaults to `600_000`.
        fade_images: int. Real images shown while a resolution fades in.
            Defaults to `600_000`.
        r1_gamma: float. Gamma of the penalty at real images; half of it is
            the weight. Defaults to `10.0`.
        mixing_chance: float in [0, 1]. How often a step of training mixes
            two styles. Defaults to `0.9`.
        truncation_layers: int. How many layers, from the coarsest,
            truncation acts on. Defaults to `8`.
        group_size: int. Images that minibatch deviation compares. Defaults
            to `4`.
        ema_decay: float in [0, 1). The share of itself that the average
            keeps over 32 images; larger steps keep less. Defaults to a half
            over 10,000 images.
        **kwargs: See `GAN`: `seed`, `name`, `dtype`.

    Call arguments:
        inputs: Float tensor `(batch, latent_dim)`, from a unit normal; or a
            dict of it as `"latents"`, and if there are classes `"labels"`,
            integer tensor `(batch,)`, and optionally `"truncation"`, float
            tensor `(batch,)`: 1 for the image itself, 0 for the average one.

    Returns:
        Float tensor `(batch, image_size, image_size, channels)` in
        `[-1, 1]`, made by the averaged generator.

    Raises:
        ValueError: If an argument is not what it must be.

    Training data:
        A dataset of image batches of the final size, float32 in `[-1, 1]`;
        with classes, of pairs of those and integer labels `(batch,)`.

    Example:
    ```python
    gan = StyleGAN(32, fmap_max=128, stable_images=100_000, fade_images=100_000)
    gan.compile()
    gan.fit(data.images("faces/", size=32, batch_size=32), epochs=30)
    images = gan.generate(16, seed=0, truncation=0.7)  # (16, 32, 32, 3)
    ```

    Reference:
        [Karras et al., 2019](https://arxiv.org/abs/1812.04948)
    """

    # The authors' rates, over that of the small resolutions.
    rate_factors = {128: 1.5, 256: 2.0, 512: 3.0, 1024: 3.0}
    # Appendix B: how slowly the average w follows.
    w_decay = 0.995

    def __init__(
        self,
        image_size,
        channels=3,
        num_classes=0,
        class_names=None,
        class_frequencies=None,
        latent_dim=512,
        w_dim=512,
        mapping_layers=8,
        fmap_base=8192,
        fmap_max=512,
        start_resolution=8,
        stable_images=600_000,
        fade_images=600_000,
        r1_gamma=10.0,
        mixing_chance=0.9,
        truncation_layers=8,
        group_size=4,
        ema_decay=0.5 ** (32 / 10_000),
        **kwargs,
    ):
        if not is_whole(num_classes) or num_classes < 0:
            raise ValueError(
                "`num_classes` must be a whole number, 0 for images without "
                f"labels. Received: num_classes={num_classes!r}"
            )
        check_positive("w_dim", w_dim)
        check_positive("mapping_layers", mapping_layers)
        check_positive("truncation_layers", truncation_layers)
        check_not_negative("r1_gamma", r1_gamma)
        if not 0.0 <= mixing_chance <= 1.0:
            raise ValueError(
                "`mixing_chance` must be from 0 to 1, because it is a "
                f"probability. Received: mixing_chance={mixing_chance!r}"
            )
        super().__init__(
            image_size=image_size,
            channels=channels,
            latent_dim=latent_dim,
            fmap_base=fmap_base,
            fmap_max=fmap_max,
            start_resolution=start_resolution,
            stable_images=stable_images,
            fade_images=fade_images,
            ema_decay=ema_decay,
            **kwargs,
        )
        self.num_classes = num_classes
        self.class_names = class_names
        self.class_frequencies = class_frequencies
        self.w_dim = w_dim
        self.mapping_layers = mapping_layers
        self.r1_gamma = r1_gamma
        self.mixing_chance = mixing_chance
        self.truncation_layers = truncation_layers
        self.group_size = group_size
        self.task = "class-to-image" if num_classes else "image"
        sizes = {
            "image_size": image_size,
            "channels": channels,
            "fmap_base": fmap_base,
            "fmap_max": fmap_max,
            "first_rgb": self.first_rgb,
            "dtype": self.dtype_policy,
        }
        self.generator = StyleGANGenerator(
            latent_dim=latent_dim,
            num_classes=num_classes,
            w_dim=w_dim,
            mapping_layers=mapping_layers,
            truncation_layers=truncation_layers,
            name="generator",
            **sizes,
        )
        self.discriminator = StyleGANDiscriminator(
            group_size=group_size,
            num_scores=max(num_classes, 1),
            name="discriminator",
            **sizes,
        )
        self.finish_building()

    @classmethod
    def paper(cls, **changes):
        """Returns the networks of the paper, for 1024x1024.

        Args:
            **changes: Arguments to set otherwise, `image_size` for example.
        """
        return cls(**{"image_size": 1024, **changes})

    def default_optimizers(self):
        # Appendix C.
        rate = 1e-3 * self.rate_factor(self.start_resolution)
        return (
            Adam(rate, beta_1=0.0, beta_2=0.99),
            Adam(rate, beta_1=0.0, beta_2=0.99),
        )

    def train_step(self, batch):
        real_images, labels = batch if self.num_classes else (batch, None)
        batch_size = tf.shape(real_images)[0]
        stage = self.training_stage
        fade = self.fade_at(stage)
        real_images = self.shown_images(real_images, stage, fade)

        # Discriminator: tell the real images from fresh fakes, and be flat
        # at the real ones. The scores of those serve both.
        fake_images, _ = self.fake_images(batch_size, labels, stage, fade)
        with tf.GradientTape() as tape:
            real_scores, squared_slopes = scores_and_squared_slopes(
                functools.partial(self.scores, labels=labels, fade=fade),
                real_images,
            )
            fake_scores = self.scores(fake_images, labels, fade)
            d_loss = tf.reduce_mean(
                losses.real_loss(real_scores)
                + losses.fake_loss(fake_scores)
                + self.r1_gamma / 2.0 * squared_slopes
            )
        self.minimize(
            tape,
            d_loss,
            self.discriminator.active(stage),
            self.discriminator_optimizer,
        )

        # Generator: make the updated discriminator call its fakes real.
        with tf.GradientTape() as tape:
            fake_images, w = self.fake_images(batch_size, labels, stage, fade)
            fake_scores = self.scores(fake_images, labels, fade)
            g_loss = tf.reduce_mean(
                losses.non_saturating_generator_loss(fake_scores)
            )
        self.minimize(
            tape,
            g_loss,
            self.generator.active(stage),
            self.generator_optimizer,
        )
        self.update_average_w(w)
        replicas = self.distribute_strategy.num_replicas_in_sync
        images = tf.cast(batch_size * replicas, "float32")
        self.update_average(tf.pow(self.ema_decay, images / 32.0))
        self.count_images(batch_size)

        return self.report(d_loss=d_loss, g_loss=g_loss)

    def fake_images(self, batch_size, labels, stage, fade):
        """Returns images of mixed styles and fresh noise, to train with.

        Args:
            batch_size: Integer scalar tensor.
            labels: Integer tensor `(batch,)` or `None`.
            stage: `Stage`.
            fade: Float scalar tensor or `None`.

        Returns:
            Pair of images `(batch, resolution, resolution, channels)` and w
            `(batch, w_dim)`, of which the coarse layers are made.
        """
        synthesis = self.generator.synthesis
        layers = synthesis.layers_up_to(stage.resolution)
        w = self.generator.mapping(self.sample_latents(batch_size), labels)
        other = self.generator.mapping(self.sample_latents(batch_size), labels)
        # One crossover for the batch, the same on every replica; none, if it
        # lies behind the last layer.
        chance, place = tf.unstack(
            tf.random.stateless_uniform(
                (2,), tf.cast(self.seed_generator.next(), "int32")
            )
        )
        crossover = tf.where(
            chance < self.mixing_chance,
            1 + tf.cast(place * (layers - 1), "int32"),
            layers,
        )
        styles = tf.where(
            (tf.range(layers) < crossover)[None, :, None],
            w[:, None],
            other[:, None],
        )
        noises = [
            random.normal(self.seed_generator, (batch_size, size, size, 1))
            for size in synthesis.resolutions
            for _ in range(2)
            if size <= stage.resolution
        ]
        images = synthesis(
            styles, noises, resolution=stage.resolution, fade=fade
        )
        return images, w

    def scores(self, images, labels, fade):
        """Returns raw scores `(batch,)` of images, for their own classes."""
        scores = self.discriminator(images, fade=fade)
        if labels is None:
            return scores[:, 0]
        return tf.gather(scores, labels, axis=1, batch_dims=1)

    def update_average_w(self, w):
        """Moves the average w a little towards that of the global batch.

        Args:
            w: Float tensor `(batch, w_dim)`.
        """
        context = tf.distribute.get_replica_context()
        mean = context.all_reduce(
            tf.distribute.ReduceOp.MEAN,
            tf.reduce_mean(tf.cast(w, "float32"), axis=0),
        )
        average = self.generator.average_w
        average.assign(mean + self.w_decay * (average - mean))
        self.average_generator.average_w.assign(average)

    # With classes the labels are treated as by the other models that have
    # them.
    class_names = ClassGAN.class_names
    class_frequencies = ClassGAN.class_frequencies
    class_numbers = ClassGAN.class_numbers
    seeded_labels = ClassGAN.seeded_labels

    def check_batch(self, batch):
        if self.num_classes:
            ClassGAN.check_batch(self, batch)
        else:
            super().check_batch(batch)

    def images_to_compare(self, batch):
        real_images, labels = batch if self.num_classes else (batch, None)
        latents = self.sample_latents(tf.shape(real_images)[0])
        inputs = {"latents": latents}
        if self.num_classes:
            inputs["labels"] = labels
        return real_images, self(inputs)

    # Sampling

    def call(self, inputs, training=False):
        if not isinstance(inputs, dict):
            inputs = {"latents": inputs}
        return self.from_styles(self.styles(**inputs))

    def styles(self, latents, labels=None, truncation=None):
        """Returns what steers each layer of the averaged generator.

        Args:
            latents: Float tensor `(batch, latent_dim)`.
            labels: Integer tensor `(batch,)`, if there are classes.
            truncation: Float tensor `(batch,)` or `None`. Psi in the paper.

        Returns:
            Float tensor `(batch, layers, w_dim)`, from coarse to fine.
        """
        return self.average_generator.styles(latents, labels, truncation)

    def from_styles(self, styles):
        """Returns images of given styles.

        Args:
            styles: Float tensor `(batch, layers, w_dim)`, from coarse to
                fine.

        Returns:
            Float tensor `(batch, image_size, image_size, channels)` in
            `[-1, 1]`.
        """
        stage = self.due_stage()
        return self.full_size(
            self.average_generator.synthesis(
                styles, resolution=stage.resolution, fade=self.fade_at(stage)
            )
        )

    def generate(
        self, n=None, seed=None, batch_size=64, truncation=None, labels=None
    ):
        """Returns new images.

        Args:
            n: int. How many; with classes, of classes drawn by
                `class_frequencies`. Give either this or `labels`.
            seed: int or `None`. The same seed gives the same images,
                whatever the batch size, and in the exported model too; a
                larger `n` only adds images. Defaults to fresh ones.
            batch_size: int. How many to make at once. Defaults to `64`.
            truncation: float in [-1, 1] or `None`. Psi in the paper: nearer
                to zero, images are better and more alike; the paper shows
                `0.7`. Defaults to `None`, no truncation.
            labels: Sequence of ints or of class names, one for each image.

        Returns:
            uint8 array `(n, height, width, channels)`.

        Raises:
            ValueError: If the arguments make no sense, or name no class.
        """
        if (n is None) == (labels is None):
            raise ValueError(
                "`generate` takes either `n` or `labels`, one for each image. "
                f"Received: n={n!r}, labels={labels!r}"
            )
        if labels is not None and not self.num_classes:
            raise ValueError(
                "This model was made without classes, `num_classes=0`, so it "
                f"takes no labels. Received: labels={labels!r}"
            )
        seed = as_seed(seed)
        if labels is not None:
            labels = tf.constant(self.class_numbers(labels))
            n = len(labels)
        check_positive("n", n)
        inputs = {"latents": self.seeded_latents(seed, n)}
        if self.num_classes:
            inputs["labels"] = (
                self.seeded_labels(seed, n) if labels is None else labels
            )
        if truncation is not None:
            check_truncation(truncation)
            inputs["truncation"] = tf.fill((n,), float(truncation))
        return self.run_in_batches(inputs, batch_size)

    def signatures(self):
        def images(latents, truncation=None, labels=None):
            inputs = {"latents": latents}
            if truncation is not None:
                shape = tf.shape(latents)[:1]
                inputs["truncation"] = tf.broadcast_to(truncation, shape)
            if labels is not None:
                # Looking them up refuses labels that name no class.
                inputs["labels"] = tf.gather(tf.range(self.num_classes), labels)
            return {"images": data.to_uint8(self(inputs))}

        latents = tf.TensorSpec((None, self.latent_dim), "float32", "latents")
        truncation = tf.TensorSpec((), "float32", "truncation")
        seed = tf.TensorSpec((), "int64", "seed")
        count = tf.TensorSpec((), "int32", "count")
        if self.num_classes:
            labels = tf.TensorSpec((None,), "int32", "labels")

            def drawn(seed, labels):
                return self.seeded_latents(seed, tf.shape(labels)[0])

            def any_images(seed, count):
                labels = self.seeded_labels(seed, count)
                outputs = images(drawn(seed, labels), None, labels)
                return {**outputs, "labels": labels}

            return {
                "serving_default": (
                    lambda latents, labels: images(latents, None, labels),
                    [latents, labels],
                ),
                "truncated": (
                    lambda latents, truncation, labels: images(
                        latents, truncation, labels
                    ),
                    [latents, truncation, labels],
                ),
                "sample": (
                    lambda seed, labels: images(
                        drawn(seed, labels), None, labels
                    ),
                    [seed, labels],
                ),
                "sample_truncated": (
                    lambda seed, truncation, labels: images(
                        drawn(seed, labels), truncation, labels
                    ),
                    [seed, truncation, labels],
                ),
                "sample_any": (any_images, [seed, count]),
            }
        return {
            "serving_default": (lambda latents: images(latents), [latents]),
            "truncated": (
                lambda latents, truncation: images(latents, truncation),
                [latents, truncation],
            ),
            "sample": (
                lambda seed, count: images(self.seeded_latents(seed, count)),
                [seed, count],
            ),
            "sample_truncated": (
                lambda seed, count, truncation: images(
                    self.seeded_latents(seed, count), truncation
                ),
                [seed, count, truncation],
            ),
        }

    def score_signatures(self):
        if not self.num_classes:
            return super().score_signatures()

        def scores(images, labels):
            # Looking them up refuses labels that name no class.
            labels = tf.gather(tf.range(self.num_classes), labels)
            scores = self.shown_scores(data.to_float(images))
            scores = tf.gather(scores, labels, axis=1, batch_dims=1)
            return {"scores": scores}

        labels = tf.TensorSpec((None,), "int32", "labels")
        return {"scores": (scores, [self.images_spec, labels])}


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGANGenerator(keras.Model):
    """Mapping and synthesis network, and the average of w between them.

    Args:
        image_size: int. The final resolution.
        channels: int. Of the images.
        fmap_base: int. See `GrowingNetwork`.
        fmap_max: int. See `GrowingNetwork`.
        first_rgb: int. See `GrowingNetwork`.
        latent_dim: int. Length of the latent vectors.
        num_classes: int. 0 for none.
        w_dim: int. Length of w.
        mapping_layers: int. Layers of the mapping network.
        truncation_layers: int. How many layers truncation acts on.
        **kwargs: See `keras.Model`: `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`.
        labels: Integer tensor `(batch,)` or `None`.
        truncation: Float tensor `(batch,)` or `None`.

    Returns:
        Float32 tensor `(batch, image_size, image_size, channels)`, about in
        `[-1, 1]`.
    """

    def __init__(
        self,
        image_size,
        channels,
        fmap_base,
        fmap_max,
        first_rgb,
        latent_dim,
        num_classes,
        w_dim,
        mapping_layers,
        truncation_layers,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.arguments = {
            "image_size": image_size,
            "channels": channels,
            "fmap_base": fmap_base,
            "fmap_max": fmap_max,
            "first_rgb": first_rgb,
            "latent_dim": latent_dim,
            "num_classes": num_classes,
            "w_dim": w_dim,
            "mapping_layers": mapping_layers,
            "truncation_layers": truncation_layers,
        }
        self.truncation_layers = truncation_layers
        self.mapping = Mapping(
            latent_dim,
            num_classes,
            w_dim,
            mapping_layers,
            dtype=self.dtype_policy,
            name="mapping",
        )
        self.synthesis = Synthesis(
            w_dim=w_dim,
            image_size=image_size,
            channels=channels,
            fmap_base=fmap_base,
            fmap_max=fmap_max,
            first_rgb=first_rgb,
            dtype=self.dtype_policy,
            name="synthesis",
        )
        self.average_w = self.add_weight(
            name="average_w",
            shape=(w_dim,),
            initializer="zeros",
            trainable=False,
        )
        self.built = True

    def active(self, stage):
        """Returns the layers that take part at a stage.

        Args:
            stage: `Stage`.
        """
        return [*self.mapping.layers, *self.synthesis.active(stage)]

    def styles(self, latents, labels=None, truncation=None):
        """Returns w for each layer, `(batch, layers, w_dim)`.

        Args:
            latents: Float tensor `(batch, latent_dim)`.
            labels: Integer tensor `(batch,)` or `None`.
            truncation: Float tensor `(batch,)` or `None`.
        """
        w = self.mapping(latents, labels)
        layers = self.synthesis.layers_up_to(self.synthesis.image_size)
        styles = tf.repeat(w[:, None], layers, axis=1)
        if truncation is None:
            return styles
        average = tf.cast(self.average_w, w.dtype)
        psi = tf.cast(truncation, w.dtype)[:, None, None]
        # Appendix B: only the coarse layers, so that details stay.
        coarse = tf.range(layers) < self.truncation_layers
        return tf.where(
            coarse[None, :, None], average + psi * (styles - average), styles
        )

    def call(self, latents, labels=None, truncation=None):
        return self.synthesis(self.styles(latents, labels, truncation))

    def get_config(self):
        return {**super().get_config(), **self.arguments}


@keras.saving.register_keras_serializable(package="kerasgan")
class Mapping(keras.Model):
    """Latents, and labels if there are any, to w (section 2).

    Args:
        latent_dim: int. Length of the latent vectors.
        num_classes: int. 0 for none.
        w_dim: int. Length of w.
        mapping_layers: int. How many dense layers.
        **kwargs: See `keras.Model`: `name`, `dtype`.

    Call arguments:
        latents: Float tensor `(batch, latent_dim)`.
        labels: Integer tensor `(batch,)` or `None`.

    Returns:
        Float tensor `(batch, w_dim)`.
    """

    def __init__(
        self, latent_dim, num_classes, w_dim, mapping_layers, **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        self.num_classes = num_classes
        units = latent_dim
        if num_classes:
            # As long as the latents, and as large.
            self.classes = keras.layers.Embedding(
                num_classes,
                latent_dim,
                embeddings_initializer=keras.initializers.RandomNormal(
                    stddev=1.0
                ),
                dtype=self.dtype_policy,
                name="classes",
            )
            self.classes.build()
            units = 2 * latent_dim
        for index in range(mapping_layers):
            dense = EqualizedDense(
                w_dim,
                lr_multiplier=0.01,
                dtype=self.dtype_policy,
                name=f"dense_{index}",
            )
            dense.build((None, units))
            setattr(self, dense.name, dense)
            units = w_dim
        self.mapping_layers = mapping_layers
        self.built = True

    def call(self, latents, labels=None):
        x = latents
        if self.num_classes:
            classes = self.classes(labels)
            x = tf.concat([tf.cast(x, classes.dtype), classes], axis=-1)
        x = pixel_norm(x)
        for index in range(self.mapping_layers):
            x = activate(getattr(self, f"dense_{index}")(x))
        return x


@keras.saving.register_keras_serializable(package="kerasgan")
class Synthesis(GrowingNetwork):
    """Styles to images, of any resolution (figure 1b).

    Args:
        w_dim: int. Length of w.
        **kwargs: See `GrowingNetwork`.

    Call arguments:
        styles: Float tensor `(batch, layers, w_dim)`: w for each layer, two
            layers for each resolution. May have more layers than are used.
        noises: List of float tensors `(batch, size, size, 1)` from a unit
            normal, one for each layer, or `None` for the layers' own.
        resolution: int. Defaults to the image size.
        fade: Float scalar in [0, 1]: how far that resolution has faded in
            over the one below. Defaults to `None`, entirely.

    Returns:
        Float32 tensor `(batch, resolution, resolution, channels)`, about in
        `[-1, 1]`: the last layer is linear.
    """

    def __init__(self, w_dim, **kwargs):
        super().__init__(**kwargs)
        self.w_dim = w_dim
        self.make_layers()

    def layers_up_to(self, resolution):
        """Returns how many layers are steered by a style."""
        return 2 * (int(math.log2(resolution)) - 1)

    def make_layers(self):
        policy = {"dtype": self.dtype_policy}
        maps = self.features(4)
        self.add(LearnedConstant(maps, name="constant_4", **policy), None)
        for place, size in enumerate(self.resolutions):
            below, maps = maps, self.features(size)
            shape = (None, size, size, maps)
            if size > 4:
                up = EqualizedUpConv2D(
                    maps, use_bias=False, name=f"conv0_{size}", **policy
                )
                self.add(up, (None, size // 2, size // 2, below))
            conv = EqualizedConv2D(
                maps, use_bias=False, name=f"conv1_{size}", **policy
            )
            self.add(conv, shape)
            for half in (0, 1):
                end = f"{half}_{size}"
                seed = 2 * place + half
                self.add(Noise(seed, name=f"noise{end}", **policy), shape)
                self.add(Bias(name=f"bias{end}", **policy), shape)
                adain = AdaIN(name=f"adain{end}", **policy)
                self.add(adain, (shape, (None, self.w_dim)))
            if size >= self.first_rgb:
                # Float32, so that mixed precision does not round the image.
                to_rgb = EqualizedConv2D(
                    self.channels,
                    kernel_size=1,
                    gain=1.0,
                    dtype="float32",
                    name=f"to_rgb_{size}",
                )
                self.add(to_rgb, shape)
        self.built = True

    def call(self, styles, noises=None, resolution=None, fade=None):
        resolution = resolution or self.image_size

        def finish(x, half, size):
            """Adds noise and bias, activates, and sets the style."""
            layer = self.layers_up_to(size) - 2 + half
            noise = None if noises is None else noises[layer]
            x = getattr(self, f"noise{half}_{size}")(x, noise)
            x = activate(getattr(self, f"bias{half}_{size}")(x))
            return getattr(self, f"adain{half}_{size}")((x, styles[:, layer]))

        x = self.constant_4(styles)
        for size in self.resolutions:
            if size > resolution:
                break
            coarse = x
            if size > 4:
                x = blur(getattr(self, f"conv0_{size}")(x))
            x = finish(x, 0, size)
            x = finish(getattr(self, f"conv1_{size}")(x), 1, size)
        images = getattr(self, f"to_rgb_{resolution}")(x)
        if fade is None:
            return images
        coarse = getattr(self, f"to_rgb_{resolution // 2}")(coarse)
        coarse = upsample(coarse)
        return coarse + fade * (images - coarse)

    def get_config(self):
        return {**super().get_config(), "w_dim": self.w_dim}


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGANDiscriminator(ProGANDiscriminator):
    """ProGAN's discriminator, with a blur before each halving.

    Args:
        **kwargs: See `ProGANDiscriminator`.

    Call arguments:
        images: See `ProGANDiscriminator`.

    Returns:
        Float32 tensor `(batch, num_scores)`, raw scores.
    """

    down_layer = EqualizedBlurDownConv2D
