"""What users of Keras write by habit works, or is refused before a step."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import callbacks, models
from kerasgan.models.rates import RateByEpoch
from tests import tiny


class Difference(keras.metrics.Mean):
    """How much brighter real images are."""

    def update_state(self, real_images, fake_images):
        super().update_state(
            tf.reduce_mean(tf.cast(real_images, "float32"))
            - tf.reduce_mean(tf.cast(fake_images, "float32"))
        )


def metrics():
    return [Difference(name="difference")]


@pytest.fixture
def gan():
    return tiny.dcgan()


def steps(gan):
    return int(gan.generator_optimizer.iterations)


# compile


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adam"}, "discriminator_optimizer.*optimizer='adam'"),
        ({"d_optimizer": "adam"}, "generator_optimizer.*d_optimizer='adam'"),
        ({"loss": "mse"}, "losses of its paper.*loss='mse'"),
        ({"loss_weights": [1.0]}, "losses of its paper.*loss_weights"),
        ({"weighted_metrics": []}, "`compile` takes.*weighted_metrics"),
    ],
)
def test_compile_names_its_own_arguments(gan, arguments, message):
    with pytest.raises(TypeError, match=message):
        gan.compile(**arguments)
    assert not gan.compiled


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["accuracy"], "Received: 'accuracy'"),
        ([keras.losses.mean_squared_error], "must be metrics"),
        ("accuracy", "must be a list"),
        (Difference(), r"write `metrics=\[...\]`"),
    ],
)
def test_metrics_compare_samples(gan, given, message):
    with pytest.raises(ValueError, match=message):
        gan.compile(metrics=given)


def test_each_network_has_an_optimizer_of_its_own(gan):
    adam = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="one Adam for both"):
        gan.compile(adam, adam)
    gan.compile(adam)
    with pytest.raises(ValueError, match="trains another network"):
        tiny.dcgan().compile(adam)
    gan.compile(gan.generator_optimizer, gan.discriminator_optimizer)
    gan.compile("sgd", "adam")
    assert type(gan.generator_optimizer) is keras.optimizers.SGD


# Learning rates by callback


def rates(gan):
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    return [round(float(o.learning_rate), 6) for o in optimizers]


def compiled(gan, *rates, **kwargs):
    optimizers = (keras.optimizers.SGD(rate) for rate in rates)
    gan.compile(*optimizers, run_eagerly=True, **kwargs)  # Nothing to trace.
    return gan


def test_a_scheduler_changes_both_rates(gan, capsys):
    compiled(gan, 0.1, 0.2)
    halve = keras.callbacks.LearningRateScheduler(lambda _, r: r / 2, verbose=1)
    history = gan.fit(tiny.images(8), None, 8, 2, 0, halve).history
    assert rates(gan) == [0.025, 0.05]
    assert np.round(history["learning_rate_generator"], 6).tolist() == [
        0.05,
        0.025,
    ]
    assert "discriminator learning rate to 0.05" in capsys.readouterr().out


def test_a_plateau_reduces_both_rates(gan):
    compiled(gan, 0.1, 0.2)
    flat = keras.callbacks.ReduceLROnPlateau(
        "d_loss", 0.5, 1, mode="min", min_delta=100.0
    )
    gan.fit(tiny.images(8), batch_size=8, epochs=3, verbose=0, callbacks=flat)
    assert rates(gan) == [0.025, 0.05]


def test_a_callback_can_be_for_one_network(gan):
    compiled(gan, 0.1, 0.2)
    halve = keras.callbacks.LearningRateScheduler(lambda _, rate: rate / 2)
    halve = callbacks.for_optimizer("discriminator", halve)
    gan.fit(tiny.images(8), batch_size=8, verbose=0, callbacks=[halve])
    assert rates(gan) == [0.1, 0.1]
    with pytest.raises(ValueError, match="network='both'"):
        callbacks.for_optimizer("both", halve)


def test_a_view_of_one_network_can_stop_training(gan):
    compiled(gan, 0.1, 0.1)
    stop = keras.callbacks.EarlyStopping("d_loss", 1e9, 0, mode="min")
    stop = callbacks.for_optimizer("generator", stop)
    images = tiny.images(8)
    gan.fit(images, batch_size=8, epochs=9, verbose=0, callbacks=[stop])
    assert steps(gan) == 2


def test_the_rate_of_a_schedule_is_left_alone(gan):
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    compiled(gan, 0.1, schedule)
    plateau = keras.callbacks.ReduceLROnPlateau("d_loss", mode="min")
    with pytest.raises(ValueError, match="in `discriminator_optimizer`"):
        gan.fit(tiny.images(8), batch_size=8, callbacks=[plateau])
    assert steps(gan) == 0
    plateau = callbacks.for_optimizer("generator", plateau)
    gan.fit(tiny.images(8), batch_size=8, verbose=0, callbacks=[plateau])


def test_a_callback_replaces_a_decay_by_epoch(gan):
    compiled(gan, 0.1, 0.2)
    decay = RateByEpoch(lambda epoch, epochs: 1.0 - epoch / epochs)
    gan.training_callbacks = lambda: [decay]
    gan.fit(tiny.images(8), batch_size=8, epochs=3, verbose=0)
    assert rates(gan) == [0.1, 0.2]  # Full again.
    seen = []

    def schedule(epoch, rate):
        seen.append(round(rate, 6))
        return rate / 2

    halve = keras.callbacks.LearningRateScheduler(schedule)
    with pytest.warns(UserWarning, match="no longer changes both by epoch"):
        gan.fit(tiny.images(8), None, 8, 3, 0, [halve])
    assert seen == [0.1, 0.2, 0.05, 0.1, 0.025, 0.05]
    assert rates(gan) == [0.0125, 0.025]


def test_what_a_callback_monitors_is_checked_first(gan):
    compiled(gan, 0.1, 0.1)
    for callback, message in (
        (keras.callbacks.EarlyStopping(), "'d_loss', 'g_loss'.*'val_loss'"),
        (keras.callbacks.ReduceLROnPlateau("g_loss"), "write mode='min'"),
        (
            keras.callbacks.ModelCheckpoint("x.keras", save_best_only=True),
            "'val_loss'",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            gan.fit(tiny.images(8), batch_size=8, callbacks=[callback])
    assert steps(gan) == 0


def test_steps_per_second_are_counted(gan, tmp_path):
    compiled(gan)
    board = keras.callbacks.TensorBoard(
        tmp_path, write_steps_per_second=True, profile_batch=0
    )
    gan.fit(tiny.images(16), batch_size=8, verbose=0, callbacks=[board])
    (path,) = (tmp_path / "train").iterdir()
    tags = {
        value.tag
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert {
        "epoch_steps_per_second",
        "epoch_learning_rate_generator",
    } <= tags


def test_a_diverged_run_is_terminated(gan):
    compiled(gan, 1e20, 1e20)
    stop = keras.callbacks.TerminateOnNaN()
    images = tiny.images(32)
    for _ in range(2):  # The callback may be used again.
        gan.fit(images, batch_size=8, epochs=3, verbose=0, callbacks=[stop])
    assert 0 < steps(gan) < 8
    strict = keras.callbacks.TerminateOnNaN(raise_error=True)
    with pytest.raises(RuntimeError, match="NaN or Inf loss"):
        gan.fit(images, batch_size=8, verbose=0, callbacks=[strict])


def test_finite_losses_do_not_end_training(gan):
    compiled(gan)
    stop = keras.callbacks.TerminateOnNaN()
    gan.fit(tiny.images(16), batch_size=8, verbose=0, callbacks=[stop])
    assert steps(gan) == 2


# Arguments of fit and evaluate


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": 0},
        {"batch_size": -8},
        {"batch_size": 8.0},
        {"batch_size": True},
        {"epochs": -1},
        {"epochs": 1.5},
        {"steps_per_epoch": 0},
        {"validation_batch_size": 0},
        {"class_weight": {0: 2.0}},
        {"sample_weight": [1.0]},
        {"validation_freq": 0},
    ],
)
def test_fit_refuses(gan, arguments):
    compiled(gan, metrics=metrics())
    ((name, _),) = arguments.items()
    with pytest.raises(ValueError, match=f"Received: {name}="):
        gan.fit(tiny.images(16), **arguments)
    assert steps(gan) == 0


def test_fit_takes_its_arguments_in_the_order_of_keras(gan):
    compiled(gan)
    found = []
    epoch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda number, logs: found.append(number)
    )
    gan.fit(tiny.images(16), None, 8, 2, 0, epoch)
    assert (steps(gan), found) == (4, [0, 1])
    both = keras.callbacks.CallbackList([epoch])
    gan.fit(tiny.images(16), batch_size=8, verbose=0, callbacks=both)
    assert found == [0, 1, 0]
    with pytest.raises(TypeError, match="list of Keras callbacks"):
        gan.fit(tiny.images(16), batch_size=8, callbacks=[print])


def test_validation_needs_metrics_before_the_first_step(gan):
    compiled(gan)
    images = tiny.images(16)
    for arguments in (
        {"validation_data": images},
        {"validation_split": 0.5},
    ):
        with pytest.raises(ValueError, match=r"compile\(metrics="):
            gan.fit(images, batch_size=8, verbose=0, **arguments)
    assert steps(gan) == 0
    compiled(gan, metrics=metrics())
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.fit(images, batch_size=8, validation_data=images + 9.0)
    with pytest.raises(ValueError, match="a tuple of 3"):
        gan.fit(images, batch_size=8, validation_data=(images,) * 3)
    with pytest.raises(ValueError, match="`take` and `skip`"):
        gan.fit(tiny.by_name("dcgan").dataset(), validation_split=0.5)
    with pytest.raises(ValueError, match="examples on both sides"):
        gan.fit(images, validation_split=1.0)
    assert steps(gan) == 0


@pytest.mark.parametrize("name", ["dcgan", "gan_cls"])
def test_arrays_are_evaluated_in_all_ways(name):
    model = tiny.by_name(name)
    gan = model.compiled(run_eagerly=True, metrics=metrics())
    arrays = model.arrays(12)
    dataset = tf.data.Dataset.from_tensor_slices(
        arrays if len(arrays) > 1 else arrays[0]
    ).batch(6)
    expected = gan.evaluate(dataset, verbose=0)
    assert gan.evaluate(*arrays, batch_size=6, verbose=0) == expected
    assert gan.evaluate(arrays, None, 6, 0, return_dict=False) == [
        expected["difference"]
    ]
    whole = gan.evaluate(*arrays, verbose=0)["difference"]
    assert gan.test_on_batch(*arrays, return_dict=True)[
        "difference"
    ] == pytest.approx(whole)
    for validation in (arrays, dataset):
        history = gan.fit(
            *arrays, batch_size=4, verbose=0, validation_data=validation
        ).history
        assert "val_difference" in history
    history = gan.fit(
        *arrays, batch_size=4, verbose=0, validation_split=0.5
    ).history
    assert "val_difference" in history
    with pytest.raises(ValueError, match="Received: x=None"):
        gan.evaluate()
    with pytest.raises(ValueError, match="Received: sample_weight"):
        gan.evaluate(*arrays, sample_weight=[1.0])
    with pytest.raises(ValueError, match="compiled without metrics"):
        model.compiled().evaluate(*arrays)


@pytest.mark.parametrize("name", ["dcgan", "cgan", "gan_cls"])
def test_one_batch_is_one_step_of_fit(name):
    model = tiny.by_name(name)
    trained = []
    for train in ("fit", "train_on_batch"):
        keras.utils.set_random_seed(0)
        gan = model.compiled(run_eagerly=True)
        arrays = model.arrays(4)
        if train == "fit":
            history = gan.fit(
                *arrays, batch_size=4, verbose=0, shuffle=False
            ).history
            losses = {name: values[0] for name, values in history.items()}
        else:
            assert gan.train_on_batch(*arrays, return_dict=True) == (
                pytest.approx(losses)
            )
        trained.append([w.numpy() for w in gan.weights])
    for first, second in zip(*trained, strict=True):
        np.testing.assert_array_equal(first, second)
    with pytest.raises(ValueError, match="Received: class_weight"):
        gan.train_on_batch(*arrays, class_weight={0: 1.0})
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.train_on_batch(arrays[0] + 9.0, *arrays[1:])


def test_one_batch_is_divided_among_replicas(mirrored):
    kernels = []
    for strategy in (tf.distribute.get_strategy(), mirrored):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            gan = compiled(tiny.dcgan(synchronized=True), 0.1, 0.1)
        gan.train_on_batch(tiny.images(8))
        kernels.append(gan.discriminator.get_weights()[0])
    np.testing.assert_allclose(*kernels, rtol=1e-5, atol=1e-6)


def test_order_can_be_kept(gan):
    images = tiny.images(10)
    batches = list(gan.to_dataset(images, None, 4, shuffle=False))
    np.testing.assert_array_equal(np.concatenate(batches), images[:8])
    shuffled = np.concatenate(list(gan.to_dataset(images, None, 4)))
    assert (shuffled != images[:8]).any()


# Data as users have them


class Sequence(keras.utils.PyDataset):
    def __init__(self, arrays, form):
        super().__init__()
        self.arrays, self.form, self.ended = arrays, form, 0

    def __len__(self):
        return len(self.arrays[0]) // 4

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return self.form(tuple(array[rows] for array in self.arrays))

    def on_epoch_end(self):
        self.ended += 1


def test_sequences_are_taken():
    arrays = tiny.labelled_images(8)
    gan = tiny.by_name("cgan").compiled(run_eagerly=True)
    for form in (tuple, list):
        gan.fit(Sequence(arrays, form), epochs=2, verbose=0)
    assert steps(gan) == 8

    def named(parts):
        return dict(zip(("image", "label"), parts, strict=True))

    sequence = Sequence(arrays, named)
    gan.fit(sequence, epochs=2, verbose=0)
    assert steps(gan) == 12
    assert sequence.ended == 2
    plain = tiny.by_name("dcgan").compiled(run_eagerly=True)
    plain.fit(Sequence(arrays[:1], tuple), verbose=0)  # `(images,)`
    plain.fit(Sequence(arrays, named), verbose=0)
    with pytest.raises(ValueError, match="already has batches"):
        plain.fit(Sequence(arrays[:1], tuple), batch_size=4)


def test_a_generator_loses_no_batch():
    images = tiny.images(24)
    gan = tiny.by_name("dcgan").compiled(run_eagerly=True)
    seen = []
    batches = (images[i : i + 4] for i in range(0, 24, 4))
    watch = gan.train_step

    def train_step(batch):
        tf.numpy_function(
            lambda rows: seen.append(rows[:, 0, 0, 0]), [batch], []
        )
        return watch(batch)

    gan.train_step = train_step
    gan.fit(batches, steps_per_epoch=3, epochs=2, verbose=0)
    np.testing.assert_array_equal(np.concatenate(seen), images[:, 0, 0, 0])
    with pytest.raises(ValueError, match="steps_per_epoch=None"):
        gan.fit(iter([images]), epochs=2)
    with pytest.raises(ValueError, match="an empty list_iterator"):
        gan.fit(iter([]))
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.fit(iter([images + 9.0]))


def test_a_loader_of_pytorch_is_taken():
    torch = pytest.importorskip("torch")
    images, labels = tiny.labelled_images(8)
    pairs = [
        (torch.tensor(i), int(n)) for i, n in zip(images, labels, strict=True)
    ]
    loader = torch.utils.data.DataLoader(pairs, batch_size=4)
    gan = tiny.by_name("cgan").compiled(run_eagerly=True)
    gan.fit(loader, epochs=2, verbose=0)
    assert steps(gan) == 4
    channels_first = torch.utils.data.DataLoader(
        [torch.tensor(i).permute(2, 0, 1).repeat(3, 1, 1) for i in images],
        batch_size=4,
    )
    plain = tiny.dcgan(channels=3)
    compiled(plain)
    with pytest.raises(ValueError, match="Move the channels last"):
        plain.fit(channels_first)


def test_lists_and_dicts_are_taken():
    images, texts = tiny.images(8), list(tiny.captions(8))
    gan = tiny.by_name("gan_cls").compiled(run_eagerly=True)
    gan.fit(images, texts, batch_size=4, verbose=0)
    gan.fit({"images": images, "captions": texts}, batch_size=4, verbose=0)
    assert steps(gan) == 4
    gan = tiny.by_name("cgan").compiled(run_eagerly=True)
    gan.fit(list(images), [0, 1, 2, 0, 1, 2, 0, 1], batch_size=4, verbose=0)
    dataset = tf.data.Dataset.from_tensor_slices(
        {"image": images, "label": tiny.labels(8), "id": range(8)}
    ).batch(4)
    gan.fit(dataset, verbose=0)
    assert steps(gan) == 4
    with pytest.raises(ValueError, match=r"keys \['a', 'image'\]"):
        gan.fit({"image": images, "a": images})
    with pytest.raises(TypeError, match="str as `images`"):
        gan.fit("faces/")


def test_sets_of_other_sizes_are_shuffled_apart():
    gan = tiny.by_name("cyclegan").build()
    first, second = tiny.two_sets(9)
    batches = list(gan.to_dataset(first[:6], second, 2))
    assert len(batches) == 3
    places = [
        [int(np.flatnonzero((part == row).all((1, 2, 3)))[0]) for row in rows]
        for part, rows in (
            (first, np.concatenate([a for a, _ in batches])),
            (second, np.concatenate([b for _, b in batches])),
        )
    ]
    assert sorted(places[0]) == [*range(6)]
    assert places[0] != places[1]
    paired = tiny.by_name("pix2pix").build()
    with pytest.raises(ValueError, match=r"lengths \[6, 9\]"):
        paired.to_dataset(first[:6], second, 2)


def test_labelled_data_for_a_model_without_labels(gan):
    compiled(gan)
    labelled = tf.data.Dataset.from_tensor_slices(tiny.labelled_images(8))
    with pytest.raises(ValueError, match=r"images alone.*`CGAN`.*2 part"):
        gan.fit(labelled.batch(4))
    images = labelled.map(lambda images, *rest: images)
    gan.fit(images.batch(4), verbose=0)
    single = tf.data.Dataset.from_tensor_slices((tiny.images(8),)).batch(4)
    gan.fit(single, verbose=0)  # Batches of one part.
    assert steps(gan) == 4


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("dcgan", lambda x: np.abs(x) * 255, r"\[-1, 1\] in every batch"),
        ("dcgan", lambda x: x * np.nan, r"\[-1, 1\] in every batch"),
        ("cgan", lambda x: x * 0 + 3, "labels from 3 to 3"),
        ("gan_cls", lambda x: np.full_like(x, "?!"), "4 without one"),
    ],
)
def test_later_batches_are_checked_in_the_stream(name, spoil, message):
    model = tiny.by_name(name)
    *others, last = model.arrays(16)
    last = np.concatenate([last[:12], spoil(last[12:])])
    gan = model.compiled(run_eagerly=True, metrics=metrics())
    with pytest.raises(ValueError, match=message):
        gan.fit(*others, last, batch_size=4, shuffle=False, verbose=0)
    assert 0 < steps(gan) <= 3
    with pytest.raises(ValueError, match=message):
        gan.evaluate(*others, last, batch_size=4, verbose=0)


# Freezing, saving, sampling


def test_freezing_needs_another_compile(gan):
    gan.compile()
    images = tiny.images(8)
    gan.fit(images, batch_size=8, verbose=0)
    gan.discriminator.trainable = False
    with pytest.warns(UserWarning, match="until `compile` is called again"):
        gan.fit(images, batch_size=8, verbose=0)
    gan.compile()
    before = gan.discriminator.get_weights()[0]
    gan.fit(images, batch_size=8, verbose=0)
    np.testing.assert_array_equal(before, gan.discriminator.get_weights()[0])


def test_hdf5_is_refused_before_a_file_is_made(gan, tmp_path):
    for name in ("model.h5", "model.hdf5"):
        with pytest.raises(ValueError, match=f"filepath=.*{name}"):
            gan.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_inputs_of_other_shapes_are_refused(gan):
    with pytest.raises(ValueError, match=r"\(n, 4\).*shape=\(2, 7\)"):
        gan.run_in_batches(np.zeros((2, 7), "float32"), 64)
    with pytest.raises(ValueError, match="at least one"):
        gan.run_in_batches(np.zeros((0, 4), "float32"), 64)
    labels = np.zeros(3, "int32")
    with pytest.raises(ValueError, match=r"\[2, 3\] rows"):
        tiny.cgan().run_in_batches((np.zeros((2, 4), "float32"), labels), 64)


@pytest.mark.parametrize("name", ["dcgan", "mlp_cgan", "stylegan"])
def test_many_images_are_made_of_latents_in_parts(name, monkeypatch):
    gan = tiny.by_name(name).build()
    expected = gan.generate(23, seed=5, batch_size=4, truncation=0.7)
    latents = gan.seeded_latents(5, 23)
    np.testing.assert_array_equal(gan.seeded_latents(5, 15, 8), latents[8:])
    monkeypatch.setattr(models.sampling, "BATCHES_AT_ONCE", 2)
    found = gan.generate(23, seed=5, batch_size=4, truncation=0.7)
    np.testing.assert_array_equal(found, expected)


def test_more_images_than_memory_are_refused(gan, monkeypatch):
    def full(*args):
        raise MemoryError

    monkeypatch.setattr(models.sampling.np, "empty", full)
    with pytest.raises(ValueError, match="n=100000000, which are 24 GiB"):
        gan.generate(100_000_000)


def test_first_weights_follow_the_global_seed():
    def first():
        return models.DCGAN(16, width=4, seed=3).generator.get_weights()[0]

    keras.utils.set_random_seed(1)
    one, two = first(), first()
    assert (one != two).any()
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(one, first())


# The state of the random numbers


@pytest.mark.parametrize("name", ["dcgan", "pix2pix"])
@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_training_after_loading_replays_no_noise(name, suffix, tmp_path):
    model = tiny.by_name(name)
    gan = model.compiled(run_eagerly=True)
    gan.fit(model.dataset(), verbose=0)
    path = tmp_path / f"model{suffix}"
    if suffix == ".keras":
        gan.save(path)
        again = keras.models.load_model(path)
    else:
        gan.save_weights(path)
        again = model.compiled(run_eagerly=True)
        again.load_weights(path)
    for trained in (gan, again):
        trained.fit(model.dataset(), verbose=0)
    for first, second in zip(gan.variables, again.variables, strict=True):
        np.testing.assert_array_equal(first, second, first.path)


def test_backup_and_restore_continues_exactly(tmp_path):
    model = tiny.by_name("dcgan")
    images = tiny.images(32)
    straight = model.compiled(run_eagerly=True)
    straight.fit(images, batch_size=8, epochs=4, verbose=0)

    class Kill(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    for others in ([Kill()], []):
        keras.utils.set_random_seed(0)
        gan = model.compiled(run_eagerly=True)
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        try:
            gan.fit(
                images,
                batch_size=8,
                epochs=4,
                verbose=0,
                callbacks=[backup, *others],
            )
        except KeyboardInterrupt:
            assert steps(gan) == 8
    assert steps(gan) == 16
    for first, second in zip(straight.variables, gan.variables, strict=True):
        np.testing.assert_array_equal(first, second, first.path)


# Settings of the machine


@pytest.mark.slow
def test_settings_of_keras_do_no_harm():
    """Under `channels_first` and `floatx` of keras.json all is as without."""
    before = keras.config.image_data_format(), keras.config.floatx()
    expected, found = [], []
    for layout, floatx, results in (
        (*before, expected),
        ("channels_first", "float64", found),
    ):
        keras.config.set_image_data_format(layout)
        keras.config.set_floatx(floatx)
        try:
            for model in tiny.MODELS:
                keras.utils.set_random_seed(0)
                gan = model.compiled()
                assert keras.config.image_data_format() == layout
                assert keras.config.floatx() == floatx
                assert {v.dtype for v in gan.trainable_variables} == {"float32"}
                results.append(model.sample(gan))
                if model.name in ("dcgan", "cgan", "wgan_gp"):
                    history = gan.fit(model.dataset(1), verbose=0).history
                    results.append(np.array(history["d_loss"], "float32"))
        finally:
            keras.config.set_image_data_format(before[0])
            keras.config.set_floatx(before[1])
    for one, other in zip(expected, found, strict=True):
        # Threads that are waited for may change the last bits of sums.
        level = 1 if one.dtype == np.uint8 else 0
        one, other = one.astype(float), other.astype(float)
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=level)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_weights_are_float32(dtype):
    with pytest.raises(ValueError, match=f"Received: dtype='{dtype}'"):
        tiny.dcgan(dtype=dtype)


@pytest.mark.parametrize(
    "imports", ["import keras, kerasgan", "import zoo, keras"]
)
def test_a_new_process_loads_a_model(imports, gan, tmp_path):
    gan.save(tmp_path / "model.keras")
    code = f"""
import sys
{imports}
assert "kerasgan.models" not in sys.modules
gan = keras.models.load_model(r"{tmp_path / "model.keras"}")
print(gan.generate(2, seed=1).sum())
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) == gan.generate(2, seed=1).sum()


def test_every_architecture_has_a_stand_in():
    from kerasgan import registration

    assert sorted(registration.NAMES) == sorted(models.architectures())
