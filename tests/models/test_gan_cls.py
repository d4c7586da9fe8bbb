"""GAN-CLS: the three pairs, sentences in between, and the text encoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import models
from kerasgan.models import text_encoder
from tests import tiny
from tests.support import steps


@pytest.fixture(scope="module")
def gan():
    """A model that no test trains; its optimizers have taken no step."""
    gan = tiny.gan_cls()
    gan.compile()
    return gan


# The step


def numpy_matching_loss(images, texts, captions):
    """Reed et al.'s surrogate, pair by pair, on average over the others."""
    total = 0.0
    for one, other in ((images, texts), (texts, images)):
        for i, own in enumerate(captions):
            violations = [
                max(0.0, 1.0 + one[i] @ other[j] - one[i] @ other[i])
                for j, caption in enumerate(captions)
                if caption != own
            ]
            total += sum(violations) / max(len(violations), 1)
    return total / len(captions)


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


def check_step(gan):
    """Algorithm 1 with GAN-INT, on six pairs of which two share a caption."""
    images = tf.constant(tiny.images(6))
    if isinstance(gan, models.TextGAN):
        captions = gan.tokenizer(CAPTIONS)
    else:
        captions = tiny.sentence_vectors(6)
        captions[5] = captions[0]
        captions = tf.constant(captions)
    seen = {}
    order = [5, 0, 1, 2, 3, 4]

    def discriminator_loss(latents):
        # The generator's step uses these, too, not those of the next encoder.
        vectors = seen["vectors"] = tf.stop_gradient(
            gan.sentence_vectors(captions)
        )
        fakes = gan.generator((latents[0], vectors), training=True)
        wrong_vectors = tf.gather(vectors, order)
        right, wrong, fake = (
            gan.discriminator(pair, training=True)
            for pair in (
                (images, vectors),
                (images, wrong_vectors),
                (fakes, vectors),
            )
        )
        loss = -tf.reduce_mean(
            steps.log_probability(right) + 0.5 * steps.log_complement(fake)
        )
        # Five pairs are wrong, out of six.
        loss -= tf.reduce_sum(0.5 * steps.log_complement(wrong[1:])) / 6
        if isinstance(gan, models.TextGAN):
            own = gan.image_encoder(images), gan.text_encoder(captions)
            scores = own[0] @ tf.transpose(own[1])
            others = (CAPTIONS[:, None] != CAPTIONS[None]).astype("float32")
            for table in (scores, tf.transpose(scores)):
                margins = 1 + table - tf.linalg.diag_part(table)[:, None]
                near = tf.where(margins > 0, margins, 0.0) * others
                loss += tf.reduce_mean(
                    tf.reduce_sum(near, 1) / others.sum(axis=1)
                )
        return loss

    def generator_loss(latents):
        vectors = seen["vectors"]
        between = [(vectors[i] + vectors[i + 3]) / 2 for i in range(3)]
        texts = tf.concat([vectors, tf.stack(between)], 0)
        fakes = gan.generator((tf.concat(latents[1:], 0), texts), training=True)
        fake = gan.discriminator((fakes, texts), training=True)
        return -tf.reduce_mean(steps.log_probability(fake))

    steps.check_step(
        gan, (images, captions), [6, 6, 3], discriminator_loss, generator_loss
    )


@pytest.mark.parametrize("name", ["gan_cls", "vector_gan_cls"])
def test_step(name):
    check_step(getattr(tiny, name)())


