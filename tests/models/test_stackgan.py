"""StackGAN: the steps of both stages, their noise, and how they are joined."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from tests import tiny
from tests.support import steps

# The first and the last are equal, so the first row's wrong text is not wrong.
CAPTIONS = np.array(
    [
        "a red square",
        "the blue square",
        "a green square on the left",
        "a blue square on the right",
        "the red square on the left",
        "a red square",
    ]
)


@pytest.fixture(scope="module")
def first():
    """A first stage that no test trains."""
    return tiny.stackgan_stage_one()


@pytest.fixture(scope="module")
def gan():
    """A second stage that no test trains."""
    return tiny.stackgan()


# The steps


def divergence(network, vectors):
    """Of all conditions from a unit normal, by the formula of the paper."""
    dense = network.get_layer("condition").dense
    both = tf.nn.leaky_relu(vectors @ dense.kernel + dense.bias, 0.2)
    mean, log_sigma = tf.split(both, 2, axis=1)
    variance = tf.exp(log_sigma) ** 2
    terms = (mean**2 + variance - tf.math.log(variance) - 1.0) / 2.0
    return tf.reduce_mean(terms)


def check_step(gan, size, fakes_of):
    """Algorithm of both stages; `fakes_of` has latents and vectors."""
    images = tf.constant(tiny.images(6, size=size))
    tokens = gan.tokenizer(CAPTIONS)
    dense = gan.generator.get_layer("condition").dense
    dense.bias.assign(np.linspace(-1.0, 0.7, 6))
    seen = {}

    def discriminator_loss(latents):
        # The generator's step uses these, too, not those of the next encoder.
        vectors = seen["vectors"] = tf.stop_gradient(gan.text_encoder(tokens))
        right, wrong, fake = (
            gan.discriminator(pair, training=True)
            for pair in (
                (images, vectors),
                (images, tf.gather(vectors, [5, 0, 1, 2, 3, 4])),
                (fakes_of(latents[0], vectors), vectors),
            )
        )
        loss = -tf.reduce_mean(
            steps.log_probability(right) + 0.5 * steps.log_complement(fake)
        )
        # Five pairs are wrong, out of six.
        loss -= tf.reduce_sum(0.5 * steps.log_complement(wrong[1:])) / 6
        if "match_loss" in gan.loss_names:
            loss += tf.reduce_mean(gan.text_loss(images, tokens))
        return loss

    def generator_loss(latents):
        vectors = seen["vectors"]
        fakes = fakes_of(latents[1], vectors)
        scores = gan.discriminator((fakes, vectors), training=True)
        adversarial = -tf.reduce_mean(steps.log_probability(scores))
        return adversarial + 2.0 * divergence(gan.generator, vectors)

    steps.check_step(
        gan, (images, tokens), [6, 6], discriminator_loss, generator_loss
    )


def test_step_of_stage_one():
    gan = tiny.stackgan_stage_one()

    def fakes_of(latents, vectors):
        return gan.generator((latents, vectors), training=True)

    check_step(gan, 16, fakes_of)


def test_step_of_stage_two():
    gan = tiny.stackgan()
    frozen = [*gan.stage_one.weights, *gan.text_encoder.weights]
    before = [weight.numpy() for weight in frozen]

    def fakes_of(latents, vectors):
        small = gan.stage_one((latents[:, :7], vectors))
        inputs = (small, vectors, latents[:, 7:])
        return gan.generator(inputs, training=True)

    check_step(gan, 32, fakes_of)
    for weight, value in zip(frozen, before, strict=True):
        np.testing.assert_array_equal(weight, value, weight.path)


def test_learning_rates_are_halved(first, gan):
    assert (first.halve_every, gan.halve_every) == (50, 100)
    (callback,) = tiny.stackgan_stage_one(halve_every=2).training_callbacks()
    shares = [callback.share(epoch, 5) for epoch in range(5)]
    assert shares == [1.0, 1.0, 0.5, 0.5, 0.25]


# The networks


def test_each_unit_of_the_first_layer_is_normalized(first):
    filters = 4 * 16 // 8
    norm = first.generator.get_layer("norm_project")
    assert norm.gamma.shape == (16 * filters,)


def layers_of(network, prefixes):
    """Returns the names of layers with a prefix, in order."""
    names = [layer.name for layer in network.layers]
    return [name for name in names if name.startswith(prefixes)]


def has_activation(network, name):
    place = name.removeprefix("down_").removeprefix("narrow_")
    return f"leaky_{place}" in layers_of(network, "leaky_")


def test_layers_of_the_discriminators_without_activation():
    """By the authors' code: 256 and 512 of stage I, the last of stage II."""
    text = {"vocabulary": ("a",), "sentence_dim": 4, "condition_dim": 2}
    first = models.StackGANStageOne(
        64, generator_width=1, discriminator_width=1, latent_dim=4, **text
    )
    downs = ["down_32", "down_16", "down_8", "down_4"]
    assert layers_of(first.discriminator, "down_") == downs
    leaky = [n for n in downs if has_activation(first.discriminator, n)]
    assert leaky == ["down_32", "down_16"]
    second = models.StackGAN(
        256,
        stage_one_width=1,
        generator_width=4,
        discriminator_width=1,
        latent_dim=8,
        **text,
    )
    names = layers_of(second.discriminator, ("down_", "narrow_to_"))
    assert names == [
        *("down_128", "down_64", *downs),
        *("narrow_to_16", "narrow_to_8"),
    ]
    leaky = [n for n in names if has_activation(second.discriminator, n)]
    assert leaky == names[:-1]


