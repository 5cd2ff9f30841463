"""A network: images → φ → f = Wφ, W its last layer, d1 × d0, without a bias.

φ are the features of the backbone. With a projector, the two-layer head of Ziyin et al. 2023, App. C (hidden dimension
512, batch normalisation between), W is the second of its layers and φ what comes out of the first. What a network
represents, and what linear evaluation looks at, is f; a projector is thrown away after training (Chen et al. 2020), and
the backbone's features are the representation.

A network is described by plain values, its architecture, with which a checkpoint can rebuild it:

    {"name": "resnet18", "width": 64, "d1": 128, "projector": 0}

`width` scales all layers. `projector` is its hidden dimension, 0 for none. A ViT has `depth`, `heads` and `patch` too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from derive import InputError
from derive.errors import did_you_mean, nearest, quoted
from verify.networks.resnet import resnet12, resnet18
from verify.networks.vit import SIZE, ViT

Architecture = dict[str, Any]
_COMMON: Architecture = {"d1": 128, "projector": 0}
# All the settings of each backbone, at full size.
FULL: dict[str, Architecture] = {
    "resnet18": {"width": 64, **_COMMON},
    "resnet12": {"width": 64, **_COMMON},
    "vit": {"width": 192, "depth": 6, "heads": 3, "patch": 4, **_COMMON},
}


# No number in a description is larger: a small file may announce a network without end.
MOST = 4096


class Network(nn.Module):
    """f = Wφ of images.

    Attributes:
        architecture: what it was built from.
        backbone: images (n, 3, 32, 32) → features (n, d).
        projector: those → (n, d0); the identity without one.
        last: W, (d1, d0).

    """

    def __init__(self, architecture: Architecture, backbone: nn.Module, features: int) -> None:
        super().__init__()
        self.architecture = architecture
        self.backbone = backbone
        hidden = architecture["projector"]
        self.projector = (
            nn.Sequential(nn.Linear(features, hidden), nn.BatchNorm1d(hidden), nn.ReLU()) if hidden else nn.Identity()
        )
        self.last = nn.Linear(hidden or features, architecture["d1"], bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """f, (n, d1)."""
        f: Tensor = self.last(self.projector(self.backbone(images)))
        return f

    def representation(self, images: Tensor) -> Tensor:
        """What is kept after training: f without a projector, the backbone's features with one."""
        found: Tensor = self.backbone(images) if self.architecture["projector"] else self(images)
        return found


def architecture(given: Mapping[str, Any]) -> Architecture:
    """A description with everything in it that was left out, at full size.

    >>> architecture({"name": "resnet18", "width": 8})
    {'name': 'resnet18', 'width': 8, 'd1': 128, 'projector': 0}

    Raises:
        InputError: no such network, a word that it does not know, or numbers that do not fit.

    """
    name = given.get("name")
    if not isinstance(name, str) or name not in FULL:
        listed = f"there are {', '.join(FULL)}"
        raise InputError(did_you_mean(f"there is no network {quoted(name)}", nearest(str(name), FULL), listed))
    full = {"name": name, **FULL[name]}
    for word, value in given.items():
        if word not in full:
            raise InputError(f"{name} has no {quoted(word)}; it has {', '.join(key for key in full if key != 'name')}")
        least = 0 if word == "projector" else 1
        if word != "name" and (type(value) is not int or not least <= value <= MOST):
            raise InputError(f"{word} = {value!r} of {name}: a whole number from {least} to {MOST} is needed")
    full.update(given)
    if name == "vit" and (full["width"] % full["heads"] or SIZE % full["patch"]):
        raise InputError(
            f"a vit of width {full['width']} with {full['heads']} heads and patches of {full['patch']}: the heads must"
            f" divide the width, and the patches {SIZE}"
        )
    return full


def shell(given: Mapping[str, Any]) -> Network:
    """The network of a description without its numbers: only the shapes, to be compared before any memory is taken.

    >>> shell({"name": "resnet12", "width": 4096}).last.weight.device.type
    'meta'

    Raises:
        InputError: as `architecture`.

    """
    with torch.device("meta"):
        return build(given)


def build(given: Mapping[str, Any], *, seed: int = 0) -> Network:
    """The network of a description, with random weights that depend on the seed alone.

    Torch's own random state, which all draw from, stays as it was.

    >>> network = build({"name": "vit", "width": 12, "depth": 1, "patch": 16, "d1": 5})
    >>> network.last.weight.shape, network(torch.zeros(2, 3, 32, 32)).shape
    (torch.Size([5, 12]), torch.Size([2, 5]))

    Raises:
        InputError: as `architecture`.

    """
    full = architecture(given)
    width = full["width"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        match full["name"]:
            case "resnet18":
                return Network(full, resnet18(width), 8 * width)
            case "resnet12":
                return Network(full, resnet12(width), 10 * width)
            case _:
                shape = {word: full[word] for word in ("depth", "heads", "patch")}
                return Network(full, ViT(width, **shape), width)
