"""The layers of ProGAN and StyleGAN against slow and obvious ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers import equalized, resampling, style
from kerasgan.layers.minibatch_stddev import MinibatchStdDev
from kerasgan.layers.pixel_norm import pixel_norm
from tests.reference import numpy_progressive as reference


def draws(*shape, seed=0):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("gain, multiplier", [(2**0.5, 1.0), (1.0, 0.01)])
def test_equalized_dense(gain, multiplier):
    layer = equalized.EqualizedDense(5, gain=gain, lr_multiplier=multiplier)
    x = draws(3, 7)
    layer(x)
    layer.bias.assign(draws(5, seed=1) / multiplier)
    expected = reference.equalized_dense(
        x, layer.kernel.numpy(), layer.bias.numpy(), gain, multiplier
    )
    same(layer(x), expected)


def test_equalized_weights_start_with_the_right_standard_deviation():
    """Stored as N(0, 1 / multiplier), so that all start alike at run time."""
    for multiplier in (1.0, 0.01):
        layer = equalized.EqualizedDense(200, lr_multiplier=multiplier)
        x = draws(400, 100)
        y = layer(x).numpy()
        assert np.std(layer.kernel) * multiplier == pytest.approx(1, rel=0.03)
        assert y.std() == pytest.approx(2**0.5, rel=0.05)


@pytest.mark.parametrize("side", [1, 3])
def test_equalized_conv(side):
    layer = equalized.EqualizedConv2D(5, kernel_size=side)
    x = draws(2, 4, 4, 3)
    layer(x)
    layer.bias.assign(draws(5, seed=1))
    expected = reference.equalized_conv(
        x, layer.kernel.numpy(), layer.bias.numpy()
    )
    same(layer(x), expected)


def test_up_conv_is_upsampling_and_convolution():
    layer = equalized.EqualizedUpConv2D(5)
    x = draws(2, 4, 4, 3)
    layer(x)
    layer.bias.assign(draws(5, seed=1))
    expected = reference.equalized_conv(
        reference.upsample(x), layer.kernel.numpy(), layer.bias.numpy()
    )
    same(layer(x), expected)


@pytest.mark.parametrize("blurred", [False, True])
def test_down_conv_is_convolution_and_pooling(blurred):
    layer = (
        equalized.EqualizedBlurDownConv2D(5)
        if blurred
        else equalized.EqualizedDownConv2D(5)
    )
    x = draws(2, 4, 4, 3)
    layer(x)
    layer.bias.assign(draws(5, seed=1))
    expected = reference.average_pool(
        reference.equalized_conv(
            reference.blur(x) if blurred else x,
            layer.kernel.numpy(),
            layer.bias.numpy(),
        )
    )
    same(layer(x), expected)


def test_resampling():
    x = draws(2, 4, 6, 3)
    same(resampling.upsample(x), reference.upsample(x))
    same(resampling.downsample(x), reference.average_pool(x))
    same(resampling.upsample(x, 4), reference.upsample(reference.upsample(x)))
    same(resampling.blur(x), reference.blur(x))


def test_gradients_of_the_blur():
    """Its own gradient stands for the general one, also for the second."""
    x, weights = tf.constant(draws(2, 4, 4, 3)), draws(2, 4, 4, 3, seed=1)
    kernel = np.outer([1, 2, 1], [1, 2, 1]).astype("float32") / 16.0
    kernel = np.tile(kernel[:, :, None, None], (1, 1, 3, 1))

    def plain(x):
        return tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "SAME")

    def gradients(smooth):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(weights * smooth(x) ** 3)
            first = inner.gradient(y, x)
            z = tf.reduce_sum(first**2)
        return first, outer.gradient(z, x)

    for found, expected in zip(
        gradients(resampling.blur), gradients(plain), strict=True
    ):
        same(found, expected)


def test_pixel_norm():
    x = 10.0 * draws(2, 3, 3, 5)
    same(pixel_norm(tf.constant(x)), reference.pixel_norm(x))
    # Squares of 300 overflow float16.
    half = pixel_norm(tf.fill((1, 4), tf.constant(300.0, "float16")))
    np.testing.assert_allclose(half, np.ones((1, 4)), rtol=1e-3)


def neighbours_apart(x, groups):
    """Orders images so that the reference's groups are of neighbours."""
    return x.reshape(groups, -1, *x.shape[1:]).swapaxes(0, 1).reshape(x.shape)


