"""Images come back from every form in which they are shared; what cannot be read is refused in a sentence."""

import io
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored import encoded, parquet, python2, write_batches

from derive import InputError
from verify.networks.images import parquet as parquet_module
from verify.networks.images.pixels import CHANNEL_MEAN, CHANNEL_STD
from verify.networks.images.reading import read_images

LABELS = [3, 0, 1, 2, 0, 3]
CLASSES = ("ant", "bee", "cow", "dog")
FORMS = (
    "parquet files (train-*.parquet), CIFAR-10's Python batches (a folder or .tar.gz), .npz files (train.npz), "
    "or one folder of PNG or JPEG images a class"
)


@pytest.fixture(scope="module")
def pngs(pixels):
    return [encoded(one, "PNG") for one in pixels]


def said(path, split="train"):
    with pytest.raises(InputError) as error:
        read_images(path, split)
    return str(error.value)


def same(images, pixels, labels):
    return np.array_equal(images.pixels, pixels) and images.labels.tolist() == list(labels)


# --- parquet


@pytest.mark.parametrize("columns", [{}, {"image": "image"}, {"label": "fine_label"}])
def test_parquet(tmp_path, pixels, pngs, columns):
    parquet(tmp_path / "train-00000-of-00001.parquet", pngs, LABELS, names=CLASSES, **columns)
    images = read_images(tmp_path)
    assert same(images, pixels, LABELS)
    assert images.names == CLASSES
    assert images.source == "train-00000-of-00001.parquet: 6 images stored as PNG, without loss"


def test_parquet_in_shards_and_the_folder_above(tmp_path, pixels, pngs):
    folder = tmp_path / "cifar10" / "plain_text"
    folder.mkdir(parents=True)
    for shard in range(3):
        rows = slice(2 * shard, 2 * shard + 2)
        parquet(folder / f"train-0000{shard}-of-00003.parquet", pngs[rows], LABELS[rows])
    parquet(folder / "test-00000-of-00001.parquet", pngs[:1], LABELS[:1])
    (tmp_path / "cifar10" / ".cache").mkdir()
    images = read_images(tmp_path / "cifar10")
    assert same(images, pixels, LABELS)
    assert images.names == ("0", "1", "2", "3")
    assert images.source == "train-00000-of-00003.parquet and 2 more: 6 images stored as PNG, without loss"
    assert same(read_images(str(tmp_path / "cifar10"), "test"), pixels[:1], LABELS[:1])
    (folder / "train-00001-of-00003.parquet").unlink()
    assert said(folder) == f"{folder} has 2 of the 3 parquet files of the split train; get the others"


def test_parquet_of_jpegs_says_so_and_names_come_from_paths(tmp_path, pixels):
    jpegs = [encoded(one, "JPEG") for one in pixels]
    file = parquet(tmp_path / "test.parquet", jpegs, LABELS, folders=[f"test/{CLASSES[k]}" for k in LABELS])
    for path in (tmp_path, file):
        images = read_images(path, "test")
        assert images.source == "test.parquet: 6 images stored as JPEG; JPEG's compression has changed the pixels"
        assert images.names == CLASSES


@pytest.mark.parametrize("folders", [["x", "a", "b", "c", "other", "x"], ["x", "x", "b", "c", "x", "x"]])
def test_names_that_do_not_tell_the_classes_apart_are_left(tmp_path, pngs, folders):
    parquet(tmp_path / "train.parquet", pngs, LABELS, folders=folders)
    assert read_images(tmp_path).names == ("0", "1", "2", "3")


def test_a_note_that_is_no_json_is_left():
    for note in (b"{", b"[]", b'{"info": {"features": {"label": {"names": 3}}}}'):
        assert parquet_module._noted_names({b"huggingface": note}, "label") == ()


def test_damaged_parquet(tmp_path, pngs):
    file = parquet(tmp_path / "train.parquet", pngs, LABELS)
    whole = file.read_bytes()
    for cut in (0, 4, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:cut])
        message = said(tmp_path)
        assert message.startswith(f"{file} is damaged, or no parquet file (")
        assert message.endswith("); get the file again")
    # Text that is none.
    with_paths = parquet(tmp_path / "train.parquet", pngs, LABELS, folders=["qwertyui"] * 6)
    with_paths.write_bytes(with_paths.read_bytes().replace(b"qwer", b"qwe\xe1"))
    assert said(tmp_path).startswith(f"{file} is damaged, or no parquet file ('utf-8' codec can't decode byte")


