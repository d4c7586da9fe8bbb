"""Other people's weights: names, layouts, and everything that does not fit.

The state dicts are .npz files here, so that PyTorch is not needed; outputs
are compared with PyTorch's in test_convert_parity.py.
"""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from kerasgan import cli, convert, models
from kerasgan.convert import checkpoints, matching, to_pytorch
from kerasgan.layers.equalized import EqualizedUpConv2D
from tests.reference import numpy_stylegan
from tests.support import published

WORDS = {"license": "CC0-1.0", "credit": "Made by a test"}
SIZES = {"fmap_base": 64, "fmap_max": 8, "latent_dim": 6, "w_dim": 5}


def save(folder, **states):
    """Writes state dicts as .npz and returns their paths by name."""
    for name, state in states.items():
        np.savez(folder / f"{name}.npz", **state)
    return {name: folder / f"{name}.npz" for name in states}


def style_arrays(image_size, labels=0, mapping_layers=2):
    """The arrays of a tiny StyleGAN's two networks."""
    sizes = {k: SIZES[k] for k in ("fmap_base", "fmap_max")}
    return (
        numpy_stylegan.draw_generator(
            image_size, labels=labels, mapping_layers=mapping_layers, **SIZES
        ),
        numpy_stylegan.draw_discriminator(image_size, labels=labels, **sizes),
    )


def channels_last(images):
    return images.transpose(0, 2, 3, 1)


@pytest.fixture(scope="module")
def dcgan(tmp_path_factory):
    """A converted DCGAN's folder, and the file's tensors."""
    folder = tmp_path_factory.mktemp("dcgan")
    generator, _ = published.dcgan(16)
    paths = save(folder, generator=generator)
    convert.convert("dcgan", paths, folder / "drawn_16", **WORDS)
    return folder / "drawn_16", generator


def residual(gan):
    """Random tensors of SNGAN's generator as PyTorch has it."""
    state = to_pytorch.tensors(gan.generator, "sngan")
    random = np.random.RandomState(0)
    return {
        name: random.uniform(0.5, 1.5, array.shape).astype("float32")
        for name, array in state.items()
        if "num_batches" not in name
    }


TINY = {
    "image_size": 32,
    "channels": 1,
    "generator_width": 2,
    "discriminator_width": 1,
    "latent_dim": 3,
}


@pytest.fixture(scope="module")
def sngan():
    return residual(models.SNGAN(**TINY))


# The folder


def test_a_folder_loads_draws_and_trains(dcgan):
    folder, _ = dcgan
    gan = zoo.load(folder)
    assert gan.image_shape == (16, 16, 3)
    before = gan.generate(4, seed=0)
    assert before.std() > 10
    images = np.full((8, 16, 16, 3), -0.5, "float32")
    gan.fit(images, batch_size=2, epochs=5, verbose=0)
    assert (gan.generate(4, seed=0) != before).any()


def test_no_number_is_rounded(dcgan):
    folder, generator = dcgan
    gan = zoo.load(folder)
    for network in (gan.generator, gan.average_generator):
        np.testing.assert_array_equal(
            network.get_layer("norm_8").moving_mean,
            generator["main.4.running_mean"],
        )
        kernel = network.get_layer("up_8").kernel.numpy()
        assert kernel[1, 2, 3, 5] == generator["main.3.weight"][5, 3, 1, 2]
        # Dense here: to 4x4 pixels, each with all channels.
        kernel = network.get_layer("project").kernel.numpy()
        kernel = kernel.reshape(6, 4, 4, 8)
        assert kernel[5, 1, 2, 7] == generator["main.0.weight"][5, 7, 1, 2]


def test_the_last_convolution_is_a_dense_layer(tmp_path):
    generator, discriminator = published.dcgan(16)
    paths = save(tmp_path, generator=generator, discriminator=discriminator)
    gan = convert.load("dcgan", paths)
    kernel = gan.discriminator.get_layer("score").kernel.numpy()
    kernel = kernel.reshape(4, 4, 8)
    assert kernel[1, 2, 7] == discriminator["main.5.weight"][0, 7, 1, 2]


