"""StyleGAN2: modulation, resampling, lazy regularization, presets."""

import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import latents, models, penalties, random
from kerasgan.layers import resampling
from kerasgan.layers.equalized import EqualizedSmoothDownConv2D
from kerasgan.layers.style import (
    LearnedConstant,
    ModulatedConv2D,
    ModulatedToRGB,
    ModulatedUpConv2D,
)
from kerasgan.models.stylegan2_networks import activate
from tests import tiny


def normal(*shape, seed=0, dtype="float32"):
    return np.random.RandomState(seed).standard_normal(shape).astype(dtype)


def parameters(network):
    return sum(math.prod(v.shape) for v in network.trainable_variables)


# Networks


def test_clamp():
    """Feature maps, and what each of two resolutions adds to the image."""
    gan = tiny.stylegan2(clamp=0.25)
    plain = tiny.stylegan2()
    plain.set_weights(gan.get_weights())
    styles = 3.0 * normal(4, 4, 4)
    images = gan.generator.synthesis(styles)
    assert np.abs(plain.generator.synthesis(styles)).max() > 0.6
    assert 0.3 < np.abs(images).max() <= 0.5
    assert np.abs(gan.generator.synthesis.activate(styles)).max() == 0.25
    assert gan.get_config()["clamp"] == 0.25


@pytest.fixture
def empty_weights(monkeypatch):
    """Counts need no random numbers."""

    def zeros(self, shape, dtype=None):
        return tf.zeros(shape, dtype or "float32")

    monkeypatch.setattr(keras.initializers.RandomNormal, "__call__", zeros)
    monkeypatch.setattr(models.StyleGAN2, "build_averages", lambda self: None)


COUNTS = [
    ("config-f", {"image_size": 512}, 30_276_583, 28_982_849),
    ("config-f", {"image_size": 256}, 30_034_338, 28_864_129),
    ("config-f", {"image_size": 128}, 29_328_669, 28_389_121),
    ("config-f", {"image_size": 64}, 27_032_600, 26_488_833),
    ("config-f", {"image_size": 32}, 21_523_475, 21_507_073),
    ("config-e", {}, 24_900_764, 24_038_161),
    ("paper256", {}, 24_767_458, 24_001_089),
    ("cifar", {}, 19_947_539, 20_720_641),
]


@pytest.mark.parametrize("preset, changes, generator, discriminator", COUNTS)
def test_counts(empty_weights, preset, changes, generator, discriminator):
    gan = models.StyleGAN2.paper(preset, **changes)
    assert parameters(gan.generator) == generator
    assert parameters(gan.discriminator) == discriminator


@pytest.mark.parametrize(
    "size, generator, discriminator",
    [
        (256, 23_191_522, 24_001_089),
        (128, 22_949_277, 23_882_369),
        (64, 22_243_608, 23_407_361),
        (32, 19_947_539, 21_507_073),
    ],
)
def test_counts_of_auto(empty_weights, size, generator, discriminator):
    gan = models.StyleGAN2.auto(size)
    assert parameters(gan.generator) == generator
    assert parameters(gan.discriminator) == discriminator


def test_counts_with_classes(empty_weights):
    gan = models.ConditionalStyleGAN2.paper("cifar", num_classes=10)
    assert parameters(gan.generator) == 20_215_315
    assert parameters(gan.discriminator) == 23_089_664


def test_activations_keep_the_mean_square():
    x = tf.constant(normal(100_000))
    found = tf.reduce_mean(activate(x) ** 2)
    # 2 * (1 + 0.2^2) / 2.
    assert float(found) == pytest.approx(1.04, rel=0.02)
    np.testing.assert_allclose(
        activate(tf.constant([2.0, -1.0])), np.sqrt(2) * np.array([2.0, -0.2])
    )


def test_the_constant_starts_normal():
    gan = tiny.stylegan2(channel_base=4096, channel_max=512)
    maps = gan.generator.synthesis.constant_4.maps.numpy()
    assert maps.shape == (1, 4, 4, 512)
    assert abs(maps.mean()) < 0.05 and abs(maps.std() - 1.0) < 0.05
    assert (LearnedConstant(3)(tf.zeros((2, 1))).numpy() == 1.0).all()


