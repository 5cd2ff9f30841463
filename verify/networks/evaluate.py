"""What features are worth: linear evaluation, as Ziyin et al. 2023, App. C, print it.

The network, trained without labels, stays as it is; a linear layer on its features is trained with SGD and a softmax,
the learning rate falling from 10 to 0.01 with a cosine, and judged by its accuracy on the test images. What is not
printed is chosen: 100 epochs in batches of 256, no momentum, no weight decay, weights from 0. A rate of 10 needs
features of length about 1: they are centred and divided by the root of E|φ − μ|² over the training images, which makes
no difference to what a linear layer with a bias can represent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from derive import InputError
from verify.networks.images.pixels import Images
from verify.networks.network import Network

RATE, LAST_RATE = 10.0, 0.01
EPOCHS = 100
BATCH = 256
# Images that go through a network together.
CHUNK = 500


@dataclass(frozen=True)
class Accuracy:
    """How many test images were classified correctly.

    Attributes:
        share: of all.
        by_class: of each class; NaN for one that the test images do not have.
        number: of test images.

    """

    share: float
    by_class: tuple[float, ...]
    number: int

    @property
    def error(self) -> float:
        """The standard error of the share, a mean over the test images.

        >>> Accuracy(0.5, (0.5,), 2500).error
        0.01
        """
        return sqrt(self.share * (1 - self.share) / self.number)


def judged(
    network: Network, train: Images, test: Images, *, device: str | torch.device, seed: int = 0, epochs: int = EPOCHS
) -> tuple[Accuracy, Accuracy]:
    """Linear evaluation of a network: of its representation, and of the features of its backbone.

    Args:
        network: is moved to the device and put into evaluation mode.
        train: labelled images for the linear layer, seen as they are, without augmentation.
        test: others to judge it on.
        device: where to compute.
        seed: of the order in which batches are drawn.
        epochs: over the training images.

    Raises:
        InputError: as `linear_evaluation`.

    """
    network.to(device).eval()
    features, labels = zip(*(_features(network, one, device) for one in (train, test)), strict=True)

    def accuracy(of: Callable[[Tensor], Tensor]) -> Accuracy:
        with torch.no_grad():
            here = [of(one) for one in features]
        return linear_evaluation((here[0], labels[0]), (here[1], labels[1]), seed=seed, epochs=epochs)

    backbone = accuracy(lambda phi: phi)
    # With a projector, the backbone's features are the representation.
    return (backbone if network.architecture["projector"] else accuracy(network.last)), backbone


def _features(network: Network, images: Images, device: str | torch.device) -> tuple[Tensor, Tensor]:
    """The backbone's features of images, (N, d) in single precision, and the labels, on the device."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), CHUNK):
            some = images.subset(range(start, min(start + CHUNK, len(images))))
            parts.append(network.backbone(some.floats(device)).float())
    return torch.cat(parts), torch.from_numpy(images.labels).to(device)


def linear_evaluation(
    train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0, epochs: int = EPOCHS
) -> Accuracy:
    """Train a linear layer on features and judge it.

    Args:
        train: features (N, d) and labels (N,), on one device.
        test: the same, of other images.
        seed: of the order in which batches are drawn.
        epochs: over the training features.

    Raises:
        InputError: features that are not finite, that are all the same, or that do not fit their labels.

    >>> generator = torch.Generator().manual_seed(0)
    >>> labels = torch.arange(600) % 3
    >>> features = torch.eye(3)[labels] + 0.1 * torch.randn(600, 3, generator=generator)
    >>> linear_evaluation((features[:300], labels[:300]), (features[300:], labels[300:]), epochs=10).share
    1.0

    """
    features, labels = train
    for which, (phi, y) in {"training": train, "test": test}.items():
        if phi.ndim != 2 or y.shape != phi.shape[:1] or not len(phi):
            raise InputError(f"{which} features of shape {tuple(phi.shape)} do not fit labels of {tuple(y.shape)}")
        if not phi.isfinite().all():
            raise InputError(f"the {which} features are not all finite numbers; was the network's training stable?")
    mean = features.mean(0)
    size = (features - mean).square().sum(1).mean().sqrt()
    if size == 0:
        raise InputError("all features are the same: the network has collapsed, and there is nothing to evaluate")
    classes = int(max(labels.max(), test[1].max())) + 1
    weights = _trained((features - mean) / size, labels, classes, seed, epochs)
    right = (_scores(weights, (test[0] - mean) / size).argmax(1) == test[1]).double()
    by_class = [float(right[test[1] == one].mean()) for one in range(classes)]
    return Accuracy(float(right.mean()), tuple(by_class), len(right))


def _trained(x: Tensor, labels: Tensor, classes: int, seed: int, epochs: int) -> Tensor:
    """Weights (classes, d + 1), the biases last. The gradient is written out: nothing else takes part."""
    generator = torch.Generator().manual_seed(seed)
    x = F.pad(x, (0, 1), value=1.0)
    targets = F.one_hot(labels, classes).to(x)
    W = x.new_zeros(classes, x.shape[1])
    batch = min(BATCH, len(x))
    steps = epochs * (len(x) // batch)
    for step in range(steps):
        at = step % (len(x) // batch) * batch
        if not at:
            order = torch.randperm(len(x), generator=generator).to(x.device)
        chosen = order[at : at + batch]
        off = torch.softmax(x[chosen] @ W.T, 1) - targets[chosen]
        W -= (LAST_RATE + (RATE - LAST_RATE) * (1 + cos(pi * step / steps)) / 2) / batch * off.T @ x[chosen]
    return W


def _scores(W: Tensor, x: Tensor) -> Tensor:
    return F.pad(x, (0, 1), value=1.0) @ W.T
