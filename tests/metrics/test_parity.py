"""Other packages on the same inputs, to the tolerances of docs/metrics.md."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasgan.metrics import (
    FeatureStatistics,
    density_coverage,
    folders,
    frechet_distance,
    inception_score,
    kernel_distance,
    load_inception,
    precision_recall,
    resize,
)
from tests.support import inception_weights

pytestmark = [
    pytest.mark.parity,
    # Other packages' own: nothing here is about them.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


def clouds(count_a=400, count_b=300, width=64):
    """Two sets like Inception's: not negative, correlated, unequal."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(width, width)) / np.sqrt(width)
    a = generator.normal(size=(count_a, width)) @ mixing
    b = generator.normal(size=(count_b, width)) @ mixing * 0.8 + 0.1
    return np.maximum(a, 0), np.maximum(b, 0)


def logits(count=500, classes=20):
    return np.random.default_rng(1).normal(size=(count, classes)) * 2


def softmax(values):
    exponentials = np.exp(values - values.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def distance(a, b):
    return FeatureStatistics.from_features(a).distance(
        FeatureStatistics.from_features(b)
    )


# Fréchet distance


def test_frechet_distance_of_pytorch_fid(torchvision):
    fid_score = pytest.importorskip("pytorch_fid.fid_score")
    a, b = clouds()
    expected = fid_score.calculate_frechet_distance(
        a.mean(0), np.cov(a, rowvar=False), b.mean(0), np.cov(b, rowvar=False)
    )
    assert distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_torch_fidelity(torchvision):
    torch = pytest.importorskip("torch")
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid")
    a, b = clouds()
    statistics = [
        metric_fid.fid_features_to_statistics(torch.from_numpy(features))
        for features in (a, b)
    ]
    expected = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    expected = expected["frechet_inception_distance"]
    assert distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_tfgan(tfgan):
    a, b = clouds()
    expected = tfgan.eval.frechet_classifier_distance_from_activations(
        tf.constant(a), tf.constant(b)
    )
    # TF-GAN keeps eigenvalues below 1e-10 as they are and answers in the
    # type of the activations, float64 here.
    assert distance(a, b) == pytest.approx(float(expected), rel=1e-6)


def test_statistics_file_of_pytorch_fid(torchvision, tmp_path):
    fid_score = pytest.importorskip("pytorch_fid.fid_score")
    a, _ = clouds()
    FeatureStatistics.from_features(a).save(tmp_path / "a.npz")
    mean, covariance = fid_score.compute_statistics_of_path(
        str(tmp_path / "a.npz"), None, 50, 64, "cpu"
    )
    np.testing.assert_allclose(mean, a.mean(0), rtol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(a.T), rtol=1e-10)


@pytest.mark.slow
def test_folder_statistics_of_pytorch_fid(
    torchvision, port, tmp_path, monkeypatch
):
    torch = pytest.importorskip("torch")
    fid_score = pytest.importorskip("pytorch_fid.fid_score")
    monkeypatch.setattr(
        "pytorch_fid.inception.load_state_dict_from_url",
        lambda *_, **__: torch.load(port, weights_only=True),
    )
    generator = np.random.default_rng(0)
    (tmp_path / "a").mkdir()
    for index in range(5):
        pixels = generator.integers(0, 256, (40, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "a" / f"{index}.png")
    mean, covariance = fid_score.compute_statistics_of_path(
        str(tmp_path / "a"),
        fid_score.InceptionV3([3]).eval(),
        batch_size=5,
        dims=2048,
        device="cpu",
        num_workers=0,
    )
    network = load_inception(port, resizer="pytorch_fid")
    ours = folders.stats(tmp_path / "a", tmp_path / "a.npz", network)
    np.testing.assert_allclose(
        ours.mean, mean, rtol=1e-3, atol=1e-4 * np.abs(mean).max()
    )
    np.testing.assert_allclose(
        ours.covariance, covariance, atol=1e-3 * np.abs(covariance).max()
    )


# Inception Score


@pytest.mark.parametrize("count", [500, 497])
def test_inception_score_of_torch_fidelity(torchvision, count):
    torch = pytest.importorskip("torch")
    metric_isc = pytest.importorskip("torch_fidelity.metric_isc")
    values = logits(count)
    expected = metric_isc.isc_features_to_metric(
        torch.from_numpy(values), splits=10, shuffle=False
    )
    assert inception_score(softmax(values)) == pytest.approx(
        (
            expected["inception_score_mean"],
            expected["inception_score_std"],
        ),
        rel=1e-6,
    )


def test_classifier_score_of_tfgan(tfgan):
    values = logits()
    expected = tfgan.eval.classifier_score_from_logits(tf.constant(values))
    found, _ = inception_score(softmax(values), splits=1)
    assert found == pytest.approx(float(expected), rel=1e-6)


# Kernel distance


def test_kernel_distance_of_torch_fidelity(torchvision):
    torch = pytest.importorskip("torch")
    metric_kid = pytest.importorskip("torch_fidelity.metric_kid")
    a, b = clouds()
    expected = metric_kid.kid_features_to_metric(
        torch.from_numpy(a),
        torch.from_numpy(b),
        kid_subsets=20,
        kid_subset_size=200,
        rng_seed=2020,
        verbose=False,
    )
    # The same subsets, sampled in the same way.
    assert kernel_distance(a, b, 20, 200) == pytest.approx(
        (
            expected["kernel_inception_distance_mean"],
            expected["kernel_inception_distance_std"],
        ),
        rel=1e-6,
    )


def test_kernel_distance_of_tfgan(tfgan):
    a, b = clouds(300, 300)
    expected = tfgan.eval.kernel_classifier_distance_from_activations(
        tf.constant(a), tf.constant(b), max_block_size=300
    )
    found, _ = kernel_distance(a, b, subsets=1, subset_size=300)
    assert found == pytest.approx(float(expected), rel=1e-6)


# Precision, recall, density, coverage


def test_precision_recall_of_torch_fidelity(torchvision):
    torch = pytest.importorskip("torch")
    metric_prc = pytest.importorskip("torch_fidelity.metric_prc")
    a, b = clouds(width=8)
    expected = metric_prc.prc_features_to_metric(
        torch.from_numpy(b),
        torch.from_numpy(a),
        prc_neighborhood=3,
        prc_batch_size=10_000,
        save_cpu_ram=False,
        verbose=False,
    )
    found = precision_recall(a, b, k=3)
    assert 0.2 < found[0] < 0.99
    # Shares of float32, of the same images.
    assert found == pytest.approx(
        (expected["precision"], expected["recall"]), rel=1e-6
    )


def test_density_coverage_of_prdc():
    prdc = pytest.importorskip("prdc")
    a, b = clouds(width=8)
    expected = prdc.compute_prdc(a, b, nearest_k=5)
    found = density_coverage(a, b, k=5)
    assert 0.2 < found[1] < 0.99
    assert found == pytest.approx(
        (expected["density"], expected["coverage"]), rel=1e-6
    )
    # Without ties on surfaces, `<` and `<=` give the same.
    assert precision_recall(a, b, k=5) == pytest.approx(
        (expected["precision"], expected["recall"]), rel=1e-6
    )


# Resizers


@pytest.mark.parametrize("size", [(32, 32), (299, 299), (64, 48), (400, 350)])
def test_clean_is_that_of_clean_fid(size):
    cleanfid = pytest.importorskip("cleanfid.resize")
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    theirs = cleanfid.build_resizer("clean")(image)
    ours = resize.clean(image[None], 299, 299)[0]
    np.testing.assert_allclose(ours, theirs, atol=5e-3)


@pytest.mark.parametrize("size", [(32, 32), (299, 299), (64, 48), (400, 350)])
def test_pytorch_fid_is_the_legacy_resizer_of_clean_fid(size):
    cleanfid = pytest.importorskip("cleanfid.resize")
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    theirs = cleanfid.build_resizer("legacy_pytorch")(image)
    ours = resize.pytorch_fid(image[None], 299, 299)[0] * (255 / 256)
    np.testing.assert_allclose(ours, theirs, atol=5e-3)


# Inception


@pytest.fixture(scope="module")
def arrays():
    return inception_weights.draw()


@pytest.fixture(scope="module")
def port(arrays, tmp_path_factory):
    pytest.importorskip("torch", reason="in the extra parity")
    return inception_weights.write_port(tmp_path_factory.mktemp("port"), arrays)


def images_of(size):
    return np.random.default_rng(2).integers(0, 256, (2, *size, 3), np.uint8)


@pytest.mark.slow
def test_network_of_pytorch_fid(torchvision, port, monkeypatch):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("pytorch_fid.inception")
    monkeypatch.setattr(
        theirs,
        "load_state_dict_from_url",
        lambda *_, **__: torch.load(port, weights_only=True),
    )
    network = theirs.InceptionV3([3]).eval()
    ours = load_inception(port, resizer="pytorch_fid")
    for size in [(32, 32), (64, 48), (299, 299), (400, 350)]:
        images = images_of(size)
        batch = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            expected = network(batch)[0].flatten(1).numpy()
        found = ours(images).numpy()
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(
            found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max()
        )


@pytest.mark.slow
def test_network_of_torch_fidelity(torchvision, port):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    network = theirs.FeatureExtractorInceptionV3(
        "inception-v3-compat",
        ["2048", "logits_unbiased"],
        feature_extractor_weights_path=str(port),
    )
    ours = load_inception(port)
    for size in [(32, 32), (64, 48), (299, 299), (400, 350)]:
        images = images_of(size)
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        features, unbiased = (found.numpy() for found in network(batch))
        np.testing.assert_allclose(
            ours(images),
            features,
            rtol=1e-4,
            atol=1e-4 * np.abs(features).max(),
        )
        np.testing.assert_allclose(
            ours.probabilities(images), softmax(unbiased), rtol=2e-3
        )


@pytest.mark.slow
def test_graph_and_port_are_one_network(arrays, port, tmp_path):
    inception_weights.write_graph(tmp_path / "graph.pb", arrays)
    graph = load_inception(tmp_path / "graph.pb")
    ported = load_inception(port)
    assert graph.hash == ported.hash
    images = images_of((40, 40))
    np.testing.assert_array_equal(graph(images), ported(images))


def test_damaged_port_is_named(port, tmp_path):
    content = bytearray(port.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / port.name
    path.write_bytes(content)
    with pytest.raises(OSError, match="its sha256 must begin with"):
        load_inception(path)


def test_port_of_another_network(tmp_path):
    torch = pytest.importorskip("torch", reason="in the extra parity")
    path = tmp_path / "other.pth"
    torch.save({"fc.weight": torch.zeros(2)}, path)
    with pytest.raises(OSError, match="no array 'Conv2d_1a_3x3.bn.weight'"):
        load_inception(path)


def test_port_that_would_run_code(tmp_path):
    torch = pytest.importorskip("torch", reason="in the extra parity")

    class Payload:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / "payload.pth"
    torch.save({"fc.weight": Payload()}, path)
    with pytest.raises(OSError, match="weights alone"):
        load_inception(path)
    assert not (tmp_path / "ran").exists()


def test_frechet_distance_of_float32_statistics(torchvision):
    # Stored in float32 by others, the covariance loses its symmetry in the
    # last digits, and must still be taken.
    fid_score = pytest.importorskip("pytorch_fid.fid_score")
    a, b = clouds()
    given = [
        a.mean(0),
        np.cov(a, rowvar=False).astype("float32"),
        b.mean(0),
        np.cov(b, rowvar=False).astype("float32"),
    ]
    expected = fid_score.calculate_frechet_distance(*given)
    assert frechet_distance(*given) == pytest.approx(expected, rel=1e-4)