def test_noise_has_one_strength_for_all_channels_and_no_effect_at_first():
    gan = tiny.stylegan2()
    synthesis = gan.generator.synthesis
    scales = [w for w in synthesis.weights if w.path.endswith("scale")]
    assert [scale.shape for scale in scales] == 3 * [()]
    styles = normal(2, 4, 4)
    noises = gan.sample_noises(2, synthesis.noise_resolutions)
    before = synthesis(styles, noises).numpy()
    np.testing.assert_array_equal(synthesis(styles), before)
    for place, scale in enumerate(scales):
        scale.assign(0.5)
        after = synthesis(styles, noises).numpy()
        assert np.abs(after - before).max() > 1e-3, place
        before = after


def test_images_are_sums_over_resolutions():
    """And the image of 4x4 has the styles 0 and 1."""
    synthesis = tiny.stylegan2(channel_max=8).generator.synthesis
    synthesis.to_rgb_8.kernel.assign(tf.zeros_like(synthesis.to_rgb_8.kernel))
    styles = tf.constant(normal(2, 4, 4))
    x = synthesis.conv1_4((synthesis.constant_4(styles), styles[:, 0]))
    x = activate(x)
    coarse = synthesis.to_rgb_4((x, styles[:, 1]))
    np.testing.assert_allclose(
        synthesis(styles),
        resampling.smooth_upsample(coarse),
        rtol=1e-4,
        atol=1e-5,
    )


def test_images_have_no_bounds_in_training_but_in_use():
    gan = tiny.stylegan2()
    for network in (gan.generator, gan.average_generator):
        network.synthesis.to_rgb_8.bias.assign([5.0])
    assert float(tf.reduce_min(gan.generator(gan.seeded_latents(0, 2)))) > 1.0
    assert (gan.generate(2, seed=0) == 255).all()


def test_blocks_of_the_discriminator_are_residual():
    images = tiny.images(8, size=8)
    gan = tiny.stylegan2()
    network = gan.discriminator
    assert network.skip_8.use_bias is False
    x = activate(network.from_rgb_8(images))
    skipped = network.skip_8(resampling.smooth_downsample(x))
    x = activate(network.conv1_8(activate(network.conv0_8(x))))
    x = network.stddev_4((x + skipped) / math.sqrt(2))
    x = tf.reshape(activate(network.conv_4(x)), (8, -1))
    expected = network.score_4(activate(network.dense_4(x)))
    np.testing.assert_allclose(network(images), expected, rtol=1e-4, atol=1e-5)
    plain = tiny.stylegan2(residual=False).discriminator
    assert not [w.path for w in plain.weights if "skip" in w.path]
    assert plain(images).shape == (8, 1)


# Modulation


def built(layer, maps=6, size=8, style_dim=5):
    layer.build(((None, size, size, maps), (None, style_dim)))
    return layer


def fused(layer, images, w):
    """Scales the weights of each image, as in equations 1 and 3."""
    style = layer.style(w).numpy()
    kernel = layer.kernel.numpy()
    kernel = kernel / np.sqrt(np.prod(kernel.shape[:3]))
    outputs = []
    for image, scales in zip(images, style, strict=True):
        own = kernel * scales[None, None, :, None]
        own /= np.sqrt((own**2).sum((0, 1, 2)) + 1e-8)
        outputs.append(layer.convolve(image[None], tf.constant(own))[0])
    return np.stack(outputs)


@pytest.mark.parametrize("kind", [ModulatedConv2D, ModulatedUpConv2D])
def test_scaling_maps_is_scaling_weights(kind):
    layer = built(kind(6, dtype="float64"))
    images = normal(3, 8, 8, 6, dtype="float64")
    w = normal(3, 5, seed=1, dtype="float64")
    np.testing.assert_allclose(
        layer((images, w)), fused(layer, images, w), rtol=1e-6, atol=1e-6
    )


def test_demodulation_takes_out_the_size_of_styles():
    layer = built(ModulatedConv2D(4))
    images, w = normal(3, 8, 8, 6), normal(3, 5, seed=1)
    before = layer((images, w)).numpy()
    for weight in layer.style.weights:
        weight.assign(7.0 * weight)
    np.testing.assert_allclose(layer((images, w)), before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [ModulatedConv2D, ModulatedUpConv2D])
def test_outputs_have_unit_variance(kind):
    layer = built(kind(64), maps=64, size=16)
    images, w = normal(8, 16, 16, 64), normal(8, 5, seed=1)
    found = layer((images, w)).numpy()[:, 3:-3, 3:-3]
    if kind is ModulatedConv2D:
        assert found.std() == pytest.approx(1.0, rel=0.02)
        assert (np.abs(found.std((0, 1, 2)) - 1.0) < 0.15).all()
    else:  # Smoothed, which takes some of it.
        assert 0.5 < found.std() < 1.1


