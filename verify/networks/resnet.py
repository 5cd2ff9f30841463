"""Residual networks for images of 32 × 32 pixels, from torch's own layers.

ResNet-18 (He et al. 2016, Table 1) with the stem that is usual for CIFAR (Chen et al. 2020, App. B.9): one 3 × 3
convolution of stride 1 in place of 7 × 7 with stride 2, and no max-pool. Four stages of two blocks have w, 2w, 4w and
8w channels, w = 64; the first block of each stage but the first halves height and width.

ResNet-12 (Lee et al. 2019, App. A, without DropBlock; its first form is in Oreshkin et al. 2018): four blocks of three
3 × 3 convolutions with w, 5w/2, 5w and 10w channels, leaky rectifiers of slope 0.1, and a 2 × 2 max-pool after each.

Both end in the mean over height and width. Convolutions have no bias, since a batch normalisation follows each.
"""

from __future__ import annotations

from torch import Tensor, nn

SLOPE = 0.1  # of ResNet-12's rectifiers for negative numbers


def _conv(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps height and width up to the stride, with its batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    """rectify(path(x) + short(x)), the residual block.

    Args:
        path: the convolutions.
        short: a 1 × 1 convolution where the shape changes, otherwise the identity.
        rectify: the last rectifier.

    """

    def __init__(self, path: nn.Module, short: nn.Module, rectify: nn.Module) -> None:
        super().__init__()
        self.path = path
        self.short = short
        self.rectify = rectify

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs, h, w) → (n, outputs, h′, w′)."""
        rectified: Tensor = self.rectify(self.path(x) + self.short(x))
        return rectified


def _basic(inputs: int, outputs: int, stride: int) -> Block:
    path = nn.Sequential(*_conv(inputs, outputs, 3, stride), nn.ReLU(), *_conv(outputs, outputs, 3))
    same = inputs == outputs and stride == 1
    return Block(path, nn.Identity() if same else _conv(inputs, outputs, 1, stride), nn.ReLU())


def resnet18(width: int = 64) -> nn.Sequential:
    """ResNet-18 for 32 × 32 pixels: (n, 3, h, w) → (n, 8 width).

    >>> import torch
    >>> resnet18(4)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 32])
    """
    widths = [width, 2 * width, 4 * width, 8 * width]
    blocks = []
    inputs = width
    for stage, outputs in enumerate(widths):
        blocks += [_basic(inputs, outputs, 2 if stage else 1), _basic(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*_conv(3, width, 3), nn.ReLU(), *blocks, *_averaged())


def resnet12(width: int = 64) -> nn.Sequential:
    """ResNet-12: (n, 3, h, w) → (n, 10 width), h and w at least 16.

    >>> import torch
    >>> resnet12(4)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 40])
    """
    blocks: list[nn.Module] = []
    inputs = 3
    for outputs in (width, 5 * width // 2, 5 * width, 10 * width):
        first, second, third = _conv(inputs, outputs, 3), _conv(outputs, outputs, 3), _conv(outputs, outputs, 3)
        path = nn.Sequential(*first, nn.LeakyReLU(SLOPE), *second, nn.LeakyReLU(SLOPE), *third)
        blocks += [Block(path, _conv(inputs, outputs, 1), nn.LeakyReLU(SLOPE)), nn.MaxPool2d(2)]
        inputs = outputs
    return nn.Sequential(*blocks, *_averaged())


def _averaged() -> tuple[nn.Module, nn.Module]:
    """The mean over height and width."""
    return nn.AdaptiveAvgPool2d(1), nn.Flatten()
