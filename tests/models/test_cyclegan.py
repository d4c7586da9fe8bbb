"""CycleGAN: counts, the step's terms, the pools, the learning rate."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import checkpoints, data, models
from kerasgan.models.rates import RateByEpoch
from kerasgan.schedules import linear_decay
from tests import tiny
from tests.support import translation
from tests.support.translation import assert_unchanged, still, values


def build(image_size=24, **changes):
    return tiny.cyclegan(
        **{"image_size": image_size, "pool_size": 2, **changes}
    )


def noise(count, size=24, seed=0):
    return tiny.images(count, size, channels=3, seed=seed)


# The networks.


def test_batches_are_separate_with_batch_normalization():
    gan = build(normalization="batch")
    network = gan.generator_ab
    first, second = noise(2), 3.0 * noise(2, seed=1)
    both = gan.together(network, first, second)
    for batch, found in zip((first, second), both, strict=True):
        expected = network(batch, training=True)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_patches_of_the_paper():
    gan = models.CycleGAN.paper(width=1)
    for discriminator in gan.discriminators:
        shape = discriminator.compute_output_shape((1, 256, 256, 3))
        assert shape == (1, 30, 30, 1)


@pytest.mark.parametrize("size, blocks", [(128, 6), (256, 9), (512, 9)])
def test_paper_has_6_blocks_below_256(size, blocks):
    gan = models.CycleGAN.paper(image_size=size, width=1, pool_size=0)
    names = [layer.name for layer in gan.generator_ab.layers]
    assert sum(name.startswith("add_") for name in names) == blocks


@pytest.mark.parametrize("size", [24, 28, 36])
def test_generators_keep_the_size(size):
    outputs = build().generator_ab(noise(1, size))
    assert outputs.shape == (1, size, size, 3)
    assert np.abs(outputs).max() <= 1


# The step.


def l1(first, second):
    return np.abs(np.asarray(first) - np.asarray(second)).mean()


def step(gan, a, b):
    logs = gan.train_step((tf.constant(a), tf.constant(b)))
    return {name: float(value) for name, value in logs.items()}


@pytest.mark.parametrize("identity_weight", [0.5, 0.0])
def test_loss_terms(identity_weight, monkeypatch):
    gan = still(build(cycle_weight=3.0, identity_weight=identity_weight))
    seen = {}
    for name in gan.discriminator_names:
        network = getattr(gan, name)
        # Scores of zero: 1 away from real, 0 away from fake.
        score = network.get_layer("score")
        score.kernel.assign(tf.zeros_like(score.kernel))

        def call(images, judge=network.call, name=name, **kwargs):
            seen.setdefault(name, []).append(images.numpy())
            return judge(images, **kwargs)

        monkeypatch.setattr(network, "call", call)
    a, b = noise(2), noise(2, seed=1)
    logs = step(gan, a, b)

    fake_b, fake_a = gan.generator_ab(a), gan.generator_ba(b)
    cycle = l1(gan.generator_ba(fake_b), a) + l1(gan.generator_ab(fake_a), b)
    identity = l1(gan.generator_ba(a), a) + l1(gan.generator_ab(b), b)
    if not identity_weight:
        identity = 0.0
    assert logs["cycle_loss"] == pytest.approx(cycle, rel=1e-4)
    assert logs["identity_loss"] == pytest.approx(identity, rel=1e-4)
    # Two adversarial terms of 1.
    assert logs["g_loss"] == pytest.approx(
        2.0 + 3.0 * (cycle + identity_weight * identity), rel=1e-4
    )
    # Two discriminators, 1 for the real and 0 for the fake, halved.
    assert logs["d_loss"] == pytest.approx(1.0, rel=1e-4)
    # First the translations alone, then the real images with them. The
    # pool is filling, so that they are the new ones.
    for name, real, fake in (
        ("discriminator_a", a, fake_a),
        ("discriminator_b", b, fake_b),
    ):
        for found, expected in zip(
            seen[name], (fake, np.concatenate([real, fake])), strict=True
        ):
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_each_optimizer_moves_its_own_networks():
    gan = build()
    gan.compile(
        keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.1), run_eagerly=True
    )
    generators = [v for g in gan.generators for v in g.trainable_variables]
    before = values(generators)
    kernels = [d.get_layer("conv_0").kernel for d in gan.discriminators]
    kernels_before = values(kernels)
    step(gan, noise(1), noise(1, seed=1))
    assert_unchanged(before, generators)
    for old, kernel in zip(kernels_before, kernels, strict=True):
        assert (old != kernel.numpy()).any()


def test_discriminators_see_earlier_translations_again(monkeypatch):
    gan = still(build(pool_size=1))
    shown = []
    judge = gan.discriminator_a.call

    def call(images, **kwargs):
        shown.append(images.numpy())
        return judge(images, **kwargs)

    monkeypatch.setattr(gan.discriminator_a, "call", call)
    fakes = []
    for number in range(8):
        b = noise(1, seed=number)
        step(gan, noise(1), b)
        fakes.append(np.asarray(gan.generator_ba(b)))
    ages = []
    for number, images in enumerate(shown[1::2]):
        distances = [l1(images[1:], fake) for fake in fakes]
        assert min(distances) < 1e-5
        ages.append(number - int(np.argmin(distances)))
    assert min(ages) == 0 and max(ages) > 0


def test_a_constant_image_does_no_harm():
    gan = build()
    gan.compile(run_eagerly=True)
    black = np.full((1, 24, 24, 3), -1, "float32")
    for _ in range(2):
        assert all(math.isfinite(v) for v in step(gan, black, black).values())
    assert all(np.isfinite(v.numpy()).all() for v in gan.trainable_variables)


# The pools.


def fill_pools(gan, strategy):
    """Puts other images into each replica's pools."""

    def fill():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        for number, pool in enumerate((gan.pool_a, gan.pool_b)):
            value = tf.cast(10 * number + replica, "float32")
            pool.images.assign(tf.fill(pool.images.shape, value))
            pool.filled.assign(2)

    strategy.run(fill)


