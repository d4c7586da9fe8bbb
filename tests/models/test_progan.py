"""ProGAN: growth, what is reset and kept, and the two networks' identities."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import callbacks, models, penalties
from kerasgan.models.growing import Stage
from kerasgan.optimizers import Adam
from tests import tiny
from tests.reference import numpy_progressive as reference

# Most runs here end on the way.
pytestmark = pytest.mark.filterwarnings("ignore:This run ends at")


def growing(**changes):
    """4x4 for 16 images, then 32 of fading, then 8x8."""
    return tiny.progan(
        **{
            "start_resolution": 4,
            "stable_images": 16,
            "fade_images": 32,
            **changes,
        }
    )


def dataset(batches=10):
    images = tiny.images(8 * batches, size=8)
    return tf.data.Dataset.from_tensor_slices(images).batch(8, True)


def falling():
    schedule = keras.optimizers.schedules.PolynomialDecay(1e-2, 10, 0.0)
    return Adam(schedule, beta_1=0.0, beta_2=0.99)


# Identities


def test_generator_fades_from_the_resolution_below_to_its_own():
    generator = growing().generator
    latents = np.random.RandomState(0).standard_normal((3, 4))
    latents = latents.astype("float32")
    below = generator(latents, resolution=4).numpy()
    above = generator(latents, resolution=8).numpy()
    for fade in (0.0, 0.25, 1.0):
        found = generator(latents, resolution=8, fade=tf.constant(fade))
        expected = reference.fade_in(reference.upsample(below), above, fade)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(reference.upsample(below) - above).max() > 0.1


def test_discriminator_fades_from_the_resolution_below_to_its_own():
    critic = growing().discriminator
    images = tiny.images(4, size=8)
    below = critic(reference.average_pool(images).astype("float32"))
    above = critic(images)
    at = [critic(images, fade=tf.constant(fade)) for fade in (0.0, 1.0)]
    np.testing.assert_allclose(at[0], below, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(at[1], above, rtol=1e-4, atol=1e-5)
    assert np.abs(below - above).max() > 0.01


@pytest.mark.parametrize("fade", [0.0, 0.3, 1.0])
def test_real_images_fade_too(fade):
    gan = growing(image_size=16)
    images = tiny.images(2, size=16)
    found = gan.shown_images(images, Stage(8, True), tf.constant(fade))
    expected = reference.faded_real_images(reference.average_pool(images), fade)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    stable = gan.shown_images(images, Stage(8, False), None)
    np.testing.assert_allclose(
        stable, reference.average_pool(images), rtol=1e-4, atol=1e-6
    )


def test_penalty_has_a_gradient_for_every_weight():
    """A resizing without a gradient of its gradient would give None."""
    gan = growing()
    critic = functools.partial(gan.discriminator, fade=tf.constant(0.5))
    real, fake = tiny.images(4, size=8), tiny.images(4, size=8, seed=1)
    variables = gan.discriminator.trainable_variables
    with tf.GradientTape() as tape:
        loss = penalties.gradient_penalty(
            critic, real, fake, keras.random.SeedGenerator(0)
        )
    gradients = tape.gradient(loss, variables)
    # The last bias alone does not change slopes.
    without = [
        v.path for v, g in zip(variables, gradients, strict=True) if g is None
    ]
    assert without == ["score_4/bias"]


def check_critic_loss(batch_size):
    """D(fake) - D(real) + 10 * penalty + drift * D(real)^2, means of each."""
    gan = tiny.progan(drift_weight=0.5)
    gan.compile(run_eagerly=True)
    losses = {}
    gan.report = lambda **values: losses.update(values)
    gan.minimize = lambda *args: None
    real = tiny.images(batch_size, size=8)
    state = gan.seed_generator.state.numpy()
    gan.train_step(tf.constant(real))
    # The same draws again.
    gan.seed_generator.state.assign(state)
    fake = gan.generator(gan.sample_latents(batch_size))
    penalty = penalties.gradient_penalty(
        gan.discriminator, real, fake, gan.seed_generator
    )
    # Real and fake apart, so that no group of images has both.
    at_real = gan.discriminator(real).numpy()
    at_fake = gan.discriminator(fake).numpy()
    expected = at_fake.mean() - at_real.mean() + 0.5 * (at_real**2).mean()
    expected += 10.0 * np.mean(penalty)
    assert float(losses["d_loss"]) == pytest.approx(expected, rel=1e-4)
    fake = gan.generator(gan.sample_latents(batch_size))
    g_loss = -gan.discriminator(fake).numpy().mean()
    assert float(losses["g_loss"]) == pytest.approx(g_loss, rel=1e-4, abs=1e-6)


def test_critic_loss_by_hand():
    check_critic_loss(batch_size=8)


def test_critic_loss_of_a_small_batch():
    """Two real images and two fakes would make one group of four."""
    check_critic_loss(batch_size=2)


def test_only_the_present_resolution_takes_part():
    gan = growing(image_size=16)
    names = [layer.name for layer in gan.generator.active(Stage(4, False))]
    assert names == ["dense_4", "bias_4", "conv_4", "to_rgb_4"]
    names = [layer.name for layer in gan.generator.active(Stage(8, True))]
    assert {"to_rgb_4", "to_rgb_8", "conv1_8"} < set(names)
    names = [layer.name for layer in gan.discriminator.active(Stage(8, False))]
    assert "from_rgb_4" not in names
    assert not [name for name in names if "16" in name]


# Growth in training


class Watch(keras.callbacks.Callback):
    """Writes down the stage of every step."""

    def __init__(self):
        super().__init__()
        self.stages = []

    def on_train_batch_end(self, batch, logs=None):
        self.stages.append(tuple(self.model.training_stage))


def test_fit_alone_grows():
    """16 images at 4x4 are two steps, 32 of fading are four."""
    gan = growing()
    gan.compile()
    watch = Watch()
    before = gan.generator.get_layer("conv0_8").kernel.numpy()
    moments = []

    class Moments(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            optimizer = gan.generator_optimizer
            moments.append(int(optimizer.iterations))

    gan.fit(dataset(7), callbacks=[watch, Moments()], verbose=0)
    expected = [(4, False)] * 2 + [(8, True)] * 4 + [(8, False)]
    assert watch.stages == expected
    assert int(gan.images_seen) == 56
    # Reset once, when the resolution begins, and not when it has faded in.
    assert moments == [1, 2, 1, 2, 3, 4, 5]
    assert int(gan.growth.trained_resolution) == 8
    assert (gan.generator.get_layer("conv0_8").kernel.numpy() != before).all()


@pytest.mark.filterwarnings("error", "ignore:Your input ran out of data")
def test_a_run_that_is_too_short_is_named_after_the_first_step():
    gan = growing()
    gan.compile(run_eagerly=True)
    message = (
        "ends at 8x8 pixels, 50% faded in, after 32 images.*"
        r"ProGAN.over\(32, image_size=8"
    )
    with pytest.warns(UserWarning, match=message):
        history = gan.fit(dataset(2), epochs=2, verbose=0).history
    assert history["resolution"] == [8, 8]
    gan.fit(dataset(2), verbose=0)  # 48 images in all.
    # The length of a generator's epoch is known when it ends.
    gan = growing()
    gan.compile(run_eagerly=True)
    images = tf.data.Dataset.from_generator(
        lambda: iter(dataset(2)),
        output_signature=tf.TensorSpec((8, 8, 8, 1), "float32"),
    )
    with pytest.warns(UserWarning, match="after 32 images"):
        gan.fit(images, epochs=2, verbose=0)


@pytest.mark.filterwarnings("error")
def test_growth_can_take_a_whole_run():
    """4x4, 8x8, 16x16: six parts, of which 16x16 has the last two."""
    gan = models.ProGAN.over(
        96, 16, channels=1, latent_dim=4, fmap_base=16, fmap_max=4
    )
    assert (gan.stable_images, gan.fade_images) == (16, 16)
    gan.compile(run_eagerly=True)
    images = tiny.images(32, size=16)
    history = gan.fit(images, batch_size=16, epochs=3, verbose=0).history
    assert history["resolution"] == [8, 16, 16]
    assert "resolution" not in tiny.progan().loss_names
    styles = models.StyleGAN.over(64, 16, fmap_base=16, fmap_max=4)
    assert (styles.start_resolution, styles.fade_images) == (8, 16)
    for arguments in ({"images": 0}, {"image_size": 12}):
        with pytest.raises(ValueError, match="Received: "):
            models.ProGAN.over(**{"images": 9, "image_size": 16, **arguments})


def test_steps_are_counted_through_all_resolutions():
    """Keras' callbacks read them; each optimizer counts anew."""
    gan = growing()
    gan.compile(run_eagerly=True)
    gan.fit(dataset(4), verbose=0)
    assert int(gan.generator_optimizer.iterations) == 2
    assert int(gan.optimizer.iterations) == 4


