"""CIFAR-10 as its authors publish it: five files of training images and one of test images, in a folder or a .tar.gz.

Each file is a pickled dictionary, of which nothing is executed; a row of its array has 3 · 32 · 32 pixels, channel by
channel and row by row. Source: Krizhevsky 2009, the data set's page.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derive import InputError
from verify.networks.images.pixels import Images
from verify.networks.images.plain_pickle import read_plain

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
CLASSES = 10
# Bytes of a file in an archive: twice those of a published batch. A small archive may announce any number.
LARGEST = 64_000_000
FILES = {"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)}
NAMES = "batches.meta"


def has_batches(names: Iterable[str]) -> bool:
    """Whether files of these names are batches, of either split."""
    return not {*FILES["train"], *FILES["test"]}.isdisjoint(names)


def read_batches(folder: Path, split: str) -> Images:
    """The images of a split in a folder of batches.

    Raises:
        InputError: a file is missing or damaged.

    """
    wanted = {*FILES[split], NAMES}
    return _images({path.name: path.read_bytes() for path in folder.iterdir() if path.name in wanted}, folder, split)


def read_archive(path: Path, split: str) -> Images:
    """Read the images of a split from an archive, none of which is written to the disk.

    Raises:
        InputError: the archive or a file in it is damaged, or holds no batches.

    """
    wanted, files, seen = {*FILES[split], NAMES}, {}, set()
    try:
        # The published archive is gzipped. Other compressions let a few bytes ask for any amount of memory.
        with tarfile.open(path, "r:gz" if _gzipped(path) else "r:") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                seen.add(name)
                if name in wanted and member.size > LARGEST:
                    raise InputError(f"{name} in {path} has {member.size} bytes, more than a batch of CIFAR-10 has")
                content = archive.extractfile(member) if member.isfile() and name in wanted else None
                if content:
                    files[name] = content.read()
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if getattr(error, "errno", None):
            raise  # a file that cannot be opened; damage has no number
        raise InputError(f"{path} is damaged, or no archive ({error}); get the file again") from None
    if not has_batches(seen):
        raise InputError(f"{path} holds no CIFAR-10 batches: data_batch_1 to data_batch_5 and test_batch")
    return _images(files, path, split)


def _gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _images(files: Mapping[str, bytes], where: Path, split: str) -> Images:
    missing = [name for name in FILES[split] if name not in files]
    if len(missing) == len(FILES[split]):
        raise InputError(f"{where} has no images of the split {split}: no file {missing[0]}")
    if missing:
        raise InputError(f"{where} lacks {', '.join(missing)}; get the missing files")
    parts = [_batch(files[name], f"{where / name}") for name in FILES[split]]
    pixels, labels = (np.concatenate(of) for of in zip(*parts, strict=True))
    names = _names(files[NAMES], f"{where / NAMES}") if NAMES in files else tuple(map(str, range(CLASSES)))
    source = f"{where.resolve().name}: {len(pixels)} images of CIFAR-10's Python form, without loss"
    return Images(pixels, labels, names, source)


def _batch(content: bytes, where: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    batch = _dictionary(content, where)
    data, labels = batch.get("data"), batch.get("labels")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != PIXELS:
        raise InputError(f"{where} has no array 'data' of numbers from 0 to 255 with {PIXELS} columns")
    if not isinstance(labels, list) or len(labels) != len(data) or any(type(label) is not int for label in labels):
        raise InputError(f"{where} has no list 'labels' of {len(data)} whole numbers, one a row of 'data'")
    if not labels or min(labels) < 0 or max(labels) >= CLASSES:
        raise InputError(f"{where} has labels that are not from 0 to {CLASSES - 1}; it is damaged, or another data set")
    return data.reshape(-1, *SHAPE), np.array(labels, np.int64)


def _names(content: bytes, where: str) -> tuple[str, ...]:
    names = _dictionary(content, where).get("label_names")
    if not isinstance(names, list) or not all(isinstance(name, str | bytes) for name in names):
        raise InputError(f"{where} has no list 'label_names'")
    if len(names) != CLASSES:
        raise InputError(f"{where} names {len(names)} classes; CIFAR-10 has {CLASSES}")
    return tuple(map(_text, names))


def _dictionary(content: bytes, where: str) -> dict[str, Any]:
    whole = read_plain(content, where)
    if not isinstance(whole, dict):
        raise InputError(f"{where} holds no dictionary, as a batch of CIFAR-10 does")
    return {_text(key): value for key, value in whole.items() if isinstance(key, str | bytes)}


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
