import numpy as np
import pytest

from kerasgan.metrics import InceptionScore, inception_score


def draw(count, classes=6, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), count)


def slow_score(probabilities, splits):
    """The formula, image by image."""
    scores = []
    count = len(probabilities)
    for part in range(splits):
        rows = probabilities[
            part * count // splits : (part + 1) * count // splits
        ]
        marginal = sum(rows) / len(rows)
        divergences = [
            sum(p * np.log(p / q) for p, q in zip(row, marginal, strict=True))
            for row in rows
        ]
        scores.append(np.exp(np.mean(divergences)))
    return np.mean(scores), np.std(scores)


@pytest.mark.parametrize(("count", "splits"), [(100, 10), (37, 5), (6, 1)])
def test_is_the_formula(count, splits):
    probabilities = draw(count)
    assert inception_score(probabilities, splits) == pytest.approx(
        slow_score(probabilities, splits), rel=1e-12
    )


def test_certain_and_even_reaches_the_number_of_classes():
    assert inception_score(np.tile(np.eye(4), (5, 1)), 5) == pytest.approx(
        (4.0, 0.0)
    )


def test_equal_images_score_one():
    assert inception_score(np.tile(draw(1), (20, 1))) == pytest.approx(
        (1.0, 0.0), abs=1e-12
    )


def test_deviation_between_parts():
    # The first half has both classes, the second one of them: scores 2 and 1.
    rows = np.eye(2)[[0, 1, 0, 1, 0, 0, 0, 0]]
    assert inception_score(rows, splits=2) == pytest.approx((1.5, 0.5))


def test_fewer_images_than_parts_are_refused():
    with pytest.raises(ValueError, match="Received: 9 images, splits=10"):
        inception_score(draw(9))
    with pytest.raises(ValueError, match="splits=0"):
        inception_score(draw(9), splits=0)


@pytest.mark.parametrize("value", [np.nan, -0.1, 0.9])
def test_rows_that_are_no_distribution_are_refused(value):
    rows = draw(20)
    rows[3, 2] = value
    with pytest.raises(ValueError, match="must be a distribution"):
        inception_score(rows)


def test_streaming_equals_the_formula_in_any_batches(network, make_images):
    images = make_images(43)
    probabilities = network.probabilities(images).numpy().astype("float64")
    # 40 of them, so that all parts are of one size.
    order = np.argsort(np.arange(40) % 4, kind="stable")
    expected = inception_score(probabilities[:40][order], splits=4)
    metric = InceptionScore(network, splits=4)
    for start, stop in ((0, 7), (7, 8), (8, 40)):
        metric.update_state(fake_images=images[start:stop])
    # Float32 rows sum to one to 1e-7 only.
    assert metric.score() == pytest.approx(expected, rel=1e-6)
    assert float(metric.result()) == metric.score()[0]
    assert metric.name == "is_tiny"
    metric.reset_state()
    with pytest.raises(ValueError, match="0 images"):
        metric.result()


def test_memory_does_not_grow(network, make_images):
    metric = InceptionScore(network)
    sizes = [int(np.prod(weight.shape)) for weight in metric.variables]
    assert sum(sizes) == 10 * (1 + network.num_classes + 1)


def test_broken_network_is_named(network):
    metric = InceptionScore(network, splits=1)
    metric.update_probabilities(np.full((3, 5), np.nan))
    with pytest.raises(ValueError, match="not finite"):
        metric.result()