def test_larger_layers_are_untouched_before_their_time():
    gan = growing()
    gan.compile()
    before = gan.generator.get_layer("conv0_8").kernel.numpy()
    gan.fit(dataset(2), verbose=0)
    after = gan.generator.get_layer("conv0_8").kernel.numpy()
    np.testing.assert_array_equal(before, after)
    assert int(gan.images_seen) == 16


def test_moments_and_rates_start_anew_with_a_resolution():
    gan = growing()
    gan.rate_factors = {8: 3.0}
    gan.compile()
    gan.fit(dataset(1), verbose=0)
    optimizer = gan.discriminator_optimizer
    kernel = [v for v in optimizer.variables if "conv_4" in v.path]
    assert len(kernel) == 4  # Two moments of kernel and bias.
    assert any(np.abs(v.numpy()).max() > 0 for v in kernel)
    gan.images_seen.assign(16)
    gan.make_train_function()
    assert all(np.abs(v.numpy()).max() == 0 for v in kernel)
    assert int(optimizer.iterations) == 0
    assert float(optimizer.learning_rate) == pytest.approx(3e-3)
    # A second look changes nothing.
    optimizer.iterations.assign(5)
    gan.make_train_function()
    assert int(optimizer.iterations) == 5
    assert float(optimizer.learning_rate) == pytest.approx(3e-3)


