"""SeqGAN in PyTorch.

Yu, Zhang, Wang and Yu, 2017. https://arxiv.org/abs/1609.05473

As in the authors' code (`LantaoYu/SeqGAN`), whose functions are written out
again here step by step, without any attempt at speed.

Generator and oracle: an embedding, one LSTM, a dense layer to one logit for
each word. The first input is the embedding of word 0, a word like any other,
and the first state 0; position t (from 0) is sampled from the logits after t
+ 1 inputs. Discriminator: an embedding, convolutions of several widths over
time without padding, ReLU, the maximum over time, one highway layer, dropout,
two logits of which the second is that of real.

Shapes. Words are integers (batch, length); logits (batch, length, words);
rewards and log-probabilities (batch, length); scores (batch,).

Weights of the generator have Keras' layouts: `embeddings` (words, E),
`kernel` (E, 4 H), `recurrent_kernel` (H, 4 H) and `bias` (4 H) with the gates
in Keras' order (input, forget, new cell, output), `output_kernel` (H, words),
`output_bias`. The authors keep 15 arrays instead (embeddings; W, U, b of input,
forget, *output* gate, new cell; output's kernel and bias), which
`lay_authors_weights` takes. Weights of the discriminator have PyTorch's:
`embedding.weight` (words, D), `conv_{i}.weight` (filters, D, width),
`transform`, `gate` and `output`, each with `.weight` (out, in) and `.bias`.

Random numbers are arguments: those of `sample` (batch, length, ...), those of
`rewards` (rollouts, length - 1, batch, length, ...), where [r, n - 1] belongs
to rollout r of the first n words and its columns before n are not looked at;
the authors' order is the same, rollouts outside, prefixes inside, and
positions from n on. `choose` makes words of logits (batch, words) and such
numbers: `inverse_cdf` takes one uniform number for each (nothing in the place
of "..."), `gumbel` one for each word. `discriminator_step` takes a factor for
each feature after the highway layer, 0 or 1 / .75.

What the code has and the paper does not tell: the policy's loss is a *sum*
over batch and positions, that of maximum likelihood a mean; gradients of the
generator are clipped to a global norm of 5; rewards are probabilities, neither
discounted nor centered; the two losses have an Adam each, both .01; L2 of .2
times half of the sum of squares, of the output layer and its bias alone; real
and generated sequences are shuffled together. `rollout.py`'s lagging copy of
the generator never lags. Probabilities are clipped at 1e-20 before their
logarithm, not here. `centered` is not the authors'.

First weights: generator N(0, .1), oracle N(0, 1), biases too; discriminator:
embedding U(-1, 1), convolutions and output truncated normal .1 with biases .1;
highway Glorot uniform, its biases too, U(-sqrt(3 / n), sqrt(3 / n)) for n
features (TensorFlow's default of a variable without an initializer).
"""

import math

import torch
from torch import nn
from torch.nn import functional

WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20)
FILTERS = (100, 200, 200, 200, 200, 100, 100, 100, 100, 100, 160, 160)


