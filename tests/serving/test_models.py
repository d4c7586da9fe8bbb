"""Models as they are served: loaded ones and exported ones."""

import numpy as np
import pytest
import tensorflow as tf

from kerasgan.serving.models import Model, is_saved_model
from tests import golden, tiny
from tests.support import marks


@pytest.fixture(scope="module")
def gan():
    gan = tiny.by_name("dcgan").build(name="tiny")
    golden.ramp(gan)  # With the initial weights all images are grey.
    return gan


@pytest.fixture(scope="module")
def exported(gan, tmp_path_factory):
    """A folder as TensorFlow Serving wants it, with two versions."""
    folder = tmp_path_factory.mktemp("export") / "noise"
    gan.export(folder / "9", scores=True)
    # Never loaded: the last number is 10, not the last in the alphabet.
    (folder / "8").mkdir()
    (folder / "8" / "saved_model.pb").write_bytes(b"broken")
    gan.export(folder / "10", scores=True)
    return folder


def test_an_exported_model_is_served_as_the_loaded_one(gan, exported):
    theirs = Model.from_saved_model(exported)
    ours = Model.of(gan, scores=True)
    assert (theirs.name, theirs.version) == ("noise", 10)
    assert (ours.name, ours.version) == ("tiny", 1)
    assert set(theirs.signatures) == set(ours.signatures)
    assert {"serving_default", "sample", "scores"} <= set(ours.signatures)
    for name, signature in ours.signatures.items():
        other = theirs.signatures[name]
        for side in ("inputs", "outputs"):
            mine, its = getattr(signature, side), getattr(other, side)
            assert {k: (v.shape, v.dtype) for k, v in mine.items()} == {
                k: (v.shape, v.dtype) for k, v in its.items()
            }
        assert signature.joinable == other.joinable
    inputs = {"seed": np.int64(4), "count": np.int32(3)}
    expected = gan.generate(3, seed=4).astype(int)
    assert np.ptp(expected) > 20
    for model in (ours, theirs):
        found = model.signatures["sample"].function(inputs)["images"]
        assert np.abs(found - expected).max() <= 1


def test_one_version_can_be_served_by_its_folder(exported):
    model = Model.from_saved_model(exported / "9")
    assert (model.name, model.version) == ("noise", 9)


def test_what_is_a_saved_model(exported, tmp_path):
    assert is_saved_model(exported)
    assert is_saved_model(exported / "9")
    assert not is_saved_model(tmp_path)
    assert not is_saved_model(tmp_path / "nothing")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "saved_model.pb").touch()
    assert not is_saved_model(tmp_path)


# Points are floating-point numbers, which are not joined; sentences are no
# images.
@pytest.mark.parametrize(
    "name",
    marks.by_name(
        [
            m.name
            for m in tiny.MODELS
            if m.name not in ("unrolled_gan", "seqgan", "centered_seqgan")
        ],
        *("adagan", "cgan", "cyclegan", "dcgan", "gan_cls", "infogan"),
        *("pix2pix", "stylegan2"),
    ),
)
def test_rows_that_are_joined_are_the_rows_alone(name):
    """What runs requests as one batch relies on it."""
    gan = tiny.by_name(name).build()
    golden.ramp(gan)
    random = np.random.RandomState(0)

    def some(spec):
        sizes = (3, *gan.sample_shape)
        shape = [n or sizes[axis] for axis, n in enumerate(spec.shape)]
        if spec.dtype == tf.string:
            return np.array([b"a red square", b"on the left", b"blue"])
        if spec.dtype.is_floating:
            return random.standard_normal(shape).astype("float32")
        high = 256 if spec.dtype == tf.uint8 else 3
        return random.randint(0, high, shape).astype(spec.dtype.as_numpy_dtype)

    served = Model.of(gan).signatures
    joinable = {n: s for n, s in served.items() if s.joinable}
    assert joinable
    for signature in joinable.values():
        inputs = {k: some(spec) for k, spec in signature.inputs.items()}
        whole = signature.function(inputs)["images"].astype(int)
        for row in range(3):
            alone = {k: v[row : row + 1] for k, v in inputs.items()}
            image = signature.function(alone)["images"][0]
            assert np.abs(whole[row] - image).max() <= 1
        if "stylegan" not in name:  # Whose ramp leaves the latents no say.
            assert np.ptp(whole, axis=0).max() > 1