def test_a_path_in_parquet_that_is_no_text_names_no_class(tmp_path, pixels, pngs):
    rows = [
        {"bytes": one, "path": f"class{label}/{label}.png".encode()} for one, label in zip(pngs, LABELS, strict=True)
    ]
    pq.write_table(pa.table({"img": rows, "label": LABELS}), tmp_path / "train.parquet")
    images = read_images(tmp_path)
    assert same(images, pixels, LABELS)
    assert images.names == ("0", "1", "2", "3")


def test_parquet_that_lacks_something(tmp_path, pixels, pngs):
    file = parquet(tmp_path / "train.parquet", pngs, LABELS, image="picture")
    assert said(tmp_path) == (
        f"{file} has the columns picture, label; one of img, image and one of label, fine_label are needed"
    )
    for wrong in ("3", None, -1, 10**12, 0.5):
        parquet(file, pngs, [wrong] * 6)
        assert said(tmp_path) == f"{file} has the label {wrong!r}; whole numbers from 0 to 9999 are needed"
    parquet(file, pngs, LABELS, names=CLASSES[:3])
    assert said(tmp_path) == f"{file} has names for 3 classes and the label 3"
    parquet(file, [*pngs[:2], None, *pngs[3:]], LABELS)
    assert said(tmp_path) == f"row 2 of {file} holds no bytes of an image"
    parquet(file, [*pngs[:4], pngs[4][:90], pngs[5]], LABELS)
    assert said(tmp_path) == f"the image in row 4 of {file} is a damaged PNG image; get the file again"
    parquet(file, [*pngs[:4], encoded(pixels[0, :, :28, :28], "PNG"), pngs[5]], LABELS)
    assert said(tmp_path) == (
        f"the image in row 4 of {file} is 28 × 28 and the images before it are 32 × 32; images of one size are needed"
    )
    parquet(file, [], [])
    assert said(tmp_path) == f"{file} holds no images"
    expected = f"{tmp_path} has no parquet file of the split test, named like test-*.parquet: train.parquet"
    assert said(tmp_path, "test") == expected
    assert said(file, "test") == f"{file} holds the split train, and test was asked for; give their folder"


# --- CIFAR-10's own form

PICKLED = {
    "python-2": python2,
    **{f"protocol-{k}": (lambda value, k=k: pickle.dumps(value, k)) for k in (2, 3, 4, 5)},
    "text-keys": lambda value: pickle.dumps({key.decode(): one for key, one in value.items()}),
}


@pytest.mark.parametrize("pickled", PICKLED.values(), ids=PICKLED)
def test_python_batches(tmp_path, pickled):
    splits = write_batches(tmp_path / "cifar-10-batches-py", pickled)
    for split, (pixels, labels) in splits.items():
        images = read_images(tmp_path, split)
        assert same(images, pixels, labels)
        assert images.names == tuple(f"class {k}" for k in range(10))
        assert images.source == f"cifar-10-batches-py: {len(labels)} images of CIFAR-10's Python form, without loss"


def test_an_archive(tmp_path):
    splits = write_batches(tmp_path / "cifar-10-batches-py", python2)
    name = "cifar-10-python.tgz"
    with tarfile.open(tmp_path / name, "w:gz") as archive:
        archive.add(tmp_path / "cifar-10-batches-py", "cifar-10-batches-py")
    for split, (pixels, labels) in splits.items():
        images = read_images(tmp_path / name, split)
        assert same(images, pixels, labels)
        assert len(images.names) == 10
        assert images.source == f"{name}: {len(labels)} images of CIFAR-10's Python form, without loss"
    write_batches(tmp_path / "another", python2)
    assert said(tmp_path) == (
        f"{tmp_path} holds several sets of images; give one of them: {tmp_path / 'another'}, "
        f"{tmp_path / 'cifar-10-batches-py'}"
    )


def test_batches_that_are_missing(tmp_path):
    write_batches(tmp_path, python2)
    (tmp_path / "data_batch_3").unlink()
    assert said(tmp_path) == f"{tmp_path} lacks data_batch_3; get the missing files"
    (tmp_path / "test_batch").unlink()
    assert said(tmp_path, "test") == f"{tmp_path} has no images of the split test: no file test_batch"


