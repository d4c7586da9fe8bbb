import os

import numpy as np
import pytest
import tensorflow as tf
from scipy import linalg

from kerasgan.metrics import (
    FeatureStatistics,
    FrechetDistance,
    frechet_distance,
)


def cloud(count, width, seed=0, scale=1.0, shift=0.0):
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(seed + 100).normal(size=(width, width))
    return generator.normal(size=(count, width)) @ mixing * scale + shift


def distance(a, b):
    return FeatureStatistics.from_features(a).distance(
        FeatureStatistics.from_features(b)
    )


def test_diagonal_normals_in_closed_form():
    # (1-3)^2 + (2-0)^2 + (2-1)^2 + (3-5)^2, deviations 2, 3 against 1, 5.
    found = frechet_distance(
        np.array([1.0, 2.0]),
        np.diag([4.0, 9.0]),
        np.array([3.0, 0.0]),
        np.diag([1.0, 25.0]),
    )
    assert found == pytest.approx(4 + 4 + 1 + 4, rel=1e-12)


def test_rotating_both_sides_changes_nothing():
    a, b = cloud(50, 6, 1), cloud(60, 6, 2, shift=0.3)
    rotation, _ = np.linalg.qr(cloud(6, 6, 3))
    assert distance(a @ rotation, b @ rotation) == pytest.approx(
        distance(a, b), rel=1e-10
    )


def test_agrees_with_the_matrix_square_root():
    a, b = cloud(100, 8, 1), cloud(90, 8, 2, scale=0.7, shift=0.5)
    covariance_a, covariance_b = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(covariance_a @ covariance_b)
    expected = (
        np.square(a.mean(0) - b.mean(0)).sum()
        + np.trace(covariance_a + covariance_b - 2 * root).real
    )
    assert distance(a, b) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("count", [2, 5, 20, 100])
def test_a_set_against_itself_is_zero(count):
    a = cloud(count, 20)
    scale = np.trace(np.cov(a.T))
    assert 0.0 <= distance(a, a) < 1e-12 * scale


def test_small_eigenvalues_count():
    a = cloud(30, 10) * np.logspace(0, -4, 10)
    a[:, 0] = 0.0  # So that Cholesky fails, whatever the rounding.
    scale = np.trace(np.cov(a.T))
    assert 0.0 <= distance(a, a) < 1e-12 * scale


def test_few_images_agree_with_the_gram_matrices():
    # With 7 and 9 images of 40 features the covariances are singular; the
    # trace of the root is then the nuclear norm of the small matrix between
    # the centered features.
    a, b = cloud(7, 40, 1), cloud(9, 40, 2)
    centered_a = (a - a.mean(0)) / np.sqrt(6)
    centered_b = (b - b.mean(0)) / np.sqrt(8)
    expected = (
        np.square(a.mean(0) - b.mean(0)).sum()
        + np.square(centered_a).sum()
        + np.square(centered_b).sum()
        - 2 * np.linalg.norm(centered_a @ centered_b.T, "nuc")
    )
    assert distance(a, b) == pytest.approx(expected, rel=1e-10)


def test_near_singular_covariances():
    scales = 10.0 ** -np.arange(12)
    rotation, _ = np.linalg.qr(cloud(12, 12))
    covariance_a = (rotation * scales) @ rotation.T
    covariance_b = 4 * covariance_a
    zero = np.zeros(12)
    # Deviations double: sum of scale * (2 - 1)^2.
    assert frechet_distance(
        zero, covariance_a, zero, covariance_b
    ) == pytest.approx(scales.sum(), rel=1e-8)


def test_the_covariances_that_gave_nan():
    # The real root of a slightly negative eigenvalue is NaN: four images
    # leave rank three.
    generator = np.random.RandomState(1)
    a, b = generator.randn(4, 4), generator.randn(4, 4)
    product = np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)
    with np.errstate(invalid="ignore"):
        assert np.isnan(np.sqrt(np.linalg.eigvals(product).real).sum())
    root = linalg.sqrtm(product.astype(complex)).trace().real
    expected = (
        np.square(a.mean(0) - b.mean(0)).sum()
        + a.var(0, ddof=1).sum()
        + b.var(0, ddof=1).sum()
        - 2 * root
    )
    assert distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_constant_images():
    constant = np.full((10, 3), 0.1)
    assert 0.0 <= distance(constant, constant) < 1e-20
    # Mean 0 against 2 and no spread: the square of the shift alone.
    assert distance(constant, constant + 2) == pytest.approx(12.0)


def test_rounding_of_many_sums_is_no_negative_eigenvalue():
    # A hundred thousand sums of one leave 1e-11 of the squared mean.
    mean = np.full(4, 30.0)
    noise = 1e-11 * (mean @ mean)
    covariance_a = np.diag([1e-5, noise, -noise, noise])
    # Of a matrix product, whose sides may differ.
    covariance_a[2, 3] = noise / 100
    covariance_b = np.diag([4.0, 1.0, 1.0, 1.0])
    found = frechet_distance(mean, covariance_a, mean + 1, covariance_b)
    expected = 4 + 7 + 1e-5 - 2 * np.sqrt(4e-5)
    assert found == pytest.approx(expected, abs=1e-3)


