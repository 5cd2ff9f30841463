"""Features: what the last layer of a network is given, in several views of the same data.

The network f(x) = W φ(x) + b is run once for each strength of the augmentation, and φ is kept. All that is asked about
W later (moments, B, landscapes) is computed from φ, a chunk of data at a time, so that φ may lie on a disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.audits.import_paths import is_there

Array = NDArray[np.float64]

# Numbers that are converted to double precision at a time: 64 MB.
CHUNK = 2**23
NAMES = ("x", "x_pos", "W", "b")
# Other names of two views, and of one.
ALIASES = {"z1": "x", "z2": "x_pos", "z": "x", "features": "x", "embeddings": "x"}


@dataclass(frozen=True, eq=False)
class Features:
    """Views of the same N data at the last layer's input, with that layer's weights.

    Args:
        views: two or more arrays (N, d0), the same datum in the same row; they may be memory maps.
        W: (d1, d0), the weights of the last layer.
        b: (d1,), its bias; None without one.
        source: where the features come from, a sentence for reports.
        layer: the name of the last layer in its network; "" where it is not known.
        notes: what follows that layer in the network, a sentence each.
        normalised: whether the network divides f by its length.

    Raises:
        InputError: shapes that do not fit, a single view, fewer than two data, numbers that are not finite.

    >>> x = np.arange(6.0).reshape(3, 2)
    >>> features = Features((x, x + 1), W=np.ones((1, 2)))
    >>> features.N, features.d0, features.d1
    (3, 2, 1)
    >>> features.embedded().shape
    (2, 3, 1)

    """

    views: tuple[NDArray[Any], ...]
    W: Array
    b: Array | None = None
    source: str = "arrays"
    layer: str = ""
    notes: tuple[str, ...] = ()
    normalised: bool = False

    def __post_init__(self) -> None:
        """Check shapes and numbers."""
        views = tuple(np.asanyarray(one) for one in self.views)
        object.__setattr__(self, "views", views)
        object.__setattr__(self, "W", np.asarray(self.W, dtype=np.float64))
        if self.b is not None:
            object.__setattr__(self, "b", np.asarray(self.b, dtype=np.float64))
        self._check_shapes()
        self._check_numbers()

    @property
    def N(self) -> int:
        """The number of data."""
        return int(self.views[0].shape[0])

    @property
    def d0(self) -> int:
        """The number of features."""
        return int(self.views[0].shape[1])

    @property
    def d1(self) -> int:
        """The number of outputs."""
        return int(self.W.shape[0])

    def chunks(self, size: int | None = None) -> Iterator[tuple[int, Array]]:
        """The data in turn, in double precision: the first row's number and (V, n, d0).

        Args:
            size: data in a chunk; unless given, as many as `CHUNK` numbers hold.
        """
        step = size or max(1, CHUNK // (len(self.views) * self.d0))
        for start in range(0, self.N, step):
            yield start, np.stack([np.asarray(one[start : start + step], dtype=np.float64) for one in self.views])

    def embedded(self) -> Array:
        """f = W φ + b of all views, (V, N, d1)."""
        f = np.empty((len(self.views), self.N, self.d1))
        for start, x in self.chunks():
            f[:, start : start + x.shape[1]] = x @ self.W.T
        return f if self.b is None else f + self.b

    def first(self, number: int) -> Features:
        """The first `number` data."""
        return replace(self, views=tuple(one[:number] for one in self.views))

    def _check_shapes(self) -> None:
        if len(self.views) < 2:
            raise InputError("one view of the data shows no augmentation; give two views or more, such as x and x_pos")
        shapes = [one.shape for one in self.views]
        if any(len(shape) != 2 for shape in shapes) or len(set(shapes)) > 1:
            listed = " and ".join(map(str, shapes))
            raise InputError(f"the views have shapes {listed}; each is to be (N, d0), the same datum in the same row")
        if self.N < 2 or self.d0 < 1:
            raise InputError(f"the views have shape {shapes[0]}; two data or more are needed")
        if self.W.ndim != 2 or self.W.shape[1] != self.d0:
            raise InputError(f"W has shape {self.W.shape}; with {self.d0} features it is to be (d1, {self.d0})")
        if self.b is not None and self.b.shape != (self.d1,):
            raise InputError(f"b has shape {self.b.shape}; with {self.d1} outputs it is to be ({self.d1},)")

    def _check_numbers(self) -> None:
        for name, given in (("W", self.W), ("b", self.b)):
            if given is not None and not np.isfinite(given).all():
                raise InputError(f"{name} has entries that are not finite numbers; was the network's training stable?")
        for number, one in enumerate(self.views):
            if not np.issubdtype(one.dtype, np.floating) and not np.issubdtype(one.dtype, np.integer):
                raise InputError(f"view {number} holds {one.dtype}, not numbers")
        for start, x in self.chunks():
            if not np.isfinite(x).all():
                view, row, column = (int(k) for k in np.argwhere(~np.isfinite(x))[0])
                what = "NaN" if np.isnan(x[view, row, column]) else "infinite"
                message = f"feature {column} of datum {start + row} in view {view} is {what}; features are to be finite"
                raise InputError(message)


def read_features(path: str | Path) -> Features:
    """Features from a file or folder that holds x, x_pos and, if they are known, W and b.

    Args:
        path: a .npz, .pt or .safetensors file with these names (z1 and z2 stand for x and x_pos), or a folder of x.npy,
            x_pos.npy, W.npy and b.npy, which are mapped into memory rather than read; or a .npy or .pt file of one
            array (2, N, d0). Pickled objects are never loaded. Without W the features are taken for the outputs.

    Raises:
        InputError: there is no such file, it holds something else, or a name is missing.

    """
    where = Path(path)
    arrays = feature_arrays(where)
    if arrays is None:
        raise InputError(f"{where} holds no features; a features file holds x, x_pos, W and maybe b")
    return from_arrays(arrays, where)


def from_arrays(arrays: Mapping[str, NDArray[Any]], where: Path) -> Features:
    """The same from the arrays of a file that was read.

    Raises:
        InputError: a name is missing.

    """
    if missing := [name for name in NAMES[:2] if name not in arrays]:
        held = ", ".join(sorted(arrays)[:6]) or "nothing"
        raise InputError(f"{where} holds {held} but no {missing[0]}; a features file holds x, x_pos, W and maybe b")
    source, W = f"features of {where.name}", arrays.get("W")
    if W is None:
        W, source = np.eye(np.shape(arrays["x"])[-1]), f"{source}, taken for the outputs: it holds no W"
    return Features((arrays["x"], arrays["x_pos"]), W, arrays.get("b"), source)


def feature_arrays(where: Path) -> dict[str, NDArray[Any]] | None:
    """Arrays by name out of a file or a folder; x alone where there is one view; None for a file of weights.

    Raises:
        InputError: there is no such file, or it cannot be read.

    """
    if where.is_dir():
        return {name: _loaded(where / f"{name}.npy", "r") for name in NAMES if (where / f"{name}.npy").is_file()}
    if not is_there(where):
        raise InputError(f"there is no file {where}")
    found: Any
    if where.suffix in (".npy", ".npz"):
        found = _loaded(where)
    else:
        from verify.networks.last_layer.checkpoint import load_tensors

        found = load_tensors(where)
    if not isinstance(found, dict):
        found = {"x": found} if found.ndim != 3 or len(found) != 2 else {"x": found[0], "x_pos": found[1]}
    named = {ALIASES.get(name, name): _numbers(value) for name, value in found.items()}
    # Weights are called otherwise; a .npz file is never one of weights.
    return named if where.suffix in (".npy", ".npz") or "x" in named else None


def _numbers(value: Any) -> NDArray[Any]:
    """An array, out of a tensor too, whose half precision NumPy may not know."""
    if isinstance(value, np.ndarray):
        return value
    value = value.detach()
    return np.asarray(value.float() if value.is_floating_point() and value.element_size() < 4 else value)


def _loaded(where: Path, map_mode: Any = None) -> Any:
    try:
        if map_mode is not None:
            return np.load(where, mmap_mode=map_mode, allow_pickle=False)
        # A file of our own is closed whatever happens; NumPy leaves it open where a header is broken.
        with where.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            return found if isinstance(found, np.ndarray) else {name: found[name] for name in found.files}
    except Exception as error:  # noqa: BLE001 (errors of zip, header and pickle have no common base)
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{where} cannot be read as NumPy arrays: {reason}") from None
