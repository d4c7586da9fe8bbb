"""XGAN: the step, whom each loss trains, both directions, the teacher."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from tests import tiny

RATE = 0.1
WEIGHTS = {
    "domain_weight": 0.7,
    "semantic_weight": 1.3,
    "adversarial_weight": 0.6,
    "teacher_weight": 0.9,
}
AUTOENCODERS = (
    "encoder_a",
    "encoder_b",
    "shared_encoder",
    "shared_decoder",
    "decoder_a",
    "decoder_b",
)


@pytest.fixture(scope="module")
def gan():
    """A model that no test trains, with weights that play a part."""
    return louder(tiny.xgan())


def louder(gan):
    """Returns a model whose first kernels are larger."""
    for network in (*gan.generators, *gan.average_generators):
        for variable in network.weights:
            if "kernel" in variable.path:
                variable.assign(8.0 * variable)
    return gan


def sources(count=4):
    return [array[:count] for array in tiny.two_domains(count)]


# The step


def encode(gan, images, of):
    own = getattr(gan, f"encoder_{of}")(images)
    return gan.shared_encoder(own)


def decode(gan, embeddings, to):
    return getattr(gan, f"decoder_{to}")(gan.shared_decoder(embeddings))


def logit(gan, embeddings):
    """The classifier's, with its gradient as it is."""
    x = embeddings
    for layer in gan.domain_classifier.layers[2:]:
        x = layer(x)
    return x


def cross_entropy(logits, label):
    probability = tf.sigmoid(logits)
    if not label:
        probability = 1.0 - probability
    return -tf.reduce_mean(tf.math.log(probability))


def plain_losses(gan, images, teacher=None):
    """The losses of the autoencoders by name, one image set after another."""
    found = dict.fromkeys(
        ("reconstruction", "domain", "semantic", "adversarial"), 0.0
    )
    embeddings = {of: encode(gan, images[of], of) for of in "ab"}
    for of, to in ("ab", "ba"):
        x, embedding = images[of], embeddings[of]
        found["reconstruction"] += tf.reduce_mean(
            (decode(gan, embedding, of) - x) ** 2
        )
        found["domain"] += cross_entropy(logit(gan, embedding), of == "b")
        translated = decode(gan, embedding, to)
        again = encode(gan, translated, to)
        found["semantic"] += semantic(gan, embedding, again)
        scores = getattr(gan, f"discriminator_{to}")(translated)
        found["adversarial"] += tf.reduce_mean((scores - 1.0) ** 2)
    if teacher is not None:
        taught = teacher(images["a"])
        found["teacher"] = tf.reduce_mean(tf.abs(embeddings["a"] - taught))
    return found


def semantic(gan, one, other):
    if isinstance(gan, models.CosineXGAN):
        return tf.reduce_mean(
            1.0
            - tf.reduce_sum(one * other, 1)
            / (tf.norm(one, axis=1) * tf.norm(other, axis=1))
        )
    return tf.reduce_mean(tf.abs(one - other))


def variables_of(gan, names):
    return [v for n in names for v in getattr(gan, n).trainable_variables]


@pytest.mark.parametrize("name", ["xgan", "cosine_xgan"])
def test_step(name):
    """Encoders go up the classifier's loss, and the classifier down."""
    gan = louder(getattr(tiny, name)(pool_size=0, **WEIGHTS))
    embed = np.random.RandomState(2).standard_normal((32, 32, 1, 5))

    def teacher(images):
        return tf.tensordot(images, tf.constant(embed, "float32"), 3) / 10.0

    sgd = keras.optimizers.SGD
    gan.compile(sgd(RATE), sgd(RATE), teacher=teacher)
    images = dict(zip("ab", map(tf.constant, sources()), strict=True))
    trained = variables_of(gan, AUTOENCODERS)
    classifier = variables_of(gan, ["domain_classifier"])
    with tf.GradientTape(persistent=True) as tape:
        found = plain_losses(gan, images, teacher)
        signed = (
            found["reconstruction"]
            - 0.7 * found["domain"]
            + 1.3 * found["semantic"]
            + 0.6 * found["adversarial"]
            + 0.9 * found["teacher"]
        )
        own = 0.7 * found["domain"]
    expected = [
        (v, v.numpy() - RATE * g.numpy())
        for variables, loss in ((trained, signed), (classifier, own))
        for v, g in zip(variables, tape.gradient(loss, variables), strict=True)
    ]
    # What the discriminators see is made before the step.
    judges = variables_of(gan, gan.discriminator_names)
    fakes = {
        to: decode(gan, encode(gan, images[of], of), to)
        for of, to in ("ab", "ba")
    }
    with tf.GradientTape() as tape:
        d_loss = 0.0
        for of in "ab":
            judge = getattr(gan, f"discriminator_{of}")
            d_loss += 0.3 * tf.reduce_mean((judge(images[of]) - 1.0) ** 2)
            d_loss += 0.3 * tf.reduce_mean(judge(fakes[of]) ** 2)
    expected += [
        (v, v.numpy() - RATE * g.numpy())
        for v, g in zip(judges, tape.gradient(d_loss, judges), strict=True)
    ]

    logs = gan.train_step((images["a"], images["b"]))
    for variable, value in expected:
        np.testing.assert_allclose(
            variable, value, rtol=1e-3, atol=1e-5, err_msg=variable.path
        )
    total = signed + 1.4 * found["domain"]
    for key, value in (
        ("d_loss", d_loss),
        ("g_loss", total),
        ("reconstruction_loss", found["reconstruction"]),
        ("domain_loss", found["domain"]),
        ("semantic_loss", found["semantic"]),
    ):
        assert float(logs[key]) == pytest.approx(float(value), rel=1e-4), key