class Generator(nn.Module):
    """Also the oracle, with `std=1`."""

    def __init__(self, words=5000, embedding_dim=32, hidden=32, std=0.1):
        super().__init__()
        self.hidden = hidden
        for name, shape in {
            "embeddings": (words, embedding_dim),
            "kernel": (embedding_dim, 4 * hidden),
            "recurrent_kernel": (hidden, 4 * hidden),
            "bias": (4 * hidden,),
            "output_kernel": (hidden, words),
            "output_bias": (words,),
        }.items():
            parameter = nn.Parameter(std * torch.randn(shape))
            self.register_parameter(name, parameter)

    def start(self, batch):
        """The first word, hidden state and cell."""
        words = torch.zeros(batch, dtype=torch.long)
        zeros = self.bias.new_zeros(batch, self.hidden)
        return words, zeros, zeros

    def step(self, words, hidden, cell):
        """One word in; logits of the next one and both states out."""
        x = self.embeddings[words]
        gates = x @ self.kernel + hidden @ self.recurrent_kernel + self.bias
        enter, forget, new, out = gates.chunk(4, dim=1)
        cell = torch.sigmoid(forget) * cell
        cell = cell + torch.sigmoid(enter) * torch.tanh(new)
        hidden = torch.sigmoid(out) * torch.tanh(cell)
        return hidden @ self.output_kernel + self.output_bias, hidden, cell

    def forward(self, words):
        """Logits of each position, given all words before it."""
        previous, *states = self.start(len(words))
        logits = []
        for t in range(words.shape[1]):
            new, *states = self.step(previous, *states)
            logits.append(new)
            previous = words[:, t]
        return torch.stack(logits, dim=1)

    def log_probabilities(self, words):
        """Of each word, given those before it."""
        found = torch.log_softmax(self(words), dim=2)
        return found.gather(2, words[:, :, None])[:, :, 0]

    def name_map(self):
        """Roles are layer and variable of Keras."""
        return {
            "embedding.embeddings": "embeddings",
            "lstm.kernel": "kernel",
            "lstm.recurrent_kernel": "recurrent_kernel",
            "lstm.bias": "bias",
            "output.kernel": "output_kernel",
            "output.bias": "output_bias",
        }


def lay_authors_weights(generator, arrays):
    """Gives a generator the 15 arrays of the authors' code, in their order."""
    arrays = [torch.as_tensor(array) for array in arrays]
    enter, forget, out, new = (arrays[1 + 3 * i : 4 + 3 * i] for i in range(4))
    gates = zip(enter, forget, new, out, strict=True)
    joined = [torch.cat(parts, dim=-1) for parts in gates]
    values = [arrays[0], *joined, *arrays[13:]]
    with torch.no_grad():
        for p, value in zip(generator.parameters(), values, strict=True):
            p.copy_(value)


class Discriminator(nn.Module):
    def __init__(
        self, words=5000, embedding_dim=64, widths=WIDTHS, filters=FILTERS
    ):
        super().__init__()
        self.widths = widths
        self.embedding = nn.Embedding(words, embedding_dim)
        nn.init.uniform_(self.embedding.weight, -1.0, 1.0)
        for i, (width, n) in enumerate(zip(widths, filters, strict=True)):
            conv = nn.Conv1d(embedding_dim, n, width)
            setattr(self, f"conv_{i}", first_weights(conv))
        n = sum(filters)
        self.transform, self.gate = nn.Linear(n, n), nn.Linear(n, n)
        for linear in (self.transform, self.gate):
            for p in linear.parameters():
                nn.init.uniform_(p, -math.sqrt(3 / n), math.sqrt(3 / n))
        self.output = first_weights(nn.Linear(n, 2))

    def forward(self, words, keep=1.0):
        """Logits (batch, 2). `keep` multiplies the features (dropout)."""
        x = self.embedding(words).transpose(1, 2)
        features = []
        for i in range(len(self.widths)):
            conv = getattr(self, f"conv_{i}")
            features.append(torch.relu(conv(x)).amax(dim=2))
        x = torch.cat(features, dim=1)
        gate = torch.sigmoid(self.gate(x))
        x = gate * torch.relu(self.transform(x)) + (1.0 - gate) * x
        return self.output(keep * x)

    def probabilities(self, words):
        """Of being real, without dropout and without gradient."""
        with torch.no_grad():
            return torch.softmax(self(words), dim=1)[:, 1]

    def name_map(self):
        names = {"embedding.embeddings": "embedding.weight"}
        layers = [f"conv_{i}" for i in range(len(self.widths))]
        for layer in [*layers, "transform", "gate", "output"]:
            names[f"{layer}.kernel"] = f"{layer}.weight"
            names[f"{layer}.bias"] = f"{layer}.bias"
        return names


def first_weights(layer):
    nn.init.trunc_normal_(layer.weight, 0.0, 0.1, -0.2, 0.2)
    nn.init.constant_(layer.bias, 0.1)
    return layer


def inverse_cdf(logits, uniform):
    """The first word whose cumulative probability is above the number.

    `uniform` is (batch,), in [0, 1).
    """
    cumulative = torch.softmax(logits, dim=1).cumsum(dim=1)
    below = (cumulative <= uniform[:, None]).sum(dim=1)
    return below.clamp(max=logits.shape[1] - 1)


