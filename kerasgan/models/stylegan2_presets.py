"""The settings of StyleGAN2 in the authors' code.

Karras, Aittala, Hellsten, Laine, Lehtinen and Aila, "Training Generative
Adversarial Networks with Limited Data", 2020. https://arxiv.org/abs/2006.06676
"""

import types

from kerasgan import checks
from kerasgan.models.averaging import decay_for

# Settings of the authors' code. The images of a batch are 32, but 64 for
# paper256, paper512 and cifar.
PRESETS = types.MappingProxyType(
    {
        "config-f": {"image_size": 1024},
        "config-e": {
            "image_size": 1024,
            "channel_base": 16384,
            "r1_gamma": 100.0,
        },
        "paper256": {
            "image_size": 256,
            "channel_base": 16384,
            "learning_rate": 0.0025,
            "r1_gamma": 1.0,
            "group_size": 8,
            "ema_decay": decay_for(20_000),
        },
        "paper512": {
            "image_size": 512,
            "learning_rate": 0.0025,
            "r1_gamma": 0.5,
            "group_size": 8,
            "ema_decay": decay_for(20_000),
        },
        "paper1024": {"image_size": 1024, "r1_gamma": 2.0},
        "cifar": {
            "image_size": 32,
            "mapping_layers": 2,
            "learning_rate": 0.0025,
            "r1_gamma": 0.01,
            "path_weight": 0.0,
            "mixing_chance": 0.0,
            "group_size": 32,
            "residual": False,
            "ema_decay": decay_for(500_000),
            "ema_ramp": 0.05,
        },
    }
)


def settings_for(image_size, batch_size):
    """Returns arguments of `StyleGAN2` for any images; see `StyleGAN2.auto`.

    Args:
        image_size: int. Height and width, a power of two from 8.
        batch_size: int. Images of a step.

    Raises:
        ValueError: If an argument is invalid.
    """
    checks.image_size(image_size, at_least=8)
    checks.positive(batch_size=batch_size)
    return {
        "image_size": image_size,
        "mapping_layers": 2,
        "channel_base": 32768 if image_size >= 512 else 16384,
        "learning_rate": 0.002 if image_size >= 1024 else 0.0025,
        "r1_gamma": 0.0002 * image_size**2 / batch_size,
        "ema_decay": decay_for(batch_size * 10_000 / 32),
        "ema_ramp": 0.05,
    }
