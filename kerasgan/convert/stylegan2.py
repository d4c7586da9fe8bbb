"""The networks of StyleGAN2-ADA's authors, in PyTorch.

Karras, Aittala, Hellsten, Laine, Lehtinen and Aila, "Training Generative
Adversarial Networks with Limited Data", 2020. https://arxiv.org/abs/2006.06676

A generator is the modules `mapping` and `synthesis`; the latter, and a
discriminator, have one block for each resolution, `b4`, `b8` ... Weights are
stored as here, and scaled at run time by the same constants. Sizes are taken
from the arrays; whatever else changes an image, activations, filters, gains and
clamps, is an attribute of a module, and compared with ours.
"""

import contextlib
import functools
import warnings

import numpy as np
import tensorflow as tf

from kerasgan import models, weights
from kerasgan.convert.tensors import SAME, Layout

# The largest noise maps, which are not in every file, take 32 MB then.
MOST_PIXELS = 2048
# Of the mapping's layers; other multipliers are made up for in the weights.
RATE = 0.01
# Larger than any batch, which is then one group.
WHOLE_BATCH = 2**31 - 1
LINE = np.array([1.0, 3.0, 3.0, 1.0]) / 8.0

# (out, in, height, width) to (height, width, in, out).
KERNEL = Layout(
    lambda shape: (shape[3], shape[2], shape[0], shape[1]),
    lambda tensor: tensor.transpose(2, 3, 1, 0),
)
DENSE = Layout(lambda shape: shape[::-1], lambda tensor: tensor.T)
# (maps, 4, 4) to our (1, 4, 4, maps).
CONSTANT = Layout(
    lambda shape: (shape[3], *shape[1:3]),
    lambda tensor: tensor.transpose(1, 2, 0),
)
# (height, width) to our (1, height, width, 1).
NOISE = Layout(lambda shape: shape[1:3], lambda tensor: tensor)
# The dense layer after the discriminator's 4x4 reads (maps, 4, 4) in order.
FLATTENED = Layout(
    lambda shape: shape[::-1],
    lambda tensor: tensor.reshape(len(tensor), -1, 4, 4).transpose(2, 3, 1, 0),
)


class DoesNotFit(ValueError):
    """A network that ours cannot compute."""


def convert(networks):
    """Builds a `StyleGAN2` of the networks' size, and maps the arrays to it.

    Args:
        networks: dict of `"generator"` and optionally `"discriminator"` to
            what `stylegan2_pickle.read` returns for their files. The first
            may hold all networks.

    Returns:
        Pair of the model and the argument of `tensors.assign`. The model is
        a `ConditionalStyleGAN2` if the networks have labels. A discriminator
        that ours cannot compute is left out, with a warning.

    Raises:
        ValueError: If ours cannot compute the generator.
    """
    found = networks["generator"]
    trained = found.get("G", found.get("G_ema"))
    average = found.get("G_ema", trained)
    settings = _settings(average)
    if _settings(trained) != settings:
        raise DoesNotFit(
            "G and G_ema must be of the same size. "
            f"Received: {_settings(trained)} and {settings}"
        )
    discriminator = networks.get("discriminator", found).get("D")
    if discriminator is not None:
        try:
            more = _discriminator_settings(discriminator, settings)
        except DoesNotFit as error:
            warnings.warn(
                f"The discriminator is left out: {error}.", stacklevel=4
            )
            discriminator = None
        else:
            settings |= more
    build = models.StyleGAN2
    if "num_classes" in settings:
        build = models.ConditionalStyleGAN2
    blank = contextlib.nullcontext()
    if discriminator is not None:
        # All networks are in the file, and random weights take seconds.
        blank = tf.variable_creator_scope(weights.Blank())
    with blank:
        gan = build.auto(**settings)
    generators = {"generator": trained, "average_generator": average}
    result = {
        role: (
            _arrays(module),
            _generator(getattr(gan, role), module),
        )
        for role, module in generators.items()
    }
    if discriminator is not None:
        result["discriminator"] = (
            _arrays(discriminator),
            _discriminator(gan.discriminator, discriminator),
        )
    return gan, result


def _arrays(module):
    """Returns a network's arrays in 32 bits, without the filters."""
    arrays = {
        name: np.asarray(array, "float32")
        for name, array in module.flat().items()
        if not name.endswith("resample_filter")
    }
    for path, layer in _layers(module):
        if layer.attributes.get("use_noise") is False:
            size = layer.attributes.get("resolution")
            arrays[f"{path}.noise_const"] = np.zeros((size, size), "float32")
            arrays[f"{path}.noise_strength"] = np.zeros((), "float32")
    return arrays


def _layers(module, prefix=""):
    """Yields all modules with their dotted names."""
    for name, part in module.parts.items():
        yield prefix + name, part
        yield from _layers(part, f"{prefix}{name}.")


# What is understood of a file


