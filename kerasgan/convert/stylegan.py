"""StyleGAN's original networks, as arrays by the names of their variables.

Karras, Laine and Aila, "A Style-Based Generator Architecture for Generative
Adversarial Networks", 2019. https://arxiv.org/abs/1812.04948

The names are those of `Network.vars` in the authors' code: `dlatent_avg`,
`G_mapping/Dense0/weight`, `G_synthesis/8x8/Conv0_up/weight` ... of the
generator, `4x4/Conv/weight` ... of the discriminator. `Gs/` or `D/` before
them says which network they are of, where one file holds both. Weights are
stored as here, and scaled at run time by the same constants.
"""

import functools
import re

from kerasgan import models
from kerasgan.convert.tensors import SAME, Layout, highest, size_of

# (1, maps, height, width) to our (1, height, width, maps).
MAPS = Layout(
    lambda shape: (shape[0], shape[3], shape[1], shape[2]),
    lambda tensor: tensor.transpose(0, 2, 3, 1),
)
# The discriminator's dense layer reads (maps, 4, 4) in this order.
FLATTENED = Layout(
    lambda shape: shape,
    lambda tensor: tensor.reshape(-1, 4, 4, tensor.shape[1]).transpose(
        1, 2, 0, 3
    ),
)
# From this resolution on, the authors join upsampling and convolution to one
# transposed convolution, which turns the kernel by half a turn.
FUSED_FROM = 128
TURNED = Layout(lambda shape: shape, lambda tensor: tensor[::-1, ::-1])


