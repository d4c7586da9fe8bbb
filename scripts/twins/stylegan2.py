"""StyleGAN2 with adaptive augmentation: the mirror, in phases.

Karras et al., 2020. https://arxiv.org/abs/1912.04958
Karras et al., 2020 (ADA). https://arxiv.org/abs/2006.06676

The paper's training at 64x64 with few maps, on the drawn faces: rates, lazy
regularization, style mixing, augmentation and the average are the authors'
(their configuration "auto"), but for p, which has a bound here, since a short
run must not end while it is still rising, and rates, which fall to zero in the
last third. No image is mirrored but by the augmentation.

Convolutions run in bfloat16 on a GPU, with the resampling filter applied to
their kernels. All that a phase changes is a tensor made in `__init__`, or by
the first call of the phase, so each phase can be captured.
"""

import torch

from tests.reference import torch_augment, torch_stylegan2
from tests.support import stylegan2

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Twin:
    """StyleGAN2 on `personas`.

    Args:
        device: Device or str.
        total_images: int. Unused; `progress` lowers the rates.
        gamma: Weight of R1. Default: 0.0002 image_size^2 / batch_size.
        augment: `"ada"`, `"diffaugment"` or `"none"`.
        kimg: Thousands of images in which ADA's p moves by 1.
        target: Mean sign of real scores above which p rises.
        highest_p: Bound of p.
        half_life: Images, at most, after which an image's share in the
            averaged generator has halved.
        steady: Share of the training before rates fall.
        precision: `"float32"` or `"bfloat16"` for convolutions.
        fast: Whether the resampling filter is applied to kernels.
    """

    recipe = "stylegan2_personas_64"
    data = "personas"

    def __init__(
        self,
        device,
        total_images,
        *,
        image_size=64,
        channels=3,
        latent_dim=256,
        style_dim=256,
        mapping_layers=2,
        channel_base=4096,
        channel_max=192,
        batch_size=64,
        group_size=4,
        rate=0.0025,
        gamma=None,
        mixing=0.9,
        path_weight=2.0,
        path_every=4,
        r1_every=16,
        augment="ada",
        kimg=100.0,
        target=0.6,
        highest_p=0.4,
        half_life=10_000.0,
        ramp=0.05,
        steady=2.0 / 3.0,
        precision=None,
        fast=True,
    ):
        del total_images
        self.device = torch.device(device)
        on_gpu = self.device.type == "cuda"
        if gamma is None:
            gamma = 0.0002 * image_size**2 / batch_size
        if augment not in ("ada", "diffaugment", "none"):
            raise ValueError(
                "augment must be 'ada', 'diffaugment' or 'none'. "
                f"Received: {augment!r}"
            )
        self.batch_size = batch_size
        self.gamma, self.mixing = gamma, mixing
        self.path_weight, self.path_every = path_weight, path_every
        self.r1_every = r1_every
        self.augmentation, self.kimg, self.target = augment, kimg, target
        self.highest_p = highest_p
        self.half_life, self.ramp, self.steady = half_life, ramp, steady

        shared = {
            "image_size": image_size,
            "channels": channels,
            "channel_base": channel_base,
            "channel_max": channel_max,
        }
        self.generator = torch_stylegan2.Generator(
            latent_dim=latent_dim,
            style_dim=style_dim,
            mapping_layers=mapping_layers,
            **shared,
        ).to(device)
        self.discriminator = torch_stylegan2.Discriminator(
            group_size=group_size, **shared
        ).to(device)
        precision = precision or ("bfloat16" if on_gpu else "float32")
        self.precision = precision
        for network in (self.generator.synthesis, self.discriminator):
            network.dtype = PRECISIONS[precision]
            if on_gpu:
                network.layout = torch.channels_last
            for layer in torch_stylegan2.convolutions(network):
                layer.fast = bool(fast)
        self.average = torch_stylegan2.average_of(self.generator)
        self.adams = {
            "generator": self.adam(self.generator, path_every, rate),
            "discriminator": self.adam(self.discriminator, r1_every, rate),
        }

        self.path_mean = torch.zeros((), device=device)
        self.images_seen = torch.zeros((), device=device)
        self.p = torch.zeros((), device=device)
        # Sum of the signs of real scores, and their number, since `adjust`.
        self.sign_sum = torch.zeros((), device=device)
        self.sign_count = torch.zeros((), device=device)
        self.phases = [(1, self.generator_phase)]
        if path_weight:
            self.phases.append((path_every, self.path_length_phase))
        self.phases += [
            (1, self.discriminator_phase),
            (r1_every, self.r1_phase),
            (1, self.average_phase),
        ]
        if augment == "ada":
            self.phases.append((4, self.adjust_phase))

    def adam(self, network, interval, rate):
        """Returns Adam whose step can be captured, and whose rate may change.

        Args:
            network: What it trains.
            interval: Steps between those of the penalty.
            rate: Before the correction.
        """
        on_gpu = self.device.type == "cuda"
        adam = torch_stylegan2.optimizer(
            network.parameters(),
            interval,
            rate,
            capturable=on_gpu,
            fused=on_gpu,
        )
        (group,) = adam.param_groups
        group["initial_lr"] = group["lr"]
        group["lr"] = torch.tensor(group["lr"], device=self.device)
        # A step of zero gradients makes the state and changes no weight.
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        adam.step()
        for state in adam.state.values():
            for value in state.values():
                value.zero_()
        return adam

    def progress(self, share):
        """Lowers the rates: linearly to zero after the share `steady`."""
        left = min(1.0, (1.0 - share) / (1.0 - self.steady))
        for adam in self.adams.values():
            for group in adam.param_groups:
                group["lr"].fill_(group["initial_lr"] * left)

    def networks(self):
        """Returns the modules to be saved, by the model's names."""
        return {
            "generator": self.generator,
            "average_generator": self.average,
            "discriminator": self.discriminator,
        }

    def give(self, gan):
        """Lays the weights of all networks on the model of the recipe."""
        for name, network in self.networks().items():
            stylegan2.give(getattr(gan, name), network.state_dict())

    def draw(self, batch):
        return torch_stylegan2.draw(
            self.generator, batch, self.device, self.mixing
        )

    def augment(self, images):
        """Changes images, each in its own way."""
        batch, size = len(images), images.shape[2]
        if self.augmentation == "ada":
            draws = torch_augment.draw_ada(batch, self.device)
            return torch_augment.ada(images, draws, self.p)
        if self.augmentation == "diffaugment":
            draws = torch_augment.draw_diffaugment(batch, size, self.device)
            return torch_augment.diffaugment(images, draws)
        return images

    def generator_phase(self, images, labels=None):
        """One step of the generator."""
        return torch_stylegan2.generator_step(
            self.generator,
            self.discriminator,
            self.adams["generator"],
            self.draw(len(images)),
            augment=self.augment,
        )

    def path_length_phase(self, images, labels=None):
        """One step of the generator down the path length penalty."""
        batch = len(images) // 2
        noise = torch.randn(batch, *images.shape[1:], device=self.device)
        return torch_stylegan2.path_length_step(
            self.generator,
            self.adams["generator"],
            self.draw(batch),
            noise,
            self.path_mean,
            weight=self.path_weight,
            interval=self.path_every,
        )

    def discriminator_phase(self, images, labels=None):
        """One step of the discriminator."""
        losses = torch_stylegan2.discriminator_step(
            self.generator,
            self.discriminator,
            self.adams["discriminator"],
            images,
            self.draw(len(images)),
            augment=self.augment,
        )
        return self.counted(losses)

    def r1_phase(self, images, labels=None):
        """One step of the discriminator down R1."""
        losses = torch_stylegan2.r1_step(
            self.discriminator,
            self.adams["discriminator"],
            images,
            augment=self.augment,
            gamma=self.gamma,
            interval=self.r1_every,
        )
        losses = self.counted(losses)
        return {"r1_penalty": losses["r1_penalty"]}

    def counted(self, losses):
        """Counts signs of real scores; returns the losses with their mean."""
        signs = torch.sign(losses.pop("real_scores"))
        self.sign_sum += signs.sum()
        self.sign_count += len(signs)
        return {**losses, "real_sign": signs.mean()}

    def average_phase(self, images, labels=None):
        """Moves the averaged generator."""
        self.images_seen += len(images)
        half_life = torch_stylegan2.half_life(
            self.images_seen, self.half_life, self.ramp
        )
        decay = torch.exp2(-len(images) / half_life)
        torch_stylegan2.follow(self.average, self.generator, decay)
        return {}

    def adjust_phase(self, images, labels=None):
        """Moves p of ADA, every fourth step."""
        mean_sign = self.sign_sum / self.sign_count.clamp(min=1.0)
        p = torch_augment.adjusted(
            self.p, mean_sign, 4 * len(images), self.kimg, self.target
        )
        self.p.copy_(p.clamp(max=self.highest_p))
        self.sign_sum.zero_()
        self.sign_count.zero_()
        return {"p": self.p.clone()}
