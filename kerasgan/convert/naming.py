"""Names of tensors: their parts and their order.

Authors choose the names of modules, frameworks those of a module's tensors:
only the latter mean something here.
"""

import re

# What frameworks call the tensors of a module, to what they are.
KERNELS = {"kernel", "embeddings", "depthwise_kernel"}
VECTORS = {
    "gamma": "scale",
    "beta": "offset",
    "running_mean": "mean",
    "moving_mean": "mean",
    "running_var": "variance",
    "moving_variance": "variance",
}
COUNTERS = {"num_batches_tracked"}
# Words in the names of vectors whose framework is not known.
WORDS = {
    "mean": "mean",
    "var": "variance",
    "gain": "scale",
    "gamma": "scale",
    "scale": "scale",
    "bias": "offset",
    "beta": "offset",
    "shift": "offset",
    "offset": "offset",
}
# PyTorch's names of a weight that is computed from another, at each use.
COMPUTED = re.compile(r"(.*)\.parametrizations\.(\w+)\.(?:original|0)\.?(\w*)")


def natural(name):
    """Returns a key that sorts `conv_2` before `conv_10`.

    Args:
        name: str.
    """
    return [
        (1, int(part), "")
        if part.isdigit() and len(part) < 19
        else (2, 0, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]


def split(name):
    """Returns the module of a tensor and the rest of its name.

    Args:
        name: str, such as `"main.0.weight"` or `"conv2d/kernel:0"`.

    Returns:
        Pair of str; the module of a name without `.` and `/` is `""`.
    """
    name = re.sub(r":\d+$", "", name).replace("/", ".")
    if computed := COMPUTED.fullmatch(name):
        module, leaf, part = computed.groups()
        return module, leaf + part
    module, _, leaf = name.rpartition(".")
    return module, leaf


def role(leaf):
    """Returns what a vector of a normalization is called by, or `None`.

    Args:
        leaf: str. The last part of its name.

    Returns:
        `"scale"`, `"offset"`, `"mean"`, `"variance"` or `None`.
    """
    if leaf == "weight":
        return "scale"
    found = [role for word, role in WORDS.items() if word in leaf.lower()]
    return VECTORS.get(leaf) or (found[0] if found else None)
