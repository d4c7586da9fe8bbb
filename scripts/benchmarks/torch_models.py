"""PyTorch training steps that train_step.py compares with.

    python scripts/benchmarks/torch_models.py dcgan --compiled --bfloat16

prints the images per second of one model. The networks are those of
`tests/reference`, which the parity tests compare with ours; the steps are
written for speed:

* frozen networks receive no gradients; under `plain` they do, and the gradients
  are discarded, as in PyTorch's DCGAN example,
* DCGAN, pix2pix and CycleGAN generate once and use the images for both
  updates, as in PyTorch's example and the authors' code; WGAN-GP, ProGAN and
  StyleGAN sample again for the generator, as in their authors' code,
* Adam is fused; under `plain` it is `torch.optim.Adam` with its defaults,
* `compiled` applies `torch.compile` to each loss with its networks. It supports
  second derivatives only through `torch.func.grad`, which penalties therefore
  use instead of `torch.autograd.grad`,
* `bfloat16` runs the forward passes under `torch.autocast`, gradient norms and
  losses in float32,
* `channels_last` stores images and kernels in that order.

Weights are averaged where the paper does so (ProGAN, StyleGAN). Steps return
losses without reading them.
"""

import argparse
import contextlib
import dataclasses
import math
import pathlib
import random
import sys
import time

import torch
from torch.nn import functional
from torch.optim import swa_utils

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from tests.reference import (  # noqa: E402
    torch_cyclegan,
    torch_dcgan,
    torch_pix2pix,
    torch_progressive,
    torch_wgan_gp,
)


@dataclasses.dataclass(frozen=True)
class Mode:
    """Options that a user of PyTorch would try."""

    plain: bool = False
    compiled: bool = False
    bfloat16: bool = False
    channels_last: bool = False

    def network(self, network):
        if self.channels_last:
            network = network.to(memory_format=torch.channels_last)
        return network.train()

    def function(self, function):
        return torch.compile(function) if self.compiled else function

    def images(self, *shape):
        """Images of uniform noise in [-1, 1)."""
        images = torch.rand(shape) * 2 - 1
        if self.channels_last:
            images = images.to(memory_format=torch.channels_last)
        return images

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16)

    def adam(self, networks, learning_rate, beta_1, beta_2, epsilon=1e-8):
        parameters = [p for network in networks for p in network.parameters()]
        return torch.optim.Adam(
            parameters,
            learning_rate,
            betas=(beta_1, beta_2),
            eps=epsilon,
            fused=not self.plain,
        )

    @contextlib.contextmanager
    def frozen(self, *networks):
        """Disables gradients for the weights of `networks`."""
        if self.plain:
            yield
            return
        for network in networks:
            network.requires_grad_(False)
        yield
        for network in networks:
            network.requires_grad_(True)


def update(loss, optimizer):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def cross_entropy(scores, target):
    scores = scores.float()
    return functional.binary_cross_entropy_with_logits(
        scores, torch.full_like(scores, target)
    )


def squared_error(scores, target):
    return ((scores.float() - target) ** 2).mean()


def squared_gradients(network, images):
    """Squared norm of the gradient of the scores at `images`, per image."""
    gradients = torch.func.grad(lambda points: network(points).float().sum())(
        images
    )
    return (gradients.float() ** 2).sum(dim=(1, 2, 3))