def _settings(generator):
    """Returns the constructor's arguments for a generator."""
    mapping = generator.parts.get("mapping")
    synthesis = generator.parts.get("synthesis")
    if mapping is None or synthesis is None or "b4" not in synthesis.parts:
        raise DoesNotFit(
            "The network is not a generator of StyleGAN2, with mapping and "
            f"synthesis.b4. Received: {generator.kind} with "
            f"{_names(generator)}"
            + (f" and synthesis with {_names(synthesis)}" if synthesis else "")
        )
    arrays = generator.flat()
    sizes = [4]
    while f"b{2 * sizes[-1]}" in synthesis.parts:
        sizes.append(2 * sizes[-1])
    maps = {size: _square(arrays, f"synthesis.b{size}.conv1") for size in sizes}
    depth = 0
    while f"fc{depth}" in mapping.parts:
        depth += 1
    style_dim, units = _shape(arrays, "mapping.fc0.weight", 2)
    for layer in range(1, depth):
        _same_shape(arrays, f"mapping.fc{layer}.weight", (style_dim, style_dim))
    settings = {
        "image_size": sizes[-1],
        "channels": _shape(arrays, "synthesis.b4.torgb.weight", 4)[0],
        "latent_dim": units,
        "style_dim": style_dim,
        "mapping_layers": depth,
    }
    if "mapping.embed.weight" in arrays:
        _, labels = _shape(arrays, "mapping.embed.weight", 2)
        _same_shape(arrays, "mapping.embed.weight", (style_dim, labels))
        settings["latent_dim"] -= style_dim
        settings["num_classes"] = labels
    understood = (
        f"a generator of {sizes[-1]} pixels, latents of "
        f"{settings['latent_dim']}, {depth} mapping layers of {style_dim} and "
        f"{', '.join(str(count) for count in maps.values())} feature maps"
    )
    if not 8 <= sizes[-1] <= MOST_PIXELS or settings["latent_dim"] < 1:
        raise DoesNotFit(
            "Images have 8 to 2048 pixels, and latents at least one number. "
            f"Received: {understood}"
        )
    settings |= _widths(maps, understood)
    check = functools.partial(_check, understood=understood)
    clamp = synthesis.parts["b4"].parts["conv1"].attributes.get("conv_clamp")
    for name, layer in _layers(generator):
        last = name.rsplit(".", 1)[-1]
        check(name, layer, architecture="skip")
        if name.startswith("mapping.fc"):
            check(name, layer, activation="lrelu")
        elif last in ("affine", "embed"):
            check(name, layer, activation="linear", bias_gain=1)
        elif last in ("conv0", "conv1"):
            up = 2 if last == "conv0" else 1
            check(name, layer, activation="lrelu", up=up, conv_clamp=clamp)
            size = int(name.split(".")[1].removeprefix("b"))
            check(name, layer, resolution=size)
        elif last == "torgb":
            check(name, layer, conv_clamp=clamp)
    settings["clamp"] = clamp
    return settings


def _discriminator_settings(discriminator, settings):
    """Returns further arguments, for the discriminator beside a generator."""
    understood = f"a {discriminator.kind} with {_names(discriminator)}"
    check = functools.partial(_check, understood=understood)
    parts = discriminator.parts
    size = settings["image_size"]
    if "b4" not in parts or f"b{size}" not in parts or f"b{2 * size}" in parts:
        raise DoesNotFit(
            f"it must have blocks from b{size} to b4. Received: {understood}"
        )
    residual = parts[f"b{size}"].attributes.get("architecture") == "resnet"
    architecture = "resnet" if residual else "orig"
    labels = settings.get("num_classes")
    if ("mapping" in parts) != (labels is not None):
        raise DoesNotFit("only one of the two networks has labels")
    for name, layer in _layers(discriminator):
        last = name.rsplit(".", 1)[-1]
        check(name, layer, architecture=architecture)
        if last == "mapping":
            check(name, layer, num_layers=8, c_dim=labels)
        elif last in ("embed", "out"):
            check(name, layer, activation="linear", bias_gain=1)
        elif last == "fc":
            check(name, layer, activation="lrelu", bias_gain=1)
        elif name.startswith("mapping.fc"):
            check(name, layer, activation="lrelu")
        elif last == "skip":
            check(name, layer, activation="linear", down=2, conv_clamp=None)
        elif last in ("fromrgb", "conv0", "conv1", "conv"):
            clamp = settings["clamp"]
            check(name, layer, activation="lrelu", conv_clamp=clamp)
            check(name, layer, down=2 if last == "conv1" else 1)
        elif last == "mbstd":
            check(name, layer, num_channels=1)
    group = 4
    if "mbstd" in parts["b4"].parts:
        group = parts["b4"].parts["mbstd"].attributes.get("group_size")
    group = WHOLE_BATCH if group is None else group
    if group < 2:
        raise DoesNotFit(
            "its minibatch standard deviation is of groups of one image, and "
            "therefore zero"
        )
    return {"residual": residual, "group_size": group}


