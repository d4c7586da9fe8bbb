import numpy as np
import pytest
import tensorflow as tf

from kerasgan.metrics import Diversity, PairSimilarity, similarity


def pair(size=(20, 24), channels=3, noise=30):
    generator = np.random.default_rng(0)
    a = generator.integers(0, 256, (3, *size, channels))
    b = a + generator.integers(-noise, noise + 1, a.shape)
    return a.astype(np.uint8), b.clip(0, 255).astype(np.uint8)


def test_l1_by_hand():
    a = np.zeros((1, 2, 1, 1), np.uint8)
    b = np.array([10, 250], np.uint8).reshape(1, 2, 1, 1)
    # As unsigned numbers 0 - 250 would be 6.
    assert similarity.l1(a, b) == pytest.approx([130.0])


def test_psnr_by_hand():
    a = np.zeros((1, 10, 1, 1), np.uint8)
    # A mean square of 65.025, a thousandth of 255^2.
    b = a.copy()
    b[0, 0] = 255
    assert similarity.psnr(a, b) == pytest.approx([10.0])
    assert similarity.psnr(a, a) == [np.inf]


def test_psnr_and_ssim_of_tensorflow():
    a, b = pair()
    np.testing.assert_allclose(
        similarity.psnr(a, b), tf.image.psnr(a, b, 255), rtol=1e-5
    )
    np.testing.assert_allclose(
        similarity.ssim(a, b),
        tf.image.ssim(tf.constant(a), tf.constant(b), 255),
        rtol=1e-5,
    )
    # Dark and of another brightness, where the constants count.
    np.testing.assert_allclose(
        similarity.ssim(a // 20, b // 5),
        tf.image.ssim(tf.constant(a // 20), tf.constant(b // 5), 255),
        rtol=1e-5,
    )


@pytest.mark.parametrize("size", [(176, 176), (181, 190)])
def test_ms_ssim_of_tensorflow(size):
    a, b = pair(size, channels=2)
    expected = tf.image.ssim_multiscale(tf.constant(a), tf.constant(b), 255)
    np.testing.assert_allclose(similarity.ms_ssim(a, b), expected, rtol=1e-4)


def test_fewer_scales():
    a, b = pair((23, 22))
    weights = (0.0448, 0.2856)
    expected = tf.image.ssim_multiscale(
        tf.constant(a),
        tf.constant(b),
        255,
        power_factors=[weight / sum(weights) for weight in weights],
    )
    np.testing.assert_allclose(
        similarity.ms_ssim(a, b, scales=2), expected, rtol=1e-4
    )
    np.testing.assert_allclose(
        similarity.ms_ssim(a, b, scales=1), similarity.ssim(a, b), rtol=1e-9
    )


def test_equal_and_constant_images():
    a, _ = pair((23, 22))
    black, white = np.zeros_like(a), np.full_like(a, 255)
    for function in (similarity.ssim, lambda a, b: similarity.ms_ssim(a, b, 2)):
        np.testing.assert_allclose(function(a, a), np.ones(3), rtol=1e-12)
        np.testing.assert_allclose(function(black, black), np.ones(3))
        assert np.all(function(black, white) < 0.01)


def test_opposite_images_are_not_negative_powers():
    a, _ = pair((23, 22), noise=0)
    found = similarity.ms_ssim(a, 255 - a, scales=2)
    assert similarity.ssim(a, 255 - a).max() < 0
    np.testing.assert_array_equal(found, np.zeros(3))


@pytest.mark.parametrize(
    "function", [similarity.l1, similarity.psnr, similarity.ssim]
)
def test_what_is_refused(function):
    a, b = pair()
    with pytest.raises(ValueError, match="same shape"):
        function(a, b[:2])
    with pytest.raises(ValueError, match="float32"):
        function(a, b.astype("float32"))


def test_too_small_images():
    a, b = pair((32, 32))
    with pytest.raises(ValueError, match="at least 44x44.*32x32"):
        similarity.ms_ssim(a, b, scales=3)
    with pytest.raises(ValueError, match="scales=6"):
        similarity.ms_ssim(a, b, scales=6)


def test_streaming_pairs():
    a, b = pair()
    metric = PairSimilarity()
    metric.update_state(a[:1], b[:1])
    tf.function(metric.update_state)(a[1:], b[1:])
    found = {key: float(value) for key, value in metric.result().items()}
    assert found == pytest.approx(
        {
            "l1": similarity.l1(a, b).mean(),
            "psnr": similarity.psnr(a, b).mean(),
            "ssim": similarity.ssim(a, b).mean(),
        },
        rel=1e-12,
    )
    metric.reset_state()
    with pytest.raises(ValueError, match="at least one pair"):
        metric.result()


def test_streaming_diversity():
    a, b = pair((23, 22))
    images = np.stack([a, b], axis=1).reshape(6, 23, 22, 3)
    metric = Diversity(scales=2)
    metric.update_state(None, images[:4])
    # The odd one is left out.
    metric.update_state(fake_images=images[[4, 5, 0]])
    expected = similarity.ms_ssim(a, b, scales=2).mean()
    assert float(metric.result()) == pytest.approx(expected, rel=1e-12)
