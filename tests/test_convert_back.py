"""Our generators in plain PyTorch: files, names, refusals, and equal images."""

import ast
import json
import pathlib
import sys

import numpy as np
import pytest

import zoo
from kerasgan import cli, models
from kerasgan.convert import to_pytorch
from kerasgan.models.labels import ClassGAN
from tests import tiny
from tests.support import in_pytorch, marks

SOURCES = pathlib.Path(to_pytorch.__file__).with_name("pytorch")
SMALL = {"width": 4, "latent_dim": 6}
STYLED = {
    "image_size": 16,
    "mapping_layers": 2,
    "latent_dim": 6,
    "channels": 1,
}
GROWN = {"fmap_base": 32, "fmap_max": 4, "start_resolution": 16}


def dcgan(model=models.DCGAN, **changes):
    return model(**{"image_size": (16, 32), "channels": 1, **SMALL, **changes})


TINY = {
    "DCGAN": dcgan,
    "WGANGP": lambda: dcgan(models.WGANGP, image_size=16, channels=3),
    "CGAN": lambda: dcgan(models.CGAN, num_classes=3),
    "ACGAN": lambda: models.ACGAN(
        image_size=(32, 16),
        num_classes=3,
        latent_dim=6,
        generator_width=12,
        discriminator_width=2,
    ),
    "VanillaGAN": lambda: models.VanillaGAN(
        image_size=8, channels=3, latent_dim=6, generator_units=8
    ),
    "CycleGAN": lambda: models.CycleGAN(image_size=24, width=4, blocks=2),
    "Pix2Pix": lambda: models.Pix2Pix(
        image_size=32, source_channels=3, target_channels=1, width=4
    ),
    "ProGAN": lambda: models.ProGAN(
        image_size=16, latent_dim=6, channels=3, **GROWN
    ),
    "StyleGAN": lambda: models.StyleGAN(
        w_dim=5, truncation_layers=3, **STYLED, **GROWN
    ),
    "ConditionalStyleGAN": lambda: models.ConditionalStyleGAN(
        num_classes=3, w_dim=5, **STYLED, **GROWN
    ),
    "StyleGAN2": lambda: models.StyleGAN2(
        style_dim=5, channel_base=64, channel_max=6, **STYLED
    ),
    "ConditionalStyleGAN2": lambda: models.ConditionalStyleGAN2(
        num_classes=3,
        style_dim=5,
        channel_base=64,
        channel_max=6,
        clamp=0.5,
        **STYLED,
    ),
    "BigGAN": lambda: models.BigGAN(
        image_size=32,
        num_classes=3,
        latent_dim=8,
        width=2,
        embedding_dim=5,
        attention_size=16,
    ),
    "BigGAN with tables": lambda: models.BigGAN(
        image_size=32,
        num_classes=3,
        latent_dim=6,
        width=2,
        embedding_dim=None,
        attention_size=None,
    ),
    "InfoGAN": lambda: models.InfoGAN(
        image_size=(8, 16), categorical=(3, 2), dense_width=8, **SMALL
    ),
    "InfoGAN without continuous codes": lambda: models.InfoGAN(
        image_size=8, channels=3, continuous=0, dense_width=8, **SMALL
    ),
    "ImprovedGAN": lambda: models.ImprovedGAN(
        image_size=8,
        num_classes=3,
        generator_units=(7, 9),
        discriminator_units=(5,),
        latent_dim=6,
    ),
    "GANCLS": tiny.gan_cls,
    "VectorGANCLS": lambda: tiny.vector_gan_cls(image_size=32),
    "BEGAN": lambda: tiny.began(image_size=(16, 32)),
    "SkipBEGAN": lambda: tiny.skip_began(image_size=32),
    "R3GAN": tiny.r3gan,
    "ConditionalR3GAN": tiny.conditional_r3gan,
    "MLPWGAN": lambda: models.MLPWGAN(
        image_size=16, channels=3, generator_units=9, latent_dim=6
    ),
    "MLPCGAN": lambda: models.MLPCGAN(
        image_size=8, num_classes=3, latent_dim=6
    ),
    "XGAN": tiny.xgan,
    "UnrolledGAN": lambda: tiny.unrolled_gan(activation="tanh"),
    "SeqGAN": tiny.seqgan,
    "StackGANStageOne": tiny.stackgan_stage_one,
    "StackGAN": lambda: tiny.stackgan(blocks=2),
    "AdaGAN": lambda: mixed(components=3),
    "AdaGAN of points": lambda: mixed(
        component="UnrolledGAN",
        component_arguments={"latent_dim": 4, "generator_units": [6, 5]},
        components=2,
    ),
    "AdaGAN of latents in [-1, 1]": lambda: mixed(
        component="VanillaGAN",
        component_arguments={
            "image_size": 8,
            "latent_dim": 4,
            "generator_units": 6,
            "discriminator_units": 5,
        },
    ),
    "PacGAN": lambda: dcgan(models.PacGAN, image_size=16, pack_size=2),
    "CUT": lambda: models.CUT(
        image_size=24,
        generator_width=4,
        discriminator_width=2,
        blocks=2,
        nce_blocks=(0,),
    ),
    "SNGAN": lambda: models.SNGAN(32, 1, 4, 2, 6),
    "ConditionalSNGAN": lambda: models.ConditionalSNGAN(
        32,
        num_classes=3,
        generator_width=4,
        discriminator_width=2,
        latent_dim=6,
    ),
}


