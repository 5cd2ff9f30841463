"""Training sets in which some classes are rare: Ziyin et al. 2023, Appendix C.

The paper draws class proportions from a Dirichlet distribution, after Hsu et al. 2019: p ~ Dir(α·1). A small α gives
few classes nearly all images, a large one gives all the same. No class has more images than there are; the counts are

    n_k = min(available_k, t p_k),  with t such that Σ n_k = total,

that is, what a class cannot give is shared among the others in proportion to p, until none is over its limit. They are
then rounded to whole numbers of the same sum, up for those with the largest remainders.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.networks.images.pixels import Images

# Images of each of CIFAR-10's ten classes, as printed in Appendix C, where the text says 20,000 in all: the first list
# adds up to 19,998 and the second to 19,996.
HIGH = (4890, 87, 5000, 0, 74, 0, 0, 212, 4788, 4947)
MEDIUM = (4268, 4296, 1741, 420, 945, 161, 4633, 1015, 131, 2386)
NONE = (2000,) * 10


def imbalanced(images: Images, counts: Sequence[int], seed: int) -> Images:
    """A given number of images of each class, drawn without replacement and kept in the order of the set.

    Args:
        images: to draw from.
        counts: how many of each class, in the order of the classes.
        seed: of the draw.

    Raises:
        InputError: a class has fewer images, or the counts do not fit the classes.

    >>> from verify.networks.images.synthetic import synthetic_images
    >>> imbalanced(synthetic_images(50, 0), (5, 1, 0, 0, 0, 0, 0, 0, 2, 4), seed=0).counts
    (5, 1, 0, 0, 0, 0, 0, 0, 2, 4)

    """
    numbers = [operator.index(count) for count in counts]
    if len(numbers) != len(images.names):
        raise InputError(f"{len(numbers)} counts were given, and there are {len(images.names)} classes")
    if min(numbers) < 0 or not any(numbers):
        raise InputError(f"the counts are {_listed(numbers)}; none may be negative, and one must be positive")
    for name, count, available in zip(images.names, numbers, images.counts, strict=True):
        if count > available:
            raise InputError(f"{count} images of the class {name} were asked for, and there are {available}")
    rng = np.random.default_rng(_seed(seed))
    chosen = [
        rng.choice(np.flatnonzero(images.labels == label), count, replace=False) for label, count in enumerate(numbers)
    ]
    drawn = images.subset(np.sort(np.concatenate(chosen)))
    return replace(drawn, source=f"{images.source}; {_listed(numbers)} of the classes, drawn with seed {seed}")


def dirichlet_counts(
    total: int, concentration: float, classes: int, available: int | Sequence[int], seed: int
) -> tuple[int, ...]:
    """Counts of each class, as the module says, that add up to the total.

    Args:
        total: how many images in all.
        concentration: α > 0.
        classes: how many there are.
        available: how many images a class has: one number for all, or one each.
        seed: of the proportions.

    Raises:
        InputError: a number out of its range, or fewer images than the total.

    >>> dirichlet_counts(20_000, 0.3, 10, 5000, seed=1)
    (17, 2728, 5000, 3, 133, 1720, 5000, 399, 5000, 0)

    """
    if operator.index(classes) < 1:
        raise InputError(f"{classes} classes were asked for; at least one is needed")
    if not 0 < concentration < float("inf"):
        raise InputError(f"the concentration α is {concentration}; a finite number above 0 is needed")
    limits = np.full(classes, available) if np.ndim(available) == 0 else np.asarray(available)
    if limits.shape != (classes,) or limits.dtype.kind not in "iu" or limits.min() < 0:
        raise InputError(f"what is available must be a whole number of images for each of {classes} classes")
    if not 1 <= operator.index(total) <= limits.sum():
        raise InputError(f"{total} images were asked for, and there are {limits.sum()}")
    return _whole(_shared(total, _log_proportions(concentration, classes, seed), limits), total)


def _log_proportions(concentration: float, classes: int, seed: int) -> NDArray[np.float64]:
    """log p_k up to a constant: p_k ∝ Γ(α) variables, and G(α) = G(α + 1) U^(1/α), which is 0 in floats for small α."""
    rng = np.random.default_rng(_seed(seed))
    return np.log(rng.standard_gamma(concentration + 1, classes)) - rng.standard_exponential(classes) / concentration


def _shared(total: int, logs: NDArray[np.float64], limits: NDArray[np.int64]) -> NDArray[np.float64]:
    """n_k = min(limit_k, t p_k) with the sum `total`."""
    counts = np.zeros(len(limits))
    free = np.ones(len(limits), bool)
    while free.any():
        share = np.exp(np.where(free, logs - logs[free].max(), -np.inf))
        counts = (total - limits[~free].sum()) * share / share.sum()
        over = free & (counts > limits)
        if not over.any():
            break
        free &= ~over
    return np.where(free, counts, limits)


def _whole(counts: NDArray[np.float64], total: int) -> tuple[int, ...]:
    """Whole numbers of the given sum, none farther than one from its count."""
    down = np.floor(counts + 1e-9)  # a count that is whole but for rounding stays so
    most = np.argsort(down - counts, kind="stable")[: total - int(down.sum())]
    down[most] += 1
    return tuple(int(count) for count in down)


def _seed(seed: int) -> int:
    if operator.index(seed) < 0:
        raise InputError(f"the seed is {seed}; a whole number that is not negative is needed")
    return seed


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