class DCGAN:
    """Trains both networks on `images` images per step."""

    def __init__(
        self,
        mode,
        image_size=32,
        channels=1,
        width=64,
        latent_dim=128,
        batch_size=64,
    ):
        self.mode = mode
        self.images = batch_size
        self.latents_shape = (batch_size, latent_dim)
        self.batch_shape = (batch_size, channels, image_size, image_size)
        self.generator = mode.network(
            torch_dcgan.Generator(image_size, channels, width, latent_dim)
        )
        self.discriminator = mode.network(
            torch_dcgan.Discriminator(image_size, channels, width)
        )
        self.g_optimizer = mode.adam([self.generator], 2e-4, 0.5, 0.999)
        self.d_optimizer = mode.adam([self.discriminator], 2e-4, 0.5, 0.999)
        self.generate = mode.function(self.generator.forward)
        self.d_loss = mode.function(self.discriminator_loss)
        self.g_loss = mode.function(self.generator_loss)

    def batch(self):
        return self.mode.images(*self.batch_shape)

    def discriminator_loss(self, real, fake):
        return cross_entropy(self.discriminator(real), 1.0) + cross_entropy(
            self.discriminator(fake), 0.0
        )

    def generator_loss(self, fake):
        return cross_entropy(self.discriminator(fake), 1.0)

    def step(self, real):
        with self.mode.autocast():
            fake = self.generate(torch.randn(self.latents_shape))
            d_loss = self.d_loss(real, fake.detach())
        update(d_loss, self.d_optimizer)
        with self.mode.frozen(self.discriminator):
            with self.mode.autocast():
                g_loss = self.g_loss(fake)
            update(g_loss, self.g_optimizer)
        return d_loss.detach(), g_loss.detach()


class WGANGP:
    """`critic_steps` steps of the critic, then one of the generator.

    Each step of the critic takes a batch of its own, so one `step` uses
    `critic_steps * batch_size` images. The critic treats images independently,
    so real and generated ones pass through it in one batch.
    """

    def __init__(
        self,
        mode,
        image_size=32,
        channels=1,
        width=64,
        latent_dim=128,
        batch_size=64,
        critic_steps=5,
        layer_norm=False,
    ):
        self.mode = mode
        self.critic_steps = critic_steps
        self.images = critic_steps * batch_size
        self.latents_shape = (batch_size, latent_dim)
        self.batch_shape = (batch_size, channels, image_size, image_size)
        self.generator = mode.network(
            torch_dcgan.Generator(image_size, channels, width, latent_dim)
        )
        self.critic = mode.network(
            torch_wgan_gp.Critic(image_size, channels, width, layer_norm)
        )
        self.g_optimizer = mode.adam([self.generator], 1e-4, 0.0, 0.9)
        self.c_optimizer = mode.adam([self.critic], 1e-4, 0.0, 0.9)
        self.generate = mode.function(self.generator.forward)
        self.c_loss = mode.function(self.critic_loss)
        self.g_loss = mode.function(self.generator_loss)

    def batch(self):
        return [
            self.mode.images(*self.batch_shape)
            for _ in range(self.critic_steps)
        ]

    def critic_loss(self, real, fake, factors):
        points = factors * real + (1.0 - factors) * fake
        norms = torch.sqrt(squared_gradients(self.critic, points))
        scores = self.critic(torch.cat([fake, real])).float()
        fake_scores, real_scores = scores.chunk(2)
        difference = fake_scores.mean() - real_scores.mean()
        return difference + 10.0 * ((norms - 1.0) ** 2).mean()

    def generator_loss(self, latents):
        return -self.critic(self.generator(latents)).float().mean()

    def step(self, batches):
        for real in batches:
            with self.mode.autocast():
                with torch.no_grad():
                    fake = self.generate(torch.randn(self.latents_shape))
                factors = torch.rand(len(real), 1, 1, 1)
                c_loss = self.c_loss(real, fake.float(), factors)
            update(c_loss, self.c_optimizer)
        with self.mode.frozen(self.critic):
            with self.mode.autocast():
                g_loss = self.g_loss(torch.randn(self.latents_shape))
            update(g_loss, self.g_optimizer)
        return c_loss.detach(), g_loss.detach()