def test_a_schedule_goes_on_through_all_resolutions():
    gan = growing()
    gan.rate_factors = {8: 3.0}
    gan.compile(falling(), falling())
    rates = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            for optimizer in (
                gan.generator_optimizer,
                gan.discriminator_optimizer,
            ):
                rates.append(float(optimizer.learning_rate))

    gan.fit(dataset(5), callbacks=[Rates()], verbose=0)
    # The rates of the next step: the second of them is the first at 8x8.
    expected = [9e-3, 8e-3, 3 * 7e-3, 3 * 6e-3, 3 * 5e-3]
    np.testing.assert_allclose(rates, np.repeat(expected, 2), rtol=1e-5)
    assert int(gan.generator_optimizer.iterations) == 3
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(gan.generator_optimizer)
    )
    # Not a schedule around a schedule.
    gan.compile(again, gan.discriminator_optimizer)
    assert float(again.learning_rate) == pytest.approx(1e-2)
    schedule = again._learning_rate.schedule
    assert isinstance(schedule, keras.optimizers.schedules.PolynomialDecay)


@pytest.mark.slow
@pytest.mark.parametrize("epochs_before", [1, 2, 3])
def test_resumed_growth_is_the_same_to_the_last_bit(epochs_before, tmp_path):
    """Stopped before growth is due, exactly then, and in the middle of it."""
    straight = growing()
    straight.compile(falling(), falling())
    straight.fit(dataset(5), epochs=1, steps_per_epoch=epochs_before, verbose=0)
    straight.save(tmp_path / "gan.keras")
    state = {k: v.numpy() for k, v in straight.training_state().items()}
    rest = dataset(5).skip(epochs_before)
    straight.fit(rest, verbose=0)

    resumed = keras.models.load_model(tmp_path / "gan.keras")
    for name, variable in resumed.training_state().items():
        variable.assign(state[name])
    resumed.fit(rest, verbose=0)
    for name, variable in straight.training_state().items():
        np.testing.assert_array_equal(
            variable.numpy(), resumed.training_state()[name].numpy(), name
        )


@pytest.mark.slow
def test_growth_with_several_steps_for_each_execution():
    """It happens between executions: after 4 of 2 steps, not 2 of 4."""
    gan = growing(stable_images=24)
    gan.compile(steps_per_execution=2)
    watch = Watch()
    gan.fit(dataset(8), callbacks=[watch], verbose=0)
    assert watch.stages == [(4, False)] * 2 + [(8, True)] * 2
    assert int(gan.images_seen) == 64


def test_images_are_full_size_at_every_stage(tmp_path):
    gan = growing()
    latents = gan.seeded_latents(3, 4)
    small = gan.average_generator(latents, resolution=4).numpy()
    expected = np.clip(reference.upsample(small), -1, 1)
    np.testing.assert_allclose(gan(latents), expected, rtol=1e-4, atol=1e-5)
    first = gan.generate(4, seed=3)
    assert first.shape == (4, 8, 8, 1)
    # Half way into 8x8: the function compiled for 4x4 must not be used.
    gan.images_seen.assign(32)
    fade = tf.constant(0.5)
    large = gan.average_generator(latents, resolution=8, fade=fade).numpy()
    np.testing.assert_allclose(
        gan(latents), np.clip(large, -1, 1), rtol=1e-4, atol=1e-5
    )
    halfway = gan.generate(4, seed=3)
    assert (halfway != first).any()
    # The fade is a tensor: more images, the same function, other images.
    gan.images_seen.assign(40)
    assert (gan.generate(4, seed=3) != halfway).any()
    gan.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert again.due_stage() == Stage(8, True)
    np.testing.assert_array_equal(
        again.generate(4, seed=3), gan.generate(4, seed=3)
    )