def pool_contents(gan, strategy):
    """Returns the first number in each pool of each replica, and the count."""

    def look():
        return [
            (pool.images[0, 0, 0, 0], pool.filled + 0)
            for pool in (gan.pool_a, gan.pool_b)
        ]

    return [
        [float(x) for x in strategy.experimental_local_results(value)]
        for value in tf.nest.flatten(strategy.run(look))
    ]


def test_a_checkpoint_keeps_the_pools_of_all_replicas(mirrored, tmp_path):
    with mirrored.scope():
        gan, again = build(), build()
        gan.compile()
        again.compile()
    fill_pools(gan, mirrored)
    expected = [[0.0, 1.0], [2.0, 2.0], [10.0, 11.0], [2.0, 2.0]]
    assert pool_contents(gan, mirrored) == expected
    checkpoints.save(tmp_path, gan, 1, {})
    checkpoints.restore(tmp_path, again)
    assert pool_contents(again, mirrored) == expected


def test_a_saved_model_keeps_its_pools(tmp_path):
    gan = build()
    gan.compile()
    fill_pools(gan, tf.distribute.get_strategy())
    gan.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert pool_contents(again, tf.distribute.get_strategy()) == [
        [0.0],
        [2.0],
        [10.0],
        [2.0],
    ]


# The learning rate.


def rates(gan):
    return [
        float(o.learning_rate)
        for o in (gan.generator_optimizer, gan.discriminator_optimizer)
    ]


def rates_by_epoch(gan, epochs, first=0):
    """Runs the callback that `fit` adds, without the steps."""
    (decay,) = gan.training_callbacks()
    decay.set_model(gan)
    decay.set_params({"epochs": epochs})
    decay.on_train_begin()
    found = []
    for epoch in range(first, epochs):
        decay.on_epoch_begin(epoch)
        first_rate, second_rate = rates(gan)
        assert first_rate == second_rate
        found.append(first_rate / 2e-4)
    decay.on_train_end()
    return found


def test_rate_is_constant_for_100_epochs_and_falls_for_100():
    gan = build()
    gan.compile()
    shares = rates_by_epoch(gan, 200)
    assert shares[:100] == pytest.approx(100 * [1.0])
    # The PyTorch release: 1 - max(0, epoch + 1 - 100) / 101.
    assert shares[100:] == pytest.approx(
        [1 - (epoch - 99) / 101 for epoch in range(100, 200)]
    )
    assert rates(gan) == pytest.approx([2e-4, 2e-4])


@pytest.mark.parametrize(
    "decay_epochs, epochs, shares",
    [
        (None, 1, [1]),
        (None, 4, [1, 1, 2 / 3, 1 / 3]),
        (None, 5, [1, 1, 1, 2 / 3, 1 / 3]),
        (1, 4, [1, 1, 1, 1 / 2]),
        (0, 3, [1, 1, 1]),
        (3, 3, [3 / 4, 1 / 2, 1 / 4]),
    ],
)
def test_rate_is_relative_to_the_epochs_of_fit(decay_epochs, epochs, shares):
    gan = build(decay_epochs=decay_epochs)
    gan.compile()
    assert rates_by_epoch(gan, epochs) == pytest.approx(shares)
    # A run that goes on later comes to the same rates, and so does another.
    assert rates_by_epoch(gan, epochs, 1) == pytest.approx(shares[1:])
    assert rates_by_epoch(gan, epochs) == pytest.approx(shares)


def test_linear_decay_by_hand():
    assert linear_decay(99, 200, 100) == 1.0
    assert linear_decay(100, 200, 100) == 1 - 1 / 101
    assert linear_decay(199, 200, 100) == pytest.approx(1 / 101)


