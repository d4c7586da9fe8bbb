"""Perceptual path length, against generators whose length is known."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from kerasgan import evaluation, metrics
from kerasgan.latents import on_arc, on_line
from kerasgan.metrics import path_length, pixel_distance
from kerasgan.metrics.protocols import PROTOCOLS
from tests import tiny

DIM = 5


def normal(count, seed):
    """Points from a unit normal, without a condition."""
    random = np.random.RandomState(seed)
    return random.standard_normal((count, DIM)).astype("float32"), None


def sum_of_squares(first, second):
    return np.sum((np.asarray(first) - np.asarray(second)) ** 2, axis=1)


def lengths(images_of, **options):
    options = {"trim": False, "epsilon": 1e-2, **options}
    return metrics.perceptual_path_length(
        normal, images_of, sum_of_squares, 64, batch_size=16, **options
    )


def ends():
    """The ends of all paths, as `perceptual_path_length` samples them."""
    starts, stops = (
        np.concatenate([normal(16, 2 * batch + end)[0] for batch in range(4)])
        for end in (0, 1)
    )
    return starts.astype("float64"), stops.astype("float64")


@pytest.mark.parametrize("sampling", ["full", "end"])
def test_a_linear_generator(sampling):
    """|A (w' - w)|^2, anywhere on the way."""
    matrix = np.random.RandomState(0).standard_normal((DIM, 7))
    found = lengths(lambda w, _: w @ matrix, sampling=sampling)
    start, stop = ends()
    expected = np.mean(np.sum(((stop - start) @ matrix) ** 2, axis=1))
    assert found == pytest.approx(expected, rel=1e-4)
    # Its expectation over normal points is 2 tr(A A^T).
    assert expected == pytest.approx(2 * np.sum(matrix**2), rel=0.2)


def test_segments_at_the_end_begin_at_the_first_point():
    """Of squares the derivative at w is 2 w (w' - w)."""
    found = lengths(lambda w, _: w**2, sampling="end", epsilon=1e-4)
    start, stop = ends()
    expected = np.mean(np.sum((2 * start * (stop - start)) ** 2, axis=1))
    assert found == pytest.approx(expected, rel=0.02)
    elsewhere = lengths(lambda w, _: w**2, sampling="full", epsilon=1e-4)
    assert elsewhere != pytest.approx(expected, rel=0.1)


def test_paths_in_z_are_arcs():
    """The angle squared, for points of unit norm."""

    def directions(z, _):
        return z / np.linalg.norm(z, axis=1, keepdims=True)

    found = lengths(directions, space="z", sampling="full")
    start, stop = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in ends())
    angles = np.arccos(np.sum(start * stop, axis=1))
    assert found == pytest.approx(np.mean(angles**2), rel=1e-3)
    straight = lengths(directions, space="w", sampling="full")
    assert straight != pytest.approx(np.mean(angles**2), rel=0.05)


def test_points_on_lines_and_arcs():
    start, end = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[0, 4], [1, 0]])
    share = np.array([0.5, 1.0])
    np.testing.assert_allclose(on_line(start, end, share), [[1, 2], [1, 0]])
    half = 3.0 / np.sqrt(2.0)
    expected = [[half, half], [1.0, 0.0]]
    np.testing.assert_allclose(on_arc(start, end, share), expected, atol=1e-12)


def test_the_shortest_and_the_longest_percent_are_left_out():
    values = np.arange(201.0)
    values[7] = 1e9
    found = path_length.trimmed(values)
    assert (found.min(), found.max()) == (2.0, 199.0)
    matrix = np.random.RandomState(0).standard_normal((DIM, 7))
    start, stop = ends()
    all_lengths = np.sum(((stop - start) @ matrix) ** 2, axis=1)
    found = lengths(lambda w, _: w @ matrix, trim=True)
    expected = np.mean(np.sort(all_lengths)[1:-1])
    # Of 64, numpy's lower and higher percentiles keep all.
    assert found == pytest.approx(
        np.mean(path_length.trimmed(all_lengths)), rel=1e-4
    )
    assert expected < np.mean(all_lengths)


def test_both_ends_of_a_segment_have_one_condition():
    gan = tiny.conditional_stylegan2()
    seen, inputs = [], gan.inputs

    def watched(latents, condition=None, truncation=None):
        seen.append(tf.convert_to_tensor(condition).numpy().tolist())
        return inputs(latents, condition, truncation)

    gan.inputs = watched
    tf.config.run_functions_eagerly(True)
    try:
        metrics.path_length_of(gan, pixel_distance, 4, space="z")
    finally:
        tf.config.run_functions_eagerly(False)
    first, second = seen
    assert first == second and len(set(first)) > 1


def test_w_of_a_model_is_its_own():
    gan = tiny.stylegan2()
    found = metrics.path_length_of(
        gan, pixel_distance, 8, epsilon=1e-3, trim=False
    )
    start, end = (
        gan.styles(gan.seeded_latents(seed, 8)).numpy() for seed in (0, 1)
    )
    with tf.autodiff.ForwardAccumulator(
        point := tf.constant(start), tf.constant(end - start)
    ) as accumulator:
        images = gan.from_styles(point)
    slope = accumulator.jvp(images)
    expected = np.mean(slope.numpy() ** 2)
    assert found == pytest.approx(expected, rel=0.02)


def test_what_has_no_path_is_refused():
    with pytest.raises(TypeError, match="with styles"):
        metrics.path_length_of(tiny.dcgan(), pixel_distance, 4)
    with pytest.raises(TypeError, match="with latents"):
        metrics.path_length_of(tiny.pix2pix(), pixel_distance, 4, space="z")
    with pytest.raises(ValueError, match="cannot be sampled"):
        metrics.path_length_of(tiny.gan_cls(), pixel_distance, 4, space="z")
    for name, value in (("space", "x"), ("sampling", "half"), ("epsilon", 0)):
        with pytest.raises(ValueError, match=f"Received: {name}="):
            lengths(lambda w, _: w, **{name: value})


# The protocols


def test_a_model_is_measured_without_data():
    """The features come with the package; real images are not compared."""
    protocol = metrics.PathLengthProtocol(
        "ppl8", "classifier_fashion_mnist_32", "z", "full", 8
    )
    name = "dcgan_fashion_mnist_32"
    found = evaluation.score(name, protocol)["ppl8"]
    assert found["metric"] == "ppl_classifier_fashion_mnist_32"
    assert found["protocol"]["segments"] == 8
    assert len(found["protocol"]["features_sha256"]) == 64
    distance = metrics.PerceptualDistance(zoo.features("fashion_mnist"))
    expected = metrics.path_length_of(
        zoo.load(name), distance, 8, space="z", sampling="full"
    )
    assert found["value"] == pytest.approx(expected, rel=1e-3)
    with pytest.raises(ValueError, match="without truncation"):
        evaluation.score(name, protocol, truncation=0.5)
    with pytest.raises(TypeError, match="with styles"):
        evaluation.score(name, "ppl10k_fashion_mnist_w_end")


def test_there_are_protocols_of_both_papers():
    for data_set in ("fashion_mnist", "personas"):
        for end in ("z_full", "w_full", "w_end"):
            protocol = PROTOCOLS[f"ppl10k_{data_set}_{end}"]
            assert (protocol.space, protocol.sampling) == tuple(end.split("_"))
            assert protocol.segments == 10_000