def test_export_in_the_middle_of_growth(tmp_path):
    gan = growing()
    gan.images_seen.assign(32)
    gan.export(tmp_path / "1")
    served = tf.saved_model.load(tmp_path / "1").signatures["sample"](
        seed=tf.constant(3, "int64"), count=tf.constant(4)
    )["images"]
    difference = served.numpy().astype(int) - gan.generate(4, seed=3)
    assert np.abs(difference).max() <= 1


@pytest.mark.slow
def test_two_replicas_grow_alike(mirrored):
    rate = keras.optimizers.schedules.PolynomialDecay(0.1, 5, 0.0)
    trained = {}
    for strategy in (tf.distribute.get_strategy(), mirrored):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            gan = growing()
            gan.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate))
        gan.fit(dataset(4), verbose=0)
        assert int(gan.images_seen.numpy()) == 32
        assert gan.due_stage() == Stage(8, True)
        trained[strategy.num_replicas_in_sync] = gan.generator.get_weights()
    for one, two in zip(trained[1], trained[2], strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_grows_and_gets_better_at_each_resolution():
    """The distance of mean images of two classes falls as detail comes.

    Real images are one of two gratings: flat at 4x4, half there at 8x8
    and clear at 16x16. At the end of each resolution the generated images
    are nearer to the real ones than at the end of the one before.
    """
    random = np.random.RandomState(0)
    columns = np.arange(16)
    gratings = np.stack(
        [
            0.4 * np.sin(2 * np.pi * columns / 16)
            + 0.3 * np.sin(2 * np.pi * columns / 8)
            + 0.3 * np.sin(np.pi * columns / 2 + 0.7),
            -0.6 + 0.3 * np.cos(np.pi * columns / 2),
        ]
    )
    modes = np.broadcast_to(gratings[:, None, :, None], (2, 16, 16, 1))
    which = random.randint(2, size=8192)
    real = modes[which] + 0.05 * random.standard_normal((8192, 16, 16, 1))
    gan = models.ProGAN(
        16,
        1,
        latent_dim=8,
        fmap_base=128,
        fmap_max=16,
        stable_images=8192,
        fade_images=8192,
        ema_decay=0.98,
        seed=1,
    )
    gan.compile()

    def distance():
        """Returns the mean distance of each fake to the nearest image."""
        fakes = np.asarray(gan(gan.seeded_latents(0, 256)))
        errors = ((fakes[:, None] - modes) ** 2).mean((2, 3, 4))
        assert np.bincount(errors.argmin(1), minlength=2).min() > 25
        return float(np.sqrt(errors.min(1)).mean())

    distances = []
    for epochs in (1, 2, 2):
        gan.fit(
            np.clip(real, -1, 1).astype("float32"),
            batch_size=32,
            epochs=epochs,
            verbose=0,
        )
        distances.append((gan.training_stage.resolution, distance()))
    assert [resolution for resolution, _ in distances] == [4, 8, 16]
    values = [value for _, value in distances]
    assert values[0] > 1.15 * values[1] > 1.3 * values[2]


@pytest.mark.parametrize(
    ("epochs", "every", "scored"), [(6, 2, [4, 6]), (2, 1, [2])]
)
def test_it_is_scored_at_its_last_resolution(tmp_path, epochs, every, scored):
    """Or at the end of a run that is too short for it."""
    gan = growing()
    gan.compile(run_eagerly=True)
    seen = []

    def score(gan):
        # The smaller, the better.
        seen.append(int(gan.images_seen) // 16)
        return {"x": float(seen[-1])}

    path = tmp_path / "best.weights.h5"
    best = callbacks.KeepBest(path, score, every)
    log = callbacks.JSONLog(tmp_path / "log.jsonl")
    gan.fit(dataset(2), epochs=epochs, callbacks=[best, log], verbose=0)
    assert seen == scored
    assert best.best_epoch == scored[0] and path.exists()
    with_score = [n for n, e in enumerate(log.lines, 1) if '"x"' in e]
    assert with_score == scored