def test_fit_adds_the_decay_and_puts_the_rate_back(monkeypatch):
    gan = build(decay_epochs=2)
    gan.compile()
    monkeypatch.setattr(gan, "make_train_function", lambda **_: None)
    gan.train_function = lambda iterator: {"d_loss": next(iterator)[0][0, 0, 0]}
    found = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: found.append(rates(gan)[0] / 2e-4)
    )
    gan.fit(
        noise(2), noise(2), batch_size=2, epochs=3, callbacks=[watch], verbose=0
    )
    assert found == pytest.approx([1, 2 / 3, 1 / 3])
    assert rates(gan) == pytest.approx([2e-4, 2e-4])


def test_too_few_epochs_for_the_decay():
    gan = still(build(decay_epochs=3))
    with pytest.raises(ValueError, match="epochs=2, decay_epochs=3"):
        gan.fit(noise(2), noise(2), batch_size=2, epochs=2, verbose=0)


def test_a_model_saved_amid_the_decay_knows_its_full_rate(tmp_path):
    gan = build()
    gan.compile()
    gan.scale_learning_rates(0.25)
    gan.save(tmp_path / "model.keras")
    assert rates(gan) == pytest.approx([0.5e-4, 0.5e-4])
    again = keras.models.load_model(tmp_path / "model.keras")
    assert rates(again) == pytest.approx([0.5e-4, 0.5e-4])
    again.scale_learning_rates(1.0)
    assert rates(again) == pytest.approx([2e-4, 2e-4])


def test_a_schedule_of_the_users_is_left_alone():
    gan = build()
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.1)
    gan.compile(keras.optimizers.Adam(schedule), keras.optimizers.Adam(0.1))
    gan.scale_learning_rates(0.5)
    assert rates(gan) == pytest.approx([0.5, 0.05])
    assert isinstance(gan.training_callbacks()[0], RateByEpoch)


def test_rates_scale_under_float16():
    gan = build(dtype="mixed_float16")
    gan.compile()
    gan.scale_learning_rates(0.5)
    assert rates(gan) == pytest.approx([1e-4, 1e-4])


# Translation.


@pytest.mark.parametrize("to, used", [("a", "ba"), ("b", "ab")])
def test_translates_in_the_direction_asked_for(to, used):
    gan = build()
    before = values(gan.variables)
    images = translation.images(3, 12, 20)
    found = gan.translate(images, to=to, batch_size=2)
    assert found.dtype == np.uint8 and found.shape == images.shape
    network = getattr(gan, f"average_generator_{used}")
    expected = data.to_uint8(network(data.to_float(images))).numpy()
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert (found != gan.translate(images, to="ab".replace(to, ""))).any()
    assert_unchanged(before, gan.variables)


def test_unknown_set_is_refused():
    with pytest.raises(ValueError, match="Received: to='c'"):
        build().translate(translation.images(1), to="c")


def test_signatures_are_one_for_each_direction():
    gan = build()
    assert set(gan.signatures()) == {"translate_to_a", "translate_to_b"}
    for function, _ in gan.signatures().values():
        with pytest.raises(tf.errors.InvalidArgumentError, match="multiples"):
            function(tf.constant(translation.images(1, 24, 26)))


STEP = """
import resource
import numpy as np
from kerasgan import models

gan = models.CycleGAN.paper()
gan.compile()
random = np.random.RandomState(0)
a, b = random.uniform(-1, 1, (2, 1, 256, 256, 3)).astype("float32")
history = gan.fit(a, b, batch_size=1, verbose=0).history
assert np.isfinite(history["g_loss"]).all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_step_of_the_paper_takes_less_than_20_gib():
    process = subprocess.run(
        [sys.executable, "-c", STEP], check=True, capture_output=True, text=True
    )
    gib = int(process.stdout.split()[-1]) / 2**20  # Linux counts in KiB.
    print(f"Peak memory of CycleGAN.paper(), batch 1: {gib:.1f} GiB")
    assert 1 < gib < 20


def tinted(images):
    """Returns images as through orange glass."""
    light = (images + 1) * np.array([1.0, 0.6, 0.2], "float32")
    return light - 1


@pytest.mark.slow
@pytest.mark.data
def test_learns_to_tint_and_to_take_the_tint_away():
    import tensorflow_datasets as tfds

    rows = tfds.as_numpy(tfds.load("fluent", split="train[:144]"))
    images = np.stack([row["target"] for row in rows])
    images = data.resize(data.to_float(images), 32).numpy()
    # No image of A is in B, so nothing is paired.
    a, b, held_out = images[:64], tinted(images[64:128]), images[128:]
    keras.utils.set_random_seed(1)
    gan = models.CycleGAN(32, width=8, blocks=2, ema_decay=0.9, seed=1)
    gan.compile(
        keras.optimizers.Adam(1e-3, beta_1=0.5, epsilon=1e-8),
        keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8),
    )
    distance = l1(held_out, tinted(held_out))
    gan.fit(a, b, batch_size=4, epochs=30, verbose=0)
    there = l1(gan(held_out, to="b"), tinted(held_out))
    back = l1(gan(tinted(held_out), to="a"), held_out)
    print(f"Of {distance:.3f} are left: {there:.3f} there, {back:.3f} back")
    assert there < distance / 2
    assert back < distance / 2