class Pix2Pix:
    """Trains both networks on `images` pairs per step."""

    def __init__(self, mode, image_size=64, channels=3, width=64, batch_size=1):
        self.mode = mode
        self.images = batch_size
        self.batch_shape = (batch_size, channels, image_size, image_size)
        self.generator = mode.network(
            torch_pix2pix.Generator(image_size, channels, channels, width)
        )
        self.discriminator = mode.network(
            torch_pix2pix.discriminator(channels, channels, width)
        )
        self.g_optimizer = mode.adam([self.generator], 2e-4, 0.5, 0.999)
        self.d_optimizer = mode.adam([self.discriminator], 2e-4, 0.5, 0.999)
        self.generate = mode.function(self.generator.forward)
        self.d_loss = mode.function(self.discriminator_loss)
        self.g_loss = mode.function(self.generator_loss)

    def batch(self):
        return (
            self.mode.images(*self.batch_shape),
            self.mode.images(*self.batch_shape),
        )

    def judge(self, inputs, images):
        return self.discriminator(torch.cat([inputs, images], dim=1))

    def discriminator_loss(self, inputs, targets, fakes):
        return 0.5 * (
            cross_entropy(self.judge(inputs, targets), 1.0)
            + cross_entropy(self.judge(inputs, fakes), 0.0)
        )

    def generator_loss(self, inputs, targets, fakes):
        adversarial = cross_entropy(self.judge(inputs, fakes), 1.0)
        return adversarial + 100.0 * (fakes.float() - targets).abs().mean()

    def step(self, pair):
        inputs, targets = pair
        with self.mode.autocast():
            fakes = self.generate(inputs)
            d_loss = self.d_loss(inputs, targets, fakes.detach())
        update(d_loss, self.d_optimizer)
        with self.mode.frozen(self.discriminator):
            with self.mode.autocast():
                g_loss = self.g_loss(inputs, targets, fakes)
            update(g_loss, self.g_optimizer)
        return d_loss.detach(), g_loss.detach()


class CycleGAN:
    """Trains all four networks on `images` pairs per step.

    Both generators first, then both discriminators, with images from pools of
    50. Not in `channels_last`: PyTorch 2.13 on a CPU returns a wrong
    gradient, without a warning, from `instance_norm` of a single image if the
    incoming gradient is stored in that order.
    """

    def __init__(
        self,
        mode,
        image_size=64,
        channels=3,
        width=64,
        blocks=6,
        batch_size=1,
        discriminator_width=64,
    ):
        if mode.channels_last:
            raise ValueError(
                "CycleGAN cannot be timed in channels_last, because PyTorch's "
                "instance normalization then has wrong gradients. "
                f"Received: {mode}. Omit channels_last."
            )
        self.mode = mode
        self.images = batch_size
        self.batch_shape = (batch_size, channels, image_size, image_size)

        def generator():
            return mode.network(
                torch_cyclegan.Generator(channels, channels, width, blocks)
            )

        def discriminator():
            return mode.network(
                torch_cyclegan.discriminator(channels, discriminator_width)
            )

        self.generator_ab, self.generator_ba = generator(), generator()
        self.discriminator_a = discriminator()
        self.discriminator_b = discriminator()
        self.discriminators = self.discriminator_a, self.discriminator_b
        self.g_optimizer = mode.adam(
            [self.generator_ab, self.generator_ba], 2e-4, 0.5, 0.999
        )
        self.d_optimizer = mode.adam(self.discriminators, 2e-4, 0.5, 0.999)
        self.pool_a = torch_cyclegan.ImagePool(50)
        self.pool_b = torch_cyclegan.ImagePool(50)
        self.g_loss = mode.function(self.generator_loss)
        self.d_loss = mode.function(self.discriminator_loss)

    def batch(self):
        return (
            self.mode.images(*self.batch_shape),
            self.mode.images(*self.batch_shape),
        )

    def generator_loss(self, real_a, real_b):
        def distance(images, targets):
            return (images.float() - targets).abs().mean()

        fake_b = self.generator_ab(real_a)
        fake_a = self.generator_ba(real_b)
        adversarial = squared_error(self.discriminator_b(fake_b), 1.0)
        adversarial += squared_error(self.discriminator_a(fake_a), 1.0)
        cycle = distance(self.generator_ba(fake_b), real_a)
        cycle += distance(self.generator_ab(fake_a), real_b)
        identity = distance(self.generator_ba(real_a), real_a)
        identity += distance(self.generator_ab(real_b), real_b)
        return adversarial + 10.0 * cycle + 5.0 * identity, fake_a, fake_b

    def discriminator_loss(self, real_a, real_b, fake_a, fake_b):
        loss = squared_error(self.discriminator_a(real_a), 1.0)
        loss += squared_error(self.discriminator_a(fake_a), 0.0)
        loss += squared_error(self.discriminator_b(real_b), 1.0)
        loss += squared_error(self.discriminator_b(fake_b), 0.0)
        return 0.5 * loss

    def query(self, pool, images):
        coins = [random.random() for _ in images]
        places = [random.randrange(pool.size) for _ in images]
        return pool.query(images, coins, places)

    def step(self, pair):
        real_a, real_b = pair
        with self.mode.frozen(*self.discriminators):
            with self.mode.autocast():
                g_loss, fake_a, fake_b = self.g_loss(real_a, real_b)
            update(g_loss, self.g_optimizer)
        fake_a = self.query(self.pool_a, fake_a)
        fake_b = self.query(self.pool_b, fake_b)
        with self.mode.autocast():
            d_loss = self.d_loss(real_a, real_b, fake_a, fake_b)
        update(d_loss, self.d_optimizer)
        return d_loss.detach(), g_loss.detach()


