"""The networks of PyTorch's DCGAN example.

`netG` and `netD` are sequences of modules named `main`, in blocks of
convolution, batch normalization and activation; only the first block of the
discriminator has no normalization. The first module of the generator and the
last of the discriminator, between 1x1 and 4x4, are dense layers here.
"""

from kerasgan import models
from kerasgan.convert.tensors import (
    KERNEL,
    Layout,
    batch_norm,
    cleaned,
    highest,
    size_of,
)

# (latents, channels, 4, 4) to our (latents, 4 * 4 * channels).
FROM_LATENTS = Layout(
    lambda shape: (shape[0], shape[1] // 16, 4, 4),
    lambda tensor: tensor.transpose(0, 2, 3, 1),
)
# (1, channels, 4, 4) to our (4 * 4 * channels, 1).
TO_SCORE = Layout(
    lambda shape: (shape[1], shape[0] // 16, 4, 4),
    lambda tensor: tensor.transpose(2, 3, 1, 0),
)


def convert(networks):
    """Builds a `DCGAN` of matching size, and maps the tensors to it.

    Args:
        networks: dict of `"generator"` and optionally `"discriminator"` to
            their tensors by name.

    Returns:
        Pair of the model and the argument of `tensors.assign`.

    Raises:
        ValueError: If the tensors are not those of such networks.
    """
    networks = {role: cleaned(t) for role, t in networks.items()}
    generator = networks["generator"]
    what = "a generator of PyTorch's DCGAN example"
    last = highest(generator, r"main\.(\d+)\.weight$")
    widest = size_of(generator, "main.0.weight", 1, what)
    # Each block after the first doubles the resolution; it has three modules.
    image_size = 4 * 2 ** (last // 3)
    gan = models.DCGAN(
        image_size=image_size,
        channels=size_of(generator, f"main.{last}.weight", 1, what),
        width=max(1, 8 * widest // image_size),
        latent_dim=size_of(generator, "main.0.weight", 0, what),
    )
    places = {
        "generator": _generator(gan),
        "discriminator": _discriminator(gan),
    }
    return gan, {role: (t, places[role]) for role, t in networks.items()}


def _generator(gan):
    layer = gan.generator.get_layer
    places = {"main.0.weight": (layer("project").kernel, FROM_LATENTS)}
    places |= batch_norm("main.1", layer("norm_4"))
    index, size = 3, 8
    while size < gan.image_size:
        places[f"main.{index}.weight"] = (layer(f"up_{size}").kernel, KERNEL)
        places |= batch_norm(f"main.{index + 1}", layer(f"norm_{size}"))
        index, size = index + 3, size * 2
    places[f"main.{index}.weight"] = (layer("to_image").kernel, KERNEL)
    return places


def _discriminator(gan):
    layer = gan.discriminator.get_layer
    size = gan.image_size // 2
    places = {"main.0.weight": (layer(f"down_{size}").kernel, KERNEL)}
    index = 2
    while size > 4:
        size //= 2
        places[f"main.{index}.weight"] = (layer(f"down_{size}").kernel, KERNEL)
        places |= batch_norm(f"main.{index + 1}", layer(f"norm_{size}"))
        index += 3
    places[f"main.{index}.weight"] = (layer("score").kernel, TO_SCORE)
    return places