def test_the_card_says_whose_weights_and_what_is_fresh(dcgan):
    folder, _ = dcgan
    text = (folder / "README.md").read_text("utf-8")
    assert "Made by a test" in text
    assert "as stated at the conversion: CC0-1.0." in text
    assert "Trained on: not stated." in text
    assert "| generator | generator.npz | `" in text
    assert "randomly initialized: discriminator." in text
    assert "{" not in text
    assert zoo.card(folder).license == "CC0-1.0"
    assert "generator.npz" in zoo.card(folder).description
    samples = np.asarray(Image.open(folder / "samples.png"))
    assert samples.shape == (8 * 18 - 2, 8 * 18 - 2, 3)


def test_a_folder_in_use_is_left_alone(dcgan):
    folder, _ = dcgan
    before = (folder / "config.json").read_text()
    with pytest.raises(FileExistsError, match="new or empty"):
        convert.convert("dcgan", {"generator": "x.npz"}, folder, **WORDS)
    assert (folder / "config.json").read_text() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "architecture", ["cyclegan", "dcgan", "pix2pix", "stylegan"]
)
def test_all_train_on_and_export(architecture, tmp_path):
    sizes = {"cyclegan": 24, "dcgan": 16, "pix2pix": 32, "stylegan": 16}
    size = sizes[architecture]
    states = {
        "dcgan": published.dcgan(16),
        "cyclegan": [published.resnet(seed=1), published.resnet(seed=2)],
        "pix2pix": [published.unet(), published.patchgan(6)],
        "stylegan": style_arrays(16),
    }[architecture]
    roles = convert.ROLES[architecture][:2]
    paths = save(tmp_path, **dict(zip(roles, states, strict=True)))
    options = {"image_size": size} if architecture == "cyclegan" else {}
    convert.convert(architecture, paths, tmp_path / "model", **WORDS, **options)
    gan = zoo.load(tmp_path / "model")
    before = [weight.numpy() for weight in gan.trainable_variables]
    images = np.random.RandomState(0).uniform(-1, 1, (4, size, size, 3))
    images = images.astype("float32")
    pairs = architecture in ("cyclegan", "pix2pix")
    inputs = (images, images[::-1]) if pairs else images
    gan.fit(inputs, batch_size=4, epochs=1, verbose=0)
    after = [weight.numpy() for weight in gan.trainable_variables]
    pairs = zip(before, after, strict=True)
    moved = [(old != new).any() for old, new in pairs]
    assert np.mean(moved) > 0.5
    gan.export(tmp_path / "served")
    assert tf.saved_model.load(str(tmp_path / "served")).signatures


# What does not fit


def test_everything_that_is_wrong_is_named_at_once(tmp_path):
    generator, discriminator = published.dcgan()
    del generator["main.4.bias"], generator["main.7.running_var"]
    generator["main.99.weight"] = np.zeros(3)
    generator["main.6.weight"] = generator["main.6.weight"][:, :-1]
    discriminator["main.2.weight"] = discriminator["main.2.weight"].transpose(
        2, 3, 1, 0
    )
    discriminator["main.5.weight"][0, 0, 0, 0] = np.nan
    paths = save(tmp_path, generator=generator, discriminator=discriminator)
    with pytest.raises(ValueError) as caught:
        convert.convert("dcgan", paths, tmp_path / "out", **WORDS)
    message = str(caught.value)
    for part in (
        "Missing in generator: main.4.bias, main.7.running_var.",
        "Unknown in generator: main.99.weight.",
        "Of another shape in generator: main.6.weight "
        "(16, 7, 4, 4) instead of (16, 8, 4, 4).",
        "Of another shape in discriminator: main.2.weight "
        "(4, 4, 4, 8) instead of (8, 4, 4, 4).",
        "Not finite in discriminator: main.5.weight.",
    ):
        assert part in message
    assert not (tmp_path / "out").exists()


