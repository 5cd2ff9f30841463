"""Images read from wherever they lie: the form is found by looking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from derive import InputError
from verify.networks.images.batches import has_batches, read_archive, read_batches
from verify.networks.images.folders import SPLITS, has_classes, read_folder
from verify.networks.images.npz import read_npz
from verify.networks.images.parquet import parquet_files, read_parquet
from verify.networks.images.pixels import Images

ARCHIVES = (".tar.gz", ".tgz", ".tar")
FORMS = (
    "parquet files (train-*.parquet), CIFAR-10's Python batches (a folder or .tar.gz), .npz files (train.npz), "
    "or one folder of PNG or JPEG images a class"
)


def read_images(path: str | Path, split: str = "train") -> Images:
    """Read images with labels.

    Args:
        path: a folder, or the folder above it, or a single parquet or NumPy file or archive, in any of the forms

            - parquet, as Hugging Face shares it: ``train-00000-of-00001.parquet`` with a column of encoded images;
            - the published Python batches of CIFAR-10, in a folder or a .tar.gz; no pickle is executed;
            - ``train.npz`` or any .npz file, with arrays of images, (N, h, w, 3) or (N, 3, h, w), uint8, and labels;
            - folders of PNG or JPEG images, one a class.
        split: ``train`` or ``test``.

    Returns:
        The images; their `source` says in which form they were stored, and whether JPEG changed the pixels.

    Raises:
        InputError: there are none, or they are damaged, of several sizes, or in another form.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     for name, colour in (("sky", (90, 160, 250)), ("grass", (60, 180, 70))):
    ...         (Path(folder) / "lawns" / name).mkdir(parents=True)
    ...         Image.new("RGB", (32, 32), colour).save(Path(folder) / "lawns" / name / "1.png")
    ...     images = read_images(Path(folder) / "lawns")
    >>> images.names, images.pixels[:, :, 0, 0].tolist(), images.source
    (('grass', 'sky'), [[60, 180, 70], [90, 160, 250]], 'lawns: 2 images in folders, stored as PNG, without loss')

    """
    if split not in SPLITS:
        raise InputError(f"there is no split {split!r}; it is train or test")
    place = Path(path)
    try:
        return _reader(place)(split)
    except OSError as error:
        raise InputError(f"cannot read {error.filename or place}: {error.strerror or error}") from None


def _reader(place: Path) -> Callable[[str], Images]:
    if place.is_file():
        if place.suffix == ".parquet":
            return lambda split: read_parquet([place], split)
        if place.suffix == ".npz":
            return lambda split: read_npz(place, split)
        if place.name.endswith(ARCHIVES):
            return lambda split: read_archive(place, split)
        raise InputError(f"{place} is in no known form: {FORMS}")
    if not place.is_dir():
        raise InputError(f"there is no file or folder {place}")
    if here := _folder_reader(place):
        return here
    below = [one for one in sorted(place.iterdir()) if one.is_dir() and one.name[0] != "." and _folder_reader(one)]
    if len(below) > 1:
        raise InputError(f"{place} holds several sets of images; give one of them: {', '.join(map(str, below))}")
    found = _folder_reader(below[0]) if below else None
    if not found:
        raise InputError(f"{place} holds no images in a known form: {FORMS}")
    return found


def _folder_reader(folder: Path) -> Callable[[str], Images] | None:
    if any(folder.glob("*.parquet")):
        return lambda split: read_parquet(parquet_files(folder, split), split)
    if has_batches(path.name for path in folder.iterdir()):
        return lambda split: read_batches(folder, split)
    if any((folder / f"{split}.npz").exists() for split in SPLITS):
        return lambda split: read_npz(folder / f"{split}.npz", split)
    if has_classes(folder):
        return lambda split: read_folder(folder, split)
    return None
