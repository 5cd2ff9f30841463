"""CIFAR-10 as its authors publish it: five files of training images and one of test images, in a folder or a .tar.gz.

The binary form has records of 3073 bytes, a label and 3 · 32 · 32 pixels, channel by channel and row by row. The Python
form has a pickled dictionary a file, of which nothing is executed. Source: Krizhevsky 2009, the data set's page.
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
from verify.images.pixels import Images
from verify.images.plain_pickle import read_plain

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
CLASSES = 10
# Bytes of a file in an archive: twice those of a published batch. A small archive may announce any number.
LARGEST = 64_000_000
STEMS = {"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)}
NAMES = {".bin": "batches.meta.txt", "": "batches.meta"}
FORMS = {".bin": "binary", "": "Python"}

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


def has_batches(names: Iterable[str]) -> bool:
    """Whether files of these names are batches, of either form and split."""
    known = {stem + ending for stems in STEMS.values() for stem in stems for ending in FORMS}
    return bool(known & set(names))


def read_batches(folder: Path, split: str) -> Images:
    """The images of a split in a folder of batches.

    Raises:
        InputError: a file is missing or damaged.

    """
    wanted = _wanted(split)
    return _images({path.name: path.read_bytes() for path in folder.iterdir() if path.name in wanted}, folder, split)


def read_archive(path: Path, split: str) -> Images:
    """The same from an archive, of which nothing is written to the disk.

    Raises:
        InputError: the archive or a file in it is damaged, or holds no batches.

    """
    wanted, files, seen = _wanted(split), {}, set()
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
        raise InputError(f"{path} holds no CIFAR-10 batches: data_batch_1 to data_batch_5 and test_batch, or .bin")
    return _images(files, path, split)


def _gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _wanted(split: str) -> set[str]:
    return {stem + ending for stem in STEMS[split] for ending in FORMS} | set(NAMES.values())


def _images(files: Mapping[str, bytes], where: Path, split: str) -> Images:
    stems = STEMS[split]
    ending = max(FORMS, key=lambda one: sum(stem + one in files for stem in stems))
    missing = [stem + ending for stem in stems if stem + ending not in files]
    if len(missing) == len(stems):
        raise InputError(f"{where} has no images of the split {split}: no file {stems[0]} or {stems[0]}.bin")
    if missing:
        raise InputError(f"{where} lacks {', '.join(missing)}; get the missing files")
    read, read_names = (_binary, _binary_names) if ending else (_pickled, _pickled_names)
    parts = [read(files[stem + ending], f"{where / (stem + ending)}") for stem in stems]
    pixels, labels = (np.concatenate(of) for of in zip(*parts, strict=True))
    noted = NAMES[ending]
    names = read_names(files[noted], f"{where / noted}") if noted in files else ()
    source = f"{where.resolve().name}: {len(pixels)} images of CIFAR-10's {FORMS[ending]} form, without loss"
    return Images(pixels, labels, names or tuple(map(str, range(CLASSES))), source)


def _binary(content: bytes, where: str) -> Part:
    if not content or len(content) % (PIXELS + 1):
        raise InputError(
            f"{where} has {len(content)} bytes, which is no whole number of records of {PIXELS + 1}; get the file again"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, PIXELS + 1)
    return records[:, 1:].reshape(-1, *SHAPE), _checked(records[:, 0].astype(np.int64), where)


def _binary_names(content: bytes, where: str) -> tuple[str, ...]:
    return _ten(content.decode("utf-8", "replace").split(), where)


def _pickled(content: bytes, where: str) -> Part:
    batch = _dictionary(content, where)
    data, labels = batch.get("data"), batch.get("labels")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != PIXELS:
        raise InputError(f"{where} has no array 'data' of numbers from 0 to 255 with {PIXELS} columns")
    if not isinstance(labels, list) or len(labels) != len(data) or any(type(label) is not int for label in labels):
        raise InputError(f"{where} has no list 'labels' of {len(data)} whole numbers, one a row of 'data'")
    return data.reshape(-1, *SHAPE), _checked(np.array(labels, np.int64), where)


def _pickled_names(content: bytes, where: str) -> tuple[str, ...]:
    names = _dictionary(content, where).get("label_names")
    if not isinstance(names, list):
        raise InputError(f"{where} has no list 'label_names'")
    return _ten([_text(name) for name in names], where)


def _dictionary(content: bytes, where: str) -> dict[str, Any]:
    whole = read_plain(content, where)
    if not isinstance(whole, dict):
        raise InputError(f"{where} holds no dictionary, as a batch of CIFAR-10 does")
    return {_text(key): value for key, value in whole.items()}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _ten(names: list[str], where: str) -> tuple[str, ...]:
    if len(names) != CLASSES:
        raise InputError(f"{where} names {len(names)} classes; CIFAR-10 has {CLASSES}")
    return tuple(names)


def _checked(labels: NDArray[np.int64], where: str) -> NDArray[np.int64]:
    if not len(labels) or labels.min() < 0 or labels.max() >= CLASSES:
        raise InputError(f"{where} has labels that are not from 0 to {CLASSES - 1}; it is damaged, or another data set")
    return labels