def _check(name, layer, understood, **expected):
    """Refuses a module with another attribute or filter than ours."""
    for attribute, value in expected.items():
        found = layer.attributes.get(attribute, value)
        if found != value:
            raise DoesNotFit(
                f"{name} has {attribute} {found!r} instead of {value!r}, in "
                f"{understood}"
            )
    kernel = layer.arrays.get("resample_filter")
    if kernel is not None and (
        kernel.shape != (4, 4) or not np.allclose(kernel, np.outer(LINE, LINE))
    ):
        raise DoesNotFit(
            f"{name} resamples by another filter than [1, 3, 3, 1], in "
            f"{understood}"
        )


def _widths(maps, understood):
    """Returns `channel_base` and `channel_max` for counts of feature maps."""
    most = max(maps.values())
    narrow = [size for size in maps if maps[size] < most]
    # At the first resolution with fewer the quotient is the least rounded.
    base = maps[narrow[0]] * narrow[0] if narrow else most * max(maps)
    for size, count in maps.items():
        if count != min(base // size, most):
            raise DoesNotFit(
                "Feature maps must halve from one resolution to the next, "
                f"up to a maximum. Received: {understood}"
            )
    return {"channel_base": base, "channel_max": most}


def _shape(arrays, name, axes):
    if name not in arrays or arrays[name].ndim != axes:
        raise DoesNotFit(
            f"The generator must have {name}, with {axes} axes. Received: "
            f"{arrays[name].shape if name in arrays else 'none'}"
        )
    return arrays[name].shape


def _same_shape(arrays, name, shape):
    if _shape(arrays, name, len(shape)) != shape:
        raise DoesNotFit(
            f"{name} must be of shape {shape}. Received: {arrays[name].shape}"
        )


def _square(arrays, name):
    """Returns the feature maps of a convolution that keeps them."""
    name = f"{name}.weight"
    count = _shape(arrays, name, 4)[0]
    _same_shape(arrays, name, (count, count, 3, 3))
    return count


def _names(module):
    return ", ".join([*list(module.parts)[:6], *list(module.arrays)[:6]])


# Where the arrays go


def _generator(network, module):
    synthesis = network.synthesis
    places = {"mapping.w_avg": (network.average_w, SAME)}
    places |= _mapping(network.mapping, module)
    below = {"b4.const": (synthesis.constant_4.maps, CONSTANT)}
    for place, size in enumerate(synthesis.noise_resolutions):
        half = 1 - place % 2
        scope, end = f"b{size}.conv{half}", f"{half}_{size}"
        conv = getattr(synthesis, f"conv{end}")
        noise = getattr(synthesis, f"noise{end}")
        below[f"{scope}.weight"] = (conv.kernel, KERNEL)
        below[f"{scope}.bias"] = (getattr(synthesis, f"bias{end}").bias, SAME)
        below[f"{scope}.noise_const"] = (noise.map, NOISE)
        below[f"{scope}.noise_strength"] = (noise.scale, SAME)
        below |= _dense(f"{scope}.affine", conv.style)
    for size in synthesis.resolutions:
        to_rgb = getattr(synthesis, f"to_rgb_{size}")
        below |= _convolution(f"b{size}.torgb", to_rgb)
        below |= _dense(f"b{size}.torgb.affine", to_rgb.style)
    return places | {f"synthesis.{name}": p for name, p in below.items()}


def _discriminator(network, module):
    size = network.image_size
    from_rgb = getattr(network, f"from_rgb_{size}")
    places = _convolution(f"b{size}.fromrgb", from_rgb)
    for size in network.resolutions[1:]:
        for name in ("conv0", "conv1"):
            conv = getattr(network, f"{name}_{size}")
            places |= _convolution(f"b{size}.{name}", conv)
        if network.residual:
            skip = getattr(network, f"skip_{size}")
            places[f"b{size}.skip.weight"] = (skip.kernel, KERNEL)
    places |= _convolution("b4.conv", network.conv_4)
    places |= _dense("b4.fc", network.dense_4, FLATTENED)
    places |= _dense("b4.out", network.score_4)
    if "mapping" in module.parts:
        places |= _mapping(network.mapping, module)
    return places


def _mapping(mapping, module):
    places = {}
    if mapping.num_classes is not None:
        places |= _dense("mapping.embed", mapping.classes)
    for index in range(mapping.mapping_layers):
        name = f"fc{index}"
        attributes = module.parts["mapping"].parts[name].attributes
        factor = attributes.get("bias_gain", RATE) / RATE
        dense = getattr(mapping, f"mapping_{index}")
        places[f"mapping.{name}.weight"] = (
            dense.kernel,
            Layout(DENSE.shape, functools.partial(_turned, factor=factor)),
        )
        places[f"mapping.{name}.bias"] = (
            dense.bias,
            Layout(SAME.shape, functools.partial(np.multiply, factor)),
        )
    return places


def _turned(tensor, factor):
    return factor * tensor.T


def _dense(scope, layer, layout=DENSE):
    return {
        f"{scope}.weight": (layer.kernel, layout),
        f"{scope}.bias": (layer.bias, SAME),
    }


def _convolution(scope, layer):
    return {
        f"{scope}.weight": (layer.kernel, KERNEL),
        f"{scope}.bias": (layer.bias, SAME),
    }
