"""A small vision transformer (Dosovitskiy et al. 2021, Sec. 3.1), from torch's own transformer layers.

An image is cut into patches, each of which becomes a token by one linear map; a learned token is put in front, and
learned positions are added. Each layer normalises first: x + attention(norm x), then x + mlp(norm x), the mlp four
times as wide with GELU between. The features are the first token at the end, normalised. Nothing is dropped out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIZE = 32  # pixels of an image from side to side


class ViT(nn.Module):
    """(n, 3, 32, 32) → (n, width).

    Args:
        width: of a token; a multiple of heads.
        depth: layers.
        heads: of the attention.
        patch: pixels of a patch from side to side; divides 32.

    >>> ViT(12, depth=1, heads=3, patch=8)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 12])

    """

    def __init__(self, width: int = 192, *, depth: int = 6, heads: int = 3, patch: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 1 + (SIZE // patch) ** 2, width))
        # Made one by one: nn.TransformerEncoder would copy one layer, weights and all.
        self.layers = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
                )
                for _ in range(depth)
            )
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """The features of images."""
        tokens = self.patches(x).flatten(2).mT
        tokens = torch.cat([self.first.expand(len(x), -1, -1), tokens], 1) + self.positions
        features: Tensor = self.norm(self.layers(tokens)[:, 0])
        return features
