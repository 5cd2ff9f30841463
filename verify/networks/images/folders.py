"""Images in folders, one folder a class: ``cat/0001.png``, or ``train/cat/0001.png`` beside ``test/cat/0001.png``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from derive import InputError
from verify.networks.images.decoding import decoded
from verify.networks.images.pixels import Images

SPLITS = ("train", "test")
ENDINGS = {".png", ".jpg", ".jpeg"}


def has_classes(folder: Path) -> bool:
    """Whether a folder holds folders of images, with or without splits above them."""
    return any(_classes(part) for part in (folder, *(folder / split for split in SPLITS)))


def read_folder(folder: Path, split: str) -> Images:
    """The images of a split; classes in the order of their names.

    Folders of classes without a split above them are the training images, unless they lie in a folder named ``test``.

    Raises:
        InputError: the split is missing, or an image cannot be used.

    """
    by_split = {one: _classes(folder / one) for one in SPLITS}
    if any(by_split.values()):
        here, classes = folder / split, by_split[split]
    else:
        alone = folder.name if folder.name in SPLITS else "train"
        here, classes = folder, _classes(folder) if split == alone else []
        by_split = {split: classes}
    if not classes:
        raise InputError(f"{folder} has no images of the split {split}: no folder {split} with one folder a class")
    # A class that one split lacks keeps its number in the other.
    names = sorted({one.name for of_split in by_split.values() for one in of_split})
    files = [(names.index(one.name), path) for one in classes for path in _images(one)]
    pixels, words = decoded((str(path), path.read_bytes()) for _, path in files)
    labels = np.array([label for label, _ in files], dtype=np.int64)
    source = f"{here.resolve().name}: {len(pixels)} images in folders, {words}"
    return Images(pixels, labels, tuple(names), source)


def _classes(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if one.is_dir() and one.name[0] != "." and _images(one))


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
