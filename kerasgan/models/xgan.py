"""XGAN: two autoencoders that share an embedding, for unpaired translation.

Royer, Bousmalis, Gouws, Bertsch, Mosseri, Cole and Murphy, "XGAN: Unsupervised
Image-to-Image Translation for Many-to-Many Mappings", 2017.
https://arxiv.org/abs/1711.05139

Each of two domains has an autoencoder; their deep layers are shared. Encoded in
one domain and decoded in the other, an image is translated. Five losses tie the
embedding to what both domains have in common (section 3):

    L_rec    decoded in its own domain, an image is reconstructed
    L_dann   a classifier cannot tell the domain from the embedding
    L_sem    a translation, encoded in its own domain, has the embedding of the
             image it comes from
    L_gan    translations pass for images of their domain
    L_teach  embeddings of domain A are those of a frozen network

There is no code of the authors, and the text leaves open what follows here from
reimplementations that agree with each other: the layers (4x4 convolutions
without bias, instance normalization with gain and bias, leaky ReLU in the
encoder, ReLU in the decoder), the classifier's (three dense layers as wide as
the embedding), the distances (mean squared difference for L_rec, mean absolute
difference for L_sem and L_teach), weights of one for all losses, Adam at 1e-4,
least squares for L_gan with a discriminator and a pool of earlier translations
for each domain, and a learning rate that decays in the second half.

The teacher, FaceNet in the paper, is any function from images to embeddings,
given to `compile`; without one there are four losses, as in the
reimplementations. Beyond them: images are translated by moving averages of the
autoencoders.
"""

import functools

import keras
import tensorflow as tf
from keras import layers

from kerasgan import checks, losses
from kerasgan.layers.common import INITIALIZER, score, tanh_images
from kerasgan.layers.normalization import AffineInstanceNormalization
from kerasgan.layers.reversal import GradientReversal
from kerasgan.models.cyclegan import distance, squared, together
from kerasgan.models.two_way import TwoWayGAN
from kerasgan.optimizers import Adam


