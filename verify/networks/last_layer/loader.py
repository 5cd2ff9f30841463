"""Data from any Python iterable of the user's: a DataLoader, a list of batches, a generator.

A batch may be a tensor or an array (n, …); views of one datum, (x, x′); views and more, ((x, x′), labels) or (x,
labels); or a dictionary of these. Tensors of floats with the shape of the first one are views, all else is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from derive import InputError
from derive.errors import did_you_mean, nearest
from verify.audits.user_code import run_file, run_module
from verify.networks.last_layer.running import tensors_in
from verify.running.limits import said_by

if TYPE_CHECKING:
    from verify.networks.last_layer.capture import Augmentation


# Images are (n, channels, height, width).
IMAGES = 4


def is_loader(target: str) -> bool:
    """Whether ``--data`` names an object in the user's code rather than a path.

    >>> is_loader("data.py:loader"), is_loader("package.data:loader"), is_loader("cifar10")
    (True, True, False)
    """
    place, colon, name = target.rpartition(":")
    return bool(colon) and name.isidentifier() and (place.endswith(".py") or place.replace(".", "").isidentifier())


def find_loader(target: str) -> Iterable[Any]:
    """The iterable that a target names, ``path/to/file.py:NAME`` or ``package.module:NAME``; a function is called.

    Raises:
        InputError: there is none.

    """
    place, _, name = target.rpartition(":")
    defined = vars(run_file(Path(place)) if place.endswith(".py") else run_module(place))
    if name not in defined:
        own = [key for key, value in defined.items() if hasattr(value, "__iter__") or callable(value)]
        raise InputError(did_you_mean(f"{place} defines no {name!r}", nearest(name, own)))
    found = defined[name]
    if callable(found) and not hasattr(found, "__iter__"):
        try:
            found = found()
        except (Exception, SystemExit) as error:
            said = f"{type(error).__name__}: {said_by(error)}"
            raise InputError(f"{target}: {name}() failed: {said}; it is called without arguments") from error
    if not hasattr(found, "__iter__"):
        raise InputError(f"{target} is of type {type(found).__name__}; an iterable of batches is needed")
    return found  # type: ignore[no-any-return]


def views_of(batch: Any) -> tuple[Tensor, ...]:
    """The views of a batch: the first two, or one.

    Raises:
        InputError: no tensor of floating numbers is in it.

    >>> x = torch.zeros(3, 2)
    >>> [len(views_of(one)) for one in (x, (x, x), ([x, x], [0, 1, 2]), (x, torch.arange(3)), {"image": x})]
    [1, 2, 2, 1, 1]

    """
    found = [one for one in tensors_in(batch) if one.is_floating_point() and one.ndim > 1]
    if not found:
        raise InputError(f"a batch is of type {type(batch).__name__} and holds no images or features, (n, …) of floats")
    return tuple(one.float() for one in found if one.shape == found[0].shape)[:2]


def two_views(loader: Iterable[Any], number: int) -> tuple[list[tuple[Tensor, ...]], bool]:
    """Batches of views up to a number of data, and whether the loader gives two views itself.

    Raises:
        InputError: a loader that fails or gives nothing usable.

    """
    kept: list[tuple[Tensor, ...]] = []
    seen = 0
    try:
        for batch in loader:
            views = views_of(batch)
            views = tuple(one[: number - seen] for one in views)
            kept.append(views)
            seen += len(views[0])
            if seen >= number:
                break
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        message = f"the loader failed after {seen} data: {type(error).__name__}: {said_by(error)}"
        raise InputError(message) from error
    if not kept:
        raise InputError("the loader gives no batch")
    if len({len(views) for views in kept}) > 1:
        raise InputError("the loader gives one view in some batches and two in others")
    return kept, len(kept[0]) == 2


def augmented_batches(
    batches: Iterable[tuple[Tensor, ...]], augmentation: Augmentation, sigma: float | None, generator: torch.Generator
) -> Iterator[tuple[Tensor, ...]]:
    """Two views of each datum of batches in one view; of what is no image by noise of a standard deviation σ.

    Raises:
        InputError: what is no image, without σ.

    """
    for (x,) in batches:
        if x.ndim == IMAGES:
            yield augmentation(x, generator), augmentation(x, generator)
        elif sigma is None:
            raise InputError(f"data of shape {tuple(x.shape)} are no images; only noise, --sigma, augments them")
        else:
            yield tuple(x + sigma * torch.randn(x.shape, generator=generator) for _ in range(2))
