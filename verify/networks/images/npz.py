"""Images in a NumPy archive, ``.npz``: an array of images and one of labels, as NumPy's `numpy.savez` writes them.

Their names are ``images`` and ``labels``; or, with both splits in one file, ``train_images``, ``train_labels``,
``test_images``, ``test_labels`` or ``x_train``, ``y_train``, ``x_test``, ``y_test``. Pickled objects are never loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from derive.errors import quoted
from verify.networks.images.folders import SPLITS
from verify.networks.images.parquet import MOST_CLASSES
from verify.networks.images.pixels import Images


def read_npz(path: Path, split: str) -> Images:
    """The images of a split; the classes are numbers.

    ``images`` and ``labels`` alone are the training images, unless the file is named ``test.npz``.

    Raises:
        InputError: the file is damaged, lacks the split, or holds something else than images and labels.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(Path(folder) / "dots.npz", images=np.zeros((2, 4, 4, 3), np.uint8), labels=[1, 0])
    ...     images = read_npz(Path(folder) / "dots.npz", "train")
    >>> images.pixels.shape, images.labels.tolist(), images.source
    ((2, 3, 4, 4), [1, 0], 'dots.npz: 2 images in NumPy arrays, without loss')

    """
    alone = path.stem if path.stem in SPLITS else "train"
    pairs = [(f"{split}_images", f"{split}_labels"), (f"x_{split}", f"y_{split}")]
    if split == alone:
        pairs.append(("images", "labels"))
    held, arrays = _arrays(path, pairs)
    if not arrays:
        wanted = " or ".join(f"{one} and {other}" for one, other in pairs)
        raise InputError(f"{path} has no images of the split {split}: it holds {held}, and {wanted} are needed")
    (images, pixels), (numbers, labels) = arrays.items()
    where = f"{images} in {path}"
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or 3 not in (channels := (pixels.shape[1], pixels.shape[3])):
        raise InputError(f"{where} is {_kind(pixels)}; uint8 of shape (N, h, w, 3) or (N, 3, h, w) is needed")
    if channels == (3, 3):
        raise InputError(f"{where} has the shape {pixels.shape}, which does not say which of its axes are the colours")
    if not pixels.size:
        raise InputError(f"{path} holds no images")
    if labels.dtype.kind not in "iu" or labels.shape not in {(len(pixels),), (len(pixels), 1)}:
        raise InputError(f"{numbers} in {path} is {_kind(labels)}; whole numbers of shape ({len(pixels)},) are needed")
    wrong = labels[(labels < 0) | (labels >= MOST_CLASSES)]
    if wrong.size:
        raise InputError(f"{path} has the label {wrong[0]}; whole numbers from 0 to {MOST_CLASSES - 1} are needed")
    if channels[1] == 3:
        pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    classes = tuple(map(str, range(int(labels.max()) + 1)))
    source = f"{path.name}: {len(pixels)} images in NumPy arrays, without loss"
    return Images(pixels, labels.reshape(-1).astype(np.int64), classes, source)


def _arrays(path: Path, pairs: list[tuple[str, str]]) -> tuple[str, dict[str, NDArray[Any]]]:
    """What the file holds, in words, and the first pair of arrays that it has."""
    with path.open("rb") as file:  # closed whatever happens; NumPy leaves it open where a header is broken
        try:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return "one array", {}
            pair = next((pair for pair in pairs if set(pair) <= set(found.files)), ())
            return _shown(", ".join(found.files[:6])) or "nothing", {name: found[name] for name in pair}
        except Exception as error:  # noqa: BLE001 (errors of zip, header and pickle have no common base)
            reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
            raise InputError(f"{path} cannot be read as NumPy arrays ({_shown(reason)}); get the file again") from None


def _kind(array: NDArray[Any]) -> str:
    return f"{_shown(str(array.dtype))} of shape {array.shape}"


def _shown(text: str) -> str:
    """In one line that is not too long, whatever is in the file."""
    return quoted(text)[1:-1]
