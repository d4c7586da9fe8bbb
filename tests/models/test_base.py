"""The base class: what its arguments, `fit`, `minimize` and `evaluate` do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import losses, models
from kerasgan.models import base
from tests import tiny


@pytest.fixture
def gan():
    return tiny.by_name("dcgan").compiled()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "Received: n=0"),
        ({"n": 2.5}, "Received: n=2.5"),
        ({"n": True}, "Received: n=True"),
        ({"n": 1, "seed": -1}, "Received: seed=-1"),
        ({"n": 1, "seed": "a"}, "Received: seed='a'"),
        ({"n": 1, "batch_size": 0}, "Received: batch_size=0"),
        ({"n": 1, "truncation": 1.5}, "Received: truncation=1.5"),
        ({"n": 1, "truncation": "0.5"}, "Received: truncation='0.5'"),
    ],
)
def test_bad_requests_for_images_are_refused(gan, arguments, message):
    with pytest.raises(ValueError, match=message):
        gan.generate(**arguments)


def test_more_images_of_a_seed_only_add(gan):
    np.testing.assert_array_equal(
        gan.generate(3, seed=5), gan.generate(9, seed=5)[:3]
    )
    assert (gan.generate(3, seed=5) != gan.generate(3, seed=6)).any()
    assert (gan.generate(3) != gan.generate(3)).any()
    gan.generate(1, seed=2**63 - 1)


@pytest.mark.parametrize(
    ("name", "mean", "condition"),
    [
        ("dcgan", 0.0, {"n": 3}),
        ("wgan_gp", 0.0, {"n": 3}),
        ("cgan", 0.0, {"n": 3}),
        ("mlp_cgan", 0.5, {"n": 3}),
        ("acgan", 0.0, {"labels": [1, 0, 1]}),
        ("gan_cls", 0.0, {"captions": ["red", "blue", "red"]}),
    ],
)
@pytest.mark.parametrize("psi", [1, 0.5, 0.0, -1.0])
def test_truncation_draws_latents_alone_to_the_mean(name, mean, condition, psi):
    gan = tiny.by_name(name).build()
    gan.run_in_batches = lambda inputs, batch_size: inputs
    whole = tf.nest.flatten(gan.generate(**condition, seed=5))
    found = gan.generate(**condition, seed=5, truncation=psi)
    latents, *others = tf.nest.flatten(found)
    expected = mean + psi * (whole[0] - mean)
    np.testing.assert_allclose(latents, expected, atol=1e-6)
    for given, untruncated in zip(others, whole[1:], strict=True):
        np.testing.assert_array_equal(given, untruncated)


def test_progan_has_no_truncation():
    gan = tiny.by_name("progan").build()
    latents = gan.seeded_latents(5, 3)
    np.testing.assert_allclose(gan(latents), gan(0.5 * latents), atol=1e-5)
    with pytest.raises(ValueError, match="Received: truncation=0.5"):
        gan.generate(3, truncation=0.5)


def test_arrays_will_do(gan):
    images = tiny.images(20)
    history = gan.fit(images, batch_size=8, epochs=2, verbose=0)
    assert int(gan.generator_optimizer.iterations) == 4
    assert len(history.history["d_loss"]) == 2


def test_data_of_no_use_are_refused(gan):
    dataset = tiny.by_name("dcgan").dataset()
    with pytest.raises(TypeError, match="Received: list"):
        gan.fit([tiny.images(8)])
    with pytest.raises(ValueError, match="already has batches"):
        gan.fit(dataset, batch_size=8)
    with pytest.raises(ValueError, match="one whole batch.*4 examples"):
        gan.fit(tiny.images(4), batch_size=8)
    with pytest.raises(ValueError, match=r"lengths \[8, 4\]"):
        gan.fit(tiny.images(8), np.zeros(4), batch_size=4)


def test_images_come_from_the_average(gan):
    before = gan.generate(2, seed=0)
    for variable in gan.generator.weights:
        variable.assign(variable * 3.0)
    np.testing.assert_array_equal(before, gan.generate(2, seed=0))


def test_minimize_takes_the_same_step_on_replicas(gan, mirrored):
    """With plain gradient descent: Adam would hide a factor of two."""
    inputs = np.linspace(-1, 1, 16).reshape(8, 2).astype("float32")
    kernels = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        with strategy.scope():
            network = keras.Sequential(
                [
                    keras.Input((2,)),
                    keras.layers.Dense(1, kernel_initializer="ones"),
                ]
            )
            optimizer = keras.optimizers.SGD(1.0)
            optimizer.build(network.trainable_variables)

        @tf.function
        def step(x, network=network, optimizer=optimizer):
            with tf.GradientTape() as tape:
                scores = network(x)
                loss = tf.reduce_mean(losses.real_loss(scores))
            gan.minimize(tape, loss, network, optimizer)

        dataset = tf.data.Dataset.from_tensor_slices(inputs).batch(8)
        for batch in strategy.experimental_distribute_dataset(dataset):
            strategy.run(step, args=(batch,))
        kernels.append(network.layers[-1].kernel.numpy())
    assert (kernels[0] != 1).all()
    np.testing.assert_allclose(kernels[0], kernels[1], rtol=1e-6)


def test_a_gradient_is_clipped_after_it_is_summed_over_replicas(gan, mirrored):
    """Keras' `global_clipnorm` would clip that of each replica."""
    inputs = np.array([[3.0, 0.0], [0.0, 4.0]], "float32")
    kernels = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        with strategy.scope():
            network = keras.Sequential(
                [keras.Input((2,)), keras.layers.Dense(1, use_bias=False)]
            )
            network.set_weights([np.zeros((2, 1))])
            optimizer = keras.optimizers.SGD(1.0)
            optimizer.build(network.trainable_variables)

        @tf.function
        def step(x, network=network, optimizer=optimizer):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(network(x))
            gan.minimize(tape, loss, network, optimizer, clip_norm=1.0)

        dataset = tf.data.Dataset.from_tensor_slices(inputs).batch(2)
        for batch in strategy.experimental_distribute_dataset(dataset):
            strategy.run(step, args=(batch,))
        kernels.append(network.layers[-1].kernel.numpy()[:, 0])
    # The whole gradient is (1.5, 2), of norm 2.5.
    for kernel in kernels:
        np.testing.assert_allclose(kernel, [0.6, 0.8], rtol=1e-6)


