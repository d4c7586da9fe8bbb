"""Carries weights of the PyTorch mirror of StyleGAN2 to ours."""

import numpy as np

LAYERS = {"embed": "classes", "score": "score_4"}
KINDS = {"weight": "kernel", "noise_strength": "scale", "noise": "map"}


def variables(network):
    """Returns all variables of a network, also of its parts, by path."""
    found = {variable.path: variable for variable in network.weights}
    assert len(found) == len(network.weights)
    return found


def path_of(name, image_size, is_generator):
    """Returns the path of our variable for a name of a mirror's state.

    Args:
        name: str. Of the state of `Generator` or `Discriminator`.
        image_size: int.
        is_generator: bool.
    """
    if name == "mapping.mean":
        return "average_w"
    if name == "synthesis.constant":
        return "constant_4/maps"
    part, layer, attribute = ("." + name).rsplit(".", 2)
    if attribute in ("weight", "bias") and layer == "style":
        part, layer = part.rsplit(".", 1)
        return f"{layer}/style/{KINDS.get(attribute, attribute)}"
    if layer.startswith("dense_") and part in (".mapping", ".labels"):
        layer = layer.replace("dense", "mapping")
    elif layer.startswith("conv") and is_generator and attribute != "weight":
        layer = layer.replace("conv", attribute.partition("_")[0])
    elif layer == "from_rgb":
        layer = f"from_rgb_{image_size}"
    layer = LAYERS.get(layer, layer)
    return f"{layer}/{KINDS.get(attribute, attribute)}"


def keras_arrays(state, image_size):
    """Returns a mirror's state as arrays for our variables, by path.

    Args:
        state: dict of arrays by the names of `state_dict` of `Generator` or
            `Discriminator`.
        image_size: int.

    Returns:
        dict of arrays. The path of `average_w` has no prefix.
    """
    is_generator = "synthesis.constant" in state
    found = {}
    for name, array in state.items():
        array = np.asarray(array, "float32")
        path = path_of(name, image_size, is_generator)
        if path == "constant_4/maps":
            array = array.transpose(0, 2, 3, 1)
        elif path.endswith("/map"):
            array = array[None, :, :, None]
        elif path == "dense_4/kernel":
            # From channels, height, width to height, width, channels.
            units = len(array)
            array = array.reshape(units, -1, 4, 4).transpose(2, 3, 1, 0)
            array = array.reshape(-1, units)
        elif array.ndim == 4:
            array = array.transpose(2, 3, 1, 0)
        elif array.ndim == 2:
            array = array.T
        found[path] = array
    return found


def give(network, state):
    """Gives our generator or discriminator the weights of a mirror; all.

    Args:
        network: `StyleGAN2Generator`, `StyleGAN2Discriminator` or one of
            their relatives with labels.
        state: See `keras_arrays`; tensors or arrays.
    """
    targets = {
        "average_w" if path.endswith("/average_w") else path: variable
        for path, variable in variables(network).items()
    }
    size = getattr(network, "synthesis", network).image_size
    arrays = keras_arrays(state, size)
    assert arrays.keys() == targets.keys(), arrays.keys() ^ targets.keys()
    for path, array in arrays.items():
        assert array.shape == tuple(targets[path].shape), path
        targets[path].assign(array)