# Pickles of StyleGAN2 are refused in tests/test_convert_stylegan2.py.
@pytest.mark.parametrize(
    "architecture", [name for name in convert.ROLES if name != "stylegan2"]
)
def test_other_networks_are_refused(architecture, tmp_path):
    state = {"features.0.weight": np.zeros((4, 3, 3, 3))}
    paths = {convert.ROLES[architecture][0]: save(tmp_path, x=state)["x"]}
    with pytest.raises(ValueError, match=r"(?i)this is not a"):
        convert.load(architecture, paths)


def test_a_discriminator_is_no_generator(tmp_path):
    paths = save(tmp_path, generator=published.dcgan()[1])
    with pytest.raises(ValueError, match="Missing in generator"):
        convert.load("dcgan", paths)


def test_a_number_in_a_name_does_not_ask_for_a_network_without_end(tmp_path):
    state = published.resnet() | {"model.999999999.conv_block.1.weight": 0.0}
    paths = save(tmp_path, generator_ab=state)
    with pytest.raises(ValueError, match="Unknown in generator_ab: model.99"):
        convert.load("cyclegan", paths, image_size=24)


def test_instance_normalization_in_a_u_net_is_another_network(tmp_path):
    state = {
        name: tensor
        for name, tensor in published.unet().items()
        if "running" not in name
    }
    paths = save(tmp_path, generator=state)
    gan = convert.load("pix2pix", paths)
    assert gan.normalization == "affine_instance"
    np.testing.assert_array_equal(
        gan.generator.get_layer("up_norm_2").gamma,
        state["model.model.1.model.3.model.3.model.3.model.4.weight"],
    )


@pytest.mark.parametrize(
    ("architecture", "paths", "message"),
    [
        ("vae", {"generator": "x"}, "There are converters for biggan, cut"),
        ("dcgan", {"generator_ab": "x"}, "generator, discriminator"),
        ("dcgan", {"discriminator": "x"}, "file of a generator"),
        ("dcgan", {}, "no file"),
        ("dcgan", {"generator": "absent.npz"}, "no such file"),
    ],
)
def test_wrong_words_are_refused(architecture, paths, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        convert.load(architecture, paths)


@pytest.mark.parametrize("text", ["", " ", "MIT\nor so"])
@pytest.mark.parametrize("name", ["license", "credit", "dataset"])
def test_the_card_needs_words(name, text, tmp_path):
    words = {**WORDS, name: text}
    with pytest.raises(ValueError, match=f"`{name}` must be one line"):
        convert.convert("dcgan", {"generator": "x"}, tmp_path / "x", **words)


def test_an_image_size_is_for_translation_alone():
    with pytest.raises(ValueError, match="for CycleGAN and CUT alone"):
        convert.load("dcgan", {"generator": "x"}, image_size=64)
    with pytest.raises(ValueError, match="for the family of DCGAN alone"):
        convert.load("pix2pix", {"generator": "x"}, classes=3)


# Files


def test_arrays_of_objects_are_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, weight=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="plain arrays of numbers"):
        convert.load("dcgan", {"generator": path})
    path.write_bytes(b"not a zip")
    with pytest.raises(ValueError, match="plain arrays of numbers"):
        convert.load("dcgan", {"generator": path})


# The translators


def test_old_names_and_statistics_are_handled(tmp_path):
    state = published.resnet()
    old = {f"module.{name}": tensor for name, tensor in state.items()}
    for module in ("2", "10.conv_block.2"):
        old[f"module.model.{module}.running_mean"] = np.ones(4)
        old[f"module.model.{module}.running_var"] = np.ones(4)
        old[f"module.model.{module}.num_batches_tracked"] = np.int64(7)
    paths = save(tmp_path, new=state, old=old)
    images = np.random.RandomState(0).uniform(-1, 1, (1, 24, 24, 3))
    outputs = [
        convert.load("cyclegan", {"generator_ab": paths[name]}, 24)(images)
        for name in ("new", "old")
    ]
    assert outputs[0].numpy().std() > 0.1
    np.testing.assert_array_equal(*outputs)


