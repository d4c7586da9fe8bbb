"""Spectral normalization: the singular value, its gradient and its state."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers import (
    SelfAttention,
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
    SpectralEmbedding,
    spectral,
)
from tests import tiny

MAPS = tiny.images(4, size=6, channels=5, seed=1)
# Layer, inputs, and the axis of the kernel's outputs: the rows of its matrix.
CASES = {
    "dense": (functools.partial(SpectralDense, 7), MAPS[:, 0, 0], 1),
    "conv": (functools.partial(SpectralConv2D, 7), MAPS, 3),
    "transposed": (functools.partial(SpectralConv2DTranspose, 7), MAPS, 2),
    "embedding": (
        functools.partial(SpectralEmbedding, 6, 4),
        np.array([0, 2, 5], "int32"),
        0,
    ),
}
every_layer = pytest.mark.parametrize("name", list(CASES))


def built(name, passes=0):
    """Returns a layer after some training passes, and its inputs."""
    make, inputs, _ = CASES[name]
    layer = make()
    for _ in range(1 + passes):
        layer(inputs, training=passes > 0)
    return layer, tf.constant(inputs)


def matrix(layer, name):
    """Returns the kernel with a row for each output, as in the paper."""
    kernel = np.moveaxis(layer.kernel.numpy(), CASES[name][2], 0)
    return kernel.reshape(len(kernel), -1)


@every_layer
def test_the_largest_singular_value_is_one(name):
    layer, _ = built(name, passes=200)
    expected = np.linalg.svd(matrix(layer, name), compute_uv=False)[0]
    ratio = layer.kernel.numpy() / layer.normalized_kernel(False).numpy()
    np.testing.assert_allclose(ratio, expected, rtol=1e-3)
    assert layer.u.shape == (len(matrix(layer, name)),)


@every_layer
def test_one_iteration_of_the_power_method(name):
    layer, _ = built(name)
    weights, u = matrix(layer, name), layer.u.numpy()
    v = u @ weights
    v /= np.linalg.norm(v)
    u = weights @ v
    u /= np.linalg.norm(u)
    sigma = u @ weights @ v
    ratio = layer.kernel.numpy() / layer.normalized_kernel(True).numpy()
    np.testing.assert_allclose(ratio, sigma, rtol=1e-4)
    np.testing.assert_allclose(layer.u, u, rtol=1e-4, atol=1e-6)


@every_layer
@pytest.mark.parametrize("passes", [0, 100])
def test_the_gradient_is_orthogonal_to_the_kernel(name, passes):
    """The outputs do not depend on the kernel's length; a constant sigma would
    have a gradient of cosine 0.98.
    """
    layer, inputs = built(name, passes)
    target = layer(inputs, training=False)
    noise = np.random.RandomState(0).standard_normal(target.shape)
    with tf.GradientTape() as tape:
        outputs = layer(inputs, training=True)
        # The bias is zero.
        loss = tf.reduce_sum(outputs**2 + outputs * noise.astype("float32"))
    gradient = tape.gradient(loss, layer.kernel).numpy().ravel()
    kernel = layer.kernel.numpy().ravel()
    cosine = gradient @ kernel
    cosine /= np.linalg.norm(gradient) * np.linalg.norm(kernel)
    assert abs(cosine) < 1e-5


@every_layer
def test_outputs_do_not_depend_on_the_length_of_the_kernel(name):
    layer, inputs = built(name, passes=3)
    before = layer(inputs, training=False)
    layer.kernel.assign(100.0 * layer.kernel)
    np.testing.assert_allclose(layer(inputs), before, rtol=1e-4, atol=1e-6)


@every_layer
def test_u_moves_in_training_alone(name):
    layer, inputs = built(name)
    start = layer.u.numpy()
    for training in (False, None):
        first = layer(inputs, training=training)
        second = layer(inputs, training=training)
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(layer.u, start)
    layer(inputs, training=True)
    assert (layer.u.numpy() != start).any()
    after = layer.u.numpy()
    layer.trainable = False
    layer(inputs, training=True)
    np.testing.assert_array_equal(layer.u, after)


@every_layer
def test_kernel_and_u_are_saved(name, tmp_path):
    make, inputs, _ = CASES[name]
    dtype = inputs.dtype.name
    x = keras.Input(inputs.shape[1:], dtype=dtype)
    model = keras.Model(x, make()(x))
    model(inputs, training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(inputs), again(inputs))
    layer = model.layers[-1]
    np.testing.assert_array_equal(layer.u, again.layers[-1].u)
    assert [v.name for v in layer.non_trainable_weights] == ["u"]


def test_outputs_are_those_of_the_plain_layers():
    """With sigma at one, after the kernel was divided by it."""
    for name, plain in (
        ("dense", keras.layers.Dense(7)),
        ("conv", keras.layers.Conv2D(7, 3, padding="same")),
        (
            "transposed",
            keras.layers.Conv2DTranspose(7, 4, strides=2, padding="same"),
        ),
        ("embedding", keras.layers.Embedding(6, 4)),
    ):
        layer, inputs = built(name, passes=20)
        expected = plain(inputs)
        if layer.use_bias:
            layer.bias.assign(np.arange(7.0))
            plain.bias.assign(np.arange(7.0))
        plain.weights[0].assign(layer.normalized_kernel(False))
        expected = plain(inputs)
        found = layer(inputs)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        assert layer.compute_output_shape(inputs.shape) == found.shape


def test_the_norm_of_zero_is_not_divided_by():
    layer, inputs = built("dense")
    assert np.isfinite(layer.unit(tf.zeros(3)).numpy()).all()


def test_sizes_are_refused():
    for make in (
        lambda: SpectralDense(0),
        lambda: SpectralConv2D(0),
        lambda: SpectralConv2D(1, strides=0),
        lambda: SpectralEmbedding(0, 3),
        lambda: SpectralDense(2, epsilon=-1.0),
    ):
        with pytest.raises(ValueError, match="Received"):
            make()


def test_mixed_precision_keeps_the_singular_value_in_float32():
    layer = SpectralDense(7, dtype="mixed_bfloat16")
    outputs = layer(MAPS[:, 0, 0])
    assert outputs.dtype == "bfloat16"
    assert layer.u.dtype == layer.kernel.dtype == "float32"
    assert isinstance(layer, spectral.SpectralLayer)


# Self-attention


def attention(gamma=0.5, channels=16):
    layer = SelfAttention()
    maps = tf.constant(tiny.images(3, size=4, channels=channels, seed=2))
    layer(maps)
    if gamma is not None:
        layer.gamma.assign(gamma)
    return layer, maps


def test_attention_is_the_identity_at_first():
    layer, maps = attention(gamma=None)
    with tf.GradientTape() as tape:
        outputs = layer(maps, training=True)
        loss = tf.reduce_sum(outputs**2)
    np.testing.assert_array_equal(outputs, maps)
    for weight, gradient in zip(
        layer.trainable_weights,
        tape.gradient(loss, layer.trainable_weights),
        strict=True,
    ):
        assert np.any(gradient) == (weight.name == "gamma"), weight.path


def test_attention_by_hand():
    """Each position gets a mean of pooled values, weighted over the keys."""
    layer, maps = attention()
    x = maps.numpy()

    def conv(inner, inputs):
        kernel = inner.normalized_kernel(False).numpy()[0, 0]
        return inputs @ kernel

    def pooled(y):
        return y.reshape(3, 2, 2, 2, 2, -1).max((2, 4)).reshape(3, 4, -1)

    queries = conv(layer.queries, x).reshape(3, 16, 2)
    keys, values = pooled(conv(layer.keys, x)), pooled(conv(layer.values, x))
    products = np.einsum("nqc,nkc->nqk", queries, keys)
    weights = np.exp(products)
    weights /= weights.sum(2, keepdims=True)
    mean = np.einsum("nqk,nkc->nqc", weights, values).reshape(3, 4, 4, 8)
    expected = x + 0.5 * conv(layer.outputs, mean)
    np.testing.assert_allclose(layer(maps), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("channels", "count"), [(192, 46_081), (96, 11_521)])
def test_attention_has_the_parameters_of_the_authors_code(channels, count):
    layer, _ = attention(channels=channels)
    shapes = [v.shape for v in layer.trainable_weights]
    assert sum(int(np.prod(shape)) for shape in shapes) == count