def convert(networks):
    """Returns a `StyleGAN` of the arrays' size, and where they go.

    Args:
        networks: dict of `"generator"` and optionally `"discriminator"` to
            their arrays by name; the former may hold both, by prefix.

    Returns:
        Pair of the model and what `tensors.assign` takes.

    Raises:
        ValueError: If the arrays are not those of such networks, or of
            networks that were still growing.
    """
    networks = _by_network(networks)
    generator = networks["generator"]
    discriminator = networks.get("discriminator", {})
    what = "a generator of the authors' StyleGAN"
    synthesis = "G_synthesis"
    dense = highest(generator, r"G_mapping/Dense(\d+)/")
    labels = "G_mapping/LabelConcat/weight"
    if labels in generator:
        num_classes, latent_dim = (
            size_of(generator, labels, axis, what) for axis in (0, 1)
        )
        build = functools.partial(
            models.ConditionalStyleGAN, num_classes=num_classes
        )
    else:
        latent_dim = size_of(generator, "G_mapping/Dense0/weight", 0, what)
        build = models.StyleGAN
    maps = {4: size_of(generator, f"{synthesis}/4x4/Const/const", 1, what)}
    image_size = 4
    while any(
        name.startswith(f"{synthesis}/{2 * image_size}x") for name in generator
    ):
        image_size *= 2
        name = f"{synthesis}/{image_size}x{image_size}/Conv1/weight"
        maps[image_size] = size_of(generator, name, 3, what)
    # The most maps of all are below 4x4, between the two dense layers.
    most = maps[4]
    if "4x4/Dense0/bias" in discriminator:
        most = size_of(discriminator, "4x4/Dense0/bias", 0, what)
    fewer = [size for size in maps if maps[size] < most]
    turning = fewer[0] if fewer else image_size
    gan = build(
        image_size=image_size,
        channels=size_of(generator, f"{synthesis}/ToRGB_lod0/weight", 3, what),
        latent_dim=latent_dim,
        w_dim=size_of(generator, f"G_mapping/Dense{dense}/weight", 1, what),
        mapping_layers=dense + 1,
        fmap_base=maps[turning] * turning // 2,
        fmap_max=most,
        # Below the final one, so that there are layers of all resolutions.
        start_resolution=min(8, image_size // 2),
    )
    schedule = gan.schedule
    gan.images_seen.assign(
        schedule.fade_start(image_size) + schedule.fade_images
    )
    places = {
        "generator": _generator(gan),
        "discriminator": _discriminator(gan),
    }
    return gan, {role: (t, places[role]) for role, t in networks.items()}


def _by_network(networks):
    """Returns the arrays of each network under their plain names."""
    found = {}
    for role, arrays in networks.items():
        for name, array in arrays.items():
            name = name.removesuffix(":0")
            owner = role
            if match := re.match(r"(Gs|D)/", name):
                name = name[match.end() :]
                owner = "discriminator" if match[1] == "D" else "generator"
            found.setdefault(owner, {})[name] = array
    for arrays in found.values():
        for name in ("lod", "G_synthesis/lod"):
            # How many doublings of resolution are still to come.
            if arrays.pop(name, 0.0) != 0.0:
                raise ValueError(
                    "The networks must be grown to their full resolution, "
                    f"with a {name} of 0; train them on where they were "
                    "made, or take a later file."
                )
    if "generator" not in found:
        raise ValueError(
            "There must be a generator: names such as Gs/dlatent_avg or "
            "G_mapping/Dense0/weight. Received: only a discriminator's"
        )
    return found


def _generator(gan):
    mapping, synthesis = gan.generator.mapping, gan.generator.synthesis
    places = {"dlatent_avg": (gan.generator.average_w, SAME)}
    if isinstance(gan, models.ConditionalStyleGAN):
        places["G_mapping/LabelConcat/weight"] = (
            mapping.classes.embeddings,
            SAME,
        )
    for index in range(gan.mapping_layers):
        dense = getattr(mapping, f"dense_{index}")
        places |= _weight_and_bias(f"G_mapping/Dense{index}", dense)

    below = {"4x4/Const/const": (synthesis.constant_4.maps, MAPS)}
    for place, size in enumerate(synthesis.resolutions):
        scopes = ("Conv0_up", "Conv1") if size > 4 else ("Const", "Conv")
        for half, scope in enumerate(scopes):
            scope = f"{size}x{size}/{scope}"
            end = f"{half}_{size}"
            noise = getattr(synthesis, f"noise{end}")
            bias = getattr(synthesis, f"bias{end}")
            style = getattr(synthesis, f"adain{end}").style
            below[f"noise{2 * place + half}"] = (noise.map, MAPS)
            below[f"{scope}/Noise/weight"] = (noise.scale, SAME)
            below[f"{scope}/bias"] = (bias.bias, SAME)
            below |= _weight_and_bias(f"{scope}/StyleMod", style)
            if conv := getattr(synthesis, f"conv{end}", None):
                fused = half == 0 and size >= FUSED_FROM
                layout = TURNED if fused else SAME
                below[f"{scope}/weight"] = (conv.kernel, layout)
        to_rgb = getattr(synthesis, f"to_rgb_{size}")
        below |= _weight_and_bias(f"ToRGB_lod{_lod(gan, size)}", to_rgb)
    return places | {f"G_synthesis/{n}": place for n, place in below.items()}


def _discriminator(gan):
    network = gan.discriminator
    places = {}
    for size in network.resolutions:
        from_rgb = getattr(network, f"from_rgb_{size}")
        places |= _weight_and_bias(f"FromRGB_lod{_lod(gan, size)}", from_rgb)
        if size > 4:
            scope = f"{size}x{size}"
            for name, conv in (("Conv0", "conv0"), ("Conv1_down", "conv1")):
                conv = getattr(network, f"{conv}_{size}")
                places |= _weight_and_bias(f"{scope}/{name}", conv)
    places |= _weight_and_bias("4x4/Conv", network.conv_4)
    places |= _weight_and_bias("4x4/Dense0", network.dense_4, FLATTENED)
    places |= _weight_and_bias("4x4/Dense1", network.score_4)
    return places


def _lod(gan, size):
    """Returns how many doublings there are from a size to the full one."""
    return (gan.image_size // size).bit_length() - 1


def _weight_and_bias(scope, layer, layout=SAME):
    return {
        f"{scope}/weight": (layer.kernel, layout),
        f"{scope}/bias": (layer.bias, SAME),
    }
