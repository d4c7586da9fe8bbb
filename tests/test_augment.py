import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import augment, models
from kerasgan.penalties import scores_and_squared_gradients
from tests import tiny

UNIFORM = (
    *augment.DIFF_AUGMENT_NUMBERS,
    *augment.ADA_UNIFORM,
    *(f"{name}_coin" for name in augment.ADA_OPERATIONS),
)


def numbers(count, *operations, **given):
    """Returns numbers with which ADA makes only these changes, at p = 0.5."""
    found = {name: tf.fill((count,), 0.9) for name in UNIFORM}
    found.update({name: tf.fill((count,), 0.9) for name in augment.ADA_NORMAL})
    found.update({f"{name}_coin": tf.zeros(count) for name in operations})
    found.update({k: tf.fill((count,), v) for k, v in given.items()})
    return found


def noise(*shape):
    return tf.constant(np.random.RandomState(0).randn(*shape), "float32")


def smooth(size=32):
    """Returns a smooth image `(1, size, size, 1)` without symmetry."""
    x = np.linspace(0.0, 3.0, size)
    image = np.sin(x + 1.0)[:, None] * np.cos(2.0 * x + 0.5)
    return image[None, ..., None].astype("float32")


# DiffAugment


def test_colors_of_diff_augment_by_hand():
    images = tf.constant([[[[0.0, 0.2, 0.4]], [[0.3, 0.3, 0.9]]]])
    given = {"brightness": 0.75, "saturation": 0.25, "contrast": 0.9}
    found = augment.diff_augment(images, numbers(1, **given), "color")
    bright = images.numpy() + 0.25
    gray = bright.mean(-1, keepdims=True)
    pale = gray + 0.5 * (bright - gray)
    expected = pale.mean() + 1.4 * (pale - pale.mean())
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_translation_is_by_up_to_an_eighth_and_leaves_zeros():
    images = noise(2, 16, 8, 1)
    given = numbers(2)
    given["shift_y"] = tf.constant([0.0, 0.99])
    given["shift_x"] = tf.constant([0.99, 0.5])
    found = augment.diff_augment(images, given, "translation").numpy()
    up, down = np.zeros((2, 16, 8, 1), "float32")
    up[:-2, 1:] = images[0, 2:, :-1]
    down[2:] = images[1, :-2]
    np.testing.assert_array_equal(found, [up, down])


@pytest.mark.parametrize(
    ("place", "rows"), [(0.0, range(4)), (0.5, range(4, 12)), (0.999, [])]
)
def test_cutout_is_half_of_each_side_clipped_at_the_border(place, rows):
    ones = tf.ones((1, 16, 6, 3))
    given = numbers(1, cutout_y=place, cutout_x=0.5)
    found = augment.diff_augment(ones, given, "cutout").numpy()
    rows = list(rows) or list(range(12, 16))
    expected = np.ones((1, 16, 6, 3))
    # An odd cut has its center in one of the six columns, here the fourth.
    expected[:, rows, 2:5] = 0.0
    np.testing.assert_array_equal(found, expected)


def test_a_policy_is_applied_in_its_order():
    images, given = noise(2, 8, 8, 1), numbers(2)
    orders = ["color,cutout", "cutout,color"]
    first, second = (augment.diff_augment(images, given, o) for o in orders)
    assert np.abs(first - second).max() > 0.1
    assert (first.numpy() == 0.0).any() and not (second.numpy() == 0.0).any()


# ADA


@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (2, 8, 12, 3)])
def test_ada_is_the_identity_at_p_0(shape):
    images = noise(*shape)
    given = numbers(shape[0], *augment.ADA_OPERATIONS)
    np.testing.assert_allclose(
        augment.ada(images, given, 0.0), images, atol=5e-6
    )


