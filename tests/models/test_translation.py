"""What both models that translate images refuse, in the same words."""

import numpy as np
import pytest
import tensorflow as tf

from tests import tiny
from tests.support.translation import assert_unchanged, images, values

NAMES = {
    "pix2pix": ("input", "target"),
    "cut": ("a", "b"),
    "cyclegan": ("a", "b"),
}


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def gan(name):
    return tiny.by_name(name).compiled()


@pytest.fixture
def arrays(name):
    return tiny.by_name(name).arrays(4)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x, y: (x[..., :2], y), r"`{0}` .* shape=\(2, \d+, \d+, 2\)"),
        (
            lambda x, y: (x, np.repeat(y, 2, -1)),
            r"`{1}` .* shape=\(2, \d+, \d+, [26]\)",
        ),
        (lambda x, y: (x, y[:, :20]), r"`{1}` .* shape=\(2, 20, "),
        (lambda x, y: (x, 2 * y), "`{1}` must lie in"),
        (lambda x, y: (x, y / 2 + 0.5), "looks like"),
        (lambda x, y: (x, None), r"must be a pair \({0}, {1}\)"),
    ],
)
def test_data_that_do_not_fit_are_refused(name, gan, arrays, change, message):
    before = values(gan.variables)
    message = message.format(*NAMES[name])
    with pytest.raises(ValueError, match=message):
        gan.fit(*change(*arrays), batch_size=2, verbose=0)
    assert_unchanged(before, gan.variables)


def test_unequal_batches_are_refused(gan, arrays):
    x, y = map(tf.data.Dataset.from_tensor_slices, arrays)
    dataset = tf.data.Dataset.zip(x.batch(4), y.batch(2))
    with pytest.raises(ValueError, match="Received: 4 and 2"):
        gan.fit(dataset, verbose=0)


@pytest.mark.parametrize(
    "image, message",
    [
        (images(2, 32, 32).tolist(), "Received: list"),
        (images(2, 32, 32) / 255, "Received: dtype=float64"),
        (images(1, 32, 32)[0], r"shape=\(32, 32, 3\).*`images\[None\]`"),
        (images(2, 32, 32)[None], "one batch axis"),
        (images(0, 32, 32), r"at least one image. Received: shape=\(0, "),
        (images(2, 32, 32, channels=1), "must have 3 channels"),
        (images(2, 34, 32), r"multiples of \d+ .* shape=\(2, 34, 32, 3\)"),
        (images(2, 32, 4), r"of at least \d+"),
    ],
)
def test_images_that_do_not_fit_are_refused(gan, image, message):
    with pytest.raises(ValueError, match=message):
        gan.translate(image)


def test_signatures_refuse_sizes_in_the_same_words(gan):
    for function, specs in gan.signatures().values():
        seeds = [tf.zeros((1,), "int64")] * (len(specs) - 1)
        with pytest.raises(tf.errors.InvalidArgumentError, match="multiples"):
            function(tf.constant(images(1, 34, 32)), *seeds)
