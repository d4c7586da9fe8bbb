"""What all training steps of the PyTorch mirrors have in common."""

import torch
from torch.nn import functional


def descend(loss, parameters, optimizer):
    """Takes one step of `optimizer` down `loss`.

    Only `parameters` receive gradients. They stay in `.grad` after the step,
    so that a test can compare them too: at its first step Adam moves every
    weight by nearly the learning rate, however wrong the gradient's size.
    """
    parameters = list(parameters)
    gradients = torch.autograd.grad(loss, parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()


def cross_entropy(scores, target):
    """Mean binary cross-entropy of raw scores against one constant label."""
    return functional.binary_cross_entropy_with_logits(
        scores, torch.full_like(scores, target)
    )


def squared_error(scores, target):
    """Mean squared distance of raw scores to one constant (LSGAN)."""
    return ((scores - target) ** 2).mean()


def normal_weights(network):
    """Draws the initial weights of DCGAN, pix2pix and CycleGAN.

    Kernels from N(0, 0.02), the gain of a batch normalization from
    N(1, 0.02), all biases 0 (Radford et al., 2016, section 4).
    """
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            torch.nn.init.normal_(module.weight, 0.0, 0.02)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
        elif isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, 1.0, 0.02)
            torch.nn.init.zeros_(module.bias)
    return network


def names_of_norm(role, module):
    """Maps the four arrays of one batch normalization."""
    return {
        f"{role}.gamma": f"{module}.weight",
        f"{role}.beta": f"{module}.bias",
        f"{role}.moving_mean": f"{module}.running_mean",
        f"{role}.moving_variance": f"{module}.running_var",
    }