def test_minibatch_stddev():
    x = draws(8, 3, 3, 5)
    found = MinibatchStdDev(4)(x).numpy()
    expected = reference.minibatch_stddev(neighbours_apart(x, 2), 4)
    same(neighbours_apart(found, 2), expected)
    # The two groups differ, and are not told by the order of the images.
    assert found[0, 0, 0, -1] != found[4, 0, 0, -1]


def test_minibatch_stddev_of_small_and_uneven_batches():
    for count in (1, 3, 6):
        x = draws(count, 3, 3, 5)
        same(MinibatchStdDev(4)(x), reference.minibatch_stddev(x, count))


def test_minibatch_stddev_does_not_mix_batches():
    layer = MinibatchStdDev(4)
    real, fake = draws(2, 3, 3, 5), draws(2, 3, 3, 5, seed=1)
    apart = np.concatenate([layer(real), layer(fake)])
    together = np.concatenate([real, fake])
    same(layer(together, batches=2), apart)
    assert np.abs(layer(together) - apart).max() > 0.01


def test_minibatch_stddev_has_a_gradient_where_images_are_equal():
    x = tf.ones((4, 2, 2, 3))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = MinibatchStdDev(4)(x)
    assert np.isfinite(tape.gradient(y, x)).all()
    np.testing.assert_allclose(y[..., -1], np.full((4, 2, 2), 1e-4), rtol=1e-3)
    with pytest.raises(ValueError, match="group_size=1"):
        MinibatchStdDev(1)


def test_adain():
    layer = style.AdaIN()
    maps, w = 3.0 + draws(2, 4, 4, 5), draws(2, 6, seed=1)
    layer((maps, w))
    layer.style.bias.assign(draws(10, seed=2))
    expected = reference.adain(
        maps, w, layer.style.kernel.numpy(), layer.style.bias.numpy()
    )
    same(layer((maps, w)), expected)


def test_adain_of_constant_maps_is_the_shift():
    layer = style.AdaIN()
    maps, w = np.full((2, 4, 4, 3), 0.3, "float32"), draws(2, 6)
    found = layer((maps, w)).numpy()
    shift = layer.style(w).numpy()[:, None, None, 3:]
    np.testing.assert_allclose(
        found, np.broadcast_to(shift, found.shape), atol=1e-3
    )


def test_noise_is_given_or_the_layers_own():
    layer = style.Noise(seed=3)
    x, noise = draws(2, 4, 4, 5), draws(2, 4, 4, 1, seed=1)
    np.testing.assert_array_equal(layer(x, noise), x)  # It starts at zero.
    layer.scale.assign(draws(5, seed=2))
    same(layer(x, noise), x + noise * layer.scale.numpy())
    same(layer(x), x + layer.map.numpy() * layer.scale.numpy())
    # The same for every image of every batch, and for every such layer.
    same(layer(x[:1]), layer(x)[:1])
    other = style.Noise(seed=3)
    other(x)
    np.testing.assert_array_equal(other.map, layer.map)


@pytest.mark.parametrize(
    "layer",
    [
        equalized.EqualizedDense(3, 1.5, 0.5, False),
        equalized.EqualizedConv2D(3, 1, 1.5, False),
        equalized.EqualizedUpConv2D(3),
        equalized.EqualizedDownConv2D(3),
        equalized.EqualizedBlurDownConv2D(3),
        equalized.Bias(),
        MinibatchStdDev(3),
        style.Noise(5),
        style.LearnedConstant(6),
        style.AdaIN(),
    ],
    ids=lambda layer: layer.name,
)
def test_configs_come_back(layer):
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