@keras.saving.register_keras_serializable(package="kerasgan")
class XGAN(TwoWayGAN):
    """Translates images between two domains through a shared embedding.

    Args:
        image_size: int. Height and width, a power of two from 32. Images to
            translate must have this size, too. Defaults to `64`.
        channels: int. Channels of the images of both domains. Defaults to `3`.
        width: int. Feature maps of the encoders' first layers. Defaults to
            `32`.
        embedding_dim: int. Length of the embedding. Defaults to `1024`.
        discriminator_width: int. Feature maps of the discriminators' first
            layers. Defaults to `16`.
        domain_weight: float. Weight of the domain-adversarial loss. Defaults
            to `1.0`.
        semantic_weight: float. Weight of the semantic consistency loss.
            Defaults to `1.0`.
        adversarial_weight: float. Weight of the discriminators' losses.
            Defaults to `1.0`.
        teacher_weight: float. Weight of the teacher's loss, if `compile` is
            given a teacher. Defaults to `1.0`.
        **kwargs: See `TwoWayGAN` (`pool_size`, `decay_epochs`) and `GAN`:
            `ema_decay`, `seed`, `name`, `dtype`.

    Call arguments:
        images: Float tensor `(batch, image_size, image_size, channels)` in
            `[-1, 1]`, of the other domain.
        to: `"a"` or `"b"`. The domain to translate to. Defaults to `"b"`.

    Returns:
        Float tensor of the same shape in `[-1, 1]`, from the averaged
        autoencoders.

    Raises:
        ValueError: If `image_size` is not a power of two of at least 32,
            another size is not positive, or a weight is negative.

    Training data:
        A dataset of pairs `(a, b)` of equally many images, float32 in
        `[-1, 1]`, that need not correspond.

    Example:
    ```python
    gan = XGAN(image_size=64)
    gan.compile()
    gan.fit(data.unpaired("faces/", "cartoons/", 64, 16), epochs=100)
    cartoons = gan.translate(faces, to="b")  # uint8 in, uint8 out
    ```

    Reference:
        [Royer et al., 2017](https://arxiv.org/abs/1711.05139)
    """

    loss_names = (
        "d_loss",
        "g_loss",
        "reconstruction_loss",
        "domain_loss",
        "semantic_loss",
    )
    # The classifier is trained with the encoders, in one step.
    generator_names = (
        "encoder_a",
        "encoder_b",
        "shared_encoder",
        "shared_decoder",
        "decoder_a",
        "decoder_b",
        "domain_classifier",
    )

    def __init__(
        self,
        image_size=64,
        channels=3,
        width=32,
        embedding_dim=1024,
        discriminator_width=16,
        domain_weight=1.0,
        semantic_weight=1.0,
        adversarial_weight=1.0,
        teacher_weight=1.0,
        **kwargs,
    ):
        checks.image_size(image_size, at_least=32)
        checks.positive(
            channels=channels,
            width=width,
            embedding_dim=embedding_dim,
            discriminator_width=discriminator_width,
        )
        checks.weight(
            domain_weight=domain_weight,
            semantic_weight=semantic_weight,
            adversarial_weight=adversarial_weight,
            teacher_weight=teacher_weight,
        )
        self.image_size = image_size
        self.channels = self.source_channels = channels
        self.width = width
        self.embedding_dim = embedding_dim
        self.discriminator_width = discriminator_width
        self.domain_weight = domain_weight
        self.semantic_weight = semantic_weight
        self.adversarial_weight = adversarial_weight
        self.teacher_weight = teacher_weight
        super().__init__(**kwargs)

    def build_networks(self):
        smallest = self.image_size // 16
        for name in ("encoder_a", "encoder_b"):
            encoder = build_encoder(self.image_shape, self.width, name)
            setattr(self, name, encoder)
        self.shared_encoder = build_shared_encoder(
            4 * smallest, self.width, self.embedding_dim
        )
        self.shared_decoder = build_shared_decoder(
            smallest, self.width, self.embedding_dim
        )
        for name in ("decoder_a", "decoder_b"):
            decoder = build_decoder(
                2 * smallest, self.width, self.channels, name
            )
            setattr(self, name, decoder)
        self.domain_classifier = build_domain_classifier(self.embedding_dim)
        for name in self.discriminator_names:
            discriminator = build_discriminator(
                self.image_shape, self.discriminator_width, name
            )
            setattr(self, name, discriminator)
        self.build_pools()

    @classmethod
    def paper(cls, **changes):
        """Returns the network for faces and cartoons, at 64x64.

        Args:
            **changes: Arguments to override.
        """
        return cls(**changes)

    def default_optimizers(self):
        return Adam(1e-4, beta_1=0.5), Adam(1e-4, beta_1=0.5)

    def compile(self, *args, teacher=None, **kwargs):
        """Sets the optimizers, the metrics and the teacher.

        Args:
            *args: See `GAN.compile`.
            teacher: Callable or `None`. From images of domain A, float32
                `(batch, image_size, image_size, channels)` in `[-1, 1]`, to
                embeddings, float32 `(batch, embedding_dim)`. Frozen: no
                gradient reaches it. Not saved with the model. Defaults to
                none.
            **kwargs: See `GAN.compile`.

        Raises:
            ValueError: If the teacher's embeddings have another shape, or see
                `GAN.compile`.
        """
        if teacher is not None:
            shape = tuple(teacher(tf.zeros((1, *self.image_shape))).shape)
            if shape != (1, self.embedding_dim):
                raise ValueError(
                    "`teacher` must map each image to an embedding of length "
                    f"{self.embedding_dim}. Received: {shape} for one image"
                )
        super().compile(*args, **kwargs)
        # In a namespace, so that Keras does not track a teacher that is a
        # model, and save and train it.
        self._evaluation.teacher = teacher

    # The autoencoders

    def embed(self, images_a, images_b):
        """Returns the embeddings of images of both domains, in training."""
        own_a = self.encoder_a(images_a, training=True)
        own_b = self.encoder_b(images_b, training=True)
        return together(self.shared_encoder, own_a, own_b)

    def decode(self, embeddings_a, embeddings_b):
        """Returns the images of embeddings in both domains, in training.

        Args:
            embeddings_a: Float tensor `(batch, embedding_dim)`, of domain A.
            embeddings_b: The same of domain B.

        Returns:
            Two pairs of float tensors `(batch, height, width, channels)`: the
            images in domain A, of both embeddings, and those in domain B.
        """
        own_a, own_b = together(self.shared_decoder, embeddings_a, embeddings_b)
        return (
            together(self.decoder_a, own_a, own_b),
            together(self.decoder_b, own_a, own_b),
        )

    def call(self, images, to="b", training=False):
        of = {"a": "b", "b": "a"}[to]
        x = getattr(self, f"average_encoder_{of}")(images, training=training)
        x = self.average_shared_encoder(x, training=training)
        x = self.average_shared_decoder(x, training=training)
        return getattr(self, f"average_decoder_{to}")(x, training=training)

    def train_step(self, batch):
        real_a, real_b = batch

        # Autoencoders and classifier, in one step: a layer reverses the
        # gradient between them.
        with tf.GradientTape() as tape:
            embeddings_a, embeddings_b = self.embed(real_a, real_b)
            (same_a, fake_a), (fake_b, same_b) = self.decode(
                embeddings_a, embeddings_b
            )
            reconstruction_loss = squares(same_a, real_a) + squares(
                same_b, real_b
            )

            domain_loss = self.domain_loss(embeddings_a, embeddings_b)

            # The translations through the encoders of *their* domains.
            again_b, again_a = self.embed(fake_a, fake_b)
            semantic_loss = self.semantic_distance(
                embeddings_a, again_a
            ) + self.semantic_distance(embeddings_b, again_b)

            fake_scores_a = self.discriminator_a(fake_a, training=True)
            fake_scores_b = self.discriminator_b(fake_b, training=True)
            adversarial_loss = squared(fake_scores_a, 1.0)
            adversarial_loss += squared(fake_scores_b, 1.0)

            g_loss = (
                reconstruction_loss
                + self.domain_weight * domain_loss
                + self.semantic_weight * semantic_loss
                + self.adversarial_weight * adversarial_loss
                + self.teacher_weight * self.teacher_loss(real_a, embeddings_a)
            )
        self.update_generators(tape, g_loss)
        self.update_average()

        # Discriminators: distinguish real images from translations, new and
        # stored.
        shown_a = self.from_pool(self.pool_a, fake_a)
        shown_b = self.from_pool(self.pool_b, fake_b)
        with tf.GradientTape() as tape:
            real_scores_a, fake_scores_a = together(
                self.discriminator_a, real_a, shown_a
            )
            real_scores_b, fake_scores_b = together(
                self.discriminator_b, real_b, shown_b
            )
            d_loss = (0.5 * self.adversarial_weight) * (
                squared(real_scores_a, 1.0)
                + squared(fake_scores_a, 0.0)
                + squared(real_scores_b, 1.0)
                + squared(fake_scores_b, 0.0)
            )
        self.update_discriminators(tape, d_loss)

        return self.report(
            d_loss=d_loss,
            g_loss=g_loss,
            reconstruction_loss=reconstruction_loss,
            domain_loss=domain_loss,
            semantic_loss=semantic_loss,
        )

    def domain_loss(self, embeddings_a, embeddings_b):
        """Returns the classifier's mean cross-entropies, summed: A 0, B 1.

        Its gradient at the embeddings is reversed.
        """
        logits_a, logits_b = together(
            self.domain_classifier, embeddings_a, embeddings_b
        )
        return tf.reduce_mean(losses.fake_loss(logits_a)) + tf.reduce_mean(
            losses.real_loss(logits_b)
        )

    def semantic_distance(self, embeddings, others):
        """Returns the mean distance of embeddings, here absolute.

        Args:
            embeddings: Float tensor `(batch, embedding_dim)`.
            others: Float tensor of the same shape.
        """
        return distance(embeddings, others)

    def teacher_loss(self, images, embeddings):
        """Returns the mean distance from the teacher's embeddings, if any."""
        teacher = self._evaluation.teacher
        if teacher is None:
            return tf.constant(0.0)
        return distance(embeddings, tf.stop_gradient(teacher(images)))

    # Translating

    def embeddings(self, images, of="a", batch_size=64):
        """Returns the embeddings of images.

        Args:
            images: uint8 array or tensor `(n, image_size, image_size,
                channels)`, in 0..255.
            of: `"a"` or `"b"`. Their domain. Defaults to `"a"`.
            batch_size: int. How many to embed at once. Defaults to `64`.

        Returns:
            float32 array `(n, embedding_dim)`.

        Raises:
            ValueError: If the images do not fit the model, or `of` is neither
                `"a"` nor `"b"`.
        """
        checks.one_of(("a", "b"), of=of)
        self.check_source(images)
        encoder = getattr(self, f"average_encoder_{of}")

        def embed(images):
            return self.average_shared_encoder(encoder(self.as_source(images)))

        return self.run_in_batches(images, batch_size, embed)

    @property
    def size_multiple(self):
        return self.image_size

    @property
    def minimum_size(self):
        return self.image_size

    @property
    def size_rule(self):
        size = self.image_size
        return (
            f"The images must be of {size}x{size}, because the embedding "
            "depends on all pixels"
        )

    @property
    def source_spec(self):
        return tf.TensorSpec((None, *self.image_shape), "uint8", "images")

    def check_source(self, images):
        super().check_source(images)
        if tuple(images.shape[1:]) != self.image_shape:
            raise ValueError(
                f"{self.size_rule}. Received: shape={tuple(images.shape)}. "
                "Resize, crop or pad the images with `kerasgan.data`."
            )