def test_the_filter_is_the_wavelets():
    assert augment.SYM6.sum() == pytest.approx(np.sqrt(2.0), abs=1e-12)
    for shift in range(6):
        product = augment.SYM6[2 * shift :] @ augment.SYM6[: 12 - 2 * shift]
        assert product == pytest.approx(float(shift == 0), abs=1e-11)
    up, down = augment._upsampling(16), augment._downsampling(16)
    assert up.shape == (92, 16) and down.shape == (16, 44)
    # A constant stays one, but for the ends of the whole reflection.
    np.testing.assert_allclose(up[12:-12].sum(axis=1), 1.0, atol=0.005)
    np.testing.assert_allclose(down.sum(axis=1), 1.0, atol=1e-6)
    # The whole reflection, and the image in its middle.
    np.testing.assert_allclose(down @ up[24:68], np.eye(16), atol=1e-6)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns(turns):
    given = numbers(1, "turn", turn=(turns + 0.5) / 4.0)
    found = augment.ada(smooth(), given, 0.5)
    expected = np.rot90(smooth(), turns, (1, 2))
    # The filter is not symmetric, so that only the first is almost exact.
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_a_flip():
    found = augment.ada(smooth(), numbers(1, "flip", flip=0.7), 0.5)
    np.testing.assert_allclose(found, smooth()[:, :, ::-1], atol=0.05)
    found = augment.ada(smooth(), numbers(1, "flip", flip=0.3), 0.5)
    np.testing.assert_allclose(found, smooth(), atol=1e-5)


def test_whole_shifts_are_exact_and_continue_by_reflection():
    images = noise(1, 16, 16, 1)
    given = numbers(1, "shift", shift_x=0.5, shift_y=0.99)
    found = augment.ada(images, given, 0.5)
    padded = np.pad(images[0, ..., 0], ((2, 0), (0, 0)), "reflect")
    np.testing.assert_allclose(found[0, ..., 0], padded[:16], atol=1e-5)


def test_scale_and_stretch_are_about_the_center():
    square = np.zeros((1, 32, 32, 1), "float32")
    square[:, 12:20, 12:20] = 1.0
    # 2^(0.2 * 5) is 2.
    found = augment.ada(square, numbers(1, "scale", scale=5.0), 0.5)
    assert float(tf.reduce_sum(found)) == pytest.approx(256.0, rel=0.02)
    wide = augment.ada(square, numbers(1, "stretch", stretch=5.0), 0.5)
    # Above and below lie reflections.
    area = float(tf.reduce_sum(wide[:, 8:24]))
    assert area == pytest.approx(64.0, rel=0.05)
    assert wide[0, 16, 10, 0] > 0.8 and abs(wide[0, 10, 16, 0]) < 0.2


def test_a_rotation_is_half_as_often_before_as_after_or_both():
    # At p = 0.75 each of the two has a chance of one half.
    given = numbers(1, rotation_before=0.75, rotation_before_coin=0.49)
    turned = augment.ada(smooth(), given, 0.75)
    np.testing.assert_allclose(turned, np.rot90(smooth(), 1, (1, 2)), atol=0.05)
    given = numbers(1, rotation_before=0.75, rotation_before_coin=0.51)
    np.testing.assert_allclose(
        augment.ada(smooth(), given, 0.75), smooth(), atol=1e-5
    )


def test_colors_of_ada_by_hand():
    images = noise(2, 8, 8, 3)

    def found(*operations, **given):
        return augment.ada(images, numbers(2, *operations, **given), 0.5)

    luma = images.numpy().mean(-1, keepdims=True)
    chroma = images - luma
    for result, expected in (
        (found("brightness", brightness=2.0), images + 0.4),
        (found("contrast", contrast=2.0), 2.0 * images),
        (found("luma_flip", luma_flip=0.7), chroma - luma),
        (found("luma_flip", luma_flip=0.3), images),
        # A third of a circle: red to green, green to blue, blue to red.
        (found("hue", hue=0.5 + 1 / 3), np.roll(images, 1, -1)),
        (found("saturation", saturation=1.0), luma + 2.0 * chroma),
        (
            found("brightness", "contrast", brightness=2.0, contrast=2.0),
            2.0 * (images + 0.4),
        ),
    ):
        np.testing.assert_allclose(result, expected, atol=1e-5)
    gray = numbers(1, "hue", "saturation", "contrast", contrast=2.0)
    np.testing.assert_allclose(
        augment.ada(smooth(), gray, 0.5), 2.0 * smooth(), atol=1e-5
    )


