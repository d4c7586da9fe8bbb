"""Training steps of the PyTorch mirrors of tests/reference.

`train_in_pytorch.py` runs them. A module `twins.NAME` has a class `Twin`:

    recipe        Name of the recipe that is the same training in TensorFlow.
    data          Name of the data set.
    batch_size    Of real images.
    Twin(device, total_images, **options)
    step(images, labels)
                  One training step; a dict of the losses, tensors. It must not
                  move data to the host: it is captured in a CUDA graph.
    phases        Or, instead of `step`, a list of pairs of a number and a
                  method like `step`, called in every so many steps.
    networks()    dict of the modules to be saved.
    progress(share)
                  Called during training with the finished share of it.
    give(gan)     Lays all weights on the model of the recipe.

`Base` has what most of them share, and this module what else they have in
common: optimizers whose steps can be captured, and the averaged generator.
"""

import copy

import torch

from tests.support import parity


class Base:
    """What most twins share: three networks, and rates that may fall.

    A subclass sets `generator`, `discriminator`, `average`, `falling`, and the
    function `values`, from a mirror to arrays by kerasgan's names.
    """

    falling = ()

    def networks(self):
        """Returns the modules to be saved, by the model's names."""
        return {
            "generator": self.generator,
            "average_generator": self.average.network,
            "discriminator": self.discriminator,
        }

    def progress(self, share):
        """Lowers the learning rates linearly to zero.

        Args:
            share: float in [0, 1], of the training that is finished.
        """
        for optimizer in self.falling:
            for group in optimizer.param_groups:
                group["lr"].fill_(group["initial_lr"] * (1.0 - share))

    def give(self, gan):
        """Lays the weights of all networks on the model of the recipe."""
        for name, network in self.networks().items():
            parity.give(self.values(network), getattr(gan, name))


class Average:
    """The averaged generator, as kerasgan/models/averaging.py describes it.

    Args:
        generator: The trained one.
        decay: float. Reached after the first 9,000 steps.
    """

    def __init__(self, generator, decay=0.999):
        self.network = copy.deepcopy(generator).train().requires_grad_(False)
        self.decay = decay
        device = next(generator.parameters()).device
        self.steps = torch.zeros((), device=device)
        self.means = list(self.network.parameters())
        self.statistics = []
        for module in self.network.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                # One pass then leaves the statistics of its batch.
                module.momentum = 1.0
                self.statistics += [module.running_mean, module.running_var]

    def tensors(self):
        """Returns all tensors that `follow` changes."""
        return [self.steps, *self.means, *self.statistics]

    @torch.no_grad()
    def follow(self, generator, *inputs):
        """Moves the weights one step toward the trained ones.

        Args:
            generator: The trained one, after its step.
            *inputs: Of the generator in this step. Every fourth row is used
                for the average's own batch statistics.
        """
        self.steps += 1.0
        moves = torch._foreach_sub(list(generator.parameters()), self.means)
        torch._foreach_mul_(moves, 1.0 - self.ramped(self.decay))
        torch._foreach_add_(self.means, moves)
        if self.statistics:
            before = [value.clone() for value in self.statistics]
            self.network(*(tensor[::4] for tensor in inputs))
            share = 1.0 - self.ramped(0.99)
            for value, old in zip(self.statistics, before, strict=True):
                value.copy_(old + share * (value - old))

    def ramped(self, decay):
        """Returns a decay that grows to `decay` over the first steps."""
        return torch.clamp((1.0 + self.steps) / (10.0 + self.steps), max=decay)


def adam(network, rate, betas, epsilon=1e-8):
    """Returns Adam whose step can be captured, and whose rate may change."""
    on_gpu = next(network.parameters()).is_cuda
    optimizer = torch.optim.Adam(
        network.parameters(),
        rate_of(network, rate),
        betas,
        epsilon,
        capturable=on_gpu,
        fused=on_gpu,
    )
    optimizer.param_groups[0]["initial_lr"] = rate
    return optimizer


def rmsprop(network, rate, epsilon=1e-8):
    """Returns RMSprop likewise; it adds epsilon to the root."""
    on_gpu = next(network.parameters()).is_cuda
    optimizer = torch.optim.RMSprop(
        network.parameters(),
        rate_of(network, rate),
        alpha=0.99,
        eps=epsilon,
        capturable=on_gpu,
        foreach=on_gpu,
    )
    optimizer.param_groups[0]["initial_lr"] = rate
    return optimizer


def descend(loss, optimizer):
    """Takes one step of the optimizer's network alone down a loss."""
    (group,) = optimizer.param_groups
    gradients = torch.autograd.grad(loss, group["params"])
    for weight, gradient in zip(group["params"], gradients, strict=True):
        # Optimizers that update all weights at once need one layout.
        if gradient.stride() != weight.stride():
            gradient = torch.empty_like(weight).copy_(gradient)
        weight.grad = gradient
    optimizer.step()


def rate_of(network, rate):
    """Returns a learning rate as a tensor on the device of a network."""
    return torch.tensor(rate, device=next(network.parameters()).device)


def to_device(device, *networks):
    """Moves networks to a device, with the layout that is fast on a GPU."""
    layout = torch.preserve_format
    if torch.device(device).type == "cuda":
        layout = torch.channels_last
    return [
        network.to(device, memory_format=layout).train() for network in networks
    ]


def detached(**losses):
    """Returns losses without their gradients."""
    return {name: loss.detach() for name, loss in losses.items()}