@keras.saving.register_keras_serializable(package="kerasgan")
class CosineXGAN(XGAN):
    """XGAN with the cosine distance in the semantic consistency loss.

    The paper allows both. The decoder normalizes what it makes of an embedding,
    whatever its length, so a small absolute distance may mean short embeddings;
    the cosine does not depend on their length.

    Args:
        **kwargs: See `XGAN`, also for all else.

    Reference:
        [Royer et al., 2017](https://arxiv.org/abs/1711.05139), section 3
    """

    def semantic_distance(self, embeddings, others):
        products = tf.reduce_sum(
            tf.math.l2_normalize(embeddings, axis=1)
            * tf.math.l2_normalize(others, axis=1),
            axis=1,
        )
        return tf.reduce_mean(1.0 - products)


def squares(images, others):
    """Returns the mean squared difference of images."""
    return tf.reduce_mean(tf.square(images - others))


down = functools.partial(
    layers.Conv2D,
    kernel_size=4,
    strides=2,
    padding="same",
    use_bias=False,
    kernel_initializer=INITIALIZER,
)
up = functools.partial(
    layers.Conv2DTranspose,
    kernel_size=4,
    strides=2,
    padding="same",
    use_bias=False,
    kernel_initializer=INITIALIZER,
)
dense = functools.partial(
    layers.Dense, use_bias=False, kernel_initializer=INITIALIZER
)


