"""The PatchGAN of pytorch-CycleGAN-and-pix2pix.

A sequence of modules named `model`: convolution and activation, then three
times convolution, normalization and activation, then a convolution.
"""

from kerasgan.convert.tensors import batch_norm, convolution


def places(network, normalized):
    """Maps the tensors of a PatchGAN to variables.

    Args:
        network: Our discriminator, of `build_patchgan`.
        normalized: bool. Whether the normalization has tensors, as batch
            normalization does.

    Returns:
        dict of name to pairs of variable and `Layout`.
    """
    layer = network.get_layer
    found = convolution("model.0", layer("conv_0"))
    for number in (1, 2, 3):
        index = 3 * number - 1
        found |= convolution(f"model.{index}", layer(f"conv_{number}"))
        if normalized:
            found |= batch_norm(f"model.{index + 1}", layer(f"norm_{number}"))
    return found | convolution("model.11", layer("score"))
