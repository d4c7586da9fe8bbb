"""The page's scripts compute the same numbers as kerasgan, in Node."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from kerasgan import latents, playground
from kerasgan.models.biggan import truncated
from kerasgan.playground import graphs
from tests import tiny

SEEDS = (0, 1, 123_456_789_012_345, 2**63 - 1)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Returns a function that runs a script which prints JSON."""
    # Faults are planted without a search path.
    program = shutil.which("node", path=os.environ["PATH"] or os.defpath)
    if program is None:
        pytest.skip("needs node")
    folder = tmp_path_factory.mktemp("page")
    for path in playground.PAGE.glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}')

    def run(imports, expression, *arguments):
        lines = [f'import * as {name} from "./{name}.js";' for name in imports]
        values = ", ".join(map(json.dumps, arguments))
        text = f"console.log(JSON.stringify(({expression})({values})))"
        script = folder / "script.js"
        script.write_text("\n".join([*lines, text]), "utf-8")
        done = subprocess.run(
            [program, script], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("stream", [0, 1])
def test_philox(node, stream):
    found = node(
        ["philox"],
        """(seeds, stream) => seeds.map((seed) => {
          const number = philox.parseSeed(seed);
          return [
            Array.from(philox.normal(number, stream, 1001)),
            Array.from(philox.uniform(number, stream, 1001)),
          ];
        })""",
        [str(seed) for seed in SEEDS],
        stream,
    )
    for seed, (normal, uniform) in zip(SEEDS, found, strict=True):
        options = {"shape": (1001,), "seed": (seed, stream), "alg": "philox"}
        expected = tf.random.stateless_normal(**options)
        # To the last bit of the sine and the logarithm.
        np.testing.assert_allclose(normal, expected, rtol=3e-7, atol=3e-7)
        np.testing.assert_array_equal(
            uniform, tf.random.stateless_uniform(**options)
        )


@pytest.mark.parametrize("text", ["", "-1", "1.5", "seed", str(2**63)])
def test_what_is_no_seed(node, text):
    found = node(
        ["philox"],
        """(text) => {
          try { return String(philox.parseSeed(text)); }
          catch (error) { return error.message; }
        }""",
        text,
    )
    assert "A seed is a whole number from 0 to 9223372036854775807" in found


@pytest.mark.parametrize(
    "build",
    [tiny.dcgan, tiny.vanilla_gan, tiny.mlp_cgan, tiny.infogan, tiny.adagan],
    ids=["normal", "limit", "positive", "uniform", "component"],
)
def test_latents(node, build):
    gan = build()
    found = node(
        ["latents"],
        """(blocks, seed) =>
          latents.sampleLatents(blocks, seed, 6).map((row) => Array.from(row))
        """,
        graphs.latent_blocks(gan),
        7,
    )
    expected = gan.seeded_latents(tf.constant(7, "int64"), 6)
    np.testing.assert_allclose(found, expected, atol=3e-6)


def test_classes_and_codes_of_a_seed(node):
    gan = tiny.cgan(class_frequencies=(1, 5, 2))
    controls = graphs.controls(gan, _Card())
    found = node(
        ["latents"],
        "(bounds) => latents.sampleClasses(bounds, 3, 50)",
        controls["classes"]["bounds"],
    )
    assert found == gan.sample_condition(np.int64(3), 50).numpy().tolist()
    gan = tiny.infogan(categorical=(3, 2), continuous=2)
    found = node(
        ["latents"],
        """(codes) => latents.sampleCodes(codes, 3, 20).map((code) =>
          Array.from(latents.codeVector(codes, code)))""",
        graphs.controls(gan, _Card())["codes"],
    )
    expected = gan.sample_condition(np.int64(3), 20)
    np.testing.assert_allclose(found, expected, atol=1e-6)


class _Card:
    dataset = "noise"


def test_interpolation_and_truncation(node):
    random = np.random.RandomState(0)
    start, end = random.standard_normal((2, 12))
    found = node(
        ["latents"],
        """(start, end) => [0, 0.25, 1].map((t) => [
          latents.slerp(start, end, t), latents.lerp(start, end, t)])""",
        start.tolist(),
        end.tolist(),
    )
    arcs, lines = np.moveaxis(np.array(found), 1, 0)
    expected = latents.slerp(start, end, 5)[[0, 1, 4]]
    np.testing.assert_allclose(arcs, expected, atol=1e-6)
    expected = latents.lerp(start, end, 5)[[0, 1, 4]]
    np.testing.assert_allclose(lines, expected, atol=1e-6)
    values = np.linspace(-5, 5, 41).astype("float32")
    for threshold in (0.05, 0.7, 2.0):
        found = node(
            ["latents"],
            "(values, threshold) => latents.truncateAt(values, threshold)",
            values.tolist(),
            threshold,
        )
        expected = truncated(tf.constant(values), threshold)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_words(node):
    gan = tiny.gan_cls()
    captions = [
        "A RED square, on the-left!",
        "\ta  [blue]\nsquare\x0b unknown @ the right ",
        "a red square on the left a red square on the left",
        "É red`~^_\\",
    ]
    found = node(
        ["words"],
        """(captions, controls) => captions.map((caption) =>
          Array.from(words.tokensOf(caption, controls)))""",
        captions,
        graphs.controls(gan, _Card())["captions"],
    )
    np.testing.assert_array_equal(found, gan.tokenizer(captions))