def test_names_of_batches(tmp_path):
    write_batches(tmp_path, python2)
    file = tmp_path / "batches.meta"
    for names, message in (
        ([b"one", b"two"], f"{file} names 2 classes; CIFAR-10 has 10"),
        (None, f"{file} has no list 'label_names'"),
        ([[[]] for _ in range(10)], f"{file} has no list 'label_names'"),
    ):
        file.write_bytes(python2({b"label_names": names}))
        assert said(tmp_path) == message
    # A name is a list in a list, and so on, which Python could not write out.
    file.write_bytes(b"\x80\x02}X\x0b\x00\x00\x00label_names]" + b"]" * 100_000 + b"a" * 100_000 + b"s.")
    assert said(tmp_path) == f"{file} has no list 'label_names'"
    file.unlink()
    assert read_images(tmp_path).names == tuple(map(str, range(10)))


def test_damaged_python_batches(tmp_path):
    write_batches(tmp_path, python2)
    file = tmp_path / "test_batch"
    data = np.zeros((2, 3072), np.uint8)
    for content, message in (
        ([1], f"{file} holds no dictionary, as a batch of CIFAR-10 does"),
        ({b"labels": [1]}, f"{file} has no array 'data' of numbers from 0 to 255 with 3072 columns"),
        ({b"data": data[:, 1:]}, f"{file} has no array 'data' of numbers from 0 to 255 with 3072 columns"),
        ({b"data": data, b"labels": [1]}, f"{file} has no list 'labels' of 2 whole numbers, one a row of 'data'"),
        ({b"data": data, b"labels": [1, 0.5]}, f"{file} has no list 'labels' of 2 whole numbers, one a row of 'data'"),
        (
            {b"data": data, b"labels": [1, 10]},
            f"{file} has labels that are not from 0 to 9; it is damaged, or another data set",
        ),
    ):
        file.write_bytes(python2(content))
        assert said(tmp_path, "test") == message
    file.write_bytes(b"no pickle")
    assert said(tmp_path, "test") == f"{file} is cut short, damaged, or no pickle; get the file again"


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("made-by-the-pickle",)