def test_float16_steps_over_overflow(gan):
    """A step whose gradients overflow changes nothing but the scale."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(1.0), initial_scale=1024.0
    )
    optimizer.build(network.trainable_variables)
    before = network.get_weights()

    def step(factor):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(network(tf.ones((1, 1)))) * factor
        gan.minimize(tape, loss, network, optimizer)

    step(np.inf)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert float(optimizer.dynamic_scale) == 512.0
    step(1.0)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_allclose(new, old - 1.0, rtol=1e-5)


class MeanDifference(keras.metrics.Mean):
    """How much brighter real images are; enough to see what comes in."""

    def update_state(self, real_images, fake_images):
        super().update_state(
            tf.reduce_mean(tf.cast(real_images, "float32"))
            - tf.reduce_mean(tf.cast(fake_images, "float32"))
        )


def test_evaluate_repeats_and_leaves_training_alone(gan):
    dataset = tiny.by_name("dcgan").dataset()
    gan.compile(metrics=[MeanDifference(name="difference")])
    draws = gan.seed_generator.state.numpy()
    first = gan.evaluate(dataset, verbose=0)
    np.testing.assert_array_equal(draws, gan.seed_generator.state.numpy())
    gan.seed_generator.state.assign([8, 9])  # Later in training.
    assert first == gan.evaluate(dataset, verbose=0)
    assert list(first) == ["difference"]
    fake = gan.generate(16, seed=0).astype("float64").mean()
    real = (dataset.unbatch().batch(16).get_single_element() + 1) * 127.5
    assert first["difference"] == pytest.approx(
        float(tf.reduce_mean(real)) - fake, abs=2.0
    )


class Brightness(MeanDifference):
    """A metric with several values, as precision and recall are."""

    def result(self):
        return {"mean": super().result(), "two": tf.constant(2.0)}


def test_metrics_with_several_values(gan):
    gan.compile(metrics=[Brightness(name="brightness")])
    found = gan.evaluate(tiny.by_name("dcgan").dataset(), verbose=0)
    assert list(found) == ["brightness_mean", "brightness_two"]
    assert found["brightness_two"] == 2.0


def test_evaluate_during_fit(gan):
    dataset = tiny.by_name("dcgan").dataset()
    gan.compile(metrics=[MeanDifference(name="difference")])
    history = gan.fit(dataset, validation_data=dataset, verbose=0).history
    assert "val_difference" in history


def test_evaluate_is_the_same_on_replicas(mirrored):
    dataset = tiny.by_name("dcgan").dataset()
    values = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            gan = tiny.dcgan()
            gan.compile(metrics=[MeanDifference(name="difference")])
        values.append(gan.evaluate(dataset, verbose=0)["difference"])
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_evaluate_without_metrics_says_what_to_do(gan):
    with pytest.raises(ValueError, match="compile\\(metrics="):
        gan.evaluate(tiny.by_name("dcgan").dataset())


def test_metrics_are_not_saved_with_the_model(gan, tmp_path):
    gan.compile(metrics=[MeanDifference(name="difference")])
    gan.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.generator_optimizer is not None


def test_init_arguments_come_from_all_classes():
    assert base.init_arguments(models.DCGAN) == [
        "ema_decay",
        "seed",
        "latent_dim",
        "augment",
        "image_size",
        "channels",
        "width",
        "r1_gamma",
        "use_bias",
        "synchronized",
    ]


def test_activations_are_not_recomputed():
    with (
        keras.RematScope("full"),
        pytest.raises(ValueError, match="DCGAN cannot be built in a"),
    ):
        tiny.by_name("dcgan").build()
    tiny.by_name("dcgan").build()
