"""Properties of the training of every model in tests/tiny.py."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import checkpoints
from kerasgan.optimizers import Adam
from tests import tiny
from tests.support import marks

every_model = pytest.mark.parametrize("model", marks.models())


def most_slow(often=None):
    """Returns all models as parameters; `often` as of `marks.slow`."""
    # All but the light ones take long to compile.
    return [
        pytest.param(
            m, marks=() if m.is_light else marks.slow(m, often), id=m.name
        )
        for m in tiny.MODELS
    ]


# Besides the light ones, those with layers that no other model has.
COMPILED = ("cyclegan", "progan", "r3gan", "seqgan", "sngan", "stylegan2")


epoch_of_every_model = pytest.mark.parametrize(
    "epoch", most_slow(), indirect=True, scope="module"
)


def weights(gan):
    """Returns all weights by network and name."""
    networks = {
        name: getattr(gan, name)
        for name in (
            *gan.generator_names,
            *gan.discriminator_names,
            *(f"average_{name}" for name in gan.generator_names),
        )
    }
    return {
        f"{name}/{v.path}": v.numpy()
        for name, network in networks.items()
        for v in network.weights
    }


def state(gan):
    return {n: v.numpy() for n, v in gan.training_state().items()}


def moments_of(gan):
    """Returns the variables of both optimizers by name."""
    return {n: v for n, v in state(gan).items() if "optimizer/" in n}


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


# Whose training keeps more than weights and moments, and one of each task.
RESTORED = ("adagan", "began", "biggan", "cyclegan", "gan_cls", "stylegan2")


@pytest.fixture(scope="module")
def epoch(request):
    """A model of the list after one epoch; what it was, and its losses."""
    model = request.param
    keras.utils.set_random_seed(0)
    gan = model.compiled()
    before = weights(gan)
    losses = gan.fit(model.dataset(), verbose=0).history
    return types.SimpleNamespace(
        model=model, gan=gan, before=before, after=weights(gan), losses=losses
    )


@epoch_of_every_model
def test_default_optimizers_are_the_papers(epoch):
    model, gan = epoch.model, epoch.gan
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        config = optimizer.get_config()
        found = {name: config[name] for name in model.optimizers}
        assert found == pytest.approx(model.optimizers)
        # Keras' Adam is much slower on CPU.
        assert isinstance(optimizer, Adam) or "momentum" in found
    # What callbacks adjust are these two, and no RMSprop that nobody uses.
    assert [rate.optimizer for rate in gan.optimizer.optimizers] == [
        gan.generator_optimizer,
        gan.discriminator_optimizer,
    ]
    assert gan.jit_compile is False  # On a processor.


@epoch_of_every_model
def test_every_weight_moves_and_losses_are_reported(epoch):
    gan, before, after = epoch.gan, epoch.before, epoch.after
    trained = [
        f"{prefix}{name}/{v.path}"
        for name in (*gan.generator_names, *gan.discriminator_names)
        for v in getattr(gan, name).trainable_variables
        for prefix in ("", "average_")
        if not (prefix and name in gan.discriminator_names)
    ]
    assert len(trained) > 10
    assert not [n for n in trained if (before[n] == after[n]).all()]
    assert set(epoch.losses) == set(gan.loss_names)
    losses = [value for values in epoch.losses.values() for value in values]
    assert np.isfinite(losses).all()


@every_model
def test_bad_images_are_refused_before_the_first_step(model):
    gan = model.compiled()
    before = weights(gan)
    arrays = model.arrays(tiny.BATCH)

    def first(change):
        changed = (change(arrays[0]), *arrays[1:])
        dataset = tf.data.Dataset.from_tensor_slices(
            changed if len(changed) > 1 else changed[0]
        )
        return dataset.batch(tiny.BATCH)

    outside = (lambda x: (x + 1) * 127.5, lambda x: (x + 1.0) / 2 + 0.2)
    for change in (
        *(outside if model.is_bounded else ()),
        lambda x: ((x + 1) * 127.5).astype("uint8"),
        lambda x: np.where(x > 0.9, np.nan, x).astype("float32"),
        lambda x: np.concatenate([x, x], -1),
        lambda x: x[:, :-1],
        lambda x: x[..., 0],
    ):
        with pytest.raises(ValueError, match="Received"):
            gan.fit(first(change), verbose=0)
    with pytest.raises(ValueError, match="at least one batch"):
        gan.fit(model.dataset().take(0), verbose=0)
    assert_same(before, weights(gan))


@pytest.mark.parametrize(
    "epoch", most_slow(RESTORED), indirect=True, scope="module"
)
def test_restored_training_is_the_same_to_the_last_bit(epoch, tmp_path):
    """Two epochs, and one epoch, a new process' model, and the other epoch.

    The last test of an epoch, which it prolongs.
    """
    model, straight = epoch.model, epoch.gan
    checkpoints.save(tmp_path, straight, 1, {})
    straight.save(tmp_path / "model.keras")
    reached, expected = weights(straight), model.sample(straight)
    moments = moments_of(straight)
    keras.utils.set_random_seed(99)  # Other first weights.
    resumed = model.compiled()
    if not model.is_light:  # Sooner than they are compiled.
        straight.run_eagerly = resumed.run_eagerly = True
        straight.make_train_function(force=True)
    straight.fit(model.dataset(), verbose=0)

    values, damaged = checkpoints.restore(tmp_path, resumed)
    assert (values, damaged) == ({"epoch": 1}, [])
    resumed.fit(model.dataset(), verbose=0)
    assert_same(state(straight), state(resumed))

    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_same(weights(loaded), reached)
    np.testing.assert_array_equal(model.sample(loaded), expected)
    assert_same(moments_of(loaded), moments)
    loaded.run_eagerly = True
    loaded.fit(model.dataset(batches=1), verbose=0)


# Of the slow ones, those that keep more than weights over the replicas.
@pytest.mark.parametrize(
    "model",
    most_slow(("ada_dcgan", "adagan", "began", "sngan", "stylegan2")),
)
def test_two_replicas_take_the_same_step(model, mirrored):
    # The average's statistics are of every fourth image of each replica, and
    # both WGANs divide a batch among their critic's steps before.
    parts = 2 if model.name in ("wgan", "wgan_gp") else 1
    dataset = model.dataset(batches=1, batch_size=parts * tiny.BATCH)
    trained = {}
    for strategy in (tf.distribute.get_strategy(), mirrored):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            gan = model.build(**model.synchronized)
            # Adam would hide gradients that are too large.
            gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        # Sooner than it is compiled; that matters where a step has branches.
        is_compiled = model.is_light or model.name == "stylegan2"
        gan.run_eagerly = not (is_compiled and strategy is mirrored)
        gan.fit(dataset, verbose=0)
        trained[strategy.num_replicas_in_sync] = weights(gan)
    assert trained[1].keys() == trained[2].keys()
    for name in trained[1]:
        np.testing.assert_allclose(
            trained[1][name],
            trained[2][name],
            rtol=1e-5,
            # Second gradients round more, and means over large layers; so do
            # networks of many normalizations.
            atol={
                "biggan": 1e-4,
                "conditional_sngan": 1e-4,
                "cut": 1e-4,
                "infogan": 5e-6,
                "sngan": 1e-4,
                "stackgan": 1e-3,
                "wgan_gp": 5e-6,
                "xgan": 5e-5,
            }.get(model.name, 1e-6),
            err_msg=name,
        )


@pytest.mark.parametrize(
    ("policy", "model"),
    [
        *(
            pytest.param("mixed_bfloat16", *p.values, marks=p.marks)
            for p in most_slow(("sngan", "stylegan2"))
        ),
        *(
            pytest.param("mixed_float16", m, marks=pytest.mark.slow)
            for m in tiny.MODELS
            if m.is_light
        ),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_mixed_precision(model, policy):
    gan = model.compiled({"dtype": policy})
    # Networks that take long to compile do the same operations one by one.
    gan.run_eagerly = not model.is_light
    before = weights(gan)
    gan.fit(model.dataset(batches=3), verbose=0)
    after = weights(gan)
    assert all(v.dtype != "float16" for v in after.values())
    assert all(np.isfinite(v).all() for v in after.values())
    assert any((before[n] != after[n]).any() for n in before)
    images = model.sample(gan)
    assert images.dtype == np.uint8
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(
            m,
            marks=()
            if m.name in ("dcgan", "seqgan", "stylegan2")
            else (pytest.mark.variant,),
            id=m.name,
        )
        for m in tiny.MODELS
        if m.is_light or m.name in COMPILED
    ],
)
def test_xla(model):
    gan = model.compiled(jit_compile=True)
    history = gan.fit(model.dataset(batches=1), verbose=0).history
    assert np.isfinite([v for values in history.values() for v in values]).all()


@pytest.mark.parametrize("model", most_slow(often=()))
def test_partial_batches_are_refused_on_replicas(model, mirrored):
    with mirrored.scope():
        gan = model.compiled()
    arrays = model.arrays(9)
    dataset = tf.data.Dataset.from_tensor_slices(
        arrays if len(arrays) > 1 else arrays[0]
    )
    with pytest.raises(ValueError, match="drop_remainder=True"):
        gan.fit(dataset.batch(8), verbose=0)
    with pytest.raises(ValueError, match="divisible by 2"):
        gan.fit(dataset.batch(9, drop_remainder=True), verbose=0)