def test_networks_go_where_they_belong(tmp_path):
    """The public D_A is the discriminator of B, and comes third."""
    states = {
        "G_A": published.resnet(seed=1),
        "G_B": published.resnet(seed=2),
        "D_A": published.patchgan(3, normalized=False),
        "D_B": published.patchgan(3, normalized=False),
    }
    states["D_A"]["model.0.bias"] = np.arange(4.0)
    files = save(tmp_path, **states)
    roles = convert.ROLES["cyclegan"]
    paths = dict(zip(roles, files.values(), strict=True))
    gan = convert.load("cyclegan", paths, image_size=24)
    for name, state in (("ab", "G_A"), ("ba", "G_B")):
        for network in ("generator", "average_generator"):
            layer = getattr(gan, f"{network}_{name}").get_layer("to_image")
            np.testing.assert_array_equal(
                layer.bias, states[state]["model.19.bias"]
            )
    discriminator = gan.discriminator_b.get_layer("conv_0")
    np.testing.assert_array_equal(discriminator.bias, np.arange(4.0))
    discriminator = gan.discriminator_a.get_layer("conv_0")
    assert (discriminator.bias.numpy() != np.arange(4.0)).all()


def test_the_command_converts_one_direction_and_translates(tmp_path, capsys):
    """One generator, of B to A; with an image for the card."""
    file = save(tmp_path, G_B=published.resnet())["G_B"]
    image = tmp_path / "image.png"
    pixels = np.random.RandomState(0).randint(0, 256, (24, 24, 3), "uint8")
    Image.fromarray(pixels).save(image)
    out = tmp_path / "back"
    status = cli.main(
        ["convert", "cyclegan", f"generator_ba={file}", "-o", str(out)]
        + ["--license", "mine", "--credit", "me", "--image-size", "24"]
        + ["--images", str(image)]
    )
    assert status == 0, capsys.readouterr().err
    assert (
        "initialized: generator_ab, discriminator_a" in capsys.readouterr().out
    )
    assert 'translate(images, to="a")' in (out / "README.md").read_text()
    result = tmp_path / "result.png"
    status = cli.main(
        ["translate", str(out), str(image), "-o", str(result), "--to", "a"]
    )
    assert status == 0, capsys.readouterr().err
    kept = np.asarray(Image.open(out / "samples.png"))
    np.testing.assert_array_equal(kept[:24, :24], pixels)
    with Image.open(result) as translated:
        np.testing.assert_array_equal(kept[:24, 26:50], translated)


def test_the_command_explains(tmp_path, capsys):
    state = published.dcgan(16)[0]
    state["main.0.bias"] = np.ones(8, "float32")
    file = str(save(tmp_path, netG=state)["netG"])
    status = cli.main(["convert", "dcgan", file, "--explain"])
    lines = capsys.readouterr().out.splitlines()
    assert status == 0 and lines[0].startswith("DCGAN(")
    rows = [line.split() for line in lines[3:]]
    assert rows[0] == ["tensor", "layer", "shape", "note"]
    assert rows[1] == "main.0.weight project.kernel (6, 8, 4, 4)".split()
    note = "main.1.running_mean norm_4.moving_mean (8,) less main.0.bias"
    assert note.split() in rows
    assert cli.main(["convert", "dcgan", file]) == 2
    assert "--output is required" in capsys.readouterr().err


