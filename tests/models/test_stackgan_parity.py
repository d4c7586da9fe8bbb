"""StackGAN against the PyTorch mirror: outputs, and one step of each stage."""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_stackgan as reference  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

# Of the second generator: a quarter of it are the feature maps of 256x256, and
# a single one may be without any positive value.
WIDTH = 12
RATE, Z, C, TEXT, BATCH = 0.002, 4, 3, 5, 4
WORDS = {"vocabulary": ("a",), "sentence_dim": TEXT, "condition_dim": C}
BOTTLENECK = ("narrow", "inside", "wide")


def bottleneck(name, place):
    return {
        f"{name}_conv_{i + 1}_{kind}": f"{prefix}{part}_{place}"
        for i, part in enumerate(BOTTLENECK)
        for kind, prefix in (("conv", ""), ("norm", "norm_"))
    }


def pairs(names):
    """Names of convolutions and of the normalizations after them."""
    return {
        f"{theirs}_{kind}": f"{prefix}{ours}"
        for theirs, (conv, norm) in names.items()
        for kind, prefix, ours in (("conv", "", conv), ("norm", "norm_", norm))
    }


FIRST_GENERATOR = {
    "augmentation_dense": "condition_moments",
    "dense": "project",
    "norm": "norm_project",
    **bottleneck("block_1", "4"),
    **bottleneck("block_2", "8"),
    **pairs({f"up_{i}": (f"up_{s}", s) for i, s in ((1, 8), (2, 16), (3, 32))}),
}
SECOND_GENERATOR = {
    "augmentation_dense": "condition_moments",
    **pairs({n: (n, n) for n in ("down_1", "down_2", "joint")}),
    **pairs(
        {
            f"block_{i + 1}_conv_{j + 1}": (f"residual_{i}_{j}",) * 2
            for i in range(4)
            for j in range(2)
        }
    ),
    **pairs({f"up_{i + 1}": (f"up_{32 << i}", 32 << i) for i in range(4)}),
}


def discriminator_names(size):
    """Names of the layers of one for images of `size`."""
    sizes = [size >> n for n in range(1, size.bit_length() - 2)]
    downs = {f"down_{i + 1}": (f"down_{s}", s) for i, s in enumerate(sizes)}
    del downs["down_1"]
    return {
        "text": "project_text",
        "down_1": f"down_{size // 2}",
        **pairs(downs),
        **pairs({"joint": ("joint", "joint")}),
        **pairs(
            {
                "narrow_1": ("narrow_to_32", "to_32"),
                "narrow_2": ("narrow_to_16", "to_16"),
            }
        ),
        **bottleneck("block", "4"),
        "logit": "score",
    }


def values(mirror, names):
    """Returns a mirror's arrays by our roles."""
    found = parity.renamed(mirror, names)
    if "score.kernel" in found:
        # A convolution over all pixels.
        found["score.kernel"] = found["score.kernel"].reshape(-1, 1)
    return found


def lay(mirror, network, names, seed):
    # Gains and biases are shaken around their first values.
    torch.manual_seed(seed)
    reference.first_weights(mirror)
    parity.shake(mirror, seed)
    parity.give(values(mirror, names), network)


def both_first():
    gan = models.StackGANStageOne(
        64,
        generator_width=4,
        discriminator_width=2,
        latent_dim=Z + C,
        encoder_width=4,
        **WORDS,
    )
    generator = reference.FirstGenerator(64, 3, 4, Z, TEXT, C)
    discriminator = reference.Discriminator(1, 64, 3, 2, TEXT, C)
    lay(generator, gan.generator, FIRST_GENERATOR, 0)
    lay(discriminator, gan.discriminator, discriminator_names(64), 1)
    return gan, generator, discriminator


def both_second():
    gan = models.StackGAN(
        256,
        stage_one_width=4,
        generator_width=WIDTH,
        discriminator_width=2,
        latent_dim=Z + 2 * C,
        encoder_width=4,
        **WORDS,
    )
    first = reference.FirstGenerator(64, 3, 4, Z, TEXT, C).eval()
    generator = reference.SecondGenerator(3, WIDTH, TEXT, C)
    discriminator = reference.Discriminator(2, 64, 3, 2, TEXT, C)
    lay(first, gan.stage_one, FIRST_GENERATOR, 0)
    lay(generator, gan.generator, SECOND_GENERATOR, 1)
    lay(discriminator, gan.discriminator, discriminator_names(256), 2)
    return gan, first, generator, discriminator


def normals(seed, *lengths):
    random = np.random.RandomState(seed)
    return [
        random.standard_normal((BATCH, n)).astype("float32") for n in lengths
    ]