def test_earlier_translations_are_shown_again(monkeypatch):
    gan = tiny.xgan(pool_size=1)
    gan.compile(run_eagerly=True)
    a, b = map(tf.constant, sources(2))
    gan.train_step((a, b))
    stored = gan.pool_b.images.numpy()
    fake = gan.pool_b
    assert stored.shape == (1, 32, 32, 1) and np.abs(stored).max() > 0
    gan.clear_memory()
    assert not fake.images.numpy().any()


# The teacher


def test_a_teacher_is_frozen_and_not_saved():
    teacher = keras.Sequential(
        [keras.layers.Flatten(), keras.layers.Dense(5, name="taught")]
    )
    gan = tiny.xgan(teacher_weight=3.0)
    first, count = gan.get_weights(), len(gan.weights)
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE))
    a, b = map(tf.constant, sources())
    without = float(gan.train_step((a, b))["g_loss"])
    gan = tiny.xgan(teacher_weight=3.0)
    gan.set_weights(first)
    gan.compile(
        keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), teacher=teacher
    )
    before = [w.numpy() for w in teacher.weights]
    embeddings = gan.shared_encoder(gan.encoder_a(a))
    expected = 3.0 * tf.reduce_mean(tf.abs(embeddings - teacher(a)))
    found = gan.train_step((a, b))["g_loss"] - without
    assert float(found) == pytest.approx(float(expected), rel=1e-3)
    for weight, value in zip(teacher.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert len(gan.weights) == count
    assert not {id(w) for w in teacher.weights} & {id(w) for w in gan.weights}


def test_a_teacher_of_other_embeddings_is_refused():
    gan = tiny.xgan()
    with pytest.raises(ValueError, match=r"Received: \(1, 4\)"):
        gan.compile(teacher=lambda images: tf.zeros((len(images), 4)))
    assert not gan.compiled


# Translating


def test_both_directions_go_through_the_shared_layers(gan):
    images = images_to_translate(3)
    floats = tf.cast(images, "float32") / 127.5 - 1.0
    for of, to in ("ab", "ba"):
        x = getattr(gan, f"average_encoder_{of}")(floats)
        embeddings = gan.average_shared_encoder(x)
        np.testing.assert_allclose(
            gan.embeddings(images, of=of, batch_size=2), embeddings, atol=1e-4
        )
        x = gan.average_shared_decoder(embeddings)
        expected = getattr(gan, f"average_decoder_{to}")(x)
        found = gan.translate(images, to=to).astype("float32") / 127.5 - 1.0
        np.testing.assert_allclose(found, expected, atol=0.01)


def images_to_translate(count):
    noise = tiny.images(count, size=32, seed=1)
    return ((noise + 1) * 127.5).astype("uint8")


def test_nothing_of_an_image_bypasses_the_embedding():
    gan = louder(tiny.xgan())
    kernel = gan.average_shared_encoder.get_layer("embedding").kernel
    kernel.assign(0.0 * kernel)
    gan.average_shared_decoder.get_layer("norm_project").beta.assign_add(
        np.linspace(-1.0, 1.0, 32)
    )
    found = gan.translate(images_to_translate(3))
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0].std() > 0


@pytest.mark.parametrize("size", [16, 48, 64])
def test_images_of_another_size_are_refused(gan, size):
    images = np.zeros((2, size, size, 1), "uint8")
    with pytest.raises(ValueError, match=f"of 32x32.*shape=.2, {size}, {size}"):
        gan.translate(images)
    with pytest.raises(ValueError, match="of 32x32"):
        gan.embeddings(images)


def test_only_the_two_domains_are_known(gan):
    images = images_to_translate(1)
    with pytest.raises(ValueError, match="Received: to='c'"):
        gan.translate(images, to="c")
    with pytest.raises(ValueError, match="Received: of='c'"):
        gan.embeddings(images, of="c")


def test_the_cosine_does_not_depend_on_the_length():
    gan = tiny.cosine_xgan()
    one, other = tf.constant([[3.0, 4.0]]), tf.constant([[4.0, 3.0]])
    found = [gan.semantic_distance(s * one, other) for s in (1.0, 1e-3)]
    np.testing.assert_allclose(found, [1.0 - 24.0 / 25.0] * 2, rtol=1e-4)
    assert float(tiny.xgan().semantic_distance(one, other)) == 1.0


@pytest.mark.slow
def test_the_classifier_cannot_tell_the_domains_apart():
    """Dark and light squares: a probe tells them by the embeddings, or not."""

    def squares(count, seed):
        random = np.random.RandomState(seed)
        found = np.full((count, 32, 32, 1), -1.0, "float32")
        for image in found:
            top, left = random.randint(2, 18, size=2)
            image[top : top + 12, left : left + 12] = 1.0
        return found

    def probe(domain_weight):
        keras.utils.set_random_seed(0)
        gan = tiny.xgan(
            width=4, embedding_dim=16, domain_weight=domain_weight, seed=0
        )
        gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
        a, b = squares(512, 0), -squares(512, 1)
        gan.fit(a, b, batch_size=32, epochs=15, verbose=0)
        both = [
            gan.embeddings(((x + 1) * 127.5).astype("uint8"), of=of)
            for x, of in ((a, "a"), (b, "b"))
        ]
        x = np.concatenate(both)
        x = (x - x.mean(0)) / (x.std(0) + 1e-6)
        y = np.repeat([-1.0, 1.0], 512)
        half = np.arange(1024) % 2 == 0
        weights = np.linalg.lstsq(x[half], y[half], rcond=None)[0]
        return (np.sign(x[~half] @ weights) == y[~half]).mean()

    assert probe(0.0) > 0.95
    assert probe(1.0) < 0.8
