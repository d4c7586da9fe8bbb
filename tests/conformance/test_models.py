"""Properties that every model has, over the list in tests/tiny.py."""

import json
import math
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import checkpoints
from kerasgan.models import base
from kerasgan.optimizers import Adam
from tests import golden, tiny
from tests.support import served

every_model = pytest.mark.parametrize(
    "model", tiny.MODELS, ids=lambda m: m.name
)


def every_model_but_slow(*names):
    """Marks a test as slow for models whose steps take long to compile."""
    models = [
        pytest.param(model, marks=pytest.mark.slow)
        if model.name in names
        else model
        for model in tiny.MODELS
    ]
    return pytest.mark.parametrize("model", models, ids=lambda m: m.name)


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


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@every_model
def test_config_names_every_argument(model):
    gan = model.build()
    config = gan.get_config()
    arguments = set(base.init_arguments(type(gan)))
    assert {"ema_decay", "seed"} < arguments <= set(config)
    assert type(gan).from_config(config).get_config() == config
    json.dumps(config)  # Plain numbers, strings and lists.


@every_model
def test_changed_arguments_reach_the_config(model):
    config = model.build(ema_decay=0.25, seed=123, name="other").get_config()
    assert (config["ema_decay"], config["seed"]) == (0.25, 123)
    assert config["name"] == "other"


@pytest.mark.parametrize(
    ("model", "argument", "value"),
    [
        pytest.param(model, name, value, id=f"{model.name}-{name}-{value}")
        for model in tiny.MODELS
        for name, values in model.refuses.items()
        for value in values
    ],
)
def test_bad_arguments_are_refused(model, argument, value):
    message = re.escape(f"Received: {argument}={value!r}")
    with pytest.raises(ValueError, match=message):
        model.build(**{argument: value})


@pytest.mark.parametrize(
    "model", [m for m in tiny.MODELS if m.paper], ids=lambda m: m.name
)
def test_paper(model):
    gan = type(model.build()).paper(**model.paper_changes)
    for name, expected in model.paper.items():
        found = getattr(gan, name)
        if isinstance(found, keras.Model):
            shapes = [v.shape for v in found.trainable_variables]
            found = sum(math.prod(shape) for shape in shapes)
        assert found == expected, name


@every_model
def test_default_optimizers_are_the_papers(model):
    gan = model.compiled()
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


@every_model
def test_every_weight_moves_and_losses_are_reported(model):
    gan = model.compiled()
    before = weights(gan)
    history = gan.fit(model.dataset(), verbose=0).history
    after = weights(gan)
    trained = [
        f"{prefix}{name}/{v.path}"
        for name in (*gan.generator_names, *gan.discriminator_names)
        for v in getattr(gan, name).trainable_variables
        for prefix in ("", "average_")
        if not (prefix and name in gan.discriminator_names)
    ]
    assert len(trained) > 10
    assert not [n for n in trained if (before[n] == after[n]).all()]
    assert set(history) == set(gan.loss_names)
    losses = [value for values in history.values() for value in values]
    assert np.isfinite(losses).all()


@every_model
def test_first_weights_have_nothing_in_common(model):
    """An initializer that layers share gives them all the same numbers."""
    gan = model.build()
    starts = {}
    for name in (*gan.generator_names, *gan.discriminator_names):
        for v in getattr(gan, name).trainable_variables:
            numbers = v.numpy().ravel()[:4]
            if len(set(numbers.tolist())) > 1:  # Not zeros or ones.
                normed = np.round(numbers / np.abs(numbers).max(), 4)
                starts.setdefault(tuple(normed), []).append(v.path)
    assert len(starts) > 3
    assert not [paths for paths in starts.values() if len(paths) > 1]


@every_model_but_slow(
    "biggan",
    "conditional_r3gan",
    "conditional_sngan",
    "conditional_stylegan",
    "conditional_stylegan2",
    "cut",
    "cyclegan",
    "gan_cls",
    "r3gan",
    "sngan",
    "stackgan",
    "stackgan_stage_one",
    "xgan",
)
def test_reload_continues_training(model, tmp_path):
    gan = model.compiled()
    gan.fit(model.dataset(), verbose=0)
    gan.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert_same(weights(gan), weights(again))
    np.testing.assert_array_equal(model.sample(gan), model.sample(again))
    for name in ("generator_optimizer", "discriminator_optimizer"):
        first, second = getattr(gan, name), getattr(again, name)
        assert int(first.iterations) > 0
        for a, b in zip(first.variables, second.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy(), a.path)
    again.fit(model.dataset(), verbose=0)


