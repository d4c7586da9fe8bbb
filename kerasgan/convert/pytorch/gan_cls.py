"""The generator of GAN-CLS, with its text encoder, in plain PyTorch.

Reed et al., 2016. https://arxiv.org/abs/1605.05396
"""

import string

import torch
from torch import nn
from torch.nn import functional

# Keras lowers these letters and removes punctuation.
PLAIN = str.maketrans(
    string.ascii_uppercase, string.ascii_lowercase, string.punctuation
)


class TextEncoder(nn.Module):
    """Captions, a list of strings, to sentence vectors `(n, sentence_dim)`."""

    def __init__(self, vocabulary, caption_length, width, sentence_dim):
        super().__init__()
        # 0 is padding, and 1 an unknown word.
        self.numbers = {word: n for n, word in enumerate(vocabulary, 2)}
        self.length = caption_length
        self.words = nn.Embedding(len(vocabulary) + 2, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.sentence = nn.Linear(width, sentence_dim)

    def forward(self, captions):
        words = [c.translate(PLAIN).split()[: self.length] for c in captions]
        tokens = torch.zeros(len(words), self.length, dtype=torch.long)
        for row, sentence in enumerate(words):
            for n, word in enumerate(sentence):
                tokens[row, n] = self.numbers.get(word, 1)
        tokens = tokens.to(self.words.weight.device)
        states, _ = self.gru(self.words(tokens))
        mask = (tokens != 0)[:, :, None]
        x = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        x = self.sentence(x)
        return functional.layer_norm(x, x.shape[1:], eps=1e-8)


class Bottleneck(nn.Module):
    """A residual bottleneck."""

    def __init__(self, maps):
        super().__init__()
        narrow = max(maps // 4, 1)
        self.narrow = nn.Conv2d(maps, narrow, 1, bias=False)
        self.norm_narrow = nn.BatchNorm2d(narrow)
        self.inside = nn.Conv2d(narrow, narrow, 3, 1, 1, bias=False)
        self.norm_inside = nn.BatchNorm2d(narrow)
        self.wide = nn.Conv2d(narrow, maps, 3, 1, 1, bias=False)
        self.norm_wide = nn.BatchNorm2d(maps)

    def forward(self, x):
        y = torch.relu(self.norm_narrow(self.narrow(x)))
        y = torch.relu(self.norm_inside(self.inside(y)))
        return torch.relu(x + self.norm_wide(self.wide(y)))


class Generator(nn.Module):
    """Latents `(n, latent_dim)`, from a unit normal, and text to images.

    Text is a list of captions, or sentence vectors `(n, sentence_dim)`. Images
    are `(n, channels, image_size, image_size)`, in [-1, 1].
    """

    def __init__(
        self,
        image_size,
        channels,
        width,
        latent_dim,
        sentence_dim,
        projection_dim,
        encoder=None,
    ):
        super().__init__()
        if encoder:
            self.encoder = TextEncoder(**encoder, sentence_dim=sentence_dim)
        maps = width * image_size // 8
        self.project_text = nn.Linear(sentence_dim, projection_dim)
        self.project = nn.Linear(
            latent_dim + projection_dim, 16 * maps, bias=False
        )
        self.norm_4 = nn.BatchNorm2d(maps)
        self.block_4 = Bottleneck(maps)
        self.sizes = [2**n for n in range(3, image_size.bit_length() - 1)]
        for size in self.sizes:
            up = nn.ConvTranspose2d(maps, maps // 2, 4, 2, 1, bias=False)
            self.add_module(f"up_{size}", up)
            maps //= 2
            self.add_module(f"norm_{size}", nn.BatchNorm2d(maps))
            if size == 8:
                self.block_8 = Bottleneck(maps)
        self.to_image = nn.ConvTranspose2d(maps, channels, 4, 2, 1, bias=False)

    def forward(self, latents, text):
        vectors = text if torch.is_tensor(text) else self.encoder(text)
        text = functional.leaky_relu(self.project_text(vectors), 0.2)
        x = self.project(torch.cat([latents, text], dim=1))
        x = x.unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
        x = self.block_4(self.norm_4(x))
        for size in self.sizes:
            x = getattr(self, f"up_{size}")(x)
            x = getattr(self, f"norm_{size}")(x)
            x = self.block_8(x) if size == 8 else torch.relu(x)
        return torch.tanh(self.to_image(x))