# The layers


def adaptive(p=0.5, **arguments):
    layer = augment.AdaptiveAugmentation(**{"seed": 1, **arguments})
    layer.build((None, 8, 8, 1))
    layer.p.assign(p)
    return layer


@pytest.fixture(params=["diff_augment", "ada"])
def layer(request):
    return (
        augment.DiffAugment(seed=1) if "diff" in request.param else (adaptive())
    )


def test_images_are_unchanged_outside_of_training(layer):
    images = noise(2, 8, 8, 1)
    np.testing.assert_array_equal(layer(images), images)
    assert np.abs(layer(images, training=True) - images).max() > 0.01


def test_numbers_differ_by_image_and_by_pass(layer):
    images = tf.tile(noise(1, 8, 8, 1), (4, 1, 1, 1))
    found = [*layer(images, training=True), *layer(images, training=True)]
    for i, first in enumerate(found):
        for second in found[:i]:
            assert np.abs(first - second).max() > 1e-3


def test_a_seed_repeats(layer):
    images = noise(2, 8, 8, 1)
    again = type(layer).from_config(layer.get_config())
    again.build(images.shape)
    for variable, source in zip(again.weights, layer.weights, strict=True):
        variable.assign(source)
    np.testing.assert_array_equal(
        layer(images, training=True), again(images, training=True)
    )


def test_penalties_have_a_gradient_through_it(layer):
    images, weight = noise(2, 8, 8, 1), tf.Variable(1.5)

    def scores(images):
        seen = layer(images, training=True)
        return tf.reduce_sum(tf.tanh(weight * seen), axis=(1, 2, 3))[:, None]

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            _, squares = scores_and_squared_gradients(scores, images)
        return squares, tape.gradient(squares, weight)

    squares, found = gradient()
    assert squares.shape == (2,) and (squares.numpy() > 0).all()
    assert np.isfinite(found) and found != 0.0


def test_images_stay_float32_under_mixed_precision():
    gan = tiny.ada_dcgan(dtype="mixed_bfloat16")
    assert gan.seen(tf.zeros((2, 16, 16, 1), "bfloat16")).dtype == "float32"
    assert {v.dtype for v in gan.augment.weights} == {"float32"}


def test_bad_arguments_are_refused():
    for policy in ("", "colour", "color, cutout", None):
        with pytest.raises(ValueError, match="Received: policy="):
            augment.DiffAugment(policy)
    for name, values in {
        "target": [-0.1, 1.5, tiny.NAN],
        "kimg": [0, -1, tiny.NAN],
        "interval": [0, 1.5],
    }.items():
        for value in values:
            with pytest.raises(ValueError, match=f"Received: {name}="):
                augment.AdaptiveAugmentation(**{name: value})
    for layer in (augment.DiffAugment(), augment.AdaptiveAugmentation()):
        with pytest.raises(ValueError, match="Received: images of shape"):
            tiny.dcgan(channels=2, augment=layer)
    layer = augment.DiffAugment()
    tiny.dcgan(augment=layer)
    with pytest.raises(ValueError, match="of another model"):
        tiny.dcgan(augment=layer)


# p


def test_p_moves_by_the_images_of_four_steps_and_never_below_zero():
    layer = adaptive(p=0.0, kimg=1)
    real, doubtful = tf.fill((8, 1), 100.0), tf.constant([[-9.0], [1.0]] * 4)
    for _ in range(3):
        layer.observe(real)
    assert float(layer.p) == 0.0
    layer.observe(real)
    assert float(layer.p) == pytest.approx(0.032)
    # A mean sign of 0.75 rises, too; one of 0.5 falls.
    for negative, expected in ((1, 0.064), (2, 0.032)):
        # Their mean, -0.25 and -1.5, says nothing.
        scores = tf.where(tf.range(8) < negative, -9.0, 1.0)
        for _ in range(4):
            layer.observe(scores)
        assert float(layer.p) == pytest.approx(expected)
    for _ in range(8):
        layer.observe(doubtful)
    assert float(layer.p) == 0.0