@pytest.mark.parametrize("name", ["stackgan_stage_one", "stackgan"])
def test_all_noise_and_the_text_reach_the_images(name):
    gan = getattr(tiny, name)()
    if name == "stackgan":
        # With statistics of the batch; moving ones do not make up for small
        # kernels.
        gan.stage_one.trainable = True
        gan.stage_one = functools.partial(gan.stage_one, training=True)

    def images_of(latents, vectors):
        latents = tf.constant(latents, "float32")
        inputs = gan.generator_inputs(latents, tf.constant(vectors))
        return gan.generator(inputs, training=True).numpy()

    latents = np.random.RandomState(0).standard_normal((4, gan.latent_dim))
    vectors = gan.encode(["a red square", *("a blue square",) * 3])
    images = images_of(latents, vectors)
    for position in range(gan.latent_dim):
        changed = latents.copy()
        changed[0, position] += 1.0
        difference = images_of(changed, vectors) - images
        assert np.abs(difference).max() > 1e-5, position
    difference = images_of(latents, vectors[[1, 1, 1, 1]]) - images
    assert np.abs(difference).max() > 1e-5


# Both stages


def test_the_second_stage_holds_the_averages_of_the_first():
    first = tiny.stackgan_stage_one()
    for weight in first.average_generator.weights:
        weight.assign(weight + 0.1)
    gan = models.StackGAN.from_stage_one(first, 32, blocks=1)
    assert gan.latent_dim == 7 + 3
    latents = gan.seeded_latents(0, 2)
    vectors = gan.encode(["a red square", "a blue square"])
    expected = first.encode(["a red square", "a blue square"])
    np.testing.assert_array_equal(vectors, expected)
    vectors = tf.constant(vectors)
    images, *_ = gan.generator_inputs(latents, vectors)
    expected = first((latents[:, :7], vectors))
    np.testing.assert_allclose(images, expected, atol=1e-6)
    assert gan.generate(captions=["a red square"], seed=0).shape == (
        1,
        32,
        32,
        1,
    )
    # Copies: training the first one further changes nothing.
    assert not {id(v) for v in first.weights} & {id(v) for v in gan.weights}


def test_stage_one_is_not_trained_in_stage_two(gan):
    frozen = {
        id(v) for v in (*gan.stage_one.weights, *gan.text_encoder.weights)
    }
    assert not frozen & {id(v) for v in gan.trainable_variables}
    assert frozen <= {id(v) for v in gan.weights}


def test_defaults_of_the_second_stage_are_those_of_the_first():
    first = tiny.stackgan_stage_one(kl_weight=1.0, dtype="mixed_bfloat16")
    gan = models.StackGAN.from_stage_one(first, 32, generator_width=2)
    assert (gan.kl_weight, gan.generator_width) == (1.0, 2)
    assert gan.dtype_policy.name == "mixed_bfloat16"
    assert gan.stage_one_width == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"condition_dim": 9}, "condition_dim=9"),
        ({"stage_one_size": 16}, "stage_one_size=16"),
        ({"image_size": 16}, "image_size=16"),
    ],
)
def test_what_belongs_to_stage_one_is_refused(first, changes, message):
    with pytest.raises(ValueError, match=f"Received: {message}"):
        models.StackGAN.from_stage_one(first, **{"image_size": 32, **changes})


def test_only_a_first_stage_is_continued(gan):
    with pytest.raises(TypeError, match="Received: StackGAN"):
        models.StackGAN.from_stage_one(gan, 64)


def test_an_untrained_first_stage_is_refused(first):
    gan = models.StackGAN.from_stage_one(first, 32, blocks=1)
    gan.compile()
    with pytest.raises(ValueError, match="has not been trained"):
        gan.fit(
            tiny.images(8, size=32), tiny.captions(8), batch_size=8, verbose=0
        )
    assert int(gan.discriminator_optimizer.iterations) == 0


@pytest.mark.parametrize("name", ["stackgan_stage_one", "stackgan"])
def test_latents_hold_noise_beside_that_of_the_conditions(name):
    model = type(getattr(tiny, name)())
    stages = {"stackgan_stage_one": 1, "stackgan": 2}[name]
    with pytest.raises(ValueError, match=f"latent_dim={3 * stages}"):
        model(
            image_size=32,
            vocabulary=("a",),
            latent_dim=3 * stages,
            condition_dim=3,
            **({"stage_one_size": 16} if stages == 2 else {}),
        )