def test_what_is_not_it_is_named(tmp_path):
    """The nearest architecture, and what was understood."""
    paths = save(tmp_path, generator=published.resnet())
    with pytest.raises(ValueError) as caught:
        convert.load("pix2pix", paths)
    message = str(caught.value)
    assert "generator.npz: This is not a U-Net" in message
    assert "Understood so far: 10 kernels (7x7 4-3, 3x3 8-4," in message
    assert message.endswith("It is a generator of cyclegan.")
    state = published.unet()
    del state["model.model.3.weight"]
    paths = save(tmp_path, generator=state)
    with pytest.raises(ValueError, match="nearest other architecture is pix"):
        convert.load("dcgan", paths)


def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys):
    arguments = ["-o", str(tmp_path / "out"), "--license", "x", "--credit", "y"]
    for words in (["dcgan", "a=x.npz"], ["vae", "x.npz"]):
        assert cli.main(["convert", *words, *arguments]) == 2
        error = capsys.readouterr().err
        assert "Received" in error and error.count("\n") == 1
    status = cli.main(["convert", "dcgan", "a.npz", "b", "c", *arguments])
    assert "Received: 'network 2'" in capsys.readouterr().err
    same = ["generator=a", "generator=b"]
    status = cli.main(["convert", "dcgan", *same, *arguments])
    assert status == 2
    assert "two files for generator" in capsys.readouterr().err


@pytest.mark.parametrize("halvings", [5, 7])
def test_a_u_net_shows_its_size(halvings, tmp_path):
    state = published.unet(halvings, width=2, source=1, target=3)
    patchgan = published.patchgan(4, width=2)
    paths = save(tmp_path, generator=state, discriminator=patchgan)
    gan = convert.load("pix2pix", paths)
    assert gan.arguments()["image_size"] == 2**halvings
    assert (gan.source_channels, gan.target_channels) == (1, 3)
    kernel = gan.average_generator.get_layer("down_1").kernel.numpy()
    name = "model.model" + ".1.model" + ".3.model" * (halvings - 2) + ".1"
    assert kernel[1, 2, 3, 5] == state[f"{name}.weight"][5, 3, 1, 2]
    np.testing.assert_array_equal(
        gan.discriminator.get_layer("norm_2").gamma,
        patchgan["model.6.weight"],
    )


# StyleGAN, against its original structure in NumPy


@pytest.mark.parametrize("labels", [0, 3])
def test_stylegan_is_that_of_its_variables(labels, tmp_path):
    generator, discriminator = style_arrays(16, labels)
    paths = save(tmp_path, generator=generator, discriminator=discriminator)
    gan = convert.load("stylegan", paths)
    random = np.random.RandomState(2)
    inputs = {"latents": random.randn(4, 6).astype("float32")}
    classes = np.array([2, 0, 1, 1])
    one_hot = None
    if labels:
        inputs["labels"] = classes
        one_hot = np.eye(3, dtype="float32")[classes]
    for psi in (1.0, 0.7):
        expected = channels_last(
            numpy_stylegan.generate(
                generator, inputs["latents"], one_hot, psi, cutoff=8
            )
        )
        assert 0.5 < expected.std() < 10
        styles = gan.styles(
            **inputs, truncation=None if psi == 1.0 else np.float32([psi] * 4)
        )
        images = gan.average_generator.synthesis(styles)
        np.testing.assert_allclose(images, expected, atol=1e-4)
    shown = random.uniform(-1, 1, (4, 3, 16, 16)).astype("float32")
    expected = numpy_stylegan.score(discriminator, shown, one_hot)
    found = gan.scores(channels_last(shown), classes if labels else None)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_truncation_ends_where_the_authors_end_it(tmp_path):
    """At 64 there are ten layers, of which truncation acts on eight."""
    generator, _ = style_arrays(64)
    gan = convert.load("stylegan", save(tmp_path, generator=generator))
    latents = np.random.RandomState(1).randn(1, 6).astype("float32")
    expected = numpy_stylegan.generate(generator, latents, psi=0.5, cutoff=8)
    styles = gan.styles(latents, truncation=np.float32([0.5]))
    images = gan.average_generator.synthesis(styles)
    np.testing.assert_allclose(images, channels_last(expected), atol=1e-4)


