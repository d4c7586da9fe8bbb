"""XGAN against the PyTorch mirror: outputs, and one training step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models  # noqa: E402
from tests import tiny  # noqa: E402
from tests.reference import torch_xgan as reference  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

SIZE, WIDTH, DIM, SMALLEST = 64, 2, 6, 4
WEIGHTS = {
    "reconstruction": 1.0,
    "domain": 0.7,
    "semantic": 1.3,
    "adversarial": 0.6,
    "teacher": 0.9,
}
# The parts of the mirror's autoencoders, and our layers of their names.
PARTS = (
    "encoder_a",
    "encoder_b",
    "shared_encoder",
    "shared_decoder",
    "decoder_a",
    "decoder_b",
)


def layers_of(part):
    """Returns our names of a part's layers, by the mirror's."""
    numbers = {
        "encoder": {"down_1": "down_1", "down_2": "down_2"},
        "shared_encoder": {"down_3": "down_3", "down_4": "down_4"},
        "shared_decoder": {"up_1": "up_1"},
        "decoder": {"up_2": "up_2", "up_3": "up_3"},
    }
    kind = part if part.startswith("shared") else part[:-2]
    names = {}
    for layer in numbers[kind]:
        names[f"{layer}_conv"] = layer
        names[f"{layer}_norm"] = f"norm_{layer}"
    names |= {
        "shared_encoder": {"dense_1": "dense", "dense_2": "embedding"},
        "shared_decoder": {"dense": "project", "norm": "norm_project"},
        "decoder": {"to_image": "to_image"},
        "encoder": {},
    }[kind]
    return names


def values(autoencoders, part):
    """Returns the arrays of a part by our roles."""
    found = {}
    names = layers_of(part)
    for role, array in parity.arrays(autoencoders).items():
        layer, attribute = role.split(".")
        if not layer.startswith(f"{part}_"):
            continue
        layer = names[layer.removeprefix(f"{part}_")]
        if attribute == "kernel":
            # Layers over all pixels are dense here; `arrays` has transposed
            # convolutions, and those up have their channels the other way.
            if layer == "dense":
                array = array.reshape(-1, DIM)
            elif layer == "project":
                array = array.transpose(3, 0, 1, 2).reshape(DIM, -1)
            elif array.ndim == 2:
                array = array.T
        found[f"{layer}.{attribute}"] = array
    return found


def judged(discriminator):
    """Returns the arrays of a discriminator by our roles."""
    names = {"conv": "down_1", "score": "score"}
    for layer in ("down_2", "down_3", "down_4"):
        names |= {f"{layer}_conv": layer, f"{layer}_norm": f"norm_{layer}"}
    found = parity.renamed(discriminator, names)
    found["score.kernel"] = found["score.kernel"].reshape(-1, 1)
    return found


def classified(classifier):
    return parity.renamed(classifier, {})


def both(name="XGAN"):
    gan = getattr(models, name)(
        SIZE,
        width=WIDTH,
        embedding_dim=DIM,
        discriminator_width=3,
        pool_size=0,
        **{f"{n}_weight": w for n, w in list(WEIGHTS.items())[1:]},
    )
    autoencoders = reference.Autoencoders(SIZE, 3, WIDTH, DIM)
    classifier = reference.DomainClassifier(DIM)
    discriminators = {
        d: reference.Discriminator(SIZE, 3, 3) for d in reference.DOMAINS
    }
    for seed, mirror in enumerate(
        (autoencoders, classifier, *discriminators.values())
    ):
        parity.shake(mirror, seed)
    for network, array in arrays(gan, autoencoders, classifier, discriminators):
        parity.give(array, network)
    return gan, autoencoders, classifier, discriminators


def arrays(gan, autoencoders, classifier, discriminators):
    """Returns pairs of our networks and the mirrors' arrays for them."""
    return [
        *((getattr(gan, part), values(autoencoders, part)) for part in PARTS),
        (gan.domain_classifier, classified(classifier)),
        (gan.discriminator_a, judged(discriminators["a"])),
        (gan.discriminator_b, judged(discriminators["b"])),
    ]


def images(seed):
    return tiny.images(3, SIZE, channels=3, seed=seed)


def test_outputs():
    gan, autoencoders, classifier, discriminators = both()
    for domain, other in ("ab", "ba"):
        x = images(1)
        found = gan.shared_encoder(getattr(gan, f"encoder_{domain}")(x))
        expected = autoencoders.encode(parity.to_torch(x), domain)
        np.testing.assert_allclose(found, expected.detach(), atol=1e-4)
        assert np.std(found) > 0.1
        logits = classifier(expected).detach()
        np.testing.assert_allclose(
            gan.domain_classifier(found)[:, 0], logits, atol=1e-4
        )
        for to in (domain, other):
            again = getattr(gan, f"decoder_{to}")(gan.shared_decoder(found))
            theirs = parity.to_numpy(autoencoders.decode(expected, to))
            np.testing.assert_allclose(again, theirs, atol=1e-4)
            assert np.std(theirs) > 0.1
        scores = discriminators[domain](parity.to_torch(x)).detach()
        judge = getattr(gan, f"discriminator_{domain}")
        np.testing.assert_allclose(judge(x)[:, 0], scores, atol=1e-4)


@pytest.mark.parametrize("name", ["XGAN", "CosineXGAN"])
def test_training_step(name):
    mirrors = both(name)
    gan, autoencoders, classifier, discriminators = mirrors
    kernel = np.random.RandomState(0).normal(size=(3, DIM)).astype("float32")
    sgd = keras.optimizers.SGD
    gan.compile(
        sgd(0.01),
        sgd(0.01),
        run_eagerly=True,
        teacher=lambda x: tf.reduce_mean(x, axis=(1, 2)) @ kernel,
    )
    before = [array for _, array in arrays(*mirrors)]
    a, b = images(1), images(2)
    found = gan.train_step((tf.constant(a), tf.constant(b)))
    expected = reference.train_step(
        autoencoders,
        classifier,
        discriminators,
        torch.optim.SGD(
            [*autoencoders.parameters(), *classifier.parameters()], 0.01
        ),
        torch.optim.SGD(
            [p for d in discriminators.values() for p in d.parameters()], 0.01
        ),
        {"a": parity.to_torch(a), "b": parity.to_torch(b)},
        weights=WEIGHTS,
        teacher=lambda x: x.mean(dim=(2, 3)) @ torch.tensor(kernel),
        semantic_distance={
            "XGAN": reference.absolute,
            "CosineXGAN": reference.cosine,
        }[name],
    )
    for ours, theirs in (
        ("g_loss", "g_loss"),
        ("d_loss", "d_loss"),
        ("reconstruction_loss", "reconstruction"),
        ("domain_loss", "domain"),
        ("semantic_loss", "semantic"),
    ):
        assert float(found[ours]) == pytest.approx(
            expected[theirs], rel=1e-3
        ), ours
    for (network, array), old in zip(arrays(*mirrors), before, strict=True):
        parity.assert_same_step(array, network, old)
