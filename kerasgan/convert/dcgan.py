"""Networks of the family of DCGAN.

A generator is a layer from latents to 4x4 pixels, a transposed convolution of a
single pixel or a dense layer, and 4x4 transposed convolutions of stride 2 that
halve the feature maps; a discriminator is the reverse. Batch normalization
follows all but the last layer of a generator, and in a discriminator all but
the first and the last; a critic of WGAN-GP has biases instead.

Classes come as a one-hot code beside the latents or as an embedding beside
them. `CGAN` joins the code to every layer: what the file does not have is zero
there, and an embedding times the first kernel is a kernel of the code.
"""

import functools

import numpy as np

from kerasgan import models
from kerasgan.convert import matching, networks
from kerasgan.convert.checkpoints import Tensor
from kerasgan.convert.networks import NotThis

GENERATOR = "a generator of the family of DCGAN"
DISCRIMINATOR = "a discriminator of the family of DCGAN"
MOST_SIZE = 1024


def read_generator(kernels, units):
    """Returns the sizes of a generator, or refuses it.

    Args:
        kernels: List of `networks.Kernel`.
        units: List of `matching.Unit`.

    Returns:
        Pair of a dict, `image_size`, `channels`, `width`, `latents`,
        `use_bias`, and `table`, the shape of an embedding of classes or
        `None`; and the number of kernels that do not fit.

    Raises:
        NotThis: If it is none.
    """
    table = None
    first, *others = _first_of(kernels)
    if len(first.shape) == 2 and others:
        # A dense layer makes all of 4x4 pixels, a table does not.
        below = others[0].as_transposed()[0]
        if first.as_conv()[1] != 16 * below:
            table = first.shape
            first, *others = others
    if len(others) < 2 or any(k.side != 4 for k in others):
        raise NotThis(
            "it is not a layer from latents and two or more 4x4 transposed "
            "convolutions",
            sum(k.side == 4 for k in kernels),
        )
    pairs = [k.as_transposed() for k in others]
    if first.side == 4:
        latents, maps = first.as_transposed()
    elif first.side == 0 and first.as_conv()[1] % 16 == 0:
        latents, maps = first.as_conv()
        maps //= 16
    else:
        raise NotThis(f"{first.name} does not make 4x4 pixels of latents")
    if latents < 2:
        raise NotThis(
            "Missing in generator: a layer of two or more latents; this may "
            "be a discriminator"
        )
    image_size = 4 * 2 ** len(others)
    if image_size > MOST_SIZE or 8 * maps % image_size or 16 > image_size:
        raise NotThis(
            f"{first.name} makes {maps} feature maps, which {len(others)} "
            "layers do not halve to whole numbers"
        )
    order = networks.chained(pairs)
    pairs = [pairs[index] for index in order] if order else pairs
    expected = [(maps >> i, maps >> (i + 1)) for i in range(len(pairs) - 1)]
    wrong = sum(p != e for p, e in zip(pairs, expected, strict=False))
    if pairs[-1][0] != maps >> (len(pairs) - 1):
        wrong += 1
    if 2 * wrong > len(pairs) or pairs[-1][1] > 64:
        raise NotThis(
            f"its layers do not halve the {maps} feature maps of {first.name}",
            len(pairs) - wrong,
        )
    last = [k for k in others if k.as_transposed() == pairs[-1]][-1]
    return {
        "image_size": image_size,
        "channels": pairs[-1][1],
        "width": 8 * maps // image_size,
        "latents": latents,
        "use_bias": bool(last.bias) or (first.side == 0 and bool(first.bias)),
        "table": table,
    }, wrong


def _first_of(kernels):
    """Returns the kernels in the order of a generator, if there is one."""
    if len(kernels) < 3:
        raise NotThis("it has fewer than three kernels")
    if all(k.side == 4 for k in kernels):
        order = networks.chained([k.as_transposed() for k in kernels])
        return [kernels[index] for index in order] if order else kernels
    dense = [k for k in kernels if len(k.shape) == 2]
    return dense + [k for k in kernels if len(k.shape) != 2]


