"""Images for networks: read from the forms in which CIFAR-10 is shared or made from a seed; views of them.

The extra ``images`` reads and augments them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.running.lazily import lazily

if TYPE_CHECKING:
    from verify.networks.images.augment import Augmentation, gaussian, two_views
    from verify.networks.images.imbalance import dirichlet_counts, imbalanced
    from verify.networks.images.pixels import Images
    from verify.networks.images.reading import read_images
    from verify.networks.images.simclr_views import simclr
    from verify.networks.images.synthetic import synthetic_images

__all__ = [
    "Augmentation",
    "Images",
    "dirichlet_counts",
    "gaussian",
    "imbalanced",
    "read_images",
    "simclr",
    "synthetic_images",
    "two_views",
]

__getattr__ = lazily(
    __name__,
    {
        "Augmentation": "augment",
        "gaussian": "augment",
        "two_views": "augment",
        "Images": "pixels",
        "read_images": "reading",
        "simclr": "simclr_views",
        "synthetic_images": "synthetic",
        "dirichlet_counts": "imbalance",
        "imbalanced": "imbalance",
    },
)
