"""The file of results: what it survives, and what it refuses."""

import json

import pytest

from derive import InputError
from verify.running.sweeps import results as module
from verify.running.sweeps.results import Results
from verify.running.sweeps.sweep import Sweep
from verify.running.sweeps.writing import usable_folder, write_whole

UNITS = tuple({"seed": seed, "steps": 3} for seed in range(4))
SWEEP = Sweep("walks", "units:walk", UNITS)
VALUES = [0.1 + 0.2, -1e-300, 3.0, float("inf")]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "walks.jsonl"
    with Results(path, SWEEP) as results:
        for unit, value in enumerate(VALUES[:3]):
            results.add(unit, {"end": value})
    return path


def refused(path, sweep=SWEEP):
    before = path.read_bytes()
    with pytest.raises(InputError) as error:
        Results(path, sweep)
    assert path.read_bytes() == before
    return str(error.value)


def test_numbers_come_back_to_the_bit(file):
    with Results(file, SWEEP) as results:
        assert results.done == {unit: {"end": value} for unit, value in enumerate(VALUES[:3])}
        assert results.left == [3]
        results.add(3, {"end": VALUES[3]})
        assert [one["end"] for one in results.in_order] == VALUES


def test_every_cut_is_repaired_or_refused_and_loses_one_unit_at_most(file):
    whole = file.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole)):
        file.write_bytes(whole[:cut])
        if cut < ends[0]:
            assert refused(file) == f"{file} is not a results file of a sweep; move it away, or write elsewhere"
            continue
        said = []
        with Results(file, SWEEP, said.append) as results:
            kept = sum(end <= cut for end in ends[1:])
            assert list(results.done) == list(range(kept))
            results.add(3, {"end": 1.0})
        clean = cut in ends
        expected = f"{file} ended within a line, which was dropped; its unit is computed again"
        assert said == ([] if clean else [expected])
        with Results(file, SWEEP) as results:
            assert results.done[3] == {"end": 1.0}


def test_a_flipped_bit_is_found_in_every_byte(file):
    whole = file.read_bytes()
    start = whole.index(b"\n") + 1
    line = range(start, whole.index(b"\n", start))
    for at in line:
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        expected = f"line 2 of {file} is damaged; remove that line to have its unit computed again"
        assert refused(file) == expected


@pytest.mark.parametrize(
    "other",
    [
        Sweep("walks", "units:walk", UNITS[:3]),
        Sweep("walks", "units:other", UNITS),
        Sweep("walks", "units:walk", (*UNITS[:3], {"seed": 9, "steps": 3})),
    ],
)
def test_another_sweep_is_refused(file, other):
    expected = f"{file} holds the results of another sweep or other settings; move it away, or write elsewhere"
    assert refused(file, other) == expected


def test_other_versions_are_refused(file, monkeypatch):
    monkeypatch.setattr("verify.running.sweeps.sweep._version", lambda name: f"{name} 99")
    assert refused(file) == f"{file} holds the results of other versions; move it away, or write elsewhere"


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b'{"quartic-sweep": 1}\n', b"\x00\xff\n"])
def test_a_file_of_something_else_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    assert refused(path) == f"{path} is not a results file of a sweep; move it away, or write elsewhere"


def test_a_file_in_use_is_refused(file):
    with Results(file, SWEEP):
        assert refused(file) == f"{file} is in use by another run; wait for it, or write elsewhere"
    with Results(file, SWEEP):
        pass


def test_a_file_that_cannot_be_made_is_one_sentence(tmp_path):
    path = tmp_path / "missing" / "walks.jsonl"
    with pytest.raises(InputError) as error:
        Results(path, SWEEP)
    assert str(error.value) == f"cannot write the results to {path}: No such file or directory"


def test_a_full_disk_is_one_sentence(file, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with Results(file, SWEEP) as results, pytest.raises(InputError) as error:
        results.add(3, {"end": 1.0})
    assert str(error.value) == f"cannot write the results to {file}: No space left on device"
    assert 3 not in results.done


def test_a_unit_is_written_once(file):
    with Results(file, SWEEP) as results:
        results.add(0, {"end": 99.0})
        assert results.done[0] == {"end": VALUES[0]}


def test_the_header_says_what_the_file_is(file):
    header = json.loads(file.read_text("utf-8").splitlines()[0].partition(" ")[2])
    assert header["name"] == "walks"
    assert set(header["versions"]) == {"quartic", "torch", "numpy"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    write_whole(path, b"before")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("verify.running.sweeps.writing.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"after")
    assert [one.name for one in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_bytes() == b"before"


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    place = tmp_path / "out"
    place.write_text("mine")
    with pytest.raises(InputError) as error:
        usable_folder(place)
    assert str(error.value) == f"cannot write to the folder {place}: File exists"
    assert place.read_text() == "mine"