def compare(found, expected):
    np.testing.assert_allclose(found, parity.to_numpy(expected), atol=2e-4)
    assert np.std(found) > 0.05


@pytest.mark.parametrize("training", [True, False])
def test_outputs_of_stage_one(training):
    gan, generator, discriminator = both_first()
    generator.train(training)
    discriminator.train(training)
    z, noise, text = normals(0, Z, C, TEXT)
    found = gan.generator(
        (np.concatenate([z, noise], 1), text), training=training
    )
    expected, mean, log_sigma = generator(*map(torch.tensor, (text, noise, z)))
    compare(found, expected)
    moments = gan.generator.get_layer("condition").moments(text)
    for ours, theirs in zip(moments, (mean, log_sigma), strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), atol=1e-5)
    check_scores(gan, discriminator, text, 64, training)


@pytest.mark.parametrize("training", [True, False])
def test_outputs_of_stage_two(training):
    gan, _, generator, discriminator = both_second()
    generator.train(training)
    discriminator.train(training)
    noise, text = normals(0, C, TEXT)
    images = tiny.images(BATCH, 64, channels=3)
    found = gan.generator((images, text, noise), training=training)
    expected, _, _ = generator(
        parity.to_torch(images), torch.tensor(text), torch.tensor(noise)
    )
    compare(found, expected)
    check_scores(gan, discriminator, text, 256, training)


def check_scores(gan, discriminator, text, size, training):
    images = tiny.images(BATCH, size, channels=3)
    found = gan.discriminator((images, text), training=training)[:, 0]
    expected = discriminator(parity.to_torch(images), torch.tensor(text))
    expected = expected.detach().numpy()
    np.testing.assert_allclose(found, expected, atol=0.01 * np.std(expected))
    assert np.std(expected) > 1e-3


@pytest.mark.parametrize("stage", [1, 2])
def test_training_step(stage):
    if stage == 1:
        gan, generator, discriminator = both_first()
        networks, size, ours = (), 64, FIRST_GENERATOR
    else:
        gan, first, generator, discriminator = both_second()
        networks, size, ours = (first,), 256, SECOND_GENERATOR
    (text,) = normals(9, TEXT)
    gan.sentence_vectors = lambda tokens: tf.constant(text)
    gan.encoder_losses = lambda images, tokens: {}
    gan.loss_names = gan.loss_names[:3]
    gan.trackers = gan.trackers[:3]
    sgd = keras.optimizers.SGD
    gan.compile(sgd(RATE), sgd(RATE), run_eagerly=True)
    if stage == 1:
        # No loss reaches the encoders here.
        gan.discriminator_names = ("discriminator",)
        gan.discriminator_optimizer = sgd(RATE)
        gan.discriminator_optimizer.build(gan.discriminator.trainable_variables)
    noises = [normals(seed, Z, C, C)[: stage + 1] for seed in (1, 2)]
    drawn = iter(noises)
    gan.sample_latents = lambda count: tf.constant(
        np.concatenate(next(drawn), axis=1)
    )
    images = tiny.images(BATCH, size, channels=3)
    tokens = tf.reshape(tf.range(BATCH), (BATCH, 1))
    names = ours, discriminator_names(size)
    before = [
        values(mirror, n)
        for mirror, n in zip((generator, discriminator), names, strict=True)
    ]
    found = gan.train_step((tf.constant(images), tokens))

    step = {1: reference.first_stage_step, 2: reference.second_stage_step}
    expected = step[stage](
        *networks,
        generator,
        discriminator,
        *(
            torch.optim.SGD(mirror.parameters(), RATE)
            for mirror in (generator, discriminator)
        ),
        parity.to_torch(images),
        # The wrong text of an image is that of the one before it; here the
        # images move, and the texts stay.
        parity.to_torch(np.roll(images, -1, axis=0)),
        torch.tensor(text),
        [
            [torch.tensor(a) for a in (noise, z, *more)]
            for z, noise, *more in noises
        ],
    )
    for name, theirs in (("d_loss",) * 2, ("g_loss",) * 2, ("kl_loss", "kl")):
        scale = 2.0 if theirs == "kl" else 1.0
        assert scale * float(found[name]) == pytest.approx(
            expected[theirs], rel=1e-3
        ), name
    for mirror, network, n, old in zip(
        (generator, discriminator),
        (gan.generator, gan.discriminator),
        names,
        before,
        strict=True,
    ):
        after = values(mirror, n)
        # Over four numbers, the biased variance differs by a third.
        after.pop("norm_project.moving_variance", None)
        # Before a normalization of each unit, a bias has no effect. Rounding
        # moves single values across zero, where their gradient ends.
        parity.assert_same_step(
            after, network, old, idle=("project.bias",), tolerance=5e-3
        )
