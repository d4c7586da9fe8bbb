"""Writes generators as plain PyTorch modules, with their weights.

The sources in `pytorch/` are written by hand, one for each kind of generator.
They are copied with the model's sizes and a function that loads the weights,
and beside them what they import, so that the result needs PyTorch alone. Its
modules have the names of our layers, but for what two frameworks join
differently.
"""

import importlib.util
import json
import pathlib
import pprint
import re
import struct
import subprocess
import sys
import tempfile

import numpy as np

from kerasgan import checks
from kerasgan.layers.spectral import SpectralLayer
from kerasgan.models import (
    XGAN,
    SeqGAN,
    SkipBEGAN,
    StackGAN,
    biggan_networks,
    sngan_networks,
)
from kerasgan.models.mixture import Mixture
from kerasgan.models.sampling import UniformLatentGAN
from kerasgan.tasks import TASKS

FORMATS = {"pytorch": ".pt", "safetensors": ".safetensors"}

# Names of variables in PyTorch.
ENDS = {
    "kernel": "weight",
    "embeddings": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Of residual networks.
BLOCKS = (
    (r".*/u$", None),
    (r"block_(\d+)_(norm_\d)_(gain|bias)/", r"blocks/\1/\2/\3/"),
    (r"block_(\d+)_(\w+)/", r"blocks/\1/\2/"),
)
# Of text encoders, and of the blocks of GAN-CLS.
CAPTIONS = (
    (r"(\w*(?:narrow|inside|wide))_(\d)/", r"block_\2/\1/"),
    (r"gru/gru_cell/", "encoder/gru/"),
    (r"(words|sentence)/", r"encoder/\1/"),
)
# By source: patterns of our paths, and the names there. `None` leaves out.
NAMES = {
    "began": ((r"(decode_\d+_\d)_residual/", r"\1/"),),
    "biggan": (*BLOCKS, (r"attention/gamma", "attention/share")),
    "gan_cls": CAPTIONS,
    "improved_gan": ((r"norm_(\d+)/beta", r"bias_\1"),),
    "progan": ((r"to_rgb_{size}/", "to_rgb/"), (r"to_rgb_\d+/.*", None)),
    "r3gan": (
        (r"(block\d+_\d+)_(conv\d)/", r"\1/\2/"),
        (r"basis_4/basis", "basis"),
    ),
    "seqgan": ((r"lstm/lstm_cell/", "lstm/"),),
    "sngan": (
        (r"block_(\d+)_(norm_\d)/(gamma|beta|moving)", r"blocks/\1/\2/norm/\3"),
        *BLOCKS,
    ),
    "stackgan": CAPTIONS,
    "stackgan_stage_one": CAPTIONS,
    "stylegan": (
        (r".*/average_w", "average_w"),
        (r"dense_(\d+)/", r"mapping/\1/"),
        (r"constant_4/maps", "constant"),
        (r"noise(\d_\d+)/map", r"finish\1/noise"),
        (r"noise(\d_\d+)/", r"finish\1/"),
        (r"(?:bias|adain)(\d_\d+)/", r"finish\1/"),
        (r"to_rgb_{size}/", "to_rgb/"),
        (r"to_rgb_\d+/.*", None),
    ),
    "stylegan2": (
        (r".*/average_w", "average_w"),
        (r"mapping_(\d+)/", r"mapping/\1/"),
        (r"constant_4/maps", "constant"),
        (r"noise(\d_\d+)/map", r"conv\1/noise"),
        (r"noise(\d_\d+)/scale", r"conv\1/strength"),
        (r"bias(\d_\d+)/", r"conv\1/"),
    ),
    "unrolled_gan": ((r"hidden_(\d+)/", r"hidden/\1/"),),
}
# Sources that a source imports.
PARTS = {
    "gan_cls": ("captions",),
    "stackgan": ("captions", "stackgan_stage_one"),
    "stackgan_stage_one": ("captions",),
}

LOAD = '''

SETTINGS = {settings}


def load(path):
    """Returns the generator with the weights of a file, for inference."""
    generator = Generator(**SETTINGS)
    generator.load_state_dict({read})
    return generator.eval()
'''

TO_UINT8 = '''

def to_uint8(images):
    """Returns images in [-1, 1] as whole numbers from 0 to 255."""
    return (127.5 * images + 127.5).round().clamp(0, 255).byte()
'''

READ_SAFETENSORS = '''

def read(path):
    """Returns the tensors of a safetensors file."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header, data = json.loads(file.read(length)), bytearray(file.read())
    types = {"F32": torch.float32, "I64": torch.int64}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            values = torch.frombuffer(
                data[first:last], dtype=types[entry["dtype"]]
            )
            tensors[name] = values.reshape(entry["shape"])
    return tensors
'''

# By output of a task: what a page does with the generator.
USES = {
    "images": "images = to_uint8(generator({example}))",
    "points": "points = generator({example})",
    "text": """\
tokens = generator({example})
    sentences = generator.sentences(tokens)""",
}

README = """\
# {name} in PyTorch

{description}

{modules} PyTorch alone. The weights are {weights}.

```python
import torch

from generator import {names}

generator = load("{first}")
with torch.no_grad():
    {use}
```

The {kind} are `{shape}`.

Made by kerasgan from its model {name}. Licence of the weights: {license}.
"""


def sources():
    """Returns the supported architectures.

    Returns:
        dict of the name of a class in `kerasgan.models` to a pair: the name
        of its source in `pytorch/`, and a function from a model to the
        arguments of that source's `Generator`.
    """
    dcgan, cut, sngan = ("dcgan", _dcgan), ("cut", _cut), ("sngan", _sngan)
    gan_cls, vanilla_gan = ("gan_cls", _gan_cls), ("vanilla_gan", _dense)
    began, r3gan, xgan = ("began", _began), ("r3gan", _r3gan), ("xgan", _xgan)
    seqgan = "seqgan", _seqgan
    return {
        "ACGAN": ("acgan", _acgan),
        "AdaGAN": ("adagan", _adagan),
        "BEGAN": began,
        "BigGAN": ("biggan", _biggan),
        "CenteredSeqGAN": seqgan,
        "CGAN": ("cgan", _cgan),
        "ConditionalR3GAN": r3gan,
        "ConditionalSNGAN": sngan,
        "ConditionalStyleGAN": ("stylegan", _stylegan),
        "ConditionalStyleGAN2": ("stylegan2", _stylegan2),
        "ConstantRewardSeqGAN": seqgan,
        "CosineXGAN": xgan,
        "CUT": cut,
        "CycleGAN": ("cyclegan", _taken("channels", "width", "blocks")),
        "DCGAN": dcgan,
        "FastCUT": cut,
        "GANCLS": gan_cls,
        "ImprovedGAN": ("improved_gan", _dense),
        "InfoGAN": ("infogan", _infogan),
        "LSGAN": dcgan,
        "MinimaxGAN": vanilla_gan,
        "MLPCGAN": (
            "mlp_cgan",
            _taken("image_shape", "num_classes", "latent_dim"),
        ),
        "MLPWGAN": ("mlp_wgan", _dense),
        "PacGAN": dcgan,
        "PearsonLSGAN": dcgan,
        "Pix2Pix": ("pix2pix", _pix2pix),
        "ProGAN": ("progan", _progan),
        "R3GAN": r3gan,
        "SeqGAN": seqgan,
        "SkipBEGAN": began,
        "SNGAN": sngan,
        "StackGAN": ("stackgan", _stackgan),
        "StackGANStageOne": ("stackgan_stage_one", _stackgan_stage_one),
        "StyleGAN": ("stylegan", _stylegan),
        "StyleGAN2": ("stylegan2", _stylegan2),
        "UnrolledGAN": ("unrolled_gan", _unrolled_gan),
        "VanillaGAN": vanilla_gan,
        "VectorGANCLS": gan_cls,
        "WGAN": dcgan,
        "WGANGP": dcgan,
        "XGAN": xgan,
    }


def write(gan, folder, format="pytorch", card=None):
    """Writes the averaged generators of a model for PyTorch.

    The folder has `generator.py`, a module that needs PyTorch alone and
    generates the same images, sentences or points of the same latents; modules
    that it imports, if any; the weights of each generator; and a page on its
    use.

    Args:
        gan: A `GAN`.
        folder: str or path. Must not exist, or be empty.
        format: str. `"pytorch"` for a state dict, which needs PyTorch to be
            written, or `"safetensors"`. Defaults to `"pytorch"`.
        card: The model's `zoo.Card`, for the page. Defaults to none.

    Returns:
        list of str: the names of the files.

    Raises:
        ValueError: If the architecture has no module, the model is still
            growing, or the format is another one.
        ImportError: If PyTorch is needed and not installed.
        OSError: If the folder is not empty.

    Example:
    ```python
    to_pytorch.write(zoo.load("dcgan_personas_64"), "dcgan_in_pytorch")
    ```
    """
    checks.one_of(FORMATS, format=format)
    source, settings = _source(gan)
    # A mixture is of several generators of one kind.
    component = _source(gan.current)[0] if isinstance(gan, Mixture) else None
    if format == "pytorch" and importlib.util.find_spec("torch") is None:
        raise ImportError(
            "A state dict is written by PyTorch, which is not installed: "
            "`pip install 'kerasgan[convert]'`. The format safetensors needs "
            "no PyTorch."
        )
    folder = pathlib.Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(
            f"The folder must be new or empty. Received: {folder}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    images = TASKS[gan.task].output == "images"
    modules = {
        "generator": _module(source, settings, format, images),
        **{name: _text_of(name) for name in PARTS.get(source, ())},
    }
    if component:
        modules["component"] = _text_of(component)
    written = [name + ".py" for name in modules]
    for name, text in zip(written, modules.values(), strict=True):
        (folder / name).write_text(text, "utf-8")
    weights = []
    for name, networks in _generators(gan).items():
        state = {}
        for prefix, network in networks:
            found = tensors(network, component or source)
            state |= {prefix + key: value for key, value in found.items()}
        if component:
            state["shares"] = gan.mixture_weights.numpy()
        weights.append(name + FORMATS[format])
        path = folder / weights[-1]
        if format == "pytorch":
            _save_state(state, path)
        else:
            save_safetensors(state, path)
    (folder / "README.md").write_text(
        _page(gan, folder, written, weights, settings, card), "utf-8"
    )
    return [*written, *weights, "README.md"]


def _generators(gan):
    """Returns the networks of each generator, with the prefix of their names.

    Returns:
        dict of str to list of pairs: prefix, network.
    """
    average = {
        name: getattr(gan, f"average_{name}") for name in gan.generator_names
    }
    if isinstance(gan, XGAN):
        return {
            f"generator_{of}{to}": [
                ("", average[f"encoder_{of}"]),
                ("", average["shared_encoder"]),
                ("", average["shared_decoder"]),
                ("", average[f"decoder_{to}"]),
            ]
            for of, to in ("ab", "ba")
        }
    if isinstance(gan, Mixture):
        networks = [gan.average_generator, *gan.finished]
        numbered = enumerate(networks)
        return {"generator": [(f"components.{n}.", x) for n, x in numbered]}
    others = []
    if hasattr(gan, "text_encoder"):
        others.append(("", gan.text_encoder))
    if isinstance(gan, StackGAN):
        others.append(("stage_one.", gan.stage_one))
    return {name: [("", network), *others] for name, network in average.items()}


def _source(gan):
    """Returns the name of a model's source, and its arguments."""
    architecture = type(gan).__name__
    supported = sources()
    if architecture not in supported:
        raise ValueError(
            f"There is a PyTorch module for {', '.join(supported)}. "
            f"Received: {architecture}"
        )
    name, settings = supported[architecture]
    return name, settings(gan)


def _text_of(source):
    path = pathlib.Path(__file__).with_name("pytorch") / f"{source}.py"
    return path.read_text("utf-8")


def _module(source, settings, format, images=True):
    """Returns the text of generator.py."""
    text = _text_of(source)
    read = "torch.load(path, weights_only=True)"
    if format == "safetensors":
        # Those of the standard library are in a block before PyTorch's.
        imports = re.findall(r"^import (?!torch)\w+\n", text, re.M)
        before = "".join(imports) or "import torch\n"
        after = "".join(sorted([*imports, "import json\n"]))
        after += "" if imports else "\n" + before
        text = text.replace(before, after, 1)
        text += READ_SAFETENSORS
        read = "read(path)"
    lines = []
    for name, value in settings.items():
        # Long lists over several lines.
        value = pprint.pformat(value, width=50, compact=True)
        lines.append(f'    "{name}": ' + value.replace("\n", "\n    ") + ",\n")
    shown = "".join(lines)
    text += LOAD.format(settings=f"{{\n{shown}}}", read=read)
    return text + TO_UINT8 if images else text


def _page(gan, folder, modules, weights, settings, card):
    def listed(names):
        return " and ".join(f"`{name}`" for name in names)

    output = TASKS[gan.task].output
    if hasattr(gan, "translate"):
        example, shape = "images", "(n, channels, height, width)"
    else:
        example = _latents(gan)
        example += _conditions(gan, settings)
        sizes = gan.sample_shape
        if output == "images":
            height, width, channels = sizes
            sizes = channels, height, width
        shape = str((16, *sizes))
    return README.format(
        name=card.name if card else folder.absolute().name,
        description=card.description if card else type(gan).__name__,
        license=card.license if card else "not stated",
        modules=f"{listed(modules)} need{'s' * (len(modules) == 1)}",
        weights=listed(weights),
        names="load, to_uint8" if output == "images" else "load",
        first=weights[0],
        use=USES[output].format(example=example),
        kind=USES[output].partition(" ")[0],
        shape=shape,
    )


def _conditions(gan, settings):
    """Returns the code of the other arguments of an example."""
    if settings.get("num_classes"):
        return f", torch.arange(16) % {settings['num_classes']}"
    if settings.get("encoder"):
        caption = " ".join(gan.vocabulary[:3])
        return f', 16 * ["{caption}"]'
    if "sentence_dim" in settings:
        return f", torch.randn(16, {gan.sentence_dim})"
    if "continuous" not in settings:
        return ""
    codes = [
        f"torch.eye({size})[torch.arange(16) % {size}]"
        for size in gan.categorical
    ]
    if gan.continuous:
        codes.append(f"2 * torch.rand(16, {gan.continuous}) - 1")
    return f", torch.cat([{', '.join(codes)}], dim=1)"


def _latents(gan):
    """Returns the code that samples latents as the model does."""
    if isinstance(gan, Mixture):
        of_component = _latents(gan.current)
        return f"torch.cat([{of_component}, torch.rand(16, 1)], dim=1)"
    if isinstance(gan, SeqGAN):
        return f"torch.rand(16, {gan.latent_dim})"
    shape = f"16, {gan.latent_dim}"
    if isinstance(gan, UniformLatentGAN):
        low, high = gan.latent_range
        return f"torch.empty({shape}).uniform_({low:.7g}, {high:.7g})"
    return f"torch.randn({shape})"


# Weights


def tensors(network, source):
    """Returns the weights of a generator as PyTorch has them.

    Args:
        network: A Keras generator.
        source: str. Name of the PyTorch source.

    Returns:
        dict of name to float32 array; counts of batches are int64.
    """
    divided = {
        layer.kernel.path: layer.normalized_kernel(training=False).numpy()
        for layer in network._flatten_layers()
        if isinstance(layer, SpectralLayer)
    }
    size = getattr(getattr(network, "synthesis", network), "image_size", None)
    found = {}
    for variable in network.weights:
        name = _renamed(variable.path, source, size)
        if name is None:
            continue
        if re.search("/(gru|lstm)_cell/", variable.path):
            found |= _gates(name, variable.numpy())
            continue
        value = divided.get(variable.path)
        value = np.float32(variable.numpy() if value is None else value)
        found[name] = _turned(variable.name, value)
        if variable.name == "moving_mean":
            counter = name.replace("running_mean", "num_batches_tracked")
            found[counter] = np.int64(0)
    return found


def _gates(name, value):
    """Returns a weight of an LSTM or a GRU, whose gates are in other orders."""
    scope, _, end = name.rpartition(".")
    last = ""
    if scope.endswith("gru"):
        last = "_l0"  # Of a layer; the LSTM is a cell.
        update, reset, candidate = np.split(value, 3, axis=-1)
        value = np.concatenate([reset, update, candidate], axis=-1)
    if end == "bias":
        # An LSTM of Keras has one, PyTorch's has two.
        first, second = value if value.ndim == 2 else (value, 0.0 * value)
        return {
            f"{scope}.bias_ih{last}": first,
            f"{scope}.bias_hh{last}": second,
        }
    kind = "hh" if end == "recurrent_kernel" else "ih"
    return {f"{scope}.weight_{kind}{last}": value.T}


def _renamed(path, source, size):
    """Returns the PyTorch name of a variable, or `None` to leave it out."""
    for pattern, name in NAMES.get(source, ()):
        pattern = pattern.replace("{size}", str(size))
        if re.match(pattern, path):
            if name is None:
                return None
            path = re.sub(f"^{pattern}", name, path)
            break
    *scope, end = path.split("/")
    if scope[:1] in (["blocks"], ["hidden"]):
        scope[1] = str(int(scope[1]) - 1)  # They are numbered from one.
    return ".".join([*scope, ENDS.get(end, end)])


def _turned(name, value):
    """Returns a weight in PyTorch's order of axes."""
    if name == "kernel":
        # Of a transposed convolution as well: ours has the outputs before
        # the inputs, theirs the inputs before the outputs.
        return value.T if value.ndim == 2 else value.transpose(3, 2, 0, 1)
    if name == "basis":
        return value.transpose(2, 0, 1)
    return value.transpose(0, 3, 1, 2) if value.ndim == 4 else value


def _save_state(state, path):
    """Writes a state dict, by PyTorch in a process of its own."""
    script = pathlib.Path(__file__).with_name("torch_state.py")
    with tempfile.TemporaryDirectory() as scratch:
        arrays = pathlib.Path(scratch, "state.npz")
        np.savez(arrays, **state)
        result = subprocess.run(
            [sys.executable, str(script), str(arrays), str(path)],
            capture_output=True,
            text=True,
        )
    if result.returncode != 0:
        raise OSError(
            f"PyTorch could not write {path}: {result.stderr.strip()} (exit "
            f"status {result.returncode})"
        )


def save_safetensors(state, path):
    """Writes arrays in the format safetensors.

    Args:
        state: dict of name to float32 or int64 array.
        path: str or path.
    """
    header, offset = {}, 0
    for name, array in state.items():
        header[name] = {
            "dtype": {"float32": "F32", "int64": "I64"}[array.dtype.name],
            "shape": array.shape,
            "data_offsets": (offset, offset + array.nbytes),
        }
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in state.values():
            file.write(np.ascontiguousarray(array).tobytes())


# Arguments of the sources


def _taken(*names):
    return lambda gan: {name: getattr(gan, name) for name in names}


def _dcgan(gan):
    return {
        "image_size": list(checks.sides(gan.image_size)),
        **_taken("channels", "width", "latent_dim")(gan),
    }


def _cgan(gan):
    return _dcgan(gan) | {"num_classes": gan.num_classes}


def _acgan(gan):
    return {
        "image_size": list(checks.sides(gan.image_size)),
        "width": gan.generator_width,
        **_taken("channels", "num_classes", "latent_dim")(gan),
    }


def _dense(gan):
    return {
        "image_shape": list(gan.image_shape),
        "units": gan.generator_units,
        "latent_dim": gan.latent_dim,
    }


def _gan_cls(gan):
    sizes = "latent_dim", "sentence_dim", "projection_dim"
    settings = {
        **_taken("image_size", "channels")(gan),
        "width": gan.generator_width,
        **_taken(*sizes)(gan),
    }
    if hasattr(gan, "text_encoder"):
        settings["encoder"] = _encoder(gan)
    return settings


def _encoder(gan):
    return {
        "vocabulary": list(gan.vocabulary),
        "caption_length": gan.caption_length,
        "width": gan.encoder_width,
    }


def _stackgan_stage_one(gan):
    sizes = "latent_dim", "sentence_dim", "condition_dim"
    return {
        **_taken("image_size", "channels")(gan),
        "width": gan.generator_width,
        **_taken(*sizes)(gan),
        "encoder": _encoder(gan),
    }


def _stackgan(gan):
    return {
        "stage_one": {
            "image_size": gan.stage_one_size,
            "channels": gan.channels,
            "width": gan.stage_one_width,
            "latent_dim": gan.latent_dim - gan.condition_dim,
            **_taken("sentence_dim", "condition_dim")(gan),
        },
        "image_size": gan.image_size,
        "width": gan.generator_width,
        "blocks": gan.blocks,
        "encoder": _encoder(gan),
    }


def _seqgan(gan):
    return {
        "vocabulary": list(gan.vocabulary),
        **_taken("embedding_dim", "units")(gan),
    }


def _unrolled_gan(gan):
    return {
        "units": list(gan.generator_units),
        **_taken("dimensions", "activation", "latent_dim")(gan),
    }


def _adagan(gan):
    return {
        "components": gan.components,
        "component": _source(gan.current)[1],
    }


def _infogan(gan):
    return {
        "image_shape": list(gan.image_shape),
        "categorical": list(gan.categorical),
        "units": gan.dense_width,
        **_taken("continuous", "width", "latent_dim")(gan),
    }


def _began(gan):
    return _dcgan(gan) | {"skips": isinstance(gan, SkipBEGAN)}


def _r3gan(gan):
    return {
        "maps": [gan.widths[size] for size in sorted(gan.widths)],
        **_taken("blocks", "group_size", "channels", "latent_dim")(gan),
        "num_classes": getattr(gan, "num_classes", 0),
    }


def _xgan(gan):
    return _taken("image_size", "channels", "width", "embedding_dim")(gan)


def _pix2pix(gan):
    return {
        **_taken("image_size", "source_channels", "target_channels")(gan),
        "width": gan.width,
        "max_width": gan.max_width or 8 * gan.width,
    }


def _biggan(gan):
    multiples = biggan_networks.GENERATORS[gan.image_size]
    return {
        "maps": [gan.width * m for m in multiples],
        **_taken("channels", "num_classes", "embedding_dim", "latent_dim")(gan),
        "attention": gan.attention_size,
    }


def _sngan(gan):
    multiples = sngan_networks.GENERATORS[gan.image_size]
    return {
        "maps": [gan.generator_width * m for m in multiples],
        **_taken("channels", "latent_dim")(gan),
        "num_classes": getattr(gan, "num_classes", 0),
    }


def _cut(gan):
    return {
        "channels": gan.channels,
        "width": gan.generator_width,
        "blocks": gan.blocks,
    }


def _maps(network):
    return [network.features(size) for size in network.resolutions]


def _check_grown(gan):
    if not gan.is_grown:
        raise ValueError(
            "A growing model can be written when it has its full resolution; "
            f"train it on. Received: images seen: {gan.images_seen.numpy():,}"
        )


def _progan(gan):
    _check_grown(gan)
    return {
        "maps": _maps(gan.generator),
        **_taken("channels", "latent_dim")(gan),
    }


def _stylegan(gan):
    _check_grown(gan)
    return {
        "maps": _maps(gan.generator.synthesis),
        **_taken(
            "channels",
            "latent_dim",
            "w_dim",
            "mapping_layers",
            "truncation_layers",
        )(gan),
        "num_classes": getattr(gan, "num_classes", 0),
    }


def _stylegan2(gan):
    return {
        "maps": _maps(gan.generator.synthesis),
        **_taken(
            "channels", "latent_dim", "style_dim", "mapping_layers", "clamp"
        )(gan),
        "num_classes": getattr(gan, "num_classes", 0),
    }