def normalized_leaky(x, name):
    x = AffineInstanceNormalization(name=f"norm_{name}")(x)
    return layers.LeakyReLU(0.2, name=f"leaky_{name}")(x)


def normalized_relu(x, name):
    x = AffineInstanceNormalization(name=f"norm_{name}")(x)
    return layers.ReLU(name=f"relu_{name}")(x)


def build_encoder(image_shape, width, name):
    """An image to feature maps: the encoder's own layers of a domain."""
    images = keras.Input(image_shape, name="images")
    x = normalized_leaky(down(width, name="down_1")(images), "down_1")
    x = normalized_leaky(down(2 * width, name="down_2")(x), "down_2")
    return keras.Model(images, x, name=name)


def build_shared_encoder(size, width, embedding_dim):
    """Feature maps of either domain to the embedding."""
    maps = keras.Input((size, size, 2 * width), name="maps")
    x = normalized_leaky(down(4 * width, name="down_3")(maps), "down_3")
    x = normalized_leaky(down(8 * width, name="down_4")(x), "down_4")
    x = layers.Flatten(name="flatten")(x)
    x = dense(embedding_dim, name="dense")(x)
    x = layers.LeakyReLU(0.2, name="leaky_dense")(x)
    # Float32: embeddings are compared.
    x = dense(embedding_dim, dtype="float32", name="embedding")(x)
    return keras.Model(maps, x, name="shared_encoder")


def build_shared_decoder(size, width, embedding_dim):
    """The embedding to feature maps of either domain."""
    embedding = keras.Input((embedding_dim,), name="embedding")
    x = layers.ReLU(name="relu_embedding")(embedding)
    # The transposed convolution of a single pixel.
    x = dense(size * size * 16 * width, name="project")(x)
    x = layers.Reshape((size, size, 16 * width), name="maps")(x)
    x = normalized_relu(x, "project")
    x = normalized_relu(up(8 * width, name="up_1")(x), "up_1")
    return keras.Model(embedding, x, name="shared_decoder")


def build_decoder(size, width, channels, name):
    """Feature maps to an image: the decoder's own layers of a domain."""
    maps = keras.Input((size, size, 8 * width), name="maps")
    x = normalized_relu(up(4 * width, name="up_2")(maps), "up_2")
    x = normalized_relu(up(2 * width, name="up_3")(x), "up_3")
    x = up(channels, name="to_image")(x)
    return keras.Model(maps, tanh_images(x), name=name)


def build_domain_classifier(embedding_dim):
    """An embedding to a logit, positive for domain B.

    The gradient that it returns to the embedding is reversed.
    """
    embedding = keras.Input((embedding_dim,), name="embedding")
    x = GradientReversal(name="reversal")(embedding)
    for layer in (1, 2, 3):
        x = dense(embedding_dim, name=f"dense_{layer}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_{layer}")(x)
    x = dense(1, dtype="float32", name="logit")(x)
    return keras.Model(embedding, x, name="domain_classifier")


def build_discriminator(image_shape, width, name):
    """An image to one unbounded score, high for real."""
    images = keras.Input(image_shape, name="images")
    x = down(width, name="down_1")(images)
    x = layers.LeakyReLU(0.2, name="leaky_1")(x)
    for layer in (2, 3, 4):
        x = down(2 * width, name=f"down_{layer}")(x)
        x = normalized_leaky(x, f"down_{layer}")
    return keras.Model(images, score(x), name=name)