def mixed(**changes):
    """Returns a mixture of unequal shares."""
    gan = tiny.adagan(**changes)
    gan.mixture_weights.assign(np.arange(1, 1 + gan.components) / 6)
    return gan


# Without, some images would be black and white.
SMALL_IN = ("decoded/", "images/", "to_rgb", "to_image/")


def shaken(gan):
    """Gives every weight of the generators a random value."""
    random = np.random.RandomState(0)
    networks = [getattr(gan, f"average_{n}") for n in gan.generator_names]
    networks += getattr(gan, "finished", [])
    for name in ("text_encoder", "stage_one"):
        if hasattr(gan, name):
            networks.append(getattr(gan, name))
    for network in networks:
        for variable in network.weights:
            value = random.standard_normal(variable.shape)
            if variable.name == "moving_variance":
                value = 0.5 + np.abs(value)
            elif variable.name == "kernel" and "dense_" not in variable.path:
                value /= np.sqrt(np.prod(variable.shape[:-1])) ** 0.5
            if variable.path.startswith(SMALL_IN):
                value *= 0.2 if "rgb" in variable.path else 0.02
            variable.assign(value)
    return gan


def inputs_of(gan):
    """Returns inputs for both frameworks, by PyTorch's names."""
    random = np.random.RandomState(1)
    if hasattr(gan, "translate"):
        shape = (2, gan.source_channels, gan.image_size, gan.image_size)
        return {"images": random.uniform(-1, 1, shape).astype("float32")}
    if gan.task == "text":
        chances = random.uniform(size=(20, gan.latent_dim))
        return {"latents": chances.astype("float32")}
    if hasattr(gan, "mixture_weights"):
        return {"latents": gan.seeded_latents(3, 12).numpy()}
    latents = random.standard_normal((3, gan.latent_dim)).astype("float32")
    if hasattr(gan, "code_dim"):
        return {"latents": latents, "codes": gan.sample_condition(0, 3).numpy()}
    if hasattr(gan, "text_encoder"):
        return {"latents": latents, "text": captions_of(gan)}
    if hasattr(gan, "sentence_dim"):
        vectors = random.standard_normal((3, gan.sentence_dim))
        return {"latents": latents, "text": vectors.astype("float32")}
    if not isinstance(gan, ClassGAN):
        return {"latents": latents}
    return {"latents": latents, "labels": np.array([2, 0, 1])}


def captions_of(gan):
    """Returns captions as people write them: short, long, and unknown words."""
    words = gan.vocabulary
    return np.array(
        [
            f"{words[0].upper()}, {words[-1]}!",
            " ".join(2 * gan.caption_length * words[1:2]),
            f"the  unheard-of {words[2]}\t{words[3]}.",
        ]
    )


def ours(
    gan, name, images=None, latents=None, labels=None, codes=None, text=None
):
    if images is None:
        condition = codes if labels is None else labels
        if text is not None:
            condition = text
            if text.dtype.kind == "U":
                condition = gan.encode(text.tolist())
        with_condition = getattr(gan, "inputs", lambda latents, _: latents)
        return gan(with_condition(latents, condition)).numpy()
    images = images.transpose(0, 2, 3, 1)
    if len(gan.generator_names) == 1:
        return gan(images).numpy()
    return gan(images, to=name.partition(".")[0][-1]).numpy()