def test_fused_layers_are_turned(tmp_path):
    """From 128 pixels on the authors' kernels lie the other way around."""
    generator, discriminator = style_arrays(128)
    paths = save(tmp_path, generator=generator, discriminator=discriminator)
    gan = convert.load("stylegan", paths)
    random = np.random.RandomState(3)
    latents = random.randn(1, 6).astype("float32")
    expected = channels_last(numpy_stylegan.generate(generator, latents))
    images = gan.average_generator.synthesis(gan.styles(latents))
    np.testing.assert_allclose(images, expected, atol=1e-4)
    shown = random.uniform(-1, 1, (2, 3, 128, 128)).astype("float32")
    np.testing.assert_allclose(
        gan.scores(channels_last(shown)),
        numpy_stylegan.score(discriminator, shown),
        rtol=1e-4,
        atol=1e-4,
    )


def test_the_reference_paints_as_tensorflow_does():
    """The authors call `conv2d_transpose` with an unturned 4x4 kernel."""
    random = np.random.RandomState(0)
    kernel = random.randn(3, 3, 2, 3).astype("float32")
    x = random.randn(1, 2, 64, 64).astype("float32")
    wide = numpy_stylegan.four_by_four(kernel).transpose(0, 1, 3, 2)
    painted = tf.nn.conv2d_transpose(
        channels_last(x), wide, (1, 128, 128, 3), 2, "SAME"
    )
    reference = channels_last(numpy_stylegan.up(x, kernel))
    np.testing.assert_allclose(painted, reference, atol=1e-4)
    layer = EqualizedUpConv2D(3, gain=18**0.5, use_bias=False)
    layer.build((None, 64, 64, 2))
    layer.kernel.assign(kernel[::-1, ::-1])
    np.testing.assert_allclose(layer(channels_last(x)), reference, atol=1e-4)


def test_a_converted_stylegan_is_fully_grown(tmp_path):
    """One file for both networks, TensorFlow's own names; then a step."""
    generator, discriminator = style_arrays(16)
    both = {f"Gs/{name}:0": array for name, array in generator.items()}
    both |= {f"D/{name}:0": array for name, array in discriminator.items()}
    path = save(tmp_path, both=both)["both"]
    fresh = convert.convert(
        "stylegan", {"generator": path}, tmp_path / "styled_16", **WORDS
    )
    assert fresh == ()
    gan = zoo.load(tmp_path / "styled_16")
    assert gan.due_stage() == (16, False)
    images = gan.generate(3, seed=5)
    expected = numpy_stylegan.generate(
        generator, gan.seeded_latents(5, 3).numpy()
    )
    expected = np.clip(channels_last(expected), -1, 1) * 127.5 + 127.5
    assert np.abs(images - expected).max() <= 1
    text = (tmp_path / "styled_16" / "README.md").read_text()
    assert "CC BY-NC 4.0" in text


def test_networks_that_still_grow_are_refused(tmp_path):
    generator, _ = style_arrays(16)
    generator["G_synthesis/lod"] = np.float32(0.5)
    with pytest.raises(ValueError, match="full resolution"):
        convert.load("stylegan", save(tmp_path, generator=generator))


# Residual networks


