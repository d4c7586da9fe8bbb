"""XGAN in PyTorch.

Royer, Bousmalis, Gouws, Bertsch, Mosseri, Cole and Murphy, 2017.
https://arxiv.org/abs/1711.05139

There is no code of the authors. Layers, weights of the losses and order of the
step are those of a reimplementation (`CS2470FinalProject/X-GAN`), which has
four of the five losses; the fifth, of a teacher, is from the paper's formula,
and its norm, the mean absolute difference, is a choice.

Two domains, A and B. Encoder: 4x4 convolutions of stride 2 to width and 2
width channels, one pair for each domain, then shared: to 4 and 8 width
channels, a dense layer over all pixels and another one. Decoder: shared, all
pixels at once (a dense layer) to 16 width channels, a transposed 4x4
convolution of stride 2 to 8 width; then for each domain to 4 width, 2 width,
image, tanh. Leaky ReLU (.2) in the encoder, none on the embedding; ReLU in the
decoder, on the embedding as well. Instance normalization (epsilon 1e-5) with
gain and bias after all convolutions of stride 2 but the discriminator's first
and the decoder's last, and after the decoder's first layer; none around the
encoder's dense layers. There are no other biases. Discriminators, one for each
domain: 4x4, stride 2, to d, 2d, 2d, 2d channels, and all pixels to one score.
The domain classifier: three dense layers as wide as the embedding with leaky
ReLU, one logit. `width=32`, d = 16 and 1024 numbers in an embedding.

Shapes. Images (batch, channels, size, size) in [-1, 1], `size` a multiple of 16
and at least 32; embeddings (batch, dim); scores and logits (batch,), raw.

Weight names are paths of modules; `name_map()` gives their roles, "_" for ".",
with kernel, gamma, beta. Of those "all pixels" layers `shared_encoder.dense_1`
is a `Conv2d` (dim, 8 width, n, n), `shared_decoder.dense` a `ConvTranspose2d`
(dim, 16 width, n, n) and `score` a `Conv2d` (1, 2d, n, n), n = size / 16: a
dense kernel on maps flattened as (height, width, channels) is theirs after
the transposition of a convolution (2, 3, 1, 0), reshaped to (n n 8 width, dim)
for the first, and after (0, 2, 3, 1), reshaped to (dim, n n 16 width), for the
second.

No random numbers are needed but those of an image pool, if there is one.

Each loss sums two terms (domains or directions), each a mean over all numbers:
reconstruction, squared difference; semantic, absolute difference of
embeddings, of x and of its translation through the *other* encoder;
domain-adversarial, cross-entropy with A as 0 and B as 1; adversarial, LSGAN.
The teacher's has one, for A. The classifier is in the generators' optimizer
and in their loss: its own gradient has the weight of that loss, too. The
generators' step comes first, and the discriminators see translations made
before it. Their loss is half of the sum of real and generated, and has the
weight of the adversarial loss. Nothing stops gradients in the semantic loss:
neither at the embedding of x nor at its translation.

First weights: kernels of a truncated normal distribution (.02), gains N(1,
.02), biases 0.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional

from .torch_cyclegan import no_pool
from .torch_steps import cross_entropy, descend, squared_error

DOMAINS = ("a", "b")


class Reversal(torch.autograd.Function):
    """The identity, with minus its gradient."""

    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return -gradient


class Network(nn.Module):
    def name_map(self):
        names = {}
        for path, module in self.named_modules():
            norm = isinstance(module, nn.InstanceNorm2d)
            for name in module._parameters:
                role = "kernel"
                if norm:
                    role = {"weight": "gamma", "bias": "beta"}[name]
                if module._parameters[name] is not None:
                    layer = path.replace(".", "_")
                    names[f"{layer}.{role}"] = f"{path}.{name}"
        return names


class Down(nn.Module):
    """Halves the image, and normalizes; the activation comes after it."""

    def __init__(self, channels_in, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 4, 2, 1, bias=False)
        self.norm = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x):
        return leaky(self.norm(self.conv(x)))


class Up(nn.Module):
    def __init__(self, channels_in, channels):
        super().__init__()
        self.conv = nn.ConvTranspose2d(
            channels_in, channels, 4, 2, 1, bias=False
        )
        self.norm = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class OwnEncoder(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.down_1 = Down(channels, width)
        self.down_2 = Down(width, 2 * width)

    def forward(self, images):
        return self.down_2(self.down_1(images))


class SharedEncoder(nn.Module):
    def __init__(self, width, smallest, dim):
        super().__init__()
        self.down_3 = Down(2 * width, 4 * width)
        self.down_4 = Down(4 * width, 8 * width)
        self.dense_1 = nn.Conv2d(8 * width, dim, smallest, bias=False)
        self.dense_2 = nn.Linear(dim, dim, bias=False)

    def forward(self, x):
        x = self.dense_1(self.down_4(self.down_3(x)))[:, :, 0, 0]
        return self.dense_2(leaky(x))


class SharedDecoder(nn.Module):
    def __init__(self, width, smallest, dim):
        super().__init__()
        self.dense = nn.ConvTranspose2d(dim, 16 * width, smallest, bias=False)
        self.norm = nn.InstanceNorm2d(16 * width, affine=True)
        self.up_1 = Up(16 * width, 8 * width)

    def forward(self, embeddings):
        x = self.dense(torch.relu(embeddings)[:, :, None, None])
        return self.up_1(torch.relu(self.norm(x)))


class OwnDecoder(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.up_2 = Up(8 * width, 4 * width)
        self.up_3 = Up(4 * width, 2 * width)
        self.to_image = nn.ConvTranspose2d(
            2 * width, channels, 4, 2, 1, bias=False
        )

    def forward(self, x):
        return torch.tanh(self.to_image(self.up_3(self.up_2(x))))


class Autoencoders(Network):
    """Encoders and decoders of both domains."""

    def __init__(self, size=64, channels=3, width=32, dim=1024):
        super().__init__()
        for domain in DOMAINS:
            encoder = OwnEncoder(channels, width)
            setattr(self, f"encoder_{domain}", encoder)
            setattr(self, f"decoder_{domain}", OwnDecoder(channels, width))
        self.shared_encoder = SharedEncoder(width, size // 16, dim)
        self.shared_decoder = SharedDecoder(width, size // 16, dim)
        first_weights(self)

    def encode(self, images, domain):
        return self.shared_encoder(getattr(self, f"encoder_{domain}")(images))

    def decode(self, embeddings, domain):
        features = self.shared_decoder(embeddings)
        return getattr(self, f"decoder_{domain}")(features)


class Discriminator(Network):
    def __init__(self, size=64, channels=3, width=16):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 4, 2, 1, bias=False)
        self.down_2 = Down(width, 2 * width)
        self.down_3 = Down(2 * width, 2 * width)
        self.down_4 = Down(2 * width, 2 * width)
        self.score = nn.Conv2d(2 * width, 1, size // 16, bias=False)
        first_weights(self)

    def forward(self, images):
        x = self.down_2(leaky(self.conv(images)))
        return self.score(self.down_4(self.down_3(x)))[:, 0, 0, 0]


class DomainClassifier(Network):
    """Logits of domain B. What goes back to embeddings has its sign changed."""

    def __init__(self, dim=1024):
        super().__init__()
        for i in range(3):
            setattr(self, f"dense_{i + 1}", nn.Linear(dim, dim, bias=False))
        self.logit = nn.Linear(dim, 1, bias=False)
        first_weights(self)

    def forward(self, embeddings):
        x = Reversal.apply(embeddings)
        for i in range(3):
            x = leaky(getattr(self, f"dense_{i + 1}")(x))
        return self.logit(x)[:, 0]


def leaky(x):
    return functional.leaky_relu(x, 0.2)


def first_weights(network):
    for module in network.modules():
        if isinstance(module, nn.InstanceNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
            nn.init.zeros_(module.bias)
        elif hasattr(module, "weight"):
            nn.init.trunc_normal_(module.weight, 0.0, 0.02, -0.04, 0.04)


def absolute(one, other):
    return (one - other).abs().mean()


def cosine(one, other):
    """The paper allows it in the semantic loss."""
    return 1.0 - functional.cosine_similarity(one, other, dim=1).mean()


def generator_losses(
    autoencoders,
    classifier,
    discriminators,
    images,
    teacher=None,
    semantic_distance=absolute,
):
    """The five losses by name, and the translations by domain.

    `discriminators` and `images` are by domain, "a" and "b". `teacher` takes
    images of A and returns embeddings.
    """
    losses = dict.fromkeys(
        ("reconstruction", "domain", "semantic", "adversarial"), 0.0
    )
    embeddings = {d: autoencoders.encode(images[d], d) for d in DOMAINS}
    translations = {}
    for label, (domain, other) in enumerate((("a", "b"), ("b", "a"))):
        x, embedding = images[domain], embeddings[domain]
        again = autoencoders.decode(embedding, domain)
        losses["reconstruction"] += ((x - again) ** 2).mean()
        losses["domain"] += cross_entropy(classifier(embedding), float(label))
        translation = autoencoders.decode(embedding, other)
        losses["semantic"] += semantic_distance(
            embedding, autoencoders.encode(translation, other)
        )
        scores = discriminators[other](translation)
        losses["adversarial"] += squared_error(scores, 1.0)
        translations[other] = translation
    losses["teacher"] = torch.zeros(())
    if teacher is not None:
        with torch.no_grad():
            taught = teacher(images["a"])
        losses["teacher"] = absolute(embeddings["a"], taught)
    return losses, translations


def discriminator_loss(discriminator, real, fake):
    real_loss = squared_error(discriminator(real), 1.0)
    return 0.5 * (real_loss + squared_error(discriminator(fake), 0.0))


def optimizer(*networks, epsilon=1e-8):
    """One for autoencoders and classifier, one for both discriminators."""
    parameters = itertools.chain(*(n.parameters() for n in networks))
    return torch.optim.Adam(parameters, 1e-4, betas=(0.5, 0.999), eps=epsilon)


def train_step(
    autoencoders,
    classifier,
    discriminators,
    generator_optimizer,
    discriminator_optimizer,
    images,
    weights=None,
    teacher=None,
    pools=None,
    semantic_distance=absolute,
):
    """One step of autoencoders and classifier, then of both discriminators.

    `weights` of the losses by name are 1 unless given. `pools`, by domain,
    return what the discriminators see of translations.
    """
    weights = weights or {}
    losses, translations = generator_losses(
        autoencoders,
        classifier,
        discriminators,
        images,
        teacher,
        semantic_distance,
    )
    g_loss = sum(weights.get(n, 1.0) * loss for n, loss in losses.items())
    descend(
        g_loss,
        [*autoencoders.parameters(), *classifier.parameters()],
        generator_optimizer,
    )
    pools = pools or dict.fromkeys(DOMAINS, no_pool)
    d_losses = [
        discriminator_loss(
            discriminators[d], images[d], pools[d](translations[d])
        )
        for d in DOMAINS
    ]
    d_loss = weights.get("adversarial", 1.0) * sum(d_losses)
    parameters = [p for d in DOMAINS for p in discriminators[d].parameters()]
    descend(d_loss, parameters, discriminator_optimizer)
    found = {name: loss.item() for name, loss in losses.items()}
    return {**found, "g_loss": g_loss.item(), "d_loss": d_loss.item()}