def read_discriminator(kernels, units):
    """Returns the sizes of a discriminator, or refuses it.

    Returns:
        Pair of a dict, `image_size`, `channels`, `width`, `use_bias`; and the
        number of kernels that do not fit.

    Raises:
        NotThis: If it is none.
    """
    four = [k for k in kernels if len(k.shape) == 4]
    strange = sum(k.side != 4 for k in four)
    last = [k for k in kernels if len(k.shape) == 2]
    if (
        len(four) + len(last) != len(kernels)
        or len(kernels) < 3
        or last[1:]
        or strange > 1
    ):
        raise NotThis("it does not consist of 4x4 convolutions", len(four))
    pairs = [k.as_conv() for k in four]
    order = networks.chained(pairs)
    if order:
        pairs, four = ([v[i] for i in order] for v in (pairs, four))
    if last:
        makes = last[0].as_conv()
    else:
        *pairs, makes = pairs
        makes = (16 * makes[0], makes[1])
    channels, width = pairs[0]
    image_size = 4 * 2 ** len(pairs)
    wrong = sum(
        p != (width << i, width << (i + 1)) for i, p in enumerate(pairs[1:])
    )
    wrong += makes != (16 * (width << (len(pairs) - 1)), 1)
    if image_size > MOST_SIZE or 2 * wrong > len(pairs) or channels > 64 + 1000:
        raise NotThis(
            "its layers do not double the feature maps up to a score",
            len(pairs) - wrong,
        )
    return {
        "image_size": image_size,
        "channels": channels,
        "width": width,
        "use_bias": bool(four[0].bias),
    }, wrong


def convert(files, build=models.DCGAN, classes=None):
    """Builds a model of matching size, and maps the tensors to it.

    Args:
        files: dict of `"generator"` and optionally `"discriminator"` to
            `networks.Source`.
        build: Class of the model, of `DCGAN`'s networks. Defaults to `DCGAN`.
        classes: int or `None`. Classes of a one-hot code beside the latents.

    Returns:
        Pair of the model and the argument of `tensors.assign`.

    Raises:
        ValueError: If the tensors are not those of such networks.
    """
    found = files["generator"].network(read_generator, GENERATOR)
    others = files.get("discriminator")
    other = others and others.network(read_discriminator, DISCRIMINATOR)
    sizes = dict(found.sizes)
    latents, table = sizes.pop("latents"), sizes.pop("table")
    if other is None:
        other = files["generator"].other(read_discriminator)
    if other is not None:
        sizes["use_bias"] |= (
            other.sizes["use_bias"] and build is not models.WGANGP
        )
    extra = 0
    if table is not None or classes is not None:
        extra = table[0] if table else classes
        joined = table[1] if table else classes
        if joined >= latents:
            raise ValueError(
                f"The classes are not joined to the {latents} latents, as in "
                "CGAN; if both are multiplied, the architecture is another, "
                f"which is not supported. Received: {extra} classes, "
                f"{joined} numbers for each"
            )
        latents -= joined
        build = functools.partial(models.CGAN, num_classes=extra)
    gan = build(latent_dim=latents, **sizes)
    laid = {
        "generator": matching.lay(
            gan.generator,
            _classes_joined(found, latents) if table else found.units,
            found.layout,
            found.epsilon,
            extra,
        )
    }
    if other is not None:
        if build is models.WGANGP:
            # It cancels in all losses, so the critic here has none.
            scores = [u for u in other.units if u.parts.get("bias")]
            for unit in scores:
                if unit.parts["bias"].shape == (1,):
                    del unit.parts["bias"]
        laid["discriminator"] = matching.lay(
            gan.discriminator, other.units, other.layout, other.epsilon, extra
        )
    return gan, laid


def _classes_joined(found, latents):
    """Returns units in which the first kernel reads one-hot classes.

    The embedding of a class, times the part of the kernel that reads it, is
    what the kernel makes of the class.
    """
    units = [u for u in found.units if u.kind == "kernel"]
    table = next(u for u in units if len(u.shape) == 2)
    units = [u for u in units if u is not table]
    dense = [u for u in units if len(u.shape) == 2]
    joined = latents + table.shape[1]
    first = (
        dense
        or [u for u in units if _inputs_first(u.shape, found.layout) == joined]
    )[0]
    kernel = first.parts["kernel"]
    axis = _inputs_axis(kernel.shape, found.layout)
    shape = list(kernel.shape)
    shape[axis] = latents + table.shape[0]

    def load():
        whole = np.moveaxis(kernel.read(), axis, 0)
        rows = np.tensordot(
            table.parts["kernel"].read(), whole[latents:], axes=1
        )
        return np.moveaxis(np.concatenate([whole[:latents], rows]), 0, axis)

    note = f"times {table.parts['kernel'].name}"
    changed = Tensor(kernel.name, tuple(shape), load, note)
    replaced = matching.Unit(
        "kernel", first.name, {**first.parts, "kernel": changed}
    )
    return [
        replaced if u is first else u for u in found.units if u is not table
    ]


def _inputs_axis(shape, layout):
    if len(shape) == 4:
        return 0 if layout == "torch" else 3
    return 1 if layout == "torch" else 0


def _inputs_first(shape, layout):
    return shape[_inputs_axis(shape, layout)]