def test_styles_start_at_one():
    layer = built(ModulatedConv2D(4))
    np.testing.assert_array_equal(layer.style.bias, np.ones(6))
    np.testing.assert_array_equal(
        layer.style(tf.zeros((1, 5))), np.ones((1, 6))
    )


def test_colors_are_modulated_but_not_normalized():
    layer = built(ModulatedToRGB(3))
    images, w = normal(2, 8, 8, 6), normal(2, 5, seed=1)
    layer.bias.assign([0.1, 0.2, 0.3])
    style = layer.style(w).numpy()
    kernel = layer.kernel.numpy()[0, 0] / np.sqrt(6)
    expected = (images * style[:, None, None]) @ kernel + [0.1, 0.2, 0.3]
    np.testing.assert_allclose(
        layer((images, w)), expected, rtol=1e-4, atol=1e-5
    )


# Resampling


def test_constants_at_the_borders():
    ones = tf.ones((1, 8, 8, 1))
    up = resampling.smooth_upsample(ones)[0, :, :, 0].numpy()
    down = resampling.smooth_downsample(ones)[0, :, :, 0].numpy()
    for found, edge in ((up, 0.75), (down, 0.875)):
        assert (found[1:-1, 1:-1] == 1.0).all()
        assert (found[0, 1:-1] == edge).all() and (
            found[1:-1, -1] == edge
        ).all()
        assert found[0, 0] == found[-1, -1] == found[0, -1] == edge**2
    assert up.shape == (16, 16) and down.shape == (4, 4)


def test_upsampling_weighs_neighbours_three_to_one():
    row = tf.reshape(tf.constant([0.0, 0.0, 4.0, 0.0, 0.0]), (1, 1, 5, 1))
    tall = tf.repeat(row, 5, axis=1)
    found = resampling.smooth_upsample(tall)[0, 4, :, 0]
    np.testing.assert_allclose(found, [0, 0, 0, 1, 3, 3, 1, 0, 0, 0])


def test_upsampling_convolutions_keep_the_mean():
    """A variance sixteen times smaller in each block, otherwise."""
    layer = built(ModulatedUpConv2D(1), maps=1)
    layer.style.kernel.assign(tf.zeros_like(layer.style.kernel))
    layer.kernel.assign(np.ones((3, 3, 1, 1)))
    found = layer((tf.ones((1, 8, 8, 1)), tf.zeros((1, 5))))
    # Nine weights of 1 / 3 after demodulation.
    np.testing.assert_allclose(found[0, 4:-4, 4:-4, 0], 3.0, rtol=1e-5)