def test_p_follows_the_scores_of_all_replicas(mirrored):
    with mirrored.scope():
        layer = adaptive(p=0.0, kimg=1, interval=1)

    @tf.function
    def step():
        def observe():
            context = tf.distribute.get_replica_context()
            first = context.replica_id_in_sync_group == 0
            # 0.75 of all, which the second replica alone would not reach.
            layer.observe(tf.where(first | (tf.range(4) > 0), 1.0, -1.0))

        mirrored.run(observe)

    step()
    assert layer.p.numpy() == pytest.approx(0.008)


# The models

BUILDERS = {
    "dcgan": tiny.dcgan,
    "wgan_gp": tiny.wgan_gp,
    "progan": tiny.progan,
    "stylegan": tiny.stylegan,
    "stylegan2": tiny.stylegan2,
    "biggan": tiny.biggan,
    "r3gan": tiny.r3gan,
}
every_builder = pytest.mark.parametrize("name", BUILDERS)


class Blank(augment.Augmentation):
    """Hides all images."""

    def augmented(self, images):
        return 0.0 * images


class Recorder(augment.Augmentation):
    """Changes nothing, and keeps what it observes."""

    def augmented(self, images):
        return images

    def observe(self, scores):
        self.scores = scores


def batch_of(gan, seed=0):
    """Returns noise of the model's shape, with labels for BigGAN."""
    images = tiny.images(4, gan.image_size, gan.channels, seed)
    return (
        (images, tiny.labels(4))
        if isinstance(gan, models.BigGAN)
        else (images,)
    )


@every_builder
def test_no_image_reaches_the_discriminator_around_it(name):
    """A step behind a blank does not depend on images, real or generated."""
    changes = {
        "stylegan2": {"path_weight": 0.0},
        "biggan": {"orthogonal_weight": 0.0, "attention_size": None},
    }
    trained = []
    for seed in (0, 1):
        keras.utils.set_random_seed(0)
        gan = BUILDERS[name](augment=Blank(), **changes.get(name, {}))
        gan.compile(
            keras.optimizers.SGD(0.1),
            keras.optimizers.SGD(0.1),
            run_eagerly=True,
        )
        for v in gan.generator.trainable_variables:
            v.assign((1.0 + seed) * v)  # Other generated images.
        before = [v.numpy() for v in gan.generator.trainable_variables]
        gan.train_on_batch(*batch_of(gan, seed))
        for old, v in zip(
            before, gan.generator.trainable_variables, strict=True
        ):
            np.testing.assert_array_equal(old, v.numpy(), v.path)
        trained.append([v.numpy() for v in gan.discriminator.weights])
    for first, second in zip(*trained, strict=True):
        np.testing.assert_array_equal(first, second)


@every_builder
def test_what_it_observes_are_the_scores_of_real_images(name):
    changes = {"critic_steps": 1} if name == "wgan_gp" else {}
    gan = BUILDERS[name](augment=Recorder(), **changes)
    gan.compile(run_eagerly=True)
    batch = batch_of(gan)
    if name == "dcgan":
        expected = gan.discriminator(batch[0], training=True)
    else:
        expected = gan.scores(*batch)
    if name == "r3gan":
        expected = expected[::2]  # The other half is for the generator's step.
    gan.train_on_batch(*batch)
    np.testing.assert_allclose(
        tf.reshape(gan.augment.scores, (-1,)),
        tf.reshape(expected, (-1,)),
        # u moves in training.
        atol=0.05 if name == "biggan" else 1e-4,
    )


def test_other_weights_keep_their_places():
    plain, with_ada = tiny.dcgan(), tiny.ada_dcgan()
    names = [v.path for v in plain.weights]
    assert [v.path for v in with_ada.weights[: len(names)]] == names
    assert len(with_ada.weights) == len(names) + 4