def test_a_malicious_batch_is_refused_in_a_folder_and_in_an_archive(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "py"
    write_batches(folder, python2)
    (folder / "data_batch_2").write_bytes(pickle.dumps({b"data": Harmful(), b"labels": []}, 2))
    archive = tmp_path / "py.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, "py")
    for place in (folder, archive):
        assert said(place) == (
            f"{place / 'data_batch_2'} asks for the function {os.mkdir.__module__}.mkdir, "
            f"which images and labels do not need; nothing of it was executed"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["py", "py.tar.gz"]


def test_a_file_in_an_archive_that_announces_too_much_is_not_read(tmp_path):
    file = tmp_path / "cifar.tar"
    with tarfile.open(file, "w") as archive:
        member = tarfile.TarInfo("cifar/data_batch_1")
        member.size = 10**12
        archive.addfile(member)
    assert said(file) == f"data_batch_1 in {file} has {10**12} bytes, more than a batch of CIFAR-10 has"


def test_only_gzipped_and_plain_archives_are_read(tmp_path):
    write_batches(tmp_path / "py", python2)
    file = tmp_path / "cifar.tar"
    for form, read in (("w", True), ("w:gz", True), ("w:bz2", False), ("w:xz", False)):
        with tarfile.open(file, form) as archive:
            archive.add(tmp_path / "py", "py")
        if read:
            assert len(read_images(file).pixels)
        else:
            assert said(file).startswith(f"{file} is damaged, or no archive (")


def test_archives_that_are_damaged_or_of_something_else(tmp_path):
    splits = write_batches(tmp_path / "py", python2)
    assert splits
    file = tmp_path / "cifar.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(tmp_path / "py", "py")
    whole = file.read_bytes()
    for cut in (0, 10, len(whole) // 2):
        file.write_bytes(whole[:cut])
        message = said(file)
        assert message.startswith(f"{file} is damaged, or no archive (")
        assert message.endswith("); get the file again")
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo("../data_batch_1")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/hosts"
        archive.addfile(member)
        other = tarfile.TarInfo("readme.html")
        other.size = 3
        archive.addfile(other, io.BytesIO(b"abc"))
    expected = f"{file} has no images of the split train: no file data_batch_1"
    assert said(file) == expected
    with tarfile.open(file, "w:gz") as archive:
        archive.addfile(other, io.BytesIO(b"abc"))
    assert said(file) == f"{file} holds no CIFAR-10 batches: data_batch_1 to data_batch_5 and test_batch"


# --- NumPy's files


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(
    "names", [("images", "labels"), ("train_images", "train_labels"), ("x_train", "y_train")], ids=" ".join
)
def test_numpy_arrays(tmp_path, pixels, names, last):
    file = tmp_path / "insects.npz"
    stored = pixels.transpose(0, 2, 3, 1) if last else pixels
    # Labels are of any whole type, and a column in some data sets.
    np.savez_compressed(file, **{names[0]: stored, names[1]: np.array(LABELS, np.uint8)[:, None]}, other=[1.0])
    images = read_images(file)
    assert same(images, pixels, LABELS)
    assert images.names == ("0", "1", "2", "3")
    assert images.source == "insects.npz: 6 images in NumPy arrays, without loss"


def test_numpy_arrays_of_both_splits(tmp_path, pixels):
    file = tmp_path / "both.npz"
    np.savez(file, x_train=pixels, y_train=LABELS, x_test=pixels[:2], y_test=LABELS[:2])
    assert same(read_images(file), pixels, LABELS)
    assert same(read_images(file, "test"), pixels[:2], LABELS[:2])
    folder = tmp_path / "files"
    folder.mkdir()
    np.savez(folder / "train.npz", images=pixels, labels=LABELS)
    np.savez(folder / "test.npz", images=pixels[:2], labels=LABELS[:2])
    assert same(read_images(folder), pixels, LABELS)
    assert same(read_images(folder, "test"), pixels[:2], LABELS[:2])
    (folder / "train.npz").unlink()
    assert said(folder) == f"cannot read {folder / 'train.npz'}: No such file or directory"
    assert said(folder / "test.npz") == (
        f"{folder / 'test.npz'} has no images of the split train: it holds images, labels, and train_images and "
        f"train_labels or x_train and y_train are needed"
    )


def test_numpy_arrays_that_are_no_images(tmp_path, pixels):
    file = tmp_path / "a.npz"
    shape = "uint8 of shape (N, h, w, 3) or (N, 3, h, w) is needed"
    numbers = "whole numbers of shape (6,) are needed"
    range_ = "whole numbers from 0 to 9999 are needed"
    for images, labels, message in (
        (pixels / 255, LABELS, f"images in {file} is float64 of shape (6, 3, 32, 32); {shape}"),
        (pixels[:, :1], LABELS, f"images in {file} is uint8 of shape (6, 1, 32, 32); {shape}"),
        (pixels[:, 0], LABELS, f"images in {file} is uint8 of shape (6, 32, 32); {shape}"),
        (
            pixels[..., :3],
            LABELS,
            f"images in {file} has the shape (6, 3, 32, 3), which does not say which of its axes are the colours",
        ),
        (pixels[:0], [], f"{file} holds no images"),
        (pixels, LABELS[:5], f"labels in {file} is int64 of shape (5,); {numbers}"),
        (pixels, np.array(LABELS) / 2, f"labels in {file} is float64 of shape (6,); {numbers}"),
        (pixels, list(map(str, LABELS)), f"labels in {file} is <U1 of shape (6,); {numbers}"),
        (pixels, [-1] * 6, f"{file} has the label -1; {range_}"),
        (pixels, [0, 10_000, 0, 0, 0, 0], f"{file} has the label 10000; {range_}"),
    ):
        np.savez(file, images=images, labels=labels)
        assert said(file) == message
    np.savez(file, images=pixels)
    assert said(file) == (
        f"{file} has no images of the split train: it holds images, and train_images and train_labels or "
        f"x_train and y_train or images and labels are needed"
    )


def test_numpy_files_that_are_damaged_or_pickled(tmp_path, pixels, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "a.npz"
    np.savez(file, images=pixels, labels=LABELS)
    whole = file.read_bytes()
    for content in (b"", whole[:100], whole[:-30], b"no archive", pickle.dumps(Harmful())):
        file.write_bytes(content)
        message = said(file)
        assert message.startswith(f"{file} cannot be read as NumPy arrays (")
        assert message.endswith("); get the file again")
    np.savez(file, images=np.array([Harmful()]), labels=LABELS)
    assert said(file).startswith(f"{file} cannot be read as NumPy arrays (Object arrays cannot be loaded")
    with file.open("wb") as one:
        np.save(one, pixels)
    assert "it holds one array, and" in said(file)
    # A header that announces more than the file holds.
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**15, 3, 8, 8)})
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("images.npy", header.getvalue())
        archive.writestr("labels.npy", header.getvalue())
    assert said(file).startswith(f"{file} cannot be read as NumPy arrays (")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz"]


# --- folders


def by_class(folder, contents, labels, ending="png"):
    for number, (content, label) in enumerate(zip(contents, labels, strict=True)):
        one = folder / CLASSES[label]
        one.mkdir(parents=True, exist_ok=True)
        (one / f"{number}.{ending}").write_bytes(content)


def test_folders_of_classes(tmp_path, pixels, pngs):
    by_class(tmp_path / "train", pngs, LABELS)
    by_class(tmp_path / "test", pngs[:1], [2])
    (tmp_path / "train" / "ant" / "notes.txt").write_text("ants")
    order = np.argsort(LABELS, kind="stable")
    images = read_images(tmp_path)
    assert same(images, pixels[order], sorted(LABELS))
    assert images.names == CLASSES
    assert images.source == "train: 6 images in folders, stored as PNG, without loss"
    test = read_images(tmp_path, "test")
    assert same(test, pixels[:1], [2])  # the number of its class, though the others are missing here
    assert test.names == CLASSES


def test_folders_without_a_split_are_the_training_images(tmp_path, pixels):
    folder = tmp_path / "insects"
    by_class(folder, [encoded(one, "JPEG") for one in pixels], LABELS, "JPG")
    assert "JPEG's compression" in read_images(tmp_path).source
    assert read_images(folder).counts == (2, 1, 1, 2)
    expected = f"{folder} has no images of the split test: no folder test with one folder a class"
    assert said(folder, "test") == expected


def test_a_folder_that_is_one_split(tmp_path, pngs):
    by_class(tmp_path / "test", pngs, LABELS)
    assert len(read_images(tmp_path / "test", "test")) == 6
    expected = f"{tmp_path / 'test'} has no images of the split train: no folder train with one folder a class"
    assert said(tmp_path / "test") == expected
    assert said(tmp_path) == f"{tmp_path} has no images of the split train: no folder train with one folder a class"


def test_a_damaged_image_is_named(tmp_path, pngs):
    by_class(tmp_path, pngs, LABELS)
    file = tmp_path / "bee" / "2.png"
    file.write_bytes(pngs[2][:60])
    assert said(tmp_path) == f"{file} is a damaged PNG image; get the file again"
    file.write_bytes(b"")
    assert said(tmp_path) == f"{file} begins neither like a PNG nor like a JPEG image"


# --- anything else


def test_what_is_not_there_or_unknown(tmp_path):
    assert said(tmp_path / "nowhere") == f"there is no file or folder {tmp_path / 'nowhere'}"
    assert said(tmp_path) == f"{tmp_path} holds no images in a known form: {FORMS}"
    file = tmp_path / "photo.gif"
    file.write_bytes(b"GIF89a")
    assert said(file) == f"{file} is in no known form: {FORMS}"
    assert said(tmp_path, "validation") == "there is no split 'validation'; it is train or test"


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    for name in ("train.parquet", "test_batch"):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).symlink_to(tmp_path / "gone")
        message = said(folder, "train" if "train" in name else "test")
        assert message.startswith(f"cannot read {folder}")
        assert "No such file" in message


@pytest.mark.skipif(not os.environ.get("QUARTIC_CIFAR10"), reason="QUARTIC_CIFAR10 names no copy of CIFAR-10")
@pytest.mark.parametrize(("split", "each"), [pytest.param("train", 5000, marks=pytest.mark.slow), ("test", 1000)])
def test_the_real_images(split, each):
    images = read_images(os.environ["QUARTIC_CIFAR10"], split)
    assert images.counts == (each,) * 10
    assert images.pixels.shape[1:] == (3, 32, 32)
    # Neither JPEG nor the choice of the split moves a channel by a hundredth of its range.
    colours = images.pixels[::5] / 255
    assert np.abs(colours.mean((0, 2, 3)) - CHANNEL_MEAN).max() < 0.01
    assert np.abs(colours.std((0, 2, 3)) - CHANNEL_STD).max() < 0.01
