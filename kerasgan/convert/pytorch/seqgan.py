"""The generator of SeqGAN in plain PyTorch.

Yu, Zhang, Wang and Yu, 2017. https://arxiv.org/abs/1609.05473
"""

import torch
from torch import nn


class Generator(nn.Module):
    """Latents `(n, sequence_length)`, uniform in [0, 1), to tokens.

    Each number selects the word at its place. Token 0 ends a sentence.
    """

    def __init__(self, vocabulary, embedding_dim, units):
        super().__init__()
        self.words = ["", *vocabulary]
        self.embedding = nn.Embedding(len(self.words), embedding_dim)
        self.lstm = nn.LSTMCell(embedding_dim, units)
        self.logits = nn.Linear(units, len(self.words))

    def forward(self, latents):
        state = None
        tokens = [torch.zeros_like(latents[:, 0], dtype=torch.long)]
        for chance in latents.unbind(dim=1):
            state = self.lstm(self.embedding(tokens[-1]), state)
            sums = self.logits(state[0]).softmax(dim=1).cumsum(dim=1)
            token = (sums <= chance[:, None]).sum(dim=1)
            # Rounded, all of them together may be less than 1.
            tokens.append(token.clamp(max=len(self.words) - 1))
        return torch.stack(tokens[1:], dim=1)

    def sentences(self, tokens):
        """Returns tokens as a list of strings."""
        found = []
        for row in tokens.tolist():
            row = row[: row.index(0)] if 0 in row else row
            found.append(" ".join(self.words[token] for token in row))
        return found
