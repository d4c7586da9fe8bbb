"""What holds for all metrics: replicas, and sets of images that are alike."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasgan import callbacks, metrics
from tests import tiny

SIZE = 16
METRICS = {
    "FrechetDistance": lambda n: metrics.FrechetDistance(n),
    "InceptionScore": lambda n: metrics.InceptionScore(n, splits=5),
    "KernelDistance": lambda n: metrics.KernelDistance(n, 3, 10, capacity=20),
    "PrecisionRecall": lambda n: metrics.PrecisionRecall(n, capacity=20),
    "SlicedWasserstein": lambda n: metrics.SlicedWasserstein(
        (SIZE, SIZE, 1), capacity=20
    ),
    "PairSimilarity": lambda n: metrics.PairSimilarity(),
    "Diversity": lambda n: metrics.Diversity(scales=1),
}
every_metric = pytest.mark.parametrize("name", METRICS)


def test_all_are_here():
    public = {
        name
        for name, value in vars(metrics).items()
        if isinstance(value, type) and issubclass(value, keras.metrics.Metric)
    }
    # Of sentences; tests/metrics/test_text.py.
    texts = {"HeldOutLikelihood", "OracleLikelihood"}
    assert public == texts.union(METRICS)


@pytest.fixture(scope="module")
def network():
    """A classifier of grey images with random weights."""
    keras.utils.set_random_seed(3)
    model = metrics.features.build_classifier(SIZE, 1, num_logits=5, width=6)
    return metrics.FeatureNetwork(model, "tiny", hash="0" * 64)


def draw(count, seed):
    # The coarse pattern varies, too: features see little of noise.
    generator = np.random.default_rng(seed)
    levels = generator.integers(0, 200, (count, 4, 4, 1))
    coarse = levels.repeat(SIZE // 4, axis=1).repeat(SIZE // 4, axis=2)
    noise = generator.integers(0, 56, (count, SIZE, SIZE, 1))
    return (coarse + noise).astype(np.uint8)


def numbers(metric):
    result = metric.result()
    values = result.values() if isinstance(result, dict) else [result]
    return [float(value) for value in values]


@every_metric
def test_same_value_on_two_replicas(name, network, mirrored):
    # Batches of six give either replica an odd number; of the last three,
    # one has two and the other one.
    real, fake = draw(27, 1), draw(27, 2)
    dataset = tf.data.Dataset.from_tensor_slices((real, fake)).batch(6)
    single = METRICS[name](network)
    for batch in dataset:
        single.update_state(*batch)
    with mirrored.scope():
        shared = METRICS[name](network)

    @tf.function
    def step(batch):
        mirrored.run(shared.update_state, args=batch)

    for batch in mirrored.experimental_distribute_dataset(dataset):
        step(batch)
    # Convolutions of other batch sizes differ in the last bits.
    np.testing.assert_allclose(numbers(shared), numbers(single), rtol=1e-4)


@every_metric
@pytest.mark.parametrize("kind", ["one image", "black", "two images"])
def test_images_that_are_alike_have_a_score(name, kind, network):
    fake = draw(30, 1)
    fake[:] = {
        "one image": fake[:1],
        "black": 0,
        "two images": fake[:2].repeat(15, axis=0),
    }[kind]
    for real in (draw(30, 2), fake[::-1]):
        metric = METRICS[name](network)
        for rows in (slice(0, 7), slice(7, 30)):
            metric.update_state(real[rows], fake[rows])
        # Only the PSNR of equal images is infinite.
        assert not np.isnan(numbers(metric)).any()


@pytest.mark.parametrize("batch_size", [1, 7, 200])
def test_equal_images_have_their_frechet_distance(batch_size, network):
    """With a zero covariance: |m_a - m_b|^2 + tr C_b."""
    one = network(draw(1, 1)).numpy()
    features = network(draw(300, 2)).numpy()
    metric = metrics.FrechetDistance(network)
    for start in range(0, 200, batch_size):
        count = min(batch_size, 200 - start)
        metric.update_features(fake_features=one.repeat(count, axis=0))
    metric.update_features(real_features=features)
    features = features.astype(np.float64)
    shift = one[0] - features.mean(axis=0)
    expected = shift @ shift + features.var(axis=0, ddof=1).sum()
    assert numbers(metric) == pytest.approx([expected], rel=1e-10)


def collapsed(network):
    """A model whose generator ignores its latents."""
    gan = tiny.by_name("dcgan").build()
    for generator in (gan.generator, gan.average_generator):
        last = generator.layers[-2]
        last.set_weights([np.zeros_like(w) for w in last.get_weights()])
    sgd = {"class_name": "SGD", "config": {"learning_rate": 0.0}}
    gan.compile(sgd, sgd, metrics=[metrics.FrechetDistance(network)])
    return gan


def test_a_collapsed_run_keeps_its_checkpoints(tmp_path, network):
    path = tmp_path / "best.weights.h5"
    gan = collapsed(network)
    real = draw(16, 2) / np.float32(127.5) - 1
    dataset = tf.data.Dataset.from_tensor_slices(real).batch(8)
    best = callbacks.KeepBest(path, lambda model: model.evaluate(dataset))
    gan.fit(dataset, callbacks=[best], verbose=0)
    assert np.ptp(gan.generate(8, seed=0), axis=0).max() == 0
    assert path.exists()
    assert np.isfinite(best.best)


def test_samples_without_variety_have_a_score(network):
    gan = tiny.by_name("dcgan").build()
    images = gan.generate(20, seed=0, truncation=0.0)
    assert np.ptp(images, axis=0).max() == 0
    metric = metrics.FrechetDistance(network)
    metric.update_state(draw(20, 1), images)
    assert np.isfinite(numbers(metric)).all()
