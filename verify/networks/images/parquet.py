"""Parquet files as Hugging Face's datasets are shared in: a column of encoded images and one of labels.

A split lies in ``train.parquet`` or in shards ``train-00000-of-00005.parquet``. Names of the classes are taken from the
note that Hugging Face leaves in the file; where there is none, from the folder in the images' own paths; else they are
numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from derive import InputError
from verify.networks.images.decoding import decoded
from verify.networks.images.pixels import Images

IMAGE_COLUMNS = ("img", "image")
LABEL_COLUMNS = ("label", "fine_label")
MOST_CLASSES = 10_000
NAMED = re.compile(r"(?P<split>train|test)(-(?P<shard>\d+)-of-(?P<shards>\d+))?\.parquet")


def parquet_files(folder: Path, split: str) -> list[Path]:
    """The files of a split in a folder, in order.

    Raises:
        InputError: there are none, or a shard is missing.

    """
    named = [(match, path) for path in sorted(folder.glob("*.parquet")) if (match := NAMED.fullmatch(path.name))]
    files = {match["shard"]: (match, path) for match, path in named if match["split"] == split}
    if not files:
        others = ", ".join(path.name for path in sorted(folder.glob("*.parquet")))
        raise InputError(f"{folder} has no parquet file of the split {split}, named like {split}-*.parquet: {others}")
    whole = max(int(match["shards"] or 1) for match, _ in files.values())
    if len(files) != whole:
        raise InputError(f"{folder} has {len(files)} of the {whole} parquet files of the split {split}; get the others")
    return [path for _, path in files.values()]


def read_parquet(files: Sequence[Path], split: str) -> Images:
    """The images of these files, one after the other.

    Raises:
        InputError: a file is damaged, or lacks images or labels; or pyarrow is not installed.

    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError("parquet files need pyarrow: pip install 'quartic[images]'") from None
    for path in files:
        match = NAMED.fullmatch(path.name)
        if match and match["split"] != split:
            raise InputError(f"{path} holds the split {match['split']}, and {split} was asked for; give their folder")
    labels: list[Any] = []
    paths: list[str] = []
    names: tuple[str, ...] = ()

    def stored() -> Iterator[tuple[str, bytes]]:
        nonlocal names
        for path in files:
            try:
                with pq.ParquetFile(path, page_checksum_verification=True) as file:
                    image, label = _columns(file.schema_arrow, path)
                    names = names or _noted_names(file.schema_arrow.metadata, label)
                    row = 0
                    for batch in file.iter_batches(columns=[image, label]):
                        labels.extend(batch[label].to_pylist())
                        for one in batch[image].to_pylist():
                            content, place = (one.get("bytes"), one.get("path")) if isinstance(one, dict) else (one, "")
                            paths.append(place if isinstance(place, str) else "")
                            if not isinstance(content, bytes):
                                raise InputError(f"row {row} of {path} holds no bytes of an image")
                            yield f"the image in row {row} of {path}", content
                            row += 1
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                if getattr(error, "errno", None):
                    raise  # a file that cannot be opened; damage has no number
                reason = str(error).partition("\n")[0].rstrip(".")
                raise InputError(f"{path} is damaged, or no parquet file ({reason}); get the file again") from None
        if not labels:
            raise InputError(f"{files[0]} holds no images")

    pixels, words = decoded(stored())
    wrong = [label for label in labels if type(label) is not int or not 0 <= label < MOST_CLASSES]
    if wrong:
        raise InputError(
            f"{files[0]} has the label {wrong[0]!r}; whole numbers from 0 to {MOST_CLASSES - 1} are needed"
        )
    numbers = np.array(labels, dtype=np.int64)
    names = names or _names_in_paths(paths, labels) or tuple(map(str, range(int(numbers.max()) + 1)))
    if numbers.max() >= len(names):
        raise InputError(f"{files[0]} has names for {len(names)} classes and the label {numbers.max()}")
    shards = files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
    return Images(pixels, numbers, names, f"{shards}: {len(pixels)} images {words}")


def _columns(schema: Any, path: Path) -> tuple[str, str]:
    image = [name for name in IMAGE_COLUMNS if name in schema.names]
    label = [name for name in LABEL_COLUMNS if name in schema.names]
    if not image or not label:
        raise InputError(
            f"{path} has the columns {', '.join(schema.names)}; "
            f"one of {', '.join(IMAGE_COLUMNS)} and one of {', '.join(LABEL_COLUMNS)} are needed"
        )
    return image[0], label[0]


def _noted_names(metadata: dict[bytes, bytes] | None, label: str) -> tuple[str, ...]:
    """Names in Hugging Face's note, or none."""
    try:
        note = json.loads((metadata or {}).get(b"huggingface", b"{}"))
        names = note["info"]["features"][label]["names"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _names_in_paths(paths: Sequence[str], labels: Sequence[int]) -> tuple[str, ...]:
    """Names of the folders, where each class has its own."""
    pairs = {(label, Path(path).parent.name) for path, label in zip(paths, labels, strict=True)}
    names = tuple(name for _, name in sorted(pairs))
    whole = [label for label, _ in sorted(pairs)] == list(range(len(pairs)))
    return names if whole and all(names) and len(set(names)) == len(names) else ()