class ProGAN:
    """Trains both networks at `image_size`, fully faded in."""

    def __init__(
        self,
        mode,
        image_size=32,
        channels=1,
        latent_dim=128,
        fmap_base=2048,
        fmap_max=128,
        batch_size=64,
    ):
        self.mode = mode
        self.images = batch_size
        self.latents_shape = (batch_size, latent_dim)
        self.batch_shape = (batch_size, channels, image_size, image_size)
        self.generator = mode.network(
            torch_progressive.ProGANGenerator(
                image_size, channels, latent_dim, fmap_base, fmap_max
            )
        )
        self.discriminator = mode.network(
            torch_progressive.ProGANDiscriminator(
                image_size, channels, fmap_base, fmap_max
            )
        )
        self.g_optimizer = mode.adam([self.generator], 1e-3, 0.0, 0.99)
        self.d_optimizer = mode.adam([self.discriminator], 1e-3, 0.0, 0.99)
        self.average = swa_utils.AveragedModel(
            self.generator,
            multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.999),
        )
        self.generate = mode.function(self.generator.forward)
        self.d_loss = mode.function(self.discriminator_loss)
        self.g_loss = mode.function(self.generator_loss)

    def batch(self):
        return self.mode.images(*self.batch_shape)

    def discriminator_loss(self, real, fake, factors):
        points = factors * real + (1.0 - factors) * fake
        norms = torch.sqrt(squared_gradients(self.discriminator, points))
        real_scores = self.discriminator(real).float()
        fake_scores = self.discriminator(fake).float()
        return (
            fake_scores
            - real_scores
            + 10.0 * (norms - 1.0) ** 2
            + 0.001 * real_scores**2
        ).mean()

    def generator_loss(self, latents):
        return -self.discriminator(self.generator(latents)).float().mean()

    def step(self, real):
        with self.mode.autocast():
            with torch.no_grad():
                fake = self.generate(torch.randn(self.latents_shape))
            factors = torch.rand(len(real), 1, 1, 1)
            d_loss = self.d_loss(real, fake.float(), factors)
        update(d_loss, self.d_optimizer)
        with self.mode.frozen(self.discriminator):
            with self.mode.autocast():
                g_loss = self.g_loss(torch.randn(self.latents_shape))
            update(g_loss, self.g_optimizer)
        self.average.update_parameters(self.generator)
        return d_loss.detach(), g_loss.detach()


