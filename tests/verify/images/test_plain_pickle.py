"""Pickles of plain data are read as pickle reads them; nothing in them is executed."""

import os
import pickle
import pickletools

import numpy as np
import pytest
from stored import python2

from derive import InputError
from verify.images.plain_pickle import read_plain

PLAIN = {
    b"batch_label": b"training batch 1 of 5",
    b"long": b"x" * 300,
    "text": "ä€😀" * 100,
    b"labels": [6, 9, 0, 255, 256, 70000, -1, 2**40, -(2**40)],
    b"data": np.arange(24, dtype=np.uint8).reshape(4, 6),
    "fortran": np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
    b"halves": np.array([0.5, -1.5], dtype="<f8"),
    b"none": [None, True, False, 0.5, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {}, {1: [[]]}],
}
MANY = {b"labels": list(range(3000)), b"filenames": [f"{k}.png".encode() for k in range(3000)]}


def same(one, other):
    if isinstance(one, np.ndarray):
        # The order of bytes aside: pickle makes it the machine's.
        alike = isinstance(other, np.ndarray) and one.dtype.newbyteorder("=") == other.dtype.newbyteorder("=")
        return alike and np.array_equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


def said(content):
    with pytest.raises(InputError) as error:
        read_plain(content, "data_batch_1")
    return str(error.value)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", [PLAIN, MANY])
def test_it_reads_what_pickle_wrote(value, protocol):
    assert same(read_plain(pickle.dumps(value, protocol), "a file"), value)


def test_it_reads_what_python_2_wrote():
    content = python2(PLAIN | MANY)
    assert b"cnumpy.core.multiarray\n_reconstruct" in content
    names = {instruction.name for instruction, _, _ in pickletools.genops(content)}
    assert {"SHORT_BINSTRING", "BINSTRING", "GLOBAL", "REDUCE", "BUILD"} <= names
    assert names.isdisjoint({"BINBYTES", "SHORT_BINBYTES", "FRAME"})
    assert same(read_plain(content, "a file"), pickle.loads(content, encoding="bytes"))  # noqa: S301 - this test wrote it


class Harmful:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "place", [lambda harm: harm, lambda harm: {b"data": harm, b"labels": [0]}, lambda harm: [harm]]
)
def test_a_malicious_pickle_is_not_executed(tmp_path, monkeypatch, protocol, place):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps(place(Harmful(os.mkdir, "made-by-the-pickle")), protocol)
    message = said(content)
    assert not (tmp_path / "made-by-the-pickle").exists()
    if protocol >= 2:
        name = f"{os.mkdir.__module__}.mkdir"
        expected = f"data_batch_1 asks for the function {name}, which images and labels do not need; nothing of it was "
        assert message == expected + "executed"
    pickle.loads(content)  # noqa: S301 - it makes a folder, and that is the point
    assert (tmp_path / "made-by-the-pickle").exists()  # it is malicious


@pytest.mark.parametrize(
    "harm",
    [Harmful(eval, "1 + 1"), Harmful(getattr, PLAIN, "clear"), Harmful(np.fromfile, "x"), Harmful(np.load, "x"), print],
)
def test_every_other_function_is_refused(harm):
    assert " asks for the function " in said(pickle.dumps({"data": harm}))


def test_instructions_that_make_objects_are_refused():
    for content, name in (
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"\x80\x02(cnumpy\nndarray\no.", "OBJ"),
        (b"(S'x'\nios\nsystem\n.", "STRING"),
        (b"\x80\x02Vx\nQ.", "UNICODE"),
        (b"\x80\x02K\x01Q.", "BINPERSID"),
        (b"\x80\x02\x82\x01.", "EXT1"),
    ):
        expected = f"data_batch_1 uses the pickle instruction {name}, which images and labels do not need; "
        assert said(content) == expected + "nothing of it was executed"


@pytest.mark.parametrize("protocol", [2, 5])
def test_arrays_of_anything_but_numbers_are_refused(protocol):
    for array in (np.array([None, 1], dtype=object), np.array(["a"]), np.array([(1, 2.0)], dtype="i4,f8")):
        assert said(pickle.dumps(array, protocol)) == (
            "data_batch_1 is cut short, damaged, or no pickle; get the file again"
        )


def test_a_pickle_that_is_cut_anywhere_is_refused():
    whole = pickle.dumps({b"data": np.zeros((2, 3), np.uint8), b"labels": [1, 2]}, 4)
    for cut in range(len(whole)):
        assert said(whole[:cut]) == "data_batch_1 is cut short, damaged, or no pickle; get the file again"


def test_random_damage_is_refused_or_read_and_nothing_else():
    whole = bytearray(python2({b"data": np.zeros((2, 3), np.uint8), b"labels": [1, 2], b"t": ((1,), b"x")}))
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(3000):
        damaged = whole.copy()
        for at in rng.integers(0, len(whole), 2):
            damaged[at] = rng.integers(0, 256)
        try:
            read_plain(bytes(damaged), "a file")
        except InputError:
            refused += 1
    assert refused > 1000


def test_nesting_without_end_is_refused_or_read():
    deep = b"\x80\x02)" + b"\x85" * 50_000
    read_plain(deep + b".", "a file")
    assert said(b"\x80\x02}" + deep[2:] + b"K\x01s.") == (
        "data_batch_1 is cut short, damaged, or no pickle; get the file again"
    )
