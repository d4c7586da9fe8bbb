"""The PyTorch mirrors have the papers' sizes and the public checkpoints' names.

What they compute is compared with the models in the parity tests.
"""

import pytest

torch = pytest.importorskip("torch")

from . import (  # noqa: E402
    torch_cyclegan,
    torch_dcgan,
    torch_patchgan,
    torch_pix2pix,
    torch_progressive,
)

pytestmark = pytest.mark.parity

TRAINED = {
    "dcgan_generator": (torch_dcgan.Generator, 3_576_704),
    "dcgan_discriminator": (torch_dcgan.Discriminator, 2_765_568),
    "pix2pix_generator": (torch_pix2pix.Generator, 54_413_955),
    "pix2pix_discriminator": (torch_pix2pix.discriminator, 2_768_705),
    "cyclegan_generator": (torch_cyclegan.Generator, 11_378_179),
    "cyclegan_discriminator": (torch_cyclegan.discriminator, 2_764_737),
    "progan_generator": (torch_progressive.ProGANGenerator, 23_079_115),
    "progan_discriminator": (
        torch_progressive.ProGANDiscriminator,
        23_087_249,
    ),
    "stylegan_mapping": (torch_progressive.StyleGANMapping, 2_101_248),
    "stylegan_synthesis": (torch_progressive.StyleGANSynthesis, 24_118_379),
    "stylegan_discriminator": (
        torch_progressive.StyleGANDiscriminator,
        23_087_249,
    ),
}


@pytest.mark.parametrize("name", TRAINED)
def test_has_the_published_number_of_parameters(name):
    build, count = TRAINED[name]
    with torch.device("meta"):
        network = build()
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize(
    "name, parameter, shape",
    [
        ("dcgan_generator", "main.0.weight", (100, 512, 4, 4)),
        ("dcgan_generator", "main.12.weight", (64, 3, 4, 4)),
        ("dcgan_discriminator", "main.11.weight", (1, 512, 4, 4)),
        ("pix2pix_generator", "model.model.0.weight", (64, 3, 4, 4)),
        ("pix2pix_generator", "model.model.3.bias", (3,)),
        (
            "pix2pix_generator",
            "model.model.1.model.3.model.3.model.5.weight",
            (1024, 256, 4, 4),
        ),
        (
            "pix2pix_generator",
            "model.model.1" + 6 * ".model.3" + ".model.4.running_var",
            (512,),
        ),
        ("pix2pix_discriminator", "model.0.bias", (64,)),
        ("pix2pix_discriminator", "model.9.weight", (512,)),
        ("pix2pix_discriminator", "model.11.bias", (1,)),
        ("cyclegan_generator", "model.1.weight", (64, 3, 7, 7)),
        (
            "cyclegan_generator",
            "model.18.conv_block.5.weight",
            (256, 256, 3, 3),
        ),
        ("cyclegan_generator", "model.19.weight", (256, 128, 3, 3)),
        ("cyclegan_generator", "model.26.bias", (3,)),
        ("cyclegan_discriminator", "model.8.bias", (512,)),
    ],
)
def test_names_are_those_of_the_public_checkpoints(name, parameter, shape):
    with torch.device("meta"):
        network = TRAINED[name][0]()
    assert tuple(network.state_dict()[parameter].shape) == shape


@pytest.mark.parametrize(
    "n_layers, field", [(1, 16), (2, 34), (3, 70), (4, 142)]
)
def test_patchgan_receptive_field(n_layers, field):
    # In eval mode batch normalization does not join pixels.
    network = torch_patchgan.PatchGAN(1, width=2, n_layers=n_layers)
    network = network.double().eval()
    images = torch.randn(1, 1, 256, 256, dtype=torch.float64)
    images.requires_grad_()
    scores = network(images)
    middle = scores.shape[2] // 2
    scores[0, 0, middle, middle].backward()
    seen = images.grad[0, 0] != 0
    for axis in (0, 1):
        places = torch.nonzero(seen.any(dim=axis))
        assert places.max() - places.min() + 1 == field