def test_where_the_tensors_of_sngan_go(tmp_path):
    state = residual(models.ConditionalSNGAN(**TINY, num_classes=4))
    gan = convert.load("sngan", save(tmp_path, generator=state))
    assert isinstance(gan, models.ConditionalSNGAN)
    assert (gan.num_classes, gan.latent_dim, gan.channels) == (4, 3, 1)
    layer = gan.average_generator.get_layer
    dense = layer("dense").kernel.numpy().reshape(3, 4, 4, 2)
    theirs = state["dense.weight"].reshape(2, 4, 4, 3)
    assert dense[2, 1, 3, 0] == theirs[0, 1, 3, 2]
    bias = layer("dense").bias.numpy().reshape(4, 4, 2)
    assert bias[1, 3, 0] == state["dense.bias"].reshape(2, 4, 4)[0, 1, 3]
    name = "blocks.2.conv_2"
    kernel = layer("block_3_conv_2").kernel.numpy()
    assert kernel[0, 2, 1, 0] == state[f"{name}.weight"][0, 1, 0, 2]
    name = "blocks.1.norm_2"
    for part in ("gain", "bias"):
        table = layer(f"block_2_norm_2_{part}").embeddings
        np.testing.assert_array_equal(table, state[f"{name}.{part}.weight"])
    norm = layer("block_2_norm_2").norm
    theirs = state[f"{name}.norm.running_var"]
    # Their epsilon is 1e-5, the authors' 2e-5.
    np.testing.assert_allclose(
        norm.moving_variance, theirs.astype("float64") - 1e-5, rtol=0, atol=2e-7
    )
    assert norm.moving_variance.numpy()[0] != theirs[0]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"blocks.0.conv_1.u": np.ones(2)}, "only 1 of its 11 kernels"),
        ({"extra.weight": np.ones((2, 2, 5, 5))}, "3x3 and 1x1 convolutions"),
        ({"extra.weight": np.ones((3, 3))}, "a shared embedding, as BigGAN's"),
        ({"blocks.1.norm_2.norm.weight": None}, "6 with gains"),
        ({"blocks.1.shortcut.weight": np.ones((2, 1, 1, 1))}, "1x1 kernels"),
        ({"norm.running_mean": None, "norm.running_var": None}, "last one"),
        ({"dense.weight": np.ones((16, 3))}, "2 feature maps of 4x4"),
    ],
)
def test_other_residual_networks_are_refused(change, match, sngan, tmp_path):
    state = dict(sngan)
    for name, value in change.items():
        if value is None:
            del state[name]
        else:
            state[name] = value.astype("float32")
    with pytest.raises(ValueError, match=match):
        convert.load("sngan", save(tmp_path, generator=state))


def test_residual_networks_of_other_sizes_are_refused(sngan, tmp_path):
    state = {k: v for k, v in sngan.items() if not k.startswith("blocks.2")}
    with pytest.raises(ValueError, match="no blocks of two 3x3 kernels"):
        convert.load("sngan", save(tmp_path, generator=state))


def grouped(**shapes):
    """Returns the units of tensors of one module, by shape."""
    tensors = [
        checkpoints.Tensor(f"layer.{name}", shape, lambda: np.zeros(()))
        for name, shape in shapes.items()
    ]
    return matching.units(tensors)


@pytest.mark.parametrize(
    ("shapes", "u"),
    [
        (
            {
                "bias": 8,
                "weight_orig": (8, 2, 3, 3),
                "weight_u": 8,
                "weight_v": 18,
            },
            8,
        ),
        ({"weight": (8, 8), "bias": 8, "u": 8, "v": 8}, 8),
        ({"weight": (1, 8), "bias": 1, "u0": (1, 1), "sv0": 1}, (1, 1)),
        ({"weight": (5, 8), "u0": (1, 5), "sv0": 1}, (1, 5)),
    ],
)
def test_what_spectral_normalization_keeps(shapes, u):
    shapes = {k: v if isinstance(v, tuple) else (v,) for k, v in shapes.items()}
    (unit,) = grouped(**shapes)
    assert unit.parts["u"].shape == (u if isinstance(u, tuple) else (u,))
    assert ("bias" in unit.parts) == ("bias" in shapes)


@pytest.mark.parametrize(
    "shapes",
    [
        {"weight": (8, 2, 3, 3), "b": (8,)},
        {"w": (8, 2, 3, 3), "g": (8,), "b": (8,), "m": (8,), "v": (8,)},
        {"weight": (8, 2, 3, 3), "bias": (8,), "more": (7,)},
    ],
)
def test_what_is_no_spectral_normalization(shapes):
    assert not any("u" in unit.parts for unit in grouped(**shapes))
