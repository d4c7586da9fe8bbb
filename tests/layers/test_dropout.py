"""Dropout: the share, the mean, the stream, one mask for each replica."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan.layers.dropout import Dropout


def test_drops_the_share_and_keeps_the_mean():
    outputs = Dropout(0.25, seed=1)(tf.ones((100, 10, 10)), training=True)
    values, counts = np.unique(outputs.numpy(), return_counts=True)
    np.testing.assert_allclose(values, [0.0, 1 / 0.75], rtol=1e-6)
    # 10,000 draws: the standard deviation of the share is 0.0043.
    assert counts[0] / 10_000 == pytest.approx(0.25, abs=0.02)


def test_does_nothing_at_inference():
    inputs = np.random.RandomState(0).standard_normal((4, 3))
    np.testing.assert_array_equal(
        Dropout(0.5)(inputs), inputs.astype("float32")
    )


def test_every_call_draws_anew_and_the_stream_is_a_variable():
    layer = Dropout(0.5, seed=1)
    ones = tf.ones((1, 1000))
    (state,) = layer.variables
    start = state.numpy()
    first = layer(ones, training=True)
    second = layer(ones, training=True)
    assert (first.numpy() != second.numpy()).any()
    state.assign(start)
    np.testing.assert_array_equal(layer(ones, training=True), first)


def rows_on_replicas(layer, inputs, strategy):
    """Returns what the replicas make of their rows, put together."""
    replicas = strategy.num_replicas_in_sync
    shares = strategy.experimental_distribute_values_from_function(
        lambda context: tf.split(inputs, replicas)[
            context.replica_id_in_sync_group
        ]
    )
    results = strategy.run(lambda x: layer(x, training=True), (shares,))
    return np.concatenate(strategy.experimental_local_results(results))


def test_replicas_draw_what_one_would(mirrored):
    ones = tf.ones((8, 50))
    expected = Dropout(0.5, seed=1)(ones, training=True).numpy()
    with mirrored.scope():
        ours = Dropout(0.5, seed=1)
        keras_own = keras.layers.Dropout(0.5, seed=1)
    np.testing.assert_array_equal(
        rows_on_replicas(ours, ones, mirrored), expected
    )
    # The fault this guards against: the same mask twice.
    found = rows_on_replicas(keras_own, ones, mirrored)
    np.testing.assert_array_equal(found[:4], found[4:])
    assert (expected[:4] != expected[4:]).any()


def test_config_and_bad_rate():
    layer = Dropout(0.5, seed=3, name="here")
    assert Dropout.from_config(layer.get_config()).get_config() == (
        layer.get_config()
    )
    with pytest.raises(ValueError, match="Received: rate=1.0"):
        Dropout(1.0)