def test_adversarial_losses_do_not_reach_the_text_encoder():
    """With margins kept there is nothing to learn, whatever the images."""
    gan = tiny.gan_cls()
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    text_loss = gan.text_loss
    gan.text_loss = lambda *arguments: 0.0 * text_loss(*arguments)
    before = gan.text_encoder.get_weights()
    changed = gan.discriminator.get_weights()
    gan.train_step((tf.constant(tiny.images(6)), gan.tokenizer(CAPTIONS)))
    for a, b in zip(before, gan.text_encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(
        (a != b).any()
        for a, b in zip(changed, gan.discriminator.get_weights(), strict=True)
    )


def test_matching_loss():
    random = np.random.RandomState(0)
    images, texts = random.standard_normal((2, 6, 3)).astype("float32")
    other = CAPTIONS[:, None] != CAPTIONS[None]
    found = text_encoder.matching_loss(
        images, texts, texts, other
    ) + text_encoder.matching_loss(texts, images, images, other)
    expected = numpy_matching_loss(images, texts, list(CAPTIONS))
    assert float(tf.reduce_mean(found)) == pytest.approx(expected, rel=1e-5)
    # By hand: own products 4 and 1, of the others 2 each: the first keeps
    # its margin by 1, the second misses it by 2.
    vectors = tf.constant([[2.0, 0.0], [0.0, 1.0]])
    partners = tf.constant([[2.0, 2.0], [1.0, 1.0]])
    others = np.array([[False, True], [True, False]])
    loss = text_encoder.matching_loss
    found = loss(vectors, partners, partners, others)
    np.testing.assert_array_equal(found, [0.0, 2.0])
    alone = text_encoder.matching_loss(
        vectors, partners, partners, others & False
    )
    np.testing.assert_array_equal(alone, [0.0, 0.0])


def test_learning_rates_are_halved():
    gan = tiny.vector_gan_cls(halve_every=2)
    gan.compile()
    (callback,) = gan.training_callbacks()
    callback.set_model(gan)
    callback.set_params({"epochs": 5})
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    for epoch, expected in enumerate([2e-4, 2e-4, 1e-4, 1e-4, 0.5e-4]):
        callback.on_epoch_begin(epoch)
        for optimizer in optimizers:
            found = float(optimizer.learning_rate)
            assert found == pytest.approx(expected, rel=1e-6)
    assert tiny.vector_gan_cls().halve_every == 100


# The networks


def test_both_networks_depend_on_the_sentence(gan):
    latents = gan.seeded_latents(0, 1)
    vectors = gan.encode(["a red square", "a blue square"])
    one, other = tf.constant(vectors[:1]), tf.constant(vectors[1:])
    images = [gan.generator((latents, text)) for text in (one, other)]
    difference = np.abs(images[0] - images[1]).max()
    assert difference > 1e-4 * np.abs(images[0]).max()
    scores = [gan.discriminator((images[0], text)) for text in (one, other)]
    assert scores[0] != scores[1]


# Captions


def test_words_of():
    found = models.words_of(["A red, red bird!", "a RED bird.", "the sky"])
    assert found[0] == "red"
    assert set(found[1:3]) == {"a", "bird"}
    assert set(found[3:]) == {"the", "sky"}
    assert models.words_of(["b a a", "c a b"], size=2) == ("a", "b")


def test_encode_reads_words_in_order(gan):
    vectors = gan.encode(
        [
            "a red square on the left",
            "A red SQUARE, on the left.",
            "a left square on the red",
            "a zebra",
            "a quagga",
        ]
    )
    assert vectors.shape == (5, 6) and vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[0], vectors[1], atol=2e-6)
    assert np.abs(vectors[0] - vectors[2]).max() > 1e-5
    np.testing.assert_allclose(vectors[3], vectors[4], atol=2e-6)
    assert np.abs(vectors[0] - vectors[3]).max() > 1e-5


def test_encode_does_not_depend_on_the_batch(gan):
    captions = list(tiny.captions(7))
    alone = [gan.encode([c])[0] for c in captions]
    # Normalization multiplies rounding errors, too, by about 10.
    np.testing.assert_allclose(gan.encode(captions), alone, atol=2e-6)


def test_empty_places_do_not_count():
    short, long = (tiny.gan_cls(caption_length=n) for n in (4, 9))
    long.set_weights(short.get_weights())
    caption = ["a red square"]
    np.testing.assert_allclose(
        short.encode(caption), long.encode(caption), rtol=1e-5
    )


def test_captions_and_their_vectors_make_the_same_images(gan):
    captions = list(tiny.captions(4))
    images = gan.generate(captions=captions, seed=2)
    vectors = gan.encode(captions)
    again = gan.generate(sentence_vectors=vectors, seed=2)
    np.testing.assert_array_equal(images, again)
    between = gan.generate(
        sentence_vectors=[vectors[0], (vectors[0] + vectors[1]) / 2], seed=2
    )
    np.testing.assert_array_equal(between[0], images[0])