def test_the_convolution_down_is_a_filter_and_every_second_pixel():
    layer = EqualizedSmoothDownConv2D(2, gain=1.0)
    images = normal(2, 8, 8, 3)
    found = layer(images)
    smooth = resampling.smooth(images, 2, 2)  # 9x9.
    kernel = layer.kernel / math.sqrt(27)
    full = tf.nn.conv2d(smooth, kernel, 1, "VALID")
    np.testing.assert_allclose(found, full[:, ::2, ::2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "function",
    [
        resampling.smooth_upsample,
        resampling.smooth_downsample,
        functools.partial(resampling.smooth, before=2, after=2),
        functools.partial(resampling.smooth, before=2, after=1),
    ],
)
def test_gradients_are_the_adjoints_of_any_order(function):
    maps = tf.constant(normal(2, 4, 6, 3))
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            tape.watch(maps)
            outputs = function(maps)
        weights = tf.constant(normal(*outputs.shape, seed=1))
        outer.watch(weights)
        gradient = tape.gradient(outputs, maps, weights)
    other = tf.constant(normal(*maps.shape, seed=2))
    second = outer.gradient(gradient, weights, other)
    np.testing.assert_allclose(second, function(other), rtol=1e-4, atol=1e-5)
    assert float(tf.reduce_sum(outputs * weights)) == pytest.approx(
        float(tf.reduce_sum(maps * gradient)), rel=1e-4
    )


# Penalties, in a fraction of the steps


def caught(gan, function, *arguments):
    """Returns the losses that a part of the step minimizes, with gradients."""
    found = []

    def catch(tape, loss, networks, optimizer):
        variables = [v for n in networks for v in n.trainable_variables]
        gradients = tape.gradient(loss, variables)
        paths = [variable.path for variable in variables]
        found.append((float(loss), dict(zip(paths, gradients, strict=True))))

    gan.minimize = catch
    function(*arguments)
    return found


def eager(build=tiny.stylegan2, **changes):
    gan = build(**changes)
    gan.compile(run_eagerly=True)
    return gan


def test_lengths_of_a_linear_synthesis():
    """|J^T y| for images that are a matrix times the styles."""
    matrix = normal(3 * 4, 2 * 2 * 1).reshape(3, 4, 4)  # Layers, w, pixels.
    styles = tf.constant(normal(5, 3, 4, seed=1))
    generator = keras.random.SeedGenerator(3)
    state = generator.state.numpy()

    def synthesis(styles):
        images = tf.einsum("blw,lwp->bp", styles, matrix)
        return tf.reshape(images, (-1, 2, 2, 1))

    _, lengths = penalties.path_lengths(synthesis, styles, generator)
    generator.state.assign(state)
    directions = random.normal(generator, (5, 2, 2, 1)).numpy().reshape(5, 4)
    products = np.einsum("lwp,bp->blw", matrix, directions / 2.0)
    expected = np.sqrt((products**2).sum(2).mean(1))
    np.testing.assert_allclose(lengths, expected, rtol=1e-5)


def test_path_length_penalty_by_hand():
    gan = eager(path_weight=3.0, path_interval=5)
    gan.progress.path_length.assign(0.5)
    lengths = []
    plain = penalties.path_lengths

    def record(*arguments):
        images, found = plain(*arguments)
        lengths.append(found.numpy())
        return images, found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kerasgan.models.stylegan2.path_lengths", record)
        ((loss, gradients),) = caught(gan, gan.regularize_generator, 8, None)
    (lengths,) = lengths
    assert lengths.shape == (4,)  # Half of the batch.
    mean = 0.5 + 0.01 * (lengths.mean() - 0.5)
    assert float(gan.progress.path_length) == pytest.approx(mean)
    expected = 5 * 3 * ((lengths - mean) ** 2).mean()
    assert loss == pytest.approx(expected, rel=1e-4)
    # It reaches all of the synthesis, but the biases of the image.
    zero = [p for p, g in gradients.items() if not np.any(g.numpy())]
    assert [p for p in zero if "noise" not in p] == [
        "to_rgb_4/bias",
        "to_rgb_8/bias",
    ]


def test_the_share_of_a_batch_in_the_mean_has_a_gradient():
    gan = eager()
    gan.path_decay = 0.5
    factor = tf.Variable(2.0)
    gradients = []

    def lengths(synthesis, styles, seed_generator):
        return synthesis(styles), factor * tf.constant([1.0, 2.0, 3.0, 4.0])

    def record(tape, loss):
        gradients.append(float(tape.gradient(loss, factor)))

    gan.update_generators = record
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kerasgan.models.stylegan2.path_lengths", lengths)
        gan.regularize_generator(8, None)
    # The mean is half of 2.5 factors; 4 steps, weight 2.
    squares = (np.array([1.0, 2.0, 3.0, 4.0]) - 1.25) ** 2
    assert gradients == [pytest.approx(4 * 2 * 2 * 2.0 * squares.mean())]


def test_r1_by_hand():
    gan = eager(r1_gamma=6.0, r1_interval=7)
    real = tf.constant(tiny.images(8, size=8))
    ((loss, gradients),) = caught(gan, gan.regularize_discriminator, real, None)
    r1 = penalties.r1_penalty(gan.scores, real).numpy().mean()
    assert loss == pytest.approx(7 * 3.0 * r1, rel=1e-4)
    zero = [p for p, g in gradients.items() if not np.any(g.numpy())]
    # After the standard deviation of the batch all is linear in pieces.
    assert zero == ["conv_4/bias", "dense_4/bias", "score_4/bias"]


def test_an_interval_of_one_is_the_plain_penalty():
    gan = eager(r1_gamma=6.0, r1_interval=1)
    real = tf.constant(tiny.images(8, size=8))
    ((loss, _),) = caught(gan, gan.regularize_discriminator, real, None)
    r1 = penalties.r1_penalty(gan.scores, real).numpy().mean()
    assert loss == pytest.approx(3.0 * r1, rel=1e-4)


def test_losses_by_hand():
    gan = eager(r1_gamma=0.0, path_weight=0.0)
    real, fake = tiny.images(8, size=8), tiny.images(8, size=8, seed=1)
    gan.synthesize = lambda styles: tf.constant(fake)
    losses = {}
    gan.report = lambda **values: losses.update(values)
    gan.minimize = lambda *arguments: None
    at_real, at_fake = gan.scores(real).numpy(), gan.scores(fake).numpy()
    gan.train_step(tf.constant(real))
    expected = np.log1p(np.exp(at_fake)) + np.log1p(np.exp(-at_real))
    assert float(losses["d_loss"]) == pytest.approx(expected.mean(), rel=1e-4)
    assert float(losses["g_loss"]) == pytest.approx(
        np.log1p(np.exp(-at_fake)).mean(), rel=1e-4
    )


def test_penalties_come_every_fourth_and_every_sixteenth_step():
    gan = tiny.stylegan2()
    gan.compile()
    counts = []
    for images in tf.split(tf.constant(tiny.images(9 * 4, size=8)), 9):
        gan.train_on_batch(images)
        optimizers = gan.optimizers()
        counts.append([int(optimizer.iterations) for optimizer in optimizers])
    # Of the generator in steps 0, 4 and 8, of the discriminator in step 0.
    of_generator, of_discriminator = zip(*counts, strict=True)
    assert of_generator == (2, 3, 4, 5, 7, 8, 9, 10, 12)
    assert of_discriminator == (2, 3, 4, 5, 6, 7, 8, 9, 10)
    assert int(gan.progress.steps) == 9
    assert int(gan.progress.images_seen) == 36
    gan.progress.steps.assign(16)
    gan.train_on_batch(images)
    assert [int(o.iterations) for o in gan.optimizers()] == [14, 12]


def test_weights_of_zero_leave_the_penalties_out():
    gan = eager(path_weight=0.0, r1_gamma=0.0)
    gan.train_on_batch(tiny.images(4, size=8))
    assert [int(o.iterations) for o in gan.optimizers()] == [1, 1]
    assert float(gan.progress.path_length) == 0.0


def test_rates_and_decays_are_corrected_for_the_second_updates():
    generator, discriminator = tiny.stylegan2().default_optimizers()
    assert float(generator.learning_rate) == pytest.approx(0.0016)
    assert generator.beta_2 == pytest.approx(0.99199, abs=1e-5)
    assert float(discriminator.learning_rate) == pytest.approx(0.0018824, 1e-4)
    assert discriminator.beta_2 == pytest.approx(0.99059, abs=1e-5)
    # Also without a penalty of the generator, as in the authors' code.
    generator, _ = tiny.stylegan2(
        path_weight=0.0, learning_rate=0.0025
    ).default_optimizers()
    assert float(generator.learning_rate) == pytest.approx(0.002)


# Averages


@pytest.mark.parametrize(
    "seen, expected",
    [(0, 0.0), (100, 0.5 ** (16 / 5.0)), (10**6, 0.5 ** (16 / 10_000))],
)
def test_the_half_life_is_ramped(seen, expected):
    gan = tiny.stylegan2(ema_ramp=0.05)
    gan.progress.images_seen.assign(seen)
    found = float(gan.decay_after(tf.constant(16)))
    assert found == pytest.approx(expected, abs=1e-6)
    plain = tiny.stylegan2().decay_after(tf.constant(16))
    assert float(plain) == pytest.approx(0.5 ** (16 / 10_000))


def test_the_average_has_the_noise_and_the_average_w_of_the_generator():
    gan = eager(ema_decay=0.5)
    gan.train_step(tf.constant(tiny.images(8, size=8)))
    pairs = zip(
        gan.generator.weights, gan.average_generator.weights, strict=True
    )
    for weight, average in pairs:
        equal = (weight.numpy() == average.numpy()).all()
        assert equal == (not weight.trainable), weight.path


def test_the_average_w_follows_the_unmixed_w():
    gan = eager(mixing_chance=1.0)
    seen = []
    mapping = gan.generator.mapping

    def record(latents, labels):
        w = mapping(latents, labels)
        seen.append(w.numpy())
        return w

    gan.generator.__dict__["mapping"] = record
    gan.generator.average_w.assign([1.0, 2.0, 3.0, 4.0])
    gan.training_styles(4, None)
    expected = [1.0, 2.0, 3.0, 4.0] + 0.005 * (
        seen[0].mean(0) - [1.0, 2.0, 3.0, 4.0]
    )
    for network in (gan.generator, gan.average_generator):
        np.testing.assert_allclose(network.average_w, expected, rtol=1e-5)


# Styles


def test_training_mixes_two_styles():
    gan = tiny.stylegan2(mixing_chance=1.0)
    styles = gan.training_styles(3, None).numpy()
    assert (styles[:, 0] != styles[:, -1]).all()
    gan = tiny.stylegan2(mixing_chance=0.0)
    styles = gan.training_styles(3, None).numpy()
    assert (styles == styles[:, :1]).all()


def test_truncation_moves_all_layers_to_the_average():
    gan = tiny.stylegan2()
    gan.average_generator.average_w.assign(normal(4))
    z = gan.seeded_latents(3, 5)
    plain = gan.styles(z).numpy()
    found = gan.styles(z, truncation=tf.fill((5,), 0.7)).numpy()
    np.testing.assert_allclose(
        found, normal(4) + 0.7 * (plain - normal(4)), rtol=1e-5, atol=1e-6
    )
    images = gan.generate(6, seed=1, truncation=0.0)
    assert (images == images[:1]).all()
    np.testing.assert_array_equal(
        gan.generate(6, seed=1, truncation=1.0), gan.generate(6, seed=1)
    )


def test_styles_of_images_are_mixed_by_resolution():
    gan = tiny.stylegan2(image_size=16)
    synthesis = gan.average_generator.synthesis
    assert synthesis.style_resolutions == [4, 8, 8, 16, 16, 16]
    assert latents.mix_styles(gan, [0], [1, 2]).shape == (1, 2, 16, 16, 1)
    rows = latents.truncation_row(gan, 0, [1.0, 0.0])
    assert rows.shape == (1, 2, 16, 16, 1)
    with pytest.raises(ValueError, match="no classes"):
        latents.truncation_row(tiny.conditional_stylegan2(), 0, [1.0])


# Classes


def test_labels_choose_image_and_score():
    gan = tiny.conditional_stylegan2(class_names=("a", "b", "c"))
    z = tf.repeat(gan.seeded_latents(0, 1), 3, axis=0)
    w = gan.generator.mapping(z, tf.constant([0, 1, 1])).numpy()
    assert np.abs(w[0] - w[1]).max() > 1e-3
    np.testing.assert_allclose(w[1], w[2], rtol=1e-5)
    assert gan.generate(labels=["a", "b", 1], seed=0).shape == (3, 8, 8, 1)
    real, labels = (
        tf.constant(tiny.images(4, size=8)),
        tf.constant([2, 0, 1, 1]),
    )
    network = gan.discriminator
    products = network.outputs(real) * network.mapping(None, labels)
    np.testing.assert_allclose(
        gan.scores(real, labels),
        tf.reduce_sum(products, 1) / 2.0,  # Of four features.
        rtol=1e-5,
    )


def test_latents_and_labels_are_normalized_apart():
    mapping = tiny.conditional_stylegan2(mapping_layers=1).generator.mapping
    z, labels = normal(3, 4), tf.constant([0, 1, 2])
    before = mapping(z, labels).numpy()
    np.testing.assert_allclose(mapping(9.0 * z, labels), before, rtol=1e-4)
    for weight in mapping.classes.weights:
        weight.assign(5.0 * weight)
    np.testing.assert_allclose(mapping(z, labels), before, rtol=1e-4)


# Presets


def test_presets_are_the_authors(empty_weights):
    def settings(gan):
        return (
            gan.image_size,
            gan.learning_rate,
            gan.r1_gamma,
            gan.group_size,
            round(32 * math.log(0.5) / math.log(gan.ema_decay)),
            gan.ema_ramp,
            gan.mapping_layers,
        )

    paper, auto = models.StyleGAN2.paper, models.StyleGAN2.auto
    small = {"channel_max": 2}
    assert settings(paper(**small)) == (1024, 0.002, 10, 4, 10_000, None, 8)
    assert settings(paper("paper256", **small)) == (
        *(256, 0.0025, 1, 8, 20_000, None, 8),
    )
    assert settings(paper("paper512", **small)) == (
        *(512, 0.0025, 0.5, 8, 20_000, None, 8),
    )
    assert settings(paper("paper1024", **small)) == (
        *(1024, 0.002, 2, 4, 10_000, None, 8),
    )
    cifar = paper("cifar", **small)
    assert settings(cifar) == (32, 0.0025, 0.01, 32, 500_000, 0.05, 2)
    assert (cifar.path_weight, cifar.mixing_chance) == (0.0, 0.0)
    assert not cifar.residual
    found = auto(64, batch_size=64, **small)
    assert settings(found) == (64, 0.0025, 0.0128, 4, 20_000, 0.05, 2)
    assert auto(1024, **small).learning_rate == 0.002
    with pytest.raises(ValueError, match="Received: preset='ffhq'"):
        paper("ffhq")
