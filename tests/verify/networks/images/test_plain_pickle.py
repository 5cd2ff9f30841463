"""Pickles of plain data are read as pickle reads them; nothing in them is executed."""

import copyreg
import os
import pickle
import pickletools
import sys
import tracemalloc

import numpy as np
import pytest
from stored import python2

from derive import InputError
from verify.networks.images import plain_pickle
from verify.networks.images.plain_pickle import read_plain

PLAIN = {
    b"batch_label": b"training batch 1 of 5",
    b"long": b"x" * 300,
    "text": "ä€😀" * 100,
    b"labels": [6, 9, 0, 255, 256, 70000, -1, 2**31 - 1, -(2**31)],
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
        # Whole numbers of any length: many keys with one hash could be made of them.
        (b"\x80\x02\x8a\x01\x00.", "LONG1"),
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


DAMAGED = "data_batch_1 is cut short, damaged, or no pickle; get the file again"


def test_nesting_without_end_is_refused_or_read():
    lists = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999
    read_plain(lists + b".", "a file")
    # As a key it is hashed, in C, to its depth.
    for depth in (2_000, 2_000_000):
        assert said(b"\x80\x02})" + b"\x85" * depth + b"K\x01s.") == DAMAGED
    assert said(b"\x80\x02}" + lists[2:] + b"K\x01s.") == DAMAGED


def twice(put, get):
    """A tuple of two of the tuple before, a hundred times over, as a key: 2^100 hashes."""
    return b"\x80\x04})" + b"".join(put(k) + get(k) + b"\x86" for k in range(100)) + b"K\x01s."


@pytest.mark.parametrize(
    "content",
    [
        twice(lambda k: b"q" + bytes([k]), lambda k: b"h" + bytes([k])),
        twice(lambda _: b"\x94", lambda k: b"h" + bytes([k])),
        # What is put after it has changed nothing is still the tuple.
        twice(lambda k: b"(eq" + bytes([k]), lambda k: b"h" + bytes([k])),
        twice(lambda k: b"Nbq" + bytes([k]), lambda k: b"h" + bytes([k])),
        # The place of a number that is overwritten by the tuple: MEMOIZE counts what lies there.
        b"\x80\x04}K\x01q\x01\x85\x94h\x01h\x01\x86s.",
        b"\x80\x04}K\x01q\x00\x85q\x00h\x00h\x00\x86s.",
        # A list that holds itself.
        b"\x80\x04]q\x00h\x00a.",
    ],
)
def test_no_tuple_or_list_is_fetched_from_the_memo(content):
    assert said(content) == DAMAGED


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02K\x01r\xff\xff\xff\x7f.",  # a memo of 2^31 places
        b"\x80\x02K\x01q\x02.",
        b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"N.",  # a frame, bytes, text
        b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x.",
        b"\x80\x04\x8e" + (2**36).to_bytes(8, "little") + b"x.",
        b"\x80\x05\x96" + (2**36).to_bytes(8, "little") + b"x.",
        b"\x80\x04\x8d" + (2**36).to_bytes(8, "little") + b"x.",
        b"\x80\x02T\xff\xff\xff\x7fx.",
        b"\x80\x02T\xff\xff\xff\xffx.",
        # One long text encoded a thousand times.
        b"\x80\x02](c_codecs\nencode\nq\x00X\xe8\x03\x00\x00"
        + b"x" * 1000
        + b"q\x01X\x06\x00\x00\x00latin1q\x02\x86R"
        + b"h\x00h\x01h\x02\x86R" * 1000
        + b"e.",
    ],
)
def test_a_small_file_asks_for_little_memory(content):
    tracemalloc.start()
    try:
        assert said(content) == DAMAGED
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_an_array_has_the_size_of_its_content():
    for shape in ((2**62, 2**62), (10**30,), (-1,), (1,) * 100, [6], (2.0, 3)):
        name = Harmful(np._core.multiarray._reconstruct, np.ndarray, (0,), b"b")
        content = pickle.dumps(Built(name.call, (1, shape, np.dtype("u1"), False, b"123456")), 2)
        assert said(content) in {DAMAGED, LONG}
    content = pickle.dumps(Built(name.call, (1, (2, 3), np.dtype("u1"), False, b"123456")), 2)
    assert read_plain(content, "a file").tolist() == np.frombuffer(b"123456", np.uint8).reshape(2, 3).tolist()