def test_sentence_vectors_are_as_strong_as_the_noise(gan):
    # Nothing else says how long they are.
    vectors = gan.encode(tiny.captions(4))
    np.testing.assert_allclose(np.mean(vectors, axis=1), 0.0, atol=1e-3)
    np.testing.assert_allclose(np.std(vectors, axis=1), 1.0, atol=0.1)
    assert np.std(vectors, axis=0).max() > 0.05  # They still differ.


def test_exported_strings(gan, tmp_path):
    captions = list(tiny.captions(4))
    gan.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1"))
    images = served.signatures["sample"](
        seed=tf.constant(2, "int64"), captions=tf.constant(captions)
    )["images"].numpy()
    expected = gan.generate(captions=captions, seed=2)
    assert np.abs(images.astype(int) - expected).max() <= 1
    # A request without a word cannot be refused there; it makes an image.
    images = served.signatures["sample"](
        seed=tf.constant(2, "int64"), captions=tf.constant(["", "a red one"])
    )["images"].numpy()
    zeros = np.zeros((1, gan.encoder_width), "float32")
    vectors = gan.text_encoder.get_layer("sentence")(zeros)
    vectors = gan.text_encoder.get_layer("unit")(vectors)
    nothing = gan.generate(sentence_vectors=vectors, seed=2)
    assert np.abs(images[:1].astype(int) - nothing).max() <= 1


def test_vocabulary_is_saved(gan, tmp_path):
    gan.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.vocabulary == gan.vocabulary
    captions = list(tiny.captions(3))
    np.testing.assert_array_equal(gan.encode(captions), again.encode(captions))


# What is refused


def test_signatures_name_their_inputs(gan):
    def names(gan):
        return {
            name: [spec.name for spec in specs]
            for name, (_, specs) in gan.signatures().items()
        }

    assert names(gan) == {
        "serving_default": ["latents", "captions"],
        "sample": ["seed", "captions"],
        "from_vectors": ["latents", "sentence_vectors"],
        "encode": ["captions"],
    }
    assert names(tiny.vector_gan_cls()) == {
        "serving_default": ["latents", "sentence_vectors"],
        "sample": ["seed", "sentence_vectors"],
        "from_vectors": ["latents", "sentence_vectors"],
    }


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "neither"),
        ({"captions": ["a"], "sentence_vectors": np.ones((1, 6))}, "both"),
        ({"captions": "a red square"}, "captions='a red square'"),
        ({"captions": []}, r"captions=\[\]"),
        ({"captions": ["a", 3]}, "3"),
        ({"captions": ["a", "", " "]}, "2 empty of 3, the first at 1"),
        ({"captions": ["a", "!?"]}, "1 empty of 2, the first at 1"),
        ({"sentence_vectors": np.ones((2, 5))}, r"shape=\(2, 5\)"),
        ({"sentence_vectors": np.ones((0, 6))}, r"shape=\(0, 6\)"),
        ({"sentence_vectors": np.ones(6)}, r"shape=\(6,\)"),
        ({"sentence_vectors": np.full((2, 6), np.nan)}, "NaN"),
        ({"captions": ["a"], "seed": -1}, "seed=-1"),
    ],
)
def test_generate_refuses(gan, arguments, message):
    with pytest.raises(ValueError, match=f"Received.*{message}"):
        gan.generate(**arguments)


def test_captions_need_a_text_encoder():
    gan = tiny.vector_gan_cls()
    with pytest.raises(ValueError, match="no text encoder"):
        gan.generate(captions=["a red square"])
    gan.compile()
    with pytest.raises(ValueError, match="Received: strings"):
        gan.fit(tiny.images(8), tiny.captions(8), batch_size=8)