class StyleGAN:
    """Trains both networks at `image_size`, fully faded in.

    R1 at every step, style mixing in 90 % of batches, averages of w and of the
    weights.
    """

    def __init__(
        self,
        mode,
        image_size=32,
        channels=1,
        latent_dim=128,
        fmap_base=2048,
        fmap_max=128,
        mapping_layers=8,
        batch_size=64,
    ):
        self.mode = mode
        self.images = batch_size
        self.image_size = image_size
        self.latents_shape = (batch_size, latent_dim)
        self.batch_shape = (batch_size, channels, image_size, image_size)
        self.mapping = mode.network(
            torch_progressive.StyleGANMapping(
                latent_dim, latent_dim, mapping_layers
            )
        )
        self.synthesis = mode.network(
            torch_progressive.StyleGANSynthesis(
                image_size, channels, latent_dim, fmap_base, fmap_max
            )
        )
        self.discriminator = mode.network(
            torch_progressive.StyleGANDiscriminator(
                image_size, channels, fmap_base, fmap_max
            )
        )
        generators = [self.mapping, self.synthesis]
        self.g_optimizer = mode.adam(generators, 1e-3, 0.0, 0.99)
        self.d_optimizer = mode.adam([self.discriminator], 1e-3, 0.0, 0.99)
        decay = 0.5 ** (batch_size / 10_000)
        self.averages = [
            swa_utils.AveragedModel(
                network, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(decay)
            )
            for network in generators
        ]
        self.w_average = torch.zeros(latent_dim)
        self.generate = mode.function(self.generated)
        self.d_loss = mode.function(self.discriminator_loss)
        self.g_loss = mode.function(self.generator_loss)

    def batch(self):
        return self.mode.images(*self.batch_shape)

    def draw(self):
        """Samples two batches of latents, the layers of the second, noise."""
        layers = self.synthesis.layers
        crossover = layers
        if random.random() < 0.9:
            crossover = random.randrange(1, layers)
        return (
            torch.randn(self.latents_shape),
            torch.randn(self.latents_shape),
            torch.arange(layers)[:, None] >= crossover,
            torch_progressive.draw_noises(self.images, self.image_size),
        )

    def generated(self, latents, others, mixed, noises):
        """Returns images, and the mean w of the first latents."""
        w = self.mapping(latents)
        ws = torch.where(mixed, self.mapping(others)[:, None], w[:, None])
        return self.synthesis(ws, noises), w.detach().float().mean(dim=0)

    def discriminator_loss(self, real, fake):
        real_scores = self.discriminator(real).float()
        fake_scores = self.discriminator(fake).float()
        loss = functional.softplus(fake_scores)
        loss = loss + functional.softplus(-real_scores)
        return (loss + 5.0 * squared_gradients(self.discriminator, real)).mean()

    def generator_loss(self, *draw):
        images, w_mean = self.generated(*draw)
        scores = self.discriminator(images).float()
        return functional.softplus(-scores).mean(), w_mean

    def step(self, real):
        with self.mode.autocast():
            with torch.no_grad():
                fake, _ = self.generate(*self.draw())
            d_loss = self.d_loss(real, fake.float())
        update(d_loss, self.d_optimizer)
        with self.mode.frozen(self.discriminator):
            with self.mode.autocast():
                g_loss, w_mean = self.g_loss(*self.draw())
            update(g_loss, self.g_optimizer)
        self.w_average.lerp_(w_mean, 0.005)
        self.averages[0].update_parameters(self.mapping)
        self.averages[1].update_parameters(self.synthesis)
        return d_loss.detach(), g_loss.detach()


MODELS = {
    "dcgan": DCGAN,
    "wgan_gp": WGANGP,
    "pix2pix": Pix2Pix,
    "cyclegan": CycleGAN,
    "progan": ProGAN,
    "stylegan": StyleGAN,
}


def images_per_second(model, seconds=5.0, warm_up=2):
    """Times `model.step` for `seconds`, after `warm_up` steps."""
    batch = model.batch()
    for _ in range(warm_up):
        losses = model.step(batch)
    if not all(math.isfinite(loss) for loss in losses):
        raise ValueError(f"A loss is not finite. Received: {losses}")
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        model.step(batch)
        steps += 1
    return steps * model.images / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=MODELS)
    for field in dataclasses.fields(Mode):
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--batch-size", type=int)
    options = vars(parser.parse_args())
    name, seconds = options.pop("model"), options.pop("seconds")
    batch_size = options.pop("batch_size")
    sizes = {"batch_size": batch_size} if batch_size else {}
    torch.manual_seed(0)
    mode = Mode(**options)
    start = time.perf_counter()
    model = MODELS[name](mode, **sizes)
    model.step(model.batch())
    first = time.perf_counter() - start
    rate = images_per_second(model, seconds)
    print(f"{name} {mode}: {rate:.1f} images/s, first step {first:.1f} s")


if __name__ == "__main__":
    main()