def check(gan, folder, format):
    """Compares images, and returns the names of the files."""
    pytest.importorskip("torch", reason="in the extra parity")
    out = folder / "out"
    written = to_pytorch.write(gan, out, format)
    weights = [n for n in written if n.endswith(to_pytorch.FORMATS[format])]
    translates_back = isinstance(gan, models.TwoWayGAN)
    assert len(weights) == 1 + translates_back
    inputs = inputs_of(gan)
    found = in_pytorch.run(out, weights, folder, **inputs)
    for name in weights:
        expected = ours(gan, name, **inputs)
        assert expected.std() > 0.01
        if gan.task in ("points", "text"):
            np.testing.assert_allclose(found[name], expected, atol=1e-5)
            continue
        assert np.mean(np.abs(expected) == 1.0) < 0.95  # Some are black.
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-4)
        rounded = found[name + ".uint8"].astype(int)
        levels = np.clip(127.5 * expected + 127.5, 0, 255)
        assert np.abs(rounded - levels).max() <= 0.52
    modules = [n for n in written if n.endswith(".py")]
    text = (out / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in text for name in modules)
    page = found["page"]
    kind = {"points": "float32", "text": "int64"}.get(gan.task, "uint8")
    assert page.dtype == kind
    if gan.task == "text":
        sentences = gan.sentences(expected).numpy().astype(str)
        np.testing.assert_array_equal(found[weights[0] + ".text"], sentences)
    assert page.shape[1:] == expected.shape[1:]
    assert len(page) == len(inputs.get("images", range(16)))
    return written


@pytest.mark.parity
@pytest.mark.parametrize("name", list(TINY))
def test_images_are_ours(name, tmp_path):
    check(shaken(TINY[name]()), tmp_path, "safetensors")


@pytest.mark.parity
def test_a_state_dict(tmp_path):
    written = check(shaken(TINY["CycleGAN"]()), tmp_path, "pytorch")
    assert written == [
        "generator.py",
        "generator_ab.pt",
        "generator_ba.pt",
        "README.md",
    ]


@pytest.mark.parity
@pytest.mark.parametrize("name", ["StyleGAN", "ConditionalStyleGAN2"])
def test_truncation(name, tmp_path):
    gan = shaken(TINY[name]())
    inputs = inputs_of(gan)
    pytest.importorskip("torch", reason="in the extra parity")
    to_pytorch.write(gan, tmp_path / "out", "safetensors")
    weights = ["generator.safetensors"]
    psi = np.float32(0.3)
    found = in_pytorch.run(
        tmp_path / "out", weights, tmp_path, **inputs, truncation=psi
    )
    expected = gan({**inputs, "truncation": np.full(3, psi)}).numpy()
    plain = ours(gan, "", **inputs)
    assert np.abs(expected - plain).max() > 0.01
    np.testing.assert_allclose(found[weights[0]], expected, rtol=0, atol=1e-4)


@pytest.mark.parity
@pytest.mark.parametrize("name", marks.zoo_models())
def test_images_of_the_zoo(name, tmp_path):
    check(zoo.load(name), tmp_path, "safetensors")


# Without PyTorch


