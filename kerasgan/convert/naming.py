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
    name = re.sub(r":\d+$", "", name)
    module, _, leaf = name.replace("/", ".").rpartition(".")
    return module, leaf
