"""The fuzzing of everything that is read from outside, for a few inputs each; and that it finds what it should."""

import importlib.util
import os
import random
import sys
from pathlib import Path

import pytest
import sympy

from derive import InputError
from verify.audits.target import _matrix, find_target
from verify.papers.printed.conditions import read_condition
from verify.papers.printed.reading import read_expansion

BENCH = Path(__file__).parents[2] / "bench"
# Each made one of the readers raise something else than InputError, or would have hung it.
FOUND = {
    "A0.npy": b"\x93NUMPY\x01\x00\x0e\x00{'descr': '<f8\n",
    "expansion.json": b"{" + b'"a":{' * 5000,
    "formula": b"exp(2147483648 tau) Tr[W W^T]",
    "condition": "eΣ_ij".encode() * 500,
    "TARGET": b"\x7f/" * 1000,
}


def load(name):
    spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fuzz():
    before = sys.path[:]
    yield load("fuzz")
    sys.path[:] = before
    for name in ("fuzz", "fuzz_targets"):
        sys.modules.pop(name, None)


def test_nothing_that_is_read_crashes_or_runs_code(fuzz):
    targets = load("fuzz_targets").targets()
    assert list(fuzz.fuzz(targets, seconds=60.0, seed=0, runs=12)) == []
    assert all(target.runs >= 12 for target in targets)
    assert sum(target.refused for target in targets) > 100


def raising(content, _):
    if b"7" in content:
        raise KeyError(content)
    raise InputError("this is refused")


def writing(_, __):
    Path("out").write_text("here", "utf-8")


def quiet(_, __):
    raise InputError(" ")


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (raising, "KeyError"),
        (writing, "written: out"),
        (quiet, "sentence"),
        (lambda *_: os.kill(os.getpid(), 14), "hang"),
    ],
    ids=["raises", "writes", "says nothing", "takes too long"],
)
def test_a_reader_that_is_wrong_is_found_out(read, what, fuzz):
    target = fuzz.Target("one", read, [b"5"], (b"7",))
    (found,) = fuzz.fuzz([target], seconds=20.0, seed=1, runs=60)
    assert found.what.startswith(what)


def test_inputs_that_reach_new_lines_are_kept(fuzz):
    target = fuzz.Target(
        "formula",
        lambda content, _: read_expansion(content.decode("utf-8", "replace"), loss="one", symbols={}),
        [b"Tr[W]"],
        (b"A0 W^T",),
    )
    list(fuzz.fuzz([target], seconds=20.0, seed=1, runs=80))
    assert len(target.corpus) > 1
    assert fuzz.changed(random.Random(1), target) == fuzz.changed(random.Random(1), target)


def test_what_was_found_stays_mended(tmp_path):
    (tmp_path / "A0.npy").write_bytes(FOUND["A0.npy"])
    with pytest.raises(InputError, match="holds no matrix of numbers"):
        _matrix(str(tmp_path / "A0.npy"))
    with pytest.raises(InputError, match="starts like JSON but is not JSON"):
        read_expansion(FOUND["expansion.json"].decode(), loss="one", symbols={})
    with pytest.raises(InputError, match="e is raised to whole numbers and fractions up to 100"):
        read_expansion(FOUND["formula"].decode(), loss="one", symbols={"tau": sympy.Symbol("tau")})
    for inside in (FOUND["condition"].decode(), "(" * 3000 + "a_i", "not(" * 3000):
        with pytest.raises(InputError):
            read_condition(inside, {})
    with pytest.raises(InputError, match="names no loss") as refused:
        find_target(FOUND["TARGET"].decode())
    assert len(str(refused.value)) < 300