def tensors_of(path):
    """Returns the tensors of a safetensors file, read by its specification."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    header = json.loads(content[8 : 8 + length])
    data, found = content[8 + length :], {}
    types = {"F32": "<f4", "I64": "<i8"}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        array = np.frombuffer(data[first:last], types[entry["dtype"]])
        found[name] = array.reshape(entry["shape"])
    assert sum(array.nbytes for array in found.values()) == len(data)
    return found


def test_a_folder(tmp_path):
    gan = shaken(dcgan())
    out = tmp_path / "model"
    written = to_pytorch.write(gan, out, "safetensors")
    assert written == ["generator.py", "generator.safetensors", "README.md"]
    assert sorted(path.name for path in out.iterdir()) == sorted(written)
    found = tensors_of(out / "generator.safetensors")
    kernel = gan.average_generator.get_layer("up_8").kernel.numpy()
    assert found["up_8.weight"][5, 3, 1, 2] == kernel[1, 2, 3, 5]
    assert found["up_8.weight"].shape == (8, 4, 4, 4)
    variance = gan.average_generator.get_layer("norm_8").moving_variance
    np.testing.assert_array_equal(found["norm_8.running_var"], variance)
    assert found["norm_8.num_batches_tracked"] == 0
    page = (out / "README.md").read_text("utf-8")
    assert "# model in PyTorch" in page
    assert "`generator.py` needs PyTorch alone." in page
    assert "`generator.safetensors`" in page
    assert "Licence of the weights: not stated" in page
    assert "torch.randn(16, 6)" in page
    assert "(16, 1, 16, 32)" in page
    assert "{" not in page


def test_a_card_is_quoted(tmp_path):
    name = "cgan_fashion_mnist_32"
    gan = models.CGAN(image_size=16, num_classes=3, **SMALL)
    to_pytorch.write(gan, tmp_path / "out", "safetensors", zoo.card(name))
    page = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert f"# {name} in PyTorch" in page
    assert "Licence of the weights: MIT" in page
    assert "torch.arange(16) % 3" in page


@pytest.mark.parametrize(
    "path", list(SOURCES.glob("*.py")), ids=lambda p: p.stem
)
@pytest.mark.parametrize("format", list(to_pytorch.FORMATS))
def test_modules_need_pytorch_alone(path, format):
    if path.stem == "__init__":
        return
    parts = set(to_pytorch.PARTS.get(path.stem, ()))
    parts |= {"component"} if path.stem == "adagan" else set()
    settings = {"image_size": [16, 16], "maps": list(range(500, 509))}
    text = to_pytorch._module(path.stem, settings, format)
    tree = ast.parse(text)
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    packages = {name.partition(".")[0] for name in imported}
    assert packages - sys.stdlib_module_names == {"torch", *parts}
    assert ("json" in imported) == (format == "safetensors")
    (assigned,) = (
        n
        for n in tree.body
        if isinstance(n, ast.Assign) and n.targets[0].id == "SETTINGS"
    )
    assert ast.literal_eval(assigned.value) == settings
    assert max(map(len, text.splitlines())) <= 80
    assert "kerasgan" not in text


def test_every_architecture_has_a_source():
    sources = to_pytorch.sources()
    assert sources.keys() == {a.__name__ for a in models.ARCHITECTURES}
    used = {name for name, _ in sources.values()}
    parts = {part for name in used for part in to_pytorch.PARTS.get(name, ())}
    assert used | parts == {p.stem for p in SOURCES.glob("*.py")} - {"__init__"}
    assert {sources[name.split()[0]][0] for name in TINY} == used


class OwnGAN(models.DCGAN):
    """With networks of its own, perhaps."""


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (
            lambda: dcgan(OwnGAN),
            "module for ACGAN, AdaGAN, .*XGAN. Received: OwnGAN",
        ),
        (
            lambda: models.ProGAN(
                image_size=8, latent_dim=4, fmap_base=8, fmap_max=2
            ),
            "when it has its full resolution; train it on",
        ),
    ],
)
def test_others_are_refused(build, match, tmp_path):
    with pytest.raises(ValueError, match=match):
        to_pytorch.write(build(), tmp_path / "out", "safetensors")
    assert not (tmp_path / "out").exists()


def test_formats_and_folders_are_checked(tmp_path):
    with pytest.raises(ValueError, match="format='onnx'"):
        to_pytorch.write(dcgan(), tmp_path / "out", "onnx")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="new or empty"):
        to_pytorch.write(dcgan(), tmp_path, "safetensors")


def test_the_command(tmp_path, capsys):
    out = tmp_path / "out"
    name = "wgan_fashion_mnist_32"
    words = ["convert", name, "--to", "safetensors", "-o", str(out)]
    assert cli.main(words) == 0, capsys.readouterr().err
    assert "generator.safetensors" in capsys.readouterr().out
    assert f"# {name} in PyTorch" in (out / "README.md").read_text("utf-8")
    assert cli.main([*words[:2], "file.pth", *words[2:]]) == 2
    assert "no file" in capsys.readouterr().err
    assert cli.main(words[:4]) == 2
    assert "--output is required" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["--credit", "y", "a.pth"], "--license"),
        (["a.pth", "--license", "x"], "--credit"),
    ],
)
def test_the_command_says_what_is_missing(words, missing, tmp_path, capsys):
    out = ["-o", str(tmp_path / "out")]
    assert cli.main(["convert", "dcgan", *words, *out]) == 2
    assert f"{missing} is required" in capsys.readouterr().err
