"""The weights of PyTorch mirrors under the names that kerasgan gives them.

Layers that are the same numbers in another order are put right. Nothing here
needs TensorFlow.
"""

import numpy as np

from tests.reference import torch_began, torch_infogan
from tests.support import parity

INFOGAN_GENERATOR = {
    "dense_1": "dense",
    "norm_1": "norm_dense",
    "dense_2": "project",
    "norm_2": "norm_project",
    "up_1": "up",
    "norm_3": "norm_up",
    "up_2": "to_image",
}
INFOGAN_DISCRIMINATOR = {
    "down_1": "down_2",
    "down_2": "down_4",
    "norm_2": "norm_4",
    "norm_3": "norm_dense",
    "code_dense": "q_dense",
    "code_norm": "norm_q",
    "code": "q_codes",
}


def dcgan(mirror):
    """Returns the arrays of a mirror of DCGAN by our roles.

    Our first generator layer and last discriminator layer are dense; the
    mirror's are convolutions between 1x1 and 4x4 pixels.
    """
    found = parity.arrays(mirror)
    if "up_4.kernel" in found:
        kernel = found.pop("up_4.kernel")  # [height, width, out, in]
        kernel = kernel.transpose(3, 0, 1, 2)
        found["project.kernel"] = kernel.reshape(len(kernel), -1)
    else:
        found["score.kernel"] = found["score.kernel"].reshape(-1, 1)
    return found


def infogan(mirror, categories):
    """Returns the arrays of a mirror of InfoGAN by our roles.

    Args:
        mirror: The PyTorch network.
        categories: int. Of the one categorical code.
    """
    is_generator = isinstance(mirror, torch_infogan.Generator)
    names = INFOGAN_GENERATOR if is_generator else INFOGAN_DISCRIMINATOR
    found = parity.renamed(mirror, names)
    for role in found.keys() & {"q_codes.kernel", "q_codes.bias"}:
        found[role] = all_means_first(found[role], categories)
    return found


def all_means_first(outputs, categories):
    """Returns outputs of Q, or what makes them, in our order.

    The mirror's Q gives the mean and the variance of each continuous code in
    turn, ours all means and then all variances.
    """
    normals = outputs[..., categories:]
    parts = outputs[..., :categories], normals[..., ::2], normals[..., 1::2]
    return np.concatenate(parts, axis=-1)


def began(mirror):
    """Returns the arrays of a mirror of BEGAN by our roles."""
    if isinstance(mirror, torch_began.Decoder):
        return parity.renamed(mirror, _of_decoder(mirror))
    encoder = {
        "encoder_image": "from_image",
        "encoder_hidden": "hidden",
    }
    for name, _ in mirror.encoder.named_children():
        if name.startswith("conv"):
            encoder[f"encoder_{name}"] = name.replace("conv", "encode")
        elif name.startswith("down"):
            encoder[f"encoder_{name}"] = name
    decoder = {
        f"decoder_{theirs}": ours
        for theirs, ours in _of_decoder(mirror.decoder).items()
    }
    return parity.renamed(mirror, {**encoder, **decoder})


def _of_decoder(decoder):
    names = {"dense": "project", "image": "decoded"}
    for name, _ in decoder.named_children():
        if name.startswith("conv"):
            names[name] = name.replace("conv", "decode")
    return names
