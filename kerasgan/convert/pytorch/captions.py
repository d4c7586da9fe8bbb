"""The text encoder and the residual blocks of GAN-CLS, in plain PyTorch.

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