LONG = "data_batch_1 uses the pickle instruction LONG1, which images and labels do not need; nothing of it was executed"


class Built(Harmful):
    """What is made by a call, and then given a state."""

    def __init__(self, call, state):
        self.call = (*call, state)


KNOWN = [
    b"cnumpy\nndarray\n",
    b"cnumpy\ndtype\n",
    b"c_codecs\nencode\n",
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R",
    b"cnumpy\ndtype\nX\x02\x00\x00\x00u1K\x00K\x01\x87R",
]
STATES = [
    b"}X\x04\x00\x00\x00textX\x01\x00\x00\x00xs",  # an attribute, and one that slots would have
    b"N}X\x04\x00\x00\x00textX\x01\x00\x00\x00xs\x86",
    b"N}X\x05\x00\x00\x00valueNs\x86",
    b"N}X\x08\x00\x00\x00__call__X\x01\x00\x00\x00xs\x86",
    b"N}X\x09\x00\x00\x00__class__cnumpy\nndarray\ns\x86",
    b"}",
    b"N",
]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", [*KNOWN, b"]", b"}", b"C\x01x", b"\x96\x01" + bytes(7) + b"x"])
def test_no_attribute_is_set(name, state):
    before = {kind: dict(vars(kind)) for kind in (plain_pickle._Name, plain_pickle._Type, plain_pickle._Array)}
    content = b"\x80\x05" + name + state + b"b."
    if state == b"N" and name not in KNOWN:
        read_plain(content, "a file")  # pickle sets nothing then
    else:
        assert said(content) == DAMAGED
    assert before == {kind: dict(vars(kind)) for kind in before}
    assert same(read_plain(pickle.dumps(PLAIN, 2), "a file"), PLAIN)


@pytest.mark.parametrize("arguments", [b")", b"K\x01\x85", b"X\x01\x00\x00\x00OK\x00K\x01\x87", b"]"])
@pytest.mark.parametrize("name", KNOWN)
def test_stand_ins_take_only_what_arrays_are_written_with(name, arguments):
    assert said(b"\x80\x05" + name + arguments + b"R.") == DAMAGED


def test_methods_of_plain_values_are_not_reached():
    # APPENDS calls `extend`, SETITEMS sets items, where the object has them.
    for content in (b"C\x01x(K\x01e", b"X\x01\x00\x00\x00x(K\x01e", b")(K\x01e", b"cnumpy\ndtype\n(K\x01e"):
        assert said(b"\x80\x05" + content + b".") == DAMAGED
    for content in (b")K\x00K\x01s", b"cnumpy\ndtype\nK\x00K\x01s", b"C\x01xK\x00K\x01s"):
        assert said(b"\x80\x05" + content + b".") == DAMAGED


def test_nothing_is_imported_and_extensions_are_not_looked_up(monkeypatch):
    monkeypatch.setattr(copyreg, "_inverted_registry", {1: ("os", "system")})
    assert " uses the pickle instruction EXT1" in said(b"\x80\x02\x82\x01.")
    for name in ("antigravity.geohash", "verify.networks.images.plain_pickle._Name", "numpy.core.multiarray.scalar"):
        module, _, last = name.rpartition(".")
        expected = name.replace("numpy.core", "numpy._core")
        for content in (
            b"c" + f"{module}\n{last}\n".encode(),
            b"\x8c" + bytes([len(module)]) + module.encode() + b"\x8c" + bytes([len(last)]) + last.encode() + b"\x93",
        ):
            assert f" asks for the function {expected}, " in said(b"\x80\x04" + content + b".")
    assert "antigravity" not in sys.modules


def test_a_name_is_shown_in_one_line():
    name = b"X\x04\x00\x00\x00a\x0c\nb"
    assert " asks for the function a\\x0c\\nb.a\\x0c\\nb, " in said(b"\x80\x04" + name + name + b"\x93.")
    assert len(said(b"\x80\x04c" + b"x" * 10**6 + b"\ny\n.")) < 400