def gumbel(logits, uniform):
    """The word of the largest logit plus noise; `uniform` is (batch, words)."""
    return (logits - (-uniform.log()).log()).argmax(dim=1)


def sample(generator, noise, choose=inverse_cdf, prefix=None):
    """Sequences of the generator which start with those of `prefix`.

    Their length is that of `noise`.
    """
    with torch.no_grad():
        given = 0 if prefix is None else prefix.shape[1]
        words, *states = generator.start(len(noise))
        sequence = []
        for t in range(noise.shape[1]):
            logits, *states = generator.step(words, *states)
            if t < given:
                words = prefix[:, t]
            else:
                words = choose(logits, noise[:, t])
            sequence.append(words)
        return torch.stack(sequence, dim=1)


def rewards(generator, score, words, noise, choose=inverse_cdf):
    """Mean score of each word over sequences that go on after it.

    `score` takes sequences and returns (batch,), `Discriminator.probabilities`
    for one. The last word's is that of the sequence itself.
    """
    length = words.shape[1]
    columns = []
    for given in range(1, length):
        scores = [
            score(sample(generator, run[given - 1], choose, words[:, :given]))
            for run in noise
        ]
        columns.append(torch.stack(scores).mean(dim=0))
    columns.append(score(words))
    return torch.stack(columns, dim=1).detach()


def centered(rewards):
    """Rewards less their mean over the batch, at each position."""
    return rewards - rewards.mean(dim=0)


def likelihood_loss(generator, words):
    """Mean negative log-likelihood of a word, in nats.

    NLL_oracle where an oracle judges the generator's words.
    """
    return -generator.log_probabilities(words).mean()


def policy_loss(generator, words, rewards):
    """Sum over batch and positions."""
    return -(generator.log_probabilities(words) * rewards.detach()).sum()


def discriminator_loss(discriminator, words, real, keep=1.0, strength=0.2):
    """`real` (batch,) is 1 for real sequences and 0 for generated ones."""
    logits = discriminator(words, keep)
    loss = functional.cross_entropy(logits, real)
    output = discriminator.output
    squares = (output.weight**2).sum() + (output.bias**2).sum()
    return loss + strength * squares / 2.0


def generator_optimizer(generator, epsilon=1e-8):
    """One for each of its two losses."""
    return torch.optim.Adam(generator.parameters(), 0.01, eps=epsilon)


def discriminator_optimizer(discriminator, epsilon=1e-8):
    return torch.optim.Adam(discriminator.parameters(), 1e-4, eps=epsilon)


def descend(loss, network, optimizer, clip=None):
    """The gradients stay in `.grad` as Adam has seen them."""
    weights = list(network.parameters())
    gradients = torch.autograd.grad(loss, weights)
    factor = 1.0
    if clip is not None:
        norm = torch.stack([(g**2).sum() for g in gradients]).sum().sqrt()
        factor = clip / torch.clamp(norm, min=clip)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = factor * gradient
    optimizer.step()


def likelihood_step(generator, optimizer, words, clip=5.0):
    loss = likelihood_loss(generator, words)
    descend(loss, generator, optimizer, clip)
    return {"loss": loss.item()}


def policy_step(
    generator,
    discriminator,
    optimizer,
    noise,
    rollout_noise,
    choose=inverse_cdf,
    baseline=False,
    clip=5.0,
):
    """Samples a batch, scores its words by rollouts, and reinforces them.

    The rewards returned are those before the baseline is subtracted.
    """
    words = sample(generator, noise, choose)
    values = rewards(
        generator, discriminator.probabilities, words, rollout_noise, choose
    )
    weights = centered(values) if baseline else values
    loss = policy_loss(generator, words, weights)
    descend(loss, generator, optimizer, clip)
    return {"loss": loss.item(), "words": words, "rewards": values}


def discriminator_step(discriminator, optimizer, words, real, keep=1.0):
    loss = discriminator_loss(discriminator, words, real, keep)
    descend(loss, discriminator, optimizer)
    return {"loss": loss.item()}