@every_model_but_slow(
    "biggan",
    "conditional_r3gan",
    "conditional_sngan",
    "conditional_stylegan",
    "conditional_stylegan2",
    "cut",
    "cyclegan",
    "gan_cls",
    "r3gan",
    "sngan",
    "stackgan",
    "stackgan_stage_one",
    "xgan",
)
def test_restored_training_is_the_same_to_the_last_bit(model, tmp_path):
    """Two epochs, and one epoch, a new process' model, and the other epoch."""
    straight = model.compiled()
    straight.fit(model.dataset(), verbose=0)
    checkpoints.save(tmp_path, straight, 1, {})
    straight.fit(model.dataset(), verbose=0)

    keras.utils.set_random_seed(99)  # Other first weights.
    resumed = model.compiled()
    values, damaged = checkpoints.restore(tmp_path, resumed)
    assert (values, damaged) == ({"epoch": 1}, [])
    resumed.fit(model.dataset(), verbose=0)
    assert_same(
        {n: v.numpy() for n, v in straight.training_state().items()},
        {n: v.numpy() for n, v in resumed.training_state().items()},
    )


@every_model_but_slow(
    "acgan",
    "adagan",
    "biggan",
    "conditional_r3gan",
    "conditional_sngan",
    "conditional_stylegan",
    "conditional_stylegan2",
    "cut",
    "cyclegan",
    "gan_cls",
    "improved_gan",
    "infogan",
    "pix2pix",
    "progan",
    "r3gan",
    "sngan",
    "stackgan",
    "stackgan_stage_one",
    "stylegan",
    "stylegan2",
    "wgan",
    "xgan",
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
                "stackgan": 1e-5,
                "wgan_gp": 5e-6,
            }.get(model.name, 1e-6),
            err_msg=name,
        )


@pytest.mark.slow
@every_model
def test_xla(model):
    gan = model.compiled(jit_compile=True)
    history = gan.fit(model.dataset(batches=1), verbose=0).history
    assert np.isfinite([v for values in history.values() for v in values]).all()


@every_model
@pytest.mark.parametrize(
    "policy",
    ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)],
)
def test_mixed_precision(model, policy):
    gan = model.compiled({"dtype": policy})
    before = weights(gan)
    gan.fit(model.dataset(batches=3), verbose=0)
    after = weights(gan)
    assert all(v.dtype != "float16" for v in after.values())
    assert all(np.isfinite(v).all() for v in after.values())
    assert any((before[n] != after[n]).any() for n in before)
    images = model.sample(gan)
    assert images.dtype == np.uint8
    assert keras.config.dtype_policy().name == "float32"


@every_model
def test_same_seed_same_images_whatever_the_batch(model):
    gan = model.build()
    images = model.sample(gan)
    assert images.dtype == np.uint8
    assert len(images) >= 5
    np.testing.assert_array_equal(images, model.sample(gan))
    in_batches = gan.run_in_batches

    def smaller(inputs, batch_size, *function):
        return in_batches(inputs, 2, *function)

    gan.run_in_batches = smaller
    assert np.abs(images.astype(int) - model.sample(gan)).max() <= 1


@every_model
def test_golden_images(model):
    """Catches a changed layer, order, constant or range conversion."""
    expected = json.loads(golden.path(model).read_text())
    found = golden.images(model)
    assert list(found.shape) == expected["shape"]
    difference = found.astype(int) - np.array(expected["values"])
    assert np.abs(difference).max() <= 1


def test_export_runs_in_a_process_without_kerasgan(tmp_path):
    jobs, expected = {}, {}
    for model in tiny.MODELS:
        gan = model.build()
        golden.ramp(gan)  # The first weights give nothing but grey.
        folder = str(tmp_path / model.name)
        gan.export(folder, scores=True)
        signatures = {**gan.signatures(), **gan.score_signatures()}
        jobs[folder], expected[folder] = {}, {}
        for name, (function, specs) in signatures.items():
            inputs = served.example_inputs(specs)
            jobs[folder][name] = inputs
            expected[folder][name] = served.call(function, specs, inputs)
    found = served.run(jobs, tmp_path)
    for folder, calls in expected.items():
        for name, outputs in calls.items():
            served.assert_alike(found[folder][name], outputs, (folder, name))


@every_model
def test_export_refuses_a_full_folder(model, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(OSError, match="must be new or empty"):
        model.build().export(tmp_path)
    assert [p.name for p in pathlib.Path(tmp_path).iterdir()] == ["kept.txt"]


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


@every_model
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
