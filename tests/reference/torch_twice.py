"""Convolutions whose gradients are differentiated in reasonable time.

PyTorch's gradient of a convolution is not a convolution to autograd: to
differentiate it by the kernel again, PyTorch convolves with kernels as large
as images. Here the gradient by the input is written as the transposed
convolution that it is (or the other way around), so its own gradients are the
usual ones. Sizes must be multiples of the stride, so that each is the other's
inverse in shape.
"""

import contextlib

import torch
from torch.nn import functional

_WANTED = {"kernels": True}


@contextlib.contextmanager
def inputs_only():
    """Leaves gradients of kernels out, which a penalty does not look at."""
    _WANTED["kernels"] = False
    try:
        yield
    finally:
        _WANTED["kernels"] = True


class _Convolution(torch.autograd.Function):
    """conv2d, or conv_transpose2d if `transposed`."""

    @staticmethod
    def forward(ctx, x, kernel, stride, padding, transposed):
        ctx.save_for_backward(x, kernel)
        ctx.settings = stride, padding, transposed
        return plain(x, kernel, stride, padding, transposed)

    @staticmethod
    def backward(ctx, gradient):
        x, kernel = ctx.saved_tensors
        stride, padding, transposed = ctx.settings
        by_x = by_kernel = None
        if ctx.needs_input_grad[0]:
            by_x = plain(gradient, kernel, stride, padding, not transposed)
        if ctx.needs_input_grad[1] and _WANTED["kernels"]:
            _, by_kernel, _ = torch.ops.aten.convolution_backward(
                gradient,
                x,
                kernel,
                None,
                [stride, stride],
                [padding, padding],
                [1, 1],
                transposed,
                [0, 0],
                1,
                [False, True, False],
            )
        return by_x, by_kernel, None, None, None


def plain(x, kernel, stride, padding, transposed):
    """PyTorch's own."""
    convolve = functional.conv_transpose2d if transposed else functional.conv2d
    return convolve(x, kernel, stride=stride, padding=padding)


def conv2d(x, kernel, stride=1, padding=0):
    """As PyTorch's."""
    return _Convolution.apply(x, kernel, stride, padding, False)


def conv_transpose2d(x, kernel, stride=1, padding=0):
    """As PyTorch's."""
    return _Convolution.apply(x, kernel, stride, padding, True)
