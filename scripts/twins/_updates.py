"""What the twins of SNGAN and BigGAN share.

Everything in `Twin.step` stays on the device and can be captured in a graph.
"""

import copy

import torch

from tests.reference import torch_spectral as spectral
from tests.reference.torch_biggan import standing_statistics
from tests.support import parity

CLASSES = 10


class Updates:
    """Optimizers, rates that fall to zero, the average, random inputs.

    Maps and kernels are in bfloat16 on a GPU; weights, singular values,
    statistics, features and scores are in float32.
    """

    precision = "bfloat16"

    def start(self, generator, discriminator, betas, rates):
        """Moves the networks to the device; `rates` are of G and D."""
        device = self.device
        cuda = device.type == "cuda"
        if cuda:
            torch.backends.cudnn.benchmark = True
            # Singular values, in float32; convolutions are in bfloat16.
            torch.backends.cuda.matmul.allow_tf32 = False
        for network in generator, discriminator:
            network.to(device, memory_format=torch.channels_last)
            network.precision = torch.bfloat16 if cuda else None
        self.generator, self.discriminator = generator, discriminator
        self.average = copy.deepcopy(generator).requires_grad_(False)
        self.saved = copy.deepcopy(self.average)
        self.saved.precision = None
        self.rates = rates
        self.optimizers = [
            torch.optim.Adam(
                network.parameters(),
                torch.tensor(rate, device=device),
                betas=betas,
                eps=1e-8,
                fused=True,
                capturable=cuda,
            )
            for network, rate in zip(
                (generator, discriminator), rates, strict=True
            )
        ]
        self.steps = torch.zeros((), device=device)
        self.done = torch.zeros((), device=device)

    def progress(self, share):
        """Says that at least this share of the run is done, in [0, 1]."""
        self.done.clamp_(min=share)

    def set_rates(self):
        """Constant up to `decay_from` of the run, then linear to zero."""
        done = self.steps * (self.batch_size / self.total_images)
        self.done.copy_(torch.maximum(self.done, done))
        rest = (1.0 - self.done) / (1.0 - self.decay_from)
        for optimizer, rate in zip(self.optimizers, self.rates, strict=True):
            tensor = optimizer.param_groups[0]["lr"]
            tensor.copy_(rate * rest.clamp(0.0, 1.0))

    def sample(self, count):
        """Latents and uniform labels of fake images."""
        shape = count, self.generator.latent_dim
        latents = torch.randn(shape, device=self.device)
        return latents, torch.randint(CLASSES, (count,), device=self.device)

    def call_generator(self, *inputs):
        with spectral.all_at_once(self.generator):
            return self.generator(*inputs)

    def call_discriminator(self, *inputs):
        with spectral.all_at_once(self.discriminator):
            return self.discriminator(*inputs)

    def descend(self, loss, network, optimizer):
        self.set_gradients(loss, network)
        optimizer.step()

    def set_gradients(self, loss, network):
        weights = list(network.parameters())
        gradients = torch.autograd.grad(loss, weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            if gradient.stride() != weight.stride():
                # The fused optimizer needs the same layout.
                gradient = torch.empty_like(weight).copy_(gradient)
            weight.grad = gradient

    def update_average(self):
        """A copy for the first steps."""
        self.steps += 1.0
        decay = self.average_decay * (self.steps > self.average_from)
        spectral.step_all(self.average, self.generator, decay)

    def networks(self):
        """Modules to be saved; the average has its standing statistics.

        Neither running statistics, which are those of weights of long ago, nor
        averages of them fit averaged weights as well as statistics of the very
        weights that are saved.
        """
        if self.steps > 0:
            self.saved.load_state_dict(self.average.state_dict())
            standing_statistics(self.saved, self.standing())
        return {
            "generator": self.generator,
            "average_generator": self.saved,
            "discriminator": self.discriminator,
        }

    def standing(self):
        """Always the same latents and labels."""
        device = self.device
        seeded = torch.Generator(device).manual_seed(0)
        shape = self.standing_batch, self.saved.latent_dim
        for _ in range(self.standing_batches):
            yield (
                torch.randn(shape, device=device, generator=seeded),
                torch.randint(
                    CLASSES, shape[:1], device=device, generator=seeded
                ),
            )

    def give(self, gan):
        """Lays the weights of all networks on the model of the recipe."""
        for name, network in self.networks().items():
            parity.give(parity.spectral(network), getattr(gan, name))