def test_one_image_is_refused():
    with pytest.raises(ValueError, match="Received: 1 images"):
        FeatureStatistics.from_features(np.ones((1, 3)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    mean, covariance = np.zeros(2), np.eye(2)
    broken = np.array([[1.0, value], [value, 1.0]])
    with pytest.raises(ValueError, match="covariance_b.*2 values"):
        frechet_distance(mean, covariance, mean, broken)
    with pytest.raises(ValueError, match="mean_a.*1 values"):
        frechet_distance(np.array([value, 0.0]), covariance, mean, covariance)


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (np.array([[1.0, 2.0], [0.0, 1.0]]), "symmetric.*2.0"),
        (np.diag([1.0, -1.0]), "smallest eigenvalue=-1.0"),
        (np.eye(3), r"covariance_b.shape=\(3, 3\)"),
    ],
)
def test_what_is_no_covariance_is_refused(covariance, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(2), covariance)


def test_different_features_are_refused():
    with pytest.raises(ValueError, match="same features"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))


def test_statistics_are_those_of_numpy():
    a = cloud(30, 5)
    statistics = FeatureStatistics.from_features(a)
    np.testing.assert_allclose(statistics.mean, a.mean(0), rtol=1e-14)
    np.testing.assert_allclose(
        statistics.covariance, np.cov(a, rowvar=False), rtol=1e-12
    )
    assert statistics.count == 30


def test_statistics_file(tmp_path):
    statistics = FeatureStatistics.from_features(cloud(30, 5))
    path = tmp_path / "real"
    statistics.save(path)
    # The names that pytorch-fid reads.
    with np.load(path) as file:
        np.testing.assert_array_equal(file["mu"], statistics.mean)
        np.testing.assert_array_equal(file["sigma"], statistics.covariance)
    assert os.listdir(tmp_path) == ["real"]
    again = FeatureStatistics.load(path)
    np.testing.assert_array_equal(again.covariance, statistics.covariance)
    assert again.count == 30


def test_statistics_of_another_program(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, mu=np.zeros(3, np.float32), sigma=np.eye(3))
    assert FeatureStatistics.load(path).count is None
    assert FeatureStatistics.load(path).mean.dtype == np.float64


def test_statistics_file_that_is_none(tmp_path):
    (tmp_path / "text.npz").write_text("no zip")
    np.savez(tmp_path / "names.npz", mean=np.zeros(3))
    for name in ("text.npz", "names.npz"):
        with pytest.raises(OSError, match=f"{name} must be an .npz file"):
            FeatureStatistics.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        FeatureStatistics.load(tmp_path / "missing.npz")


def test_streaming_equals_the_whole_in_any_batches(network, make_images):
    real, fake = make_images(41, 1), make_images(30, 2, high=200)
    expected = distance(network(real).numpy(), network(fake).numpy())
    metric = FrechetDistance(network)
    metric.update_state(real[:7], fake[:20])
    metric.update_state(real_images=real[7:])
    metric.update_state(fake_images=fake[20:])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-9)
    assert metric.result().dtype == "float64"
    assert metric.name == "fd_tiny"
    metric.reset_state()
    with pytest.raises(ValueError, match="0 real images"):
        metric.result()


def test_sums_are_kept_in_float64(network):
    # In float32 the spread of features far from zero drowns: 1e8 against 1.
    metric = FrechetDistance(network)
    width = network.num_features
    generator = np.random.default_rng(0)
    a = 1e4 + generator.normal(size=(100, width))
    b = 1e4 + generator.normal(size=(100, width))
    for start in range(0, 100, 10):
        metric.update_features(a[start:][:10], b[start:][:10])
    assert all(weight.dtype == "float64" for weight in metric.variables)
    assert float(metric.result()) == pytest.approx(distance(a, b), rel=1e-6)


def test_streaming_inside_a_graph(network, make_images):
    metric = FrechetDistance(network)

    @tf.function
    def step(real, fake):
        metric.update_state(real, fake)

    step(make_images(9, 1), make_images(9, 2))
    step(make_images(4, 3), make_images(4, 4))
    assert metric.statistics("fake").count == 13


def test_reference_statistics_stand_for_real_images(network, make_images):
    real, fake = make_images(20, 1), make_images(30, 2)
    reference = FeatureStatistics.from_features(network(real).numpy())
    metric = FrechetDistance(network, reference=reference)
    metric.update_state(fake_images=fake)
    expected = distance(network(real).numpy(), network(fake).numpy())
    assert float(metric.result()) == pytest.approx(expected, rel=1e-9)
    with pytest.raises(ValueError, match="the real side is complete"):
        metric.update_state(real_images=real)


def test_reference_of_other_features_is_refused(network):
    other = FeatureStatistics(np.zeros(3), np.eye(3), 9)
    with pytest.raises(ValueError, match="Received: 3"):
        FrechetDistance(network, reference=other)
