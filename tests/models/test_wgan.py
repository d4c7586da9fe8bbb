"""WGAN: the critic's steps and bounds, and the distance it estimates."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import checkpoints, models
from tests import tiny
from tests.support import steps


def waiting(**changes):
    """Returns a compiled model whose generator updates every third batch."""
    gan = tiny.wgan(critic_steps=2, long_critic_steps=6, **changes)
    gan.compile()
    return gan


def batches(count):
    images = tiny.images(8 * count)
    return tf.data.Dataset.from_tensor_slices(images).batch(
        8, drop_remainder=True
    )


def generator_side(gan):
    """Returns all that a generator update changes."""
    return [
        v.numpy()
        for v in (
            *gan.generator.trainable_variables,
            *gan.average_generator.variables,
            *gan.generator_optimizer.variables,
        )
    ]


def before(op):
    """Returns the operations that one certainly waits for.

    Not by its own control inputs nor through an `IdentityN`, which TensorFlow's
    optimization of graphs removes.
    """
    found, seen, waiting = set(), set(), list(op.inputs)
    while waiting:
        tensor = waiting.pop()
        if tensor.ref() in seen:
            continue
        seen.add(tensor.ref())
        one = tensor.op
        found.add(one)
        inputs = list(one.inputs)
        if one.type == "IdentityN":
            inputs = [inputs[tensor.value_index]]
        waiting += inputs
        for other in one.control_inputs:
            found.add(other)
            waiting += list(other.inputs) + list(other.outputs)[:1]
    return found


def moved(first, second):
    pairs = zip(first, second, strict=True)
    return [not np.array_equal(a, b) for a, b in pairs]


def test_critic_steps_before_each_generator_update():
    """100 while fewer than 25 updates are done, and at every 500th."""
    gan = models.WGAN(16, 1, width=4)
    gan.compile()
    needed = 0
    for update in range(1100):
        needed += 100 if update < 25 or update % 500 == 0 else 5
        if update in (0, 1, 24, 25, 26, 499, 500, 501, 999, 1000, 1001):
            gan.generator_optimizer.iterations.assign(update)
            for taken, due in ((needed - 1, False), (needed, True)):
                gan.discriminator_optimizer.iterations.assign(taken)
                assert bool(gan.generator_is_due()) is due, (update, taken)


def test_the_generator_waits_in_a_long_phase():
    gan = waiting()
    critic = [v.numpy() for v in gan.discriminator.trainable_variables]
    before = generator_side(gan)
    gan.fit(batches(2), verbose=0)
    assert not any(moved(before, generator_side(gan)))
    assert int(gan.discriminator_optimizer.iterations) == 4
    after = [v.numpy() for v in gan.discriminator.trainable_variables]
    assert all(moved(critic, after))
    gan.fit(batches(1), verbose=0)
    assert int(gan.generator_optimizer.iterations) == 1
    # All but the learning rate.
    assert moved(before, generator_side(gan)).count(False) == 1


def test_a_run_stopped_in_a_long_phase_is_resumed_exactly(tmp_path):
    straight = waiting()
    straight.fit(batches(4), verbose=0)
    checkpoints.save(tmp_path, straight, 1, {})
    straight.fit(batches(4), verbose=0)
    keras.utils.set_random_seed(99)
    resumed = waiting()
    checkpoints.restore(tmp_path, resumed)
    resumed.fit(batches(4), verbose=0)
    assert int(resumed.generator_optimizer.iterations) == 2
    pairs = straight.training_state(), resumed.training_state()
    for name, variable in pairs[0].items():
        np.testing.assert_array_equal(variable, pairs[1][name], name)


def test_replicas_wait_together(mirrored):
    with mirrored.scope():
        gan = waiting()
    gan.fit(batches(4), verbose=0)
    assert gan.generator_optimizer.iterations.numpy() == 1
    assert gan.discriminator_optimizer.iterations.numpy() == 8
    for variable in gan.generator.trainable_variables:
        first, second = variable.value.values
        np.testing.assert_array_equal(first, second)


def test_step():
    """The critic ascends the difference of means, the generator its scores."""
    gan = tiny.wgan(critic_steps=1, long_critic_steps=1, clip=1e6)
    images = tf.constant(tiny.images(6))

    def discriminator_loss(latents):
        fakes = gan.generator(latents[0], training=True)
        real = gan.discriminator(images, training=True)
        fake = gan.discriminator(fakes, training=True)
        return tf.reduce_mean(fake) - tf.reduce_mean(real)

    def generator_loss(latents):
        # Of other latents than the critic's.
        fakes = gan.generator(latents[1], training=True)
        return -tf.reduce_mean(gan.discriminator(fakes, training=True))

    steps.check_step(gan, images, [6, 6], discriminator_loss, generator_loss)


def test_no_weight_is_updated_before_all_gradients():
    """The last kernel of a linear critic has a gradient without itself.

    So nothing else would delay its update until the gradients of the layers
    before have used it; see `GAN.minimize`.
    """
    gan = tiny.wgan()
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    step = tf.function(gan.train_step)
    graph = step.get_concrete_function(tf.constant(tiny.images(8))).graph
    kernel = gan.discriminator.get_layer("score").kernel.value.handle
    (handle,) = [inner for outer, inner in graph.captures if outer is kernel]
    uses = [
        use
        for read in handle.consumers()
        if read.type == "ReadVariableOp"
        for use in read.outputs[0].consumers()
        if use.name.startswith("gradient_tape")
    ]
    updates = [
        op for op in handle.consumers() if op.type == "AssignSubVariableOp"
    ]
    assert len(updates) == gan.critic_steps
    # Of each step, for real and for fake images, before its update.
    counts = sorted(len(before(op) & set(uses)) for op in updates)
    assert counts == [2, 4]


def test_every_weight_of_the_critic_is_clipped():
    """Batch normalization's scale, too, which starts at one."""
    gan = tiny.wgan(clip=0.03)
    gan.compile(None, keras.optimizers.SGD(0.01))
    gan.fit(batches(1), verbose=0)
    weights = gan.discriminator.trainable_variables
    for variable in weights:
        assert np.abs(variable).max() <= 0.03, variable.path
    gammas = [v.numpy().max() for v in weights if "gamma" in v.path]
    assert np.max(gammas) == np.float32(0.03)


