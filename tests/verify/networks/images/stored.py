"""Small images in the forms that are read, written by the libraries that write them."""

import io
import json
import pickle
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

LABELS = [3, 0, 1, 2, 0, 3]
CLASSES = ("ant", "bee", "cow", "dog")


def encoded(one, form, mode="RGB"):
    """A (3, h, w) array of uint8 as the bytes of an image file."""
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(one.transpose(1, 2, 0))).convert(mode)
    image.save(file, form, **({"quality": 75} if form == "JPEG" else {}))
    return file.getvalue()


def parquet(path, images, labels, *, image="img", label="label", names=(), folders=()):
    """A file as Hugging Face's datasets write it."""
    paths = [f"{folder}/{row:04d}.png" if folder else "" for row, folder in enumerate(folders or [""] * len(images))]
    column = [{"bytes": one, "path": where} for one, where in zip(images, paths, strict=True)]
    table = pa.table({image: column, label: labels})
    if names:
        note = {"info": {"features": {label: {"names": list(names), "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(note)})
    pq.write_table(table, path)
    return path


class Python2(pickle._Pickler):
    """Protocol 2 as Python 2 wrote it: bytes are its plain text, and NumPy is version 1."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def __init__(self, file):
        super().__init__(file, protocol=2, fix_imports=True)

    def save_text(self, value):
        size = len(value)
        self.write(b"U" + bytes([size]) if size < 256 else b"T" + size.to_bytes(4, "little"))
        self.write(value)
        self.memoize(value)

    dispatch[bytes] = save_text


def python2(value):
    file = io.BytesIO()
    Python2(file).dump(value)
    return file.getvalue().replace(b"cnumpy._core.", b"cnumpy.core.")


def write_batches(folder, pickled, count=4):
    """The six files of the Python form; `pickled` turns a dictionary into bytes. Returns pixels and labels by split."""
    rng = np.random.default_rng(5)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"train": [], "test": []}
    for number, name in enumerate([*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]):
        data = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        labels = [(number + row) % 10 for row in range(count)]
        batch = {b"batch_label": name.encode(), b"labels": labels, b"data": data, b"filenames": [b"a.png"] * count}
        (folder / name).write_bytes(pickled(batch))
        kept["test" if name == "test_batch" else "train"].append((data, labels))
    names = [f"class {k}".encode() for k in range(10)]
    (folder / "batches.meta").write_bytes(pickled({b"label_names": names, b"num_cases_per_batch": count}))
    return {
        split: (
            np.concatenate([data for data, _ in parts]).reshape(-1, 3, 32, 32),
            [label for _, labels in parts for label in labels],
        )
        for split, parts in kept.items()
    }