@pytest.mark.parametrize(
    "captions, message",
    [
        (["a red square"] * 7 + [""], "1 empty of 8, the first at \\d"),
        (["..."] * 8, "8 empty of 8, the first at 0"),
        ([["a", "b"]] * 8, r"string, shape \(8, 2\)"),
        (np.ones((8, 6), "float32"), r"float32, shape \(8, 6\)"),
        (np.ones(8, "int32"), r"int32, shape \(8,\)"),
    ],
)
def test_bad_captions_are_refused_before_the_first_step(gan, captions, message):
    with pytest.raises(ValueError, match=f"Received.*({message})"):
        gan.fit(tiny.images(8), np.array(captions), batch_size=8, verbose=0)
    assert int(gan.discriminator_optimizer.iterations) == 0


def test_bad_vectors_are_refused_before_the_first_step():
    gan = tiny.vector_gan_cls()
    gan.compile()
    for vectors, message in (
        (np.ones((8, 5), "float32"), r"shape=\(8, 5\)"),
        (np.full((8, 6), np.inf, "float32"), "infinite"),
        (np.ones((8, 6), "int32"), "int32"),
    ):
        with pytest.raises(ValueError, match=f"Received.*{message}"):
            gan.fit(tiny.images(8), vectors, batch_size=8, verbose=0)
    with pytest.raises(ValueError, match="1 part"):
        gan.fit(tiny.images(8), batch_size=8, verbose=0)
    with pytest.raises(ValueError, match="a batch of 1"):
        gan.fit(
            tiny.images(8), tiny.sentence_vectors(8), batch_size=1, verbose=0
        )


@pytest.mark.parametrize(
    "words, message",
    [((), "0 words, 0 different"), (("a", "a"), "2 words, 1 different")],
)
def test_vocabulary_is_checked(words, message):
    with pytest.raises(ValueError, match=message):
        tiny.gan_cls(vocabulary=words)


class Recorder(keras.metrics.Metric):
    """Keeps what `evaluate` compares."""

    def update_state(self, real_images, fake_images):
        self.shapes = real_images.shape, fake_images.shape

    def result(self):
        return 0.5


def test_evaluate_takes_captions():
    gan = tiny.gan_cls()
    recorder = Recorder(name="recorder")
    gan.compile(metrics=[recorder], run_eagerly=True)
    dataset = tf.data.Dataset.from_tensor_slices(
        (tiny.images(8), tiny.captions(8))
    ).batch(4)
    assert gan.evaluate(dataset, verbose=0) == {"recorder": 0.5}
    assert recorder.shapes == ((4, 16, 16, 1), (4, 16, 16, 1))


@pytest.mark.slow
def test_generates_what_the_captions_describe():
    """Squares of three colors on two sides; both must match the caption."""
    keras.utils.set_random_seed(3)
    random = np.random.RandomState(0)
    color, place = random.randint(3, size=3200), random.randint(2, size=3200)
    images = np.full((3200, 16, 16, 3), -1.0, "float32")
    for i, (c, p) in enumerate(zip(color, place, strict=True)):
        top, left = random.randint(2, 9), 1 + 8 * p + random.randint(0, 2)
        images[i, top : top + 5, left : left + 5, c] = random.uniform(0.6, 1.0)

    def caption(c, p):
        return f"a {tiny.COLORS[c]} square on the {tiny.PLACES[p]}"

    captions = [caption(c, p) for c, p in zip(color, place, strict=True)]
    gan = models.GANCLS(
        16,
        generator_width=32,
        discriminator_width=16,
        latent_dim=8,
        sentence_dim=32,
        projection_dim=16,
        vocabulary=models.words_of(captions),
        caption_length=8,
        encoder_width=32,
        ema_decay=0.98,
        seed=1,
    )
    gan.compile()
    requested = [(i % 3, i // 3 % 2) for i in range(60)]

    def share():
        """Returns how many have the color and the place of the caption."""
        generated = gan.generate(
            captions=[caption(*a) for a in requested], seed=0
        )
        light = generated.astype("float64").reshape(-1, 16, 2, 8, 3).sum((1, 3))
        # [image, place, color]
        brightest = light.reshape(-1, 6).argmax(1)
        right = brightest == [3 * p + c for c, p in requested]
        return (right & (light.max((1, 2)) > 0.4 * 25 * 255)).mean()

    assert share() < 0.4
    gan.fit(images, np.array(captions), batch_size=64, epochs=30, verbose=0)
    assert share() >= 0.8