class Line(models.WGAN):
    """A linear critic, and a generator of one constant image."""

    def build_networks(self):
        size = 16 * 16
        self.generator = keras.Sequential(
            [
                keras.Input((self.latent_dim,)),
                keras.layers.Dense(size, kernel_initializer="zeros"),
                keras.layers.Reshape((16, 16, 1)),
            ],
            name="generator",
        )
        self.discriminator = keras.Sequential(
            [
                keras.Input((16, 16, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(1, use_bias=False),
            ],
            name="discriminator",
        )


def test_the_linear_critic_finds_the_l1_norm():
    """Within the box the best critic has the corner -c sign(mean).

    Real images are 0, generated ones `mean`. Without clipping the estimate
    grows for ever; limited in its l2 norm it would be 0.0125.
    """
    gan = Line(16, 1, latent_dim=2, long_critic_steps=5)
    gan.compile(keras.optimizers.SGD(0.0))
    mean = np.zeros(16 * 16, "float32")
    mean[:10] = [0.5] * 5 + [-0.25] * 5
    gan.generator.layers[0].bias.assign(mean)
    step = tf.function(gan.train_step)
    for _ in range(100):
        gan.reset_metrics()
        logs = step(tf.zeros((10, 16, 16, 1)))
    assert float(logs["wasserstein"]) == pytest.approx(0.0375, rel=1e-5)
    kernel = gan.discriminator.layers[-1].kernel.numpy()[:10, 0]
    np.testing.assert_allclose(kernel, -0.01 * np.sign(mean[:10]), rtol=1e-6)


def test_the_estimate_is_that_of_the_last_critic_step():
    gan = tiny.wgan(critic_steps=3, long_critic_steps=3)
    gan.compile()
    seen = []
    minimize = gan.update_discriminators

    def recorder(tape, loss):
        seen.append(float(loss))
        minimize(tape, loss)

    gan.update_discriminators = recorder
    logs = gan.train_step(tf.constant(tiny.images(6)))
    assert float(logs["wasserstein"]) == pytest.approx(-seen[-1])
    assert float(logs["d_loss"]) == pytest.approx(np.mean(seen))


def test_every_image_is_seen_once():
    """What the critic is shown as real, in one step, is the batch."""
    gan = tiny.wgan()
    gan.compile(run_eagerly=True)
    seen = []
    critic = gan.discriminator

    def recorder(images, training=False):
        seen.append(images.numpy())
        return critic(images, training=training)

    recorder.trainable_variables = critic.trainable_variables
    gan.discriminator = recorder
    batch = tiny.images(8)
    gan.train_step(tf.constant(batch))
    # Twice real and fake, each alone, and fakes for the generator.
    assert [len(s) for s in seen] == [4] * 5
    shown = np.concatenate([seen[0], seen[2]])
    key = [tuple(i.ravel()) for i in shown]
    assert sorted(key) == sorted(tuple(i.ravel()) for i in batch)


def test_batches_that_cannot_be_divided_are_refused():
    gan = tiny.wgan(critic_steps=3)
    gan.compile()
    dataset = tf.data.Dataset.from_tensor_slices(tiny.images(16))
    with pytest.raises(ValueError, match=r"divisible by 3.*shape \(8, 16"):
        gan.fit(dataset.batch(8, drop_remainder=True), verbose=0)
    # Arrays get a batch size that can be: 3 * 64.
    with pytest.raises(ValueError, match="16 examples and batch_size=192"):
        gan.fit(tiny.images(16), verbose=0)


def test_the_epsilon_is_that_of_pytorch():
    """It adds 1e-8 to the root, Keras to what is under it."""
    for optimizer in tiny.wgan().default_optimizers():
        assert optimizer.epsilon == 1e-16


def test_the_generator_of_dense_layers():
    gan = models.MLPWGAN.paper(channels=3)
    parameters = [gan.generator.count_params()]
    assert parameters == [51_712 + 2 * 262_656 + 6_303_744]
    first = gan.generator.get_layer("hidden_1")
    assert np.abs(first.kernel).max() == pytest.approx(0.1, rel=1e-3)
    assert 0.09 < np.abs(first.bias).max() <= 0.1
    # Linear: twice the last weights, twice the image.
    latents = gan.sample_latents(2)
    before = gan.generator(latents).numpy()
    last = gan.generator.get_layer("to_image")
    last.kernel.assign(20.0 * last.kernel)
    last.bias.assign(20.0 * last.bias)
    after = gan.generator(latents).numpy()
    np.testing.assert_allclose(after, 20.0 * before, rtol=1e-4, atol=1e-5)
    assert np.abs(after).max() > 1.0


def test_the_model_of_dense_layers_is_trained_and_loaded(tmp_path):
    gan = models.MLPWGAN(
        (16, 32),
        generator_units=5,
        channels=1,
        width=4,
        latent_dim=4,
        critic_steps=2,
        long_critic_steps=2,
    )
    gan.compile()
    gan.fit(np.zeros((4, 16, 32, 1), "float32") - 1.0, batch_size=4, verbose=0)
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    made = again.generate(3, seed=0)
    assert made.shape == (3, 16, 32, 1)
    np.testing.assert_array_equal(made, gan.generate(3, seed=0))
