"""SeqGAN against the PyTorch mirror: networks, and each kind of step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

torch = pytest.importorskip("torch")

from kerasgan import models, random  # noqa: E402
from kerasgan.models import seqgan  # noqa: E402
from kerasgan.optimizers import Adam  # noqa: E402
from tests.reference import torch_seqgan  # noqa: E402
from tests.support import parity  # noqa: E402

pytestmark = pytest.mark.parity

WORDS, LENGTH, ROLLOUTS = 7, 6, 3
FILTERS = ((1, 4), (3, 5), (6, 2))
OURS = {
    "lstm": "lstm_lstm_cell",
    "output": "logits",
    "transform": "highway",
    "gate": "highway_gate",
}


def values(mirror):
    """Returns a mirror's arrays by our roles, in Keras' layouts."""
    found = {}
    for role, array in parity.arrays(mirror).items():
        layer, attribute = role.split(".")
        if isinstance(mirror, torch_seqgan.Discriminator):
            if attribute == "kernel":
                array = array.transpose()  # Dense layers and convolutions.
        found[f"{OURS.get(layer, layer)}.{attribute}"] = array
    return found


def both(model=models.SeqGAN):
    """Returns our model and both mirrors, with the same weights."""
    gan = model(
        vocabulary=[f"word{i}" for i in range(1, WORDS)],
        sequence_length=LENGTH,
        embedding_dim=3,
        units=4,
        discriminator_dim=5,
        filters=FILTERS,
        dropout=0.0,
        rollouts=ROLLOUTS,
        discriminator_steps=1,
    )
    widths, counts = zip(*FILTERS, strict=True)
    mirrors = (
        torch_seqgan.Generator(WORDS, 3, 4),
        torch_seqgan.Discriminator(WORDS, 5, widths, counts),
    )
    for seed, mirror in enumerate(mirrors):
        parity.shake(mirror, seed)
    parity.give(values(mirrors[0]), gan.generator)
    for network in (gan.average_generator, gan.rollout_generator):
        network.set_weights(gan.generator.get_weights())
    parity.give(values(mirrors[1]), gan.discriminator)
    return gan, *mirrors


def tokens(seed, count=4):
    numbers = np.random.RandomState(seed).randint(0, WORDS, (count, LENGTH))
    return numbers.astype("int32")


def uniform(seed, *shape):
    return np.random.RandomState(seed).uniform(size=shape).astype("float32")


def words(array):
    return torch.from_numpy(array.astype("int64"))


def test_likelihoods_and_scores():
    gan, generator, discriminator = both()
    found = -seqgan.word_losses(gan.generator, tokens(0)).numpy()
    expected = generator.log_probabilities(words(tokens(0))).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    expected = discriminator(words(tokens(0))).detach().numpy()
    np.testing.assert_allclose(
        gan.discriminator(tokens(0)), expected, rtol=1e-4, atol=1e-5
    )


def test_sampled_sentences():
    gan, generator, _ = both()
    numbers = uniform(1, 50, LENGTH)
    expected = torch_seqgan.sample(generator, torch.from_numpy(numbers))
    found = seqgan.sampled(gan.generator, tf.constant(numbers))
    np.testing.assert_array_equal(found, expected.numpy())
    assert len(set(map(tuple, found.numpy().tolist()))) > 20


def optimizers(kind):
    if kind == "adam":
        return (
            # Of a word that is there twice, Keras adds squares.
            Adam(0.01, epsilon=parity.EPSILON),
            lambda network: torch.optim.Adam(
                network.parameters(), 0.01, eps=parity.TORCH_EPSILON
            ),
        )
    return (
        keras.optimizers.SGD(0.01),
        lambda network: torch.optim.SGD(network.parameters(), 0.01),
    )


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_a_step_of_maximum_likelihood(kind):
    ours, theirs = optimizers(kind)
    gan, generator, _ = both()
    before = values(generator)
    expected = torch_seqgan.likelihood_step(
        generator, theirs(generator), words(tokens(2))
    )
    (loss,) = gan.pretrain(tokens(2), 1, 4, optimizer=ours)
    assert loss == pytest.approx(expected["loss"], rel=1e-4)
    parity.assert_same_step(values(generator), gan.generator, before)


@pytest.mark.parametrize("clip", [5.0, 0.1])
@pytest.mark.parametrize(
    "kind", [pytest.param("adam", marks=pytest.mark.variant), "sgd"]
)
@pytest.mark.parametrize("model", [models.SeqGAN, models.CenteredSeqGAN])
def test_a_training_step(model, kind, clip, monkeypatch):
    """The policy gradient, and then the discriminator."""
    ours, theirs = optimizers(kind)
    gan, generator, discriminator = both(model)
    gan.clip_norm = clip
    gan.compile(ours, optimizers(kind)[0])
    shape = (4, ROLLOUTS, LENGTH - 1, LENGTH)
    drawn = [uniform(3, 4, LENGTH), uniform(4, *shape), uniform(5, 4, LENGTH)]
    queue = list(drawn)

    def numbers(_, shape):
        found = queue.pop(0)
        assert len(shape) == found.ndim
        return tf.constant(found)

    monkeypatch.setattr(random, "uniform", numbers)
    before = [values(mirror) for mirror in (generator, discriminator)]
    expected = torch_seqgan.policy_step(
        generator,
        discriminator,
        theirs(generator),
        torch.from_numpy(drawn[0]),
        torch.from_numpy(drawn[1].transpose(1, 2, 0, 3).copy()),
        baseline=model is models.CenteredSeqGAN,
        clip=clip,
    )
    # New sentences, of the generator after its step.
    fake = torch_seqgan.sample(generator, torch.from_numpy(drawn[2]))
    both_kinds = torch.cat([words(tokens(6)), fake])
    real = torch.tensor([1] * 4 + [0] * 4)
    step = torch_seqgan.discriminator_step(
        discriminator, theirs(discriminator), both_kinds, real
    )
    found = gan.train_on_batch(tokens(6), return_dict=True)
    assert not queue
    assert found["g_loss"] == pytest.approx(
        expected["loss"], rel=1e-3, abs=1e-4
    )
    mean = float(expected["rewards"].mean())
    assert found["reward"] == pytest.approx(mean, rel=1e-4)
    assert found["d_loss"] == pytest.approx(step["loss"], rel=1e-4)
    for mirror, network, old in zip(
        (generator, discriminator),
        (gan.generator, gan.discriminator),
        before,
        strict=True,
    ):
        parity.assert_same_step(values(mirror), network, old)
